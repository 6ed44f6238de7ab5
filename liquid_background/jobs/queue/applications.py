"""Which application each worker runs, and whether those that serve the same queues run the same one.

A worker's registration tells it in the field `lb_runs`: the application's name, the folder of its templates, and
digests of some of what it can run. What is compared:

- Templates where both have any, else functions; without either there is nothing to tell two applications by.
- Of each a sample: those whose names have the lowest digests, which are the same ones wherever the names are.
- They count as two when no more than half of it is the same in both; where name and folder are the same, only when less
  than a quarter is, and it is not just a few templates. So a deployment, in which old and new workers run beside each
  other for a while, is not two applications, unless it changes half of the templates at once, or most of them in place.
- Two sites that were made from one theme and changed little of it are taken for one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.store.asking import Asking, Refusal
from liquid_background.jobs.store.verdict import Severity, Verdict

_SAMPLED: Final = 64  # templates or functions
_DIGITS: Final = 8  # of a digest
_ALIKE: Final = 0.5  # of what two have together: no more is the same in two applications
_ALIKE_IN_PLACE: Final = 0.25  # likewise, where name and folder are the same
_ENOUGH_IN_PLACE: Final = 8  # templates or functions that there must be to go by
_LONGEST: Final = 8_192  # bytes of a registration's field that are read
_LONGEST_SHOWN: Final = 200  # characters of a name or a folder
_KEY: Final = keys.worker("").encode("ascii")
_MOST_WORKERS: Final = 200  # whose registrations are compared: those of one supervisor are alike


@dataclass(frozen=True, slots=True)
class Application:
    """An application as workers tell it: samples are digests of texts by digests of names."""

    name: str = ""  # the setting APP
    folder: str = ""  # of the templates
    templates: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> str:
        """Return what a registration says."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, value: bytes | None) -> Application | None:
        """Return what a registration says; None for what says nothing, as those of versions before."""
        if not value or len(value) > _LONGEST:
            return None
        try:
            said: Any = json.loads(value)
            samples = [_read_sample(said[name]) for name in ("templates", "functions")]
            return cls(str(said["name"])[:_LONGEST_SHOWN], str(said["folder"])[:_LONGEST_SHOWN], *samples)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def is_another(self, other: Application) -> bool:
        """Return whether two that serve the same queues are two applications."""
        for ours, theirs in ((self.templates, other.templates), (self.functions, other.functions)):
            if ours and theirs:
                names = sorted(ours.keys() | theirs.keys())[:_SAMPLED]
                alike = sum(name in ours and ours[name] == theirs.get(name) for name in names)
                if (self.name, self.folder) != (other.name, other.folder):
                    return alike <= _ALIKE * len(names)
                return alike < _ALIKE_IN_PLACE * len(names) and len(names) >= _ENOUGH_IN_PLACE
        return False

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.name, self.folder))) or "no name"


def sampled(names: Iterable[str]) -> dict[str, str]:
    """Return the names that an application is known by, by their digests: the lowest ones."""
    return dict(sorted((digest_of(name), name) for name in set(names))[:_SAMPLED])


def digest_of(text: str) -> str:
    """Return the digest of a name or a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _read_sample(said: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name)[:_DIGITS]: str(digest)[:_DIGITS] for name, digest in list(said.items())[:_SAMPLED]}


SITES: Final = "sites"
"""The name of the verdict."""


def two_sites(ask: Asking, site: str, registrations: Sequence[bytes], own: Application | None = None) -> Verdict | None:
    """Return the verdict on two applications that serve the same queues; None where there is one.

    Args:
        ask: a connection to the store.
        site: whose queues they are.
        registrations: the keys of the workers that serve them, of which some are compared.
        own: an application that is compared with theirs, too.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    there = _told(ask, registrations[:_MOST_WORKERS])
    told = [*([("this one", own)] if own is not None else []), *there]
    for (name, each), (other_name, other) in combinations(_first_of_each(told), 2):
        if each.is_another(other):
            named = f"the SITE {site!r}" if site else "no SITE"
            found = (
                f"two applications with {named} share this store and run each other's jobs, {name} ({each}) and "
                f"{other_name} ({other})"
            )
            remedy = "give each a SITE of its own, such as LIQUID_BACKGROUND_SITE=shop"
            return Verdict(SITES, Severity.WARNING, found, remedy)
    return None


def _first_of_each(told: Sequence[tuple[str, Application]]) -> list[tuple[str, Application]]:
    found: list[tuple[str, Application]] = []
    for name, application in told:
        if all(application != known for _, known in found):
            found.append((name, application))
    return found


def _told(ask: Asking, registrations: Sequence[bytes]) -> list[tuple[str, Application]]:
    """Return the applications that workers tell, each with the first worker that tells it so."""
    first: dict[bytes, bytes] = {}
    for key, said in zip(registrations, ask.ask(*(("HGET", key, keys.RUNS) for key in registrations)), strict=True):
        if said and not isinstance(said, Refusal):
            first.setdefault(said, key)
    told = [(text(key.removeprefix(_KEY), _LONGEST), Application.decode(said)) for said, key in first.items()]
    return [(f"worker {name}", application) for name, application in told if application is not None]
