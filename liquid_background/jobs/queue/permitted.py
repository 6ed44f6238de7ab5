"""Which of the commands that jobs need a server takes from this user now, on which keys.

Each is tried without effect: between MULTI and DISCARD a server judges a command as it does elsewhere, by whether there
is one, whether this user may run it on these keys and whether writes are taken, and runs none of them. Where MULTI is
not there or not allowed, a script asks the server what it would say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.needed import NEEDED, kinds_of_keys, needed
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store.asking import Asking, Refusal, Words
from liquid_background.jobs.store.health import refusal_verdict
from liquid_background.jobs.store.refusals import NOT_RENAMED, acl_keys, grant
from liquid_background.jobs.store.verdict import Severity, Verdict

_ON_KEY: Final = "LPOP"  # asks for both rights to a key: to read and to write
_HAS_NO_EFFECT: Final = ("EVALSHA", "PING", "TIME")  # with the arguments that they are tried with
_SHOWN: Final = 6  # kinds of keys that are named one by one
_UNKNOWN, _DENIED, _FINE = range(3)
_JUDGE: Final = f"""
local told = {{}}
for at = 1, redis.acl_check_cmd and #ARGV or 0 do
  local is_known, is_allowed = pcall(redis.acl_check_cmd, unpack(cjson.decode(ARGV[at])))
  told[at] = not is_known and {_UNKNOWN} or is_allowed and {_FINE} or {_DENIED}
end
return told
"""
"""Says of each command whether this user may run it; nothing on servers before 7, which have no words for it."""


def command_verdicts(ask: Asking, site: str = "") -> list[Verdict]:
    """Return which commands the server does not take, and why; none when it takes all. It changes nothing there.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    [begun] = ask.ask(("MULTI",))
    if isinstance(begun, Refusal):  # then what follows would be run
        return _without_trying(ask, site, begun)
    commands, kinds = needed(site), kinds_of_keys(site)
    tried: list[Words] = [(name, *arguments) for name, arguments in commands.items()]
    *replies, _ = ask.ask(*tried, *((_ON_KEY, kind) for kind in kinds), ("DISCARD",))
    refused = _refused(commands, replies)
    on_keys = _refused(kinds, replies[len(commands) :])
    closed = [kind for kind, reply in on_keys.items() if reply.is_denied_key]
    if _ON_KEY in refused and not refused[_ON_KEY].is_denied_key:  # then only by the commands that have been tried
        closed = [kind for kind in kinds if _is_tried_on(kind, _keyed(refused), commands)]
    return _verdicts(refused, closed, site)


def _refused(names: Collection[str], replies: Sequence[Any]) -> dict[str, Refusal]:
    return {name: reply for name, reply in zip(names, replies, strict=False) if isinstance(reply, Refusal)}


def _keyed(refused: Mapping[str, Refusal]) -> list[str]:
    return [name for name, reply in refused.items() if reply.is_denied_key]


def _is_tried_on(kind: str, names: Collection[str], commands: Mapping[str, Words]) -> bool:
    return any(fnmatchcase(str(word), kind) for name in names for word in commands[name])


def _verdicts(refused: Mapping[str, Refusal], closed: Sequence[str], site: str) -> list[Verdict]:
    missing = [name for name, reply in refused.items() if reply.is_unknown_command]
    denied = [name for name, reply in refused.items() if reply.is_denied and not reply.is_denied_key]
    others = [reply for reply in refused.values() if not reply.is_denied and not reply.is_unknown_command]
    verdicts = [_missing(missing), _denied(denied, closed, site), refusal_verdict(others)]
    return [verdict for verdict in verdicts if verdict is not None]


def _without_trying(ask: Asking, site: str, begun: Refusal) -> list[Verdict]:
    """Judge by what a script is told, and by commands that have no effect, a write that writes nothing among them."""
    commands, kinds = needed(site), kinds_of_keys(site)
    asked = [*((name, *arguments) for name, arguments in commands.items()), *((_ON_KEY, kind) for kind in kinds)]
    told, write, *replies = ask.ask(
        ("EVAL", _JUDGE, 0, *(json.dumps([str(word) for word in words]) for words in asked)),
        ("SETRANGE", own_name(site, keys.WRITABLE), 0, ""),
        *((name, *commands[name]) for name in _HAS_NO_EFFECT),
    )
    refused = _refused(("EVAL", "SETRANGE", *_HAS_NO_EFFECT), (told, write, *replies))
    if isinstance(told, Refusal) or not told:
        found = _verdicts({**_absent(ask), **refused}, [], site)
        return found or [_unknown(begun)]
    closed = [kind for kind, word in zip(kinds, told[len(commands) :], strict=True) if word == _DENIED]
    if len(closed) == len(kinds) and not (isinstance(write, Refusal) and write.is_denied_key):
        closed = []  # it is the command that they were tried with
    on_closed = {name for name in commands if any(_is_tried_on(kind, [name], commands) for kind in closed)}
    judged = {
        name: _KEY_DENIED if word == _DENIED and name in on_closed else _as_refusal(word)  # a script is not told why
        for name, word in zip(commands, told, strict=False)
        if word != _FINE
    }
    return _verdicts({**judged, **refused}, closed, site)


_COMMAND_DENIED: Final = Refusal("NOPERM this user has no permissions to run the command")
_KEY_DENIED: Final = Refusal("NOPERM this user has no permissions to access one of the keys")


def _as_refusal(word: int) -> Refusal:
    return _COMMAND_DENIED if word == _DENIED else Refusal("ERR unknown command")


def _absent(ask: Asking) -> dict[str, Refusal]:
    """Return the commands that there are not."""
    [known] = ask.ask(("COMMAND", "INFO", *NEEDED))
    if isinstance(known, Refusal):
        return {}
    return {name: _as_refusal(_UNKNOWN) for name, facts in zip(NEEDED, known, strict=True) if not facts}


def _unknown(begun: Refusal) -> Verdict:
    if begun.is_unknown_command:
        why, remedy = "it does not know MULTI", NOT_RENAMED
    else:
        why, remedy = "it does not let this user run MULTI", "grant +multi and +discard, or ask who runs it"
    found = f"cannot tell which commands the store takes from this user: {why}"
    return Verdict("rights", Severity.UNKNOWN, found, remedy)


def _missing(names: list[str]) -> Verdict | None:
    if not names:
        return None
    found = f"the store does not know {', '.join(names)}, which jobs need"
    return Verdict("commands", Severity.WRONG, found, NOT_RENAMED)


def _denied(names: Sequence[str], closed: Sequence[str], site: str) -> Verdict | None:
    parts = [f"run {', '.join(names)}"] if names else []
    parts += [f"use the keys {', '.join(_patterns(closed, site))}"] if closed else []
    if not parts:
        return None
    found = f"this user may not {' nor '.join(parts)}, which jobs need"
    return Verdict("rights", Severity.WRONG, found, f"its ACL rule must grant at least {grant(site)}")


def _patterns(closed: Sequence[str], site: str) -> Iterator[str]:
    """Yield the kinds of keys that may not be used, those that one part of the rule stands for as that."""
    parts: dict[str, list[str]] = {}
    for kind in kinds_of_keys(site):
        *_, narrowest = (pattern for pattern in acl_keys(site) if fnmatchcase(kind, pattern))
        parts.setdefault(narrowest, []).append(kind)
    single: list[str] = []
    for pattern, kinds in parts.items():
        if {*kinds} <= {*closed}:
            yield pattern
        else:
            single += [kind for kind in kinds if kind in closed]
    yield from single[:_SHOWN]
    if len(single) > _SHOWN:
        yield f"and {len(single) - _SHOWN} more"
