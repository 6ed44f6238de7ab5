"""The commands that the scripts and the connections run, and which of them a server takes from this user now.

Each is tried without effect: between MULTI and DISCARD a server judges a command as it does elsewhere, by whether there
is one, whether this user may run it on these keys and whether writes are taken, and runs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store.asking import Asking, Refusal, Words
from liquid_background.jobs.store.health import refusal_verdict
from liquid_background.jobs.store.refusals import ACL
from liquid_background.jobs.store.verdict import Severity, Verdict

_JOB: Final = keys.job("-")
_QUEUE: Final = keys.queue(keys.QUEUES[0])
_SET: Final = keys.RQ_WORKERS
_SORTED: Final = keys.LEASES
_STREAM: Final = keys.results("-")
_OWN: Final = keys.WRITABLE
_OTHER: Final = f"{keys.SET_ASIDE}-"

NEEDED: Final[Mapping[str, Words]] = {
    "BLPOP": (_QUEUE, "0.001"),
    "DEL": (_OWN,),
    "EVAL": ("return 1", 0),
    "EVALSHA": ("0" * 40, 0),
    "EXISTS": (_OWN,),
    "EXPIRE": (_JOB, 1),
    "GET": (_OWN,),
    "GETRANGE": (_OWN, 0, 0),
    "HDEL": (_JOB, "-"),
    "HGET": (_JOB, "-"),
    "HINCRBY": (_JOB, "-", 0),
    "HINCRBYFLOAT": (_JOB, "-", 0),
    "HMGET": (_JOB, "-"),
    "HSET": (_JOB, "-", "-"),
    "HSETNX": (_JOB, "-", "-"),
    "HSTRLEN": (_JOB, "-"),
    "LINDEX": (_QUEUE, 0),
    "LLEN": (_QUEUE,),
    "LPOP": (_QUEUE,),
    "LPUSH": (_QUEUE, "-"),
    "LRANGE": (_QUEUE, 0, 0),
    "LREM": (_QUEUE, 1, "-"),
    "PERSIST": (_JOB,),
    "PING": (),
    "RENAME": (_OWN, _OTHER),
    "RPUSH": (_QUEUE, "-"),
    "SADD": (_SET, "-"),
    "SCARD": (_SET,),
    "SCRIPT": ("LOAD", "return 1"),
    "SET": (_OWN, "-"),
    "SETRANGE": (_OWN, 0, ""),
    "SISMEMBER": (_SET, "-"),
    "SMEMBERS": (_SET,),
    "SRANDMEMBER": (_SET,),
    "SREM": (_SET, "-"),
    "TIME": (),
    "TYPE": (_OWN,),
    "XADD": (_STREAM, "*", "-", "-"),
    "XLEN": (_STREAM,),
    "XRANGE": (_STREAM, "-", "+"),
    "XREAD": ("STREAMS", _STREAM, "0"),
    "XREVRANGE": (_STREAM, "+", "-"),
    "XTRIM": (_STREAM, "MAXLEN", 1),
    "ZADD": (_SORTED, 0, "-"),
    "ZCARD": (_SORTED,),
    "ZCOUNT": (_SORTED, 0, 0),
    "ZRANGE": (_SORTED, 0, 0),
    "ZRANGEBYSCORE": (_SORTED, 0, 0),
    "ZREM": (_SORTED, "-"),
    "ZREMRANGEBYSCORE": (_SORTED, 0, 0),
    "ZREVRANGE": (_SORTED, 0, 0),
    "ZSCORE": (_SORTED, "-"),
}
"""With arguments of which each is a key that is never there, or one of ours: those of no site."""


def needed(site: str) -> Mapping[str, Words]:
    """Return the commands with the keys of a site."""
    names: dict[str | bytes | int, str] = {name: own_name(site, name) for name in (_SORTED, _OWN, _OTHER)}
    names[_QUEUE] = keys.queue(queue_name(site, keys.QUEUES[0]))
    return {name: tuple(names.get(word, word) for word in words) for name, words in NEEDED.items()}


def command_verdicts(ask: Asking, site: str = "") -> list[Verdict]:
    """Return which commands the server does not take, and why; none when it takes all. It changes nothing there.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    [begun] = ask.ask(("MULTI",))
    if isinstance(begun, Refusal):  # then what follows would be run
        return _without_trying(ask, begun)
    *replies, _ = ask.ask(*((name, *arguments) for name, arguments in needed(site).items()), ("DISCARD",))
    refused = {name: reply for name, reply in zip(NEEDED, replies, strict=True) if isinstance(reply, Refusal)}
    missing = [name for name, reply in refused.items() if reply.is_unknown_command]
    denied = {name: reply for name, reply in refused.items() if reply.is_denied}
    others = [reply for name, reply in refused.items() if name not in missing and name not in denied]
    verdicts = [_missing(missing), _denied(denied), refusal_verdict(others)]
    return [verdict for verdict in verdicts if verdict is not None]


def _without_trying(ask: Asking, begun: Refusal) -> list[Verdict]:
    """Return what can be told when nothing can be tried: which commands there are."""
    [known] = ask.ask(("COMMAND", "INFO", *NEEDED))
    missing = [] if isinstance(known, Refusal) else _absent(known)
    why = "does not know MULTI" if begun.is_unknown_command else "does not let this user run MULTI"
    found = f"cannot tell whether the store takes writes, and which commands from this user: it {why}"
    unknown = Verdict("writes", Severity.UNKNOWN, found, f"grant {ACL}")
    verdicts = [_missing(missing), refusal_verdict([begun]) if not begun.is_denied else None, unknown]
    return [verdict for verdict in verdicts if verdict is not None]


def _absent(known: list[Any]) -> list[str]:
    return [name for name, facts in zip(NEEDED, known, strict=True) if not facts]


def _missing(names: list[str]) -> Verdict | None:
    if not names:
        return None
    found = f"the store does not know {', '.join(names)}, which jobs need"
    remedy = "take the lines that disable or rename them (rename-command) out of the server's configuration"
    return Verdict("commands", Severity.WRONG, found, remedy)


def _denied(refused: Mapping[str, Refusal]) -> Verdict | None:
    if not refused:
        return None
    on_keys = [name for name, reply in refused.items() if " key" in reply.text]
    others = [name for name in refused if name not in on_keys]
    parts = [f"run {', '.join(others)}"] if others else []
    parts += [f"use the keys {', '.join(_patterns(on_keys))}"] if on_keys else []
    found = f"this user may not {' nor '.join(parts)}, which jobs need"
    return Verdict("rights", Severity.WRONG, found, f"its ACL rule must grant at least {ACL}")


def _patterns(names: list[str]) -> list[str]:
    """Return which of our keys commands were tried on."""
    words = {str(word) for name in names for word in NEEDED[name]}
    return [f"{root}:*" for root in ("rq", "liquid_background") if any(word.startswith(f"{root}:") for word in words)]
