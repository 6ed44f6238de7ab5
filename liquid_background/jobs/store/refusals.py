"""What a store's error replies say of it, and what to do: for whatever client heard them."""

from __future__ import annotations

import re
from typing import Final

SETTING: Final = "LIQUID_BACKGROUND_REDIS_URL"
NOT_RENAMED: Final = "take the lines that disable or rename commands (rename-command) out of the server's configuration"

_COMMANDS: Final = "+@all -@dangerous -@admin"
_OF_ALL_SITES: Final = (  # RQ's keys that hold no name of a site
    *("rq:job:*", "rq:results:*", "rq:execution:*", "rq:executions:*", "rq:worker:*"),
    *("rq:workers", "rq:queues", "rq:suspended"),
)


def acl_keys(site: str) -> tuple[str, ...]:
    """Return the patterns of the keys that a user needs for the jobs of a site, or of all without one."""
    return (f"liquid_background:{site}.*", f"rq:*:{site}.*", *_OF_ALL_SITES) if site else _ALL


_ALL: Final = ("rq:*", "liquid_background:*")


def grant(site: str) -> str:
    """Return the rights that a user needs for the jobs of a site, or of all without one, as ACL SETUSER takes them."""
    patterns = " ".join(f"~{pattern}" for pattern in acl_keys(site))
    return f"{patterns} &* {_COMMANDS} (see docs/sites.md)" if site else f"{patterns} {_COMMANDS}"


_OLDEST_REDIS: Final = (6, 2)

# By the code that a server's error begins with; servers before 7 put a script's code in mid-sentence, after a dash.
_LOGIN = f"refused the login: check the user name and the password in {SETTING}"
_RIGHTS = (
    f"does not allow this user what is needed: its ACL rule must grant at least {grant('')}, or what docs/sites.md has "
    "for a SITE"
)
_CLUSTER = f"is a Redis Cluster, which is not supported: point {SETTING} at a single primary"
_NUMBER = (
    f"has no database of the number that {SETTING} ends with: write a lower one, as in redis://host:6379/0, or raise "
    "the server's setting `databases`"
)
REASONS: Final = {
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": _RIGHTS,
    # What a command in a script is told instead, by servers from 7 on and by those before.
    "ACL failure in script": _RIGHTS,
    "The user executing the script": _RIGHTS,
    "LOADING": "is still loading its data: try again in a moment",
    "OOM": "is out of memory and refused the write: free memory or raise its maxmemory",
    "MISCONF": "cannot save to its disk and refuses writes: see its log, most often the disk is full",
    "READONLY": f"is a read-only replica: point {SETTING} at the primary, or try again once a failover is over",
    "MASTERDOWN": "is a replica that has lost its primary: try again once a failover is over",
    "UNBLOCKED": "was made a replica while it was waited for: try again once a failover is over",
    "NOREPLICAS": "has fewer replicas than its min-replicas-to-write asks for and refuses writes: bring its replicas "
    "back, or lower it",
    "BUSY": "is busy with a script that does not end: try again, or run SCRIPT KILL on it",
    "CLUSTERDOWN": _CLUSTER,
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    # What SELECT is told: of a number that is too high, and of one that is none for the server.
    "DB index is out of range": _NUMBER,
    "invalid DB index": _NUMBER,
}
ELSEWHERE: Final = frozenset(("READONLY", "MASTERDOWN", "UNBLOCKED", "NOREPLICAS"))
"""What a server answers that may not be the primary any more. It has done nothing of what it answers so: a script gets
it at its first write, or before it begins, and a role cannot change while a script runs."""

# A server adds what the command was given: values of jobs, a script's source, even a password.
_UNKNOWN: Final = re.compile(r"(?:ERR )?unknown (?:sub)?command ['`]([^'`]*)", re.IGNORECASE)
_GIVEN: Final = ", with args beginning with"
_CODE: Final = re.compile(rf"(?:^|-|script: \d+: )(?:ERR )?({'|'.join(REASONS)})\b")


def explain_refusal(error: str) -> str | None:
    """Return what a server's error says of the store, and what to do; None for one without a known code."""
    code = code_in(error)
    return None if code is None else REASONS[code]


def unknown_command(error: str) -> str | None:
    """Return the name of the command that the server does not know, from its error; None for any other error."""
    found = _UNKNOWN.match(error)
    return found[1].upper() if found else None


def explain_unknown(error: str) -> str | None:
    """Return what to say of a store that does not know a command, from its error; None for any other error."""
    name = unknown_command(error)
    if name is None:
        return None
    return (
        f"does not know {name}, which jobs need: take the lines that disable or rename it (rename-command) "
        "out of the server's configuration"
    )


def without_arguments(error: str) -> str:
    """Return a server's error without what the command was given."""
    return error.partition(_GIVEN)[0]


def code_in(error: str) -> str | None:
    """Return the code that a server's error begins with; None when it is not one that is known here."""
    found = _CODE.search(error)
    return found[1] if found else None


def unreachable(reason: str) -> str:
    """Return what to say of a store to which no connection can be made."""
    return f"cannot be reached ({reason}): start it, correct {SETTING}, or unset that to use the embedded store"


def unsuitable(server: str, version: str, mode: str) -> str | None:
    """Return why a server cannot hold jobs and what to do, from what it says of itself; None for one that can.

    Args:
        server: "redis", or another name.
        version: such as 6.2.1.
        mode: standalone, cluster or sentinel.
    """
    if mode == "cluster":
        return "is a Redis Cluster, which is not supported: use one primary"
    if mode == "sentinel":
        return (
            "is a Sentinel, which holds no data: write redis+sentinel:// and behind its host the name of the service, "
            "as in redis+sentinel://h1:26379,h2:26379/mymaster/0"
        )
    if server == "redis" and tuple(map(int, re.findall(r"\d+", version)[:2])) < _OLDEST_REDIS:
        return f"is Redis {version}: 6.2 or newer or Valkey is needed"
    return None
