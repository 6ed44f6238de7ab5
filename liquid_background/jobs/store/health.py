"""What a server says about the safety of the jobs in it: what it keeps, how full it is, whether its clock is right."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from liquid_background.basic_errors import StoreUnavailable
from liquid_background.jobs.store.asking import Asking, Refusal
from liquid_background.jobs.store.refusals import NOT_RENAMED, unsuitable
from liquid_background.jobs.store.verdict import Severity, Verdict
from liquid_background.wording import counted

FULL: Final = 90  # percent of the memory from which on a store is nearly full
_CLOCK_SLACK: Final = 2.0  # seconds between two clocks that are set by the same time service, and more
_MEGABYTE: Final = 1024 * 1024
SMALL_NODE: Final = 512
"""Bytes for `stream-node-max-bytes`. A result is a stream with one entry, which takes a node whole: one of 200
characters takes 4.3 KB with the default of 4,096, 1.1 with 1,024 and 0.7 with this. A log entry takes 124, 142 and 210
bytes, and the log has an end. With 384, 100 bytes less and 80 more are nothing gained (`benchmarks/store_size.py`)."""
_LARGE_NODE: Final = 1024  # from which on less is advised
_NODE: Final = "stream-node-max-bytes"
_ASKED: Final = ("save", "appendfsync", "min-replicas-to-write", _NODE)


@dataclass(frozen=True, slots=True)
class ServerSays:
    """What a server told of itself; `info` and `settings` are empty where this user may not ask."""

    info: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str] = field(repr=False)  # those of _ASKED
    clock: tuple[float, float, float] | None = None  # of this host before it was asked, its own, of this host after
    fails_over: bool = False  # Sentinels make another server the primary when this one fails
    refused: Mapping[str, Refusal] = field(default_factory=dict)  # by command: why it does not tell

    @property
    def name(self) -> str | None:
        """The program and its version, such as "Valkey 9.1.2"; None when that is not known."""
        version = self.info.get("valkey_version") or self.info.get("redis_version")
        if version is None:
            return None
        return f"{'Valkey' if 'valkey_version' in self.info else 'Redis'} {version}"

    @property
    def memory(self) -> int | None:
        """Bytes that its data takes; None when that is not known."""
        return self.number("used_memory") if self.info else None

    @property
    def keeps(self) -> str | None:
        """Whether it writes each change to its disk ("each change"), "snapshots" or "nothing"; None when not known."""
        if not self.info:
            return None
        if self.number("aof_enabled"):
            return "each change"
        if "save" not in self.settings:
            return None
        return "snapshots" if self.settings["save"] else "nothing"

    def number(self, name: str) -> int:
        """Return a whole number of INFO; 0 when it is not told."""
        value = self.info.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


def what_it_says(ask: Asking) -> ServerSays:
    """Ask a server about itself, in one round trip.

    Raises:
        StoreUnavailable: when it cannot be reached, answers nobody just now, or is none that can hold jobs.
    """
    before = time.time()
    hello, info, now, *asked = ask.ask(("HELLO",), ("INFO",), ("TIME",), *(("CONFIG", "GET", name) for name in _ASKED))
    after = time.time()
    if isinstance(info, Refusal) and not info.is_denied and info.explained:  # it answers nothing, as while it is busy
        raise StoreUnavailable(f"the store at {ask.url} {info.explained}")
    reason = _unsuitable(hello, _fields(info))
    if reason:
        raise StoreUnavailable(f"the store at {ask.url} {reason}")
    settings: dict[str, str] = {}
    for reply in asked:
        settings.update(_pairs(reply))
    its_own = None if isinstance(now, Refusal) else int(now[0]) + int(now[1]) / 1_000_000
    clock = None if its_own is None else (before, its_own, after)
    refused = {name: reply for name, reply in (("INFO", info), ("CONFIG", asked[0])) if isinstance(reply, Refusal)}
    return ServerSays(_fields(info), settings, clock, fails_over="+sentinel://" in ask.url, refused=refused)


def check_kind(ask: Asking) -> None:
    """Accept a server that can hold jobs, or does not tell whether it can.

    Raises:
        StoreUnavailable: when it is a Sentinel, a cluster or too old, or cannot be reached.
    """
    hello, info = ask.ask(("HELLO",), ("INFO",))
    reason = _unsuitable(hello, _fields(info))
    if reason:
        raise StoreUnavailable(f"the store at {ask.url} {reason}")


def _unsuitable(hello: Any, info: Mapping[str, str]) -> str | None:
    """Return why a server cannot hold jobs, from HELLO, which more users may ask, or from INFO."""
    if not isinstance(hello, Refusal):
        facts = _pairs([word if isinstance(word, bytes) else b"" for word in hello])
        return unsuitable(facts.get("server", ""), facts.get("version", ""), facts.get("mode", ""))
    server = "redis" if info and "valkey_version" not in info else "valkey"
    return unsuitable(server, info.get("redis_version", ""), info.get("redis_mode") or info.get("server_mode", ""))


def _fields(reply: Any) -> dict[str, str]:
    if isinstance(reply, Refusal):
        return {}
    lines = reply.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _pairs(reply: Any) -> dict[str, str]:
    if isinstance(reply, Refusal):
        return {}
    words = [word.decode("utf-8", "replace") for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))


def server_verdicts(says: ServerSays) -> list[Verdict]:
    """Return what is wrong with a server, or may lose jobs, from what it says of itself."""
    if not says.info:
        why, remedy = _untold(says, "INFO", "+info and +config|get")
        found = f"cannot tell whether the store evicts keys or keeps data on disk: {why}"
        verdicts = [Verdict("server", Severity.UNKNOWN, found, remedy)]
    else:
        found_all = (_role, _eviction, _memory, _persistence, _sync, _snapshots, _rewrite, _append, _failover)
        verdicts = [verdict for look in found_all if (verdict := look(says)) is not None]
    clock = _clock(says)
    return [*verdicts, clock] if clock else verdicts


def advice(says: ServerSays) -> list[Verdict]:
    """Return what would have a server need less, where nothing is wrong with it."""
    if "CONFIG" in says.refused and says.info:
        why, remedy = _untold(says, "CONFIG", "+config|get")
        found = f"cannot tell how much room each kept result takes: {why}; it is 4 KB unless {_NODE} is {SMALL_NODE}"
        return [Verdict("results", Severity.FINE, found, remedy)]
    told = says.settings.get(_NODE, "")
    size = int(told) if told.isascii() and told.isdigit() else SMALL_NODE
    if 0 < size <= _LARGE_NODE:
        return []
    found = f"each kept result takes {_size(min(size, 4096) or 4096)} of it and more ({_NODE} {told})"
    return [Verdict("results", Severity.FINE, found, f"set {_NODE} to {SMALL_NODE}")]


def _untold(says: ServerSays, command: str, rights: str) -> tuple[str, str]:
    """Return why a server does not tell something, and what to do."""
    refusal = says.refused.get(command)
    if refusal is not None and refusal.is_unknown_command:
        return f"the server does not know {command}", f"{NOT_RENAMED}, or ask who runs it"
    return f"this user may not run {command}", f"grant it {rights}, or ask who runs it"


def _role(says: ServerSays) -> Verdict | None:
    if says.info.get("role", "master") == "master":
        return None
    found = "the store is a replica, so it can take no jobs"
    return Verdict("role", Severity.WRONG, found, "use the URL of its primary")


def _eviction(says: ServerSays) -> Verdict | None:
    policy, limit = says.info.get("maxmemory_policy", "noeviction"), says.number("maxmemory")
    if policy == "noeviction" or not limit:
        return None
    found = f"the store may throw jobs away when it reaches its {limit:,} bytes (maxmemory-policy {policy})"
    return Verdict("eviction", Severity.WARNING, found, "set maxmemory-policy to noeviction")


def _memory(says: ServerSays) -> Verdict | None:
    """Judge by maxmemory; without one the host's memory is the limit, and what ends the server is the kernel."""
    limit, host = says.number("maxmemory"), says.number("total_system_memory")
    used = says.number("used_memory")
    if limit:
        counted = used - says.number("mem_not_counted_for_evict")
        if counted * 100 < limit * FULL:
            return None
        share = "full" if counted >= limit else f"{_percent(counted, limit)} full"
        found = f"the store's memory is {share} ({_size(counted)} of maxmemory {_size(limit)})"
        return Verdict("memory", Severity.WARNING, found, "raise maxmemory, or lower RESULT_TTL and LOG_LIMIT")
    held = max(used, says.number("used_memory_rss"))
    if not host or held * 100 < host * FULL:
        return None
    found = f"the store takes {_percent(held, host)} of its host's memory ({_size(held)} of {_size(host)})"
    return Verdict("memory", Severity.WARNING, found, "give the host more memory, and the store a maxmemory below it")


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %"


def _size(count: int) -> str:
    return f"{count / _MEGABYTE:,.1f} MB" if count >= _MEGABYTE else f"{count:,} bytes"


def _persistence(says: ServerSays) -> Verdict | None:
    remedy = "set appendonly to yes"
    match says.keeps:
        case "each change":
            return None
        case "nothing":
            found = "the store keeps nothing on disk, so a restart loses every job"
            return Verdict("persistence", Severity.WARNING, found, remedy)
        case "snapshots":
            how = f"only now and then (save {says.settings['save']})"
            found = f"the store writes to its disk {how}, so a crash loses {_at_risk(says)}"
            return Verdict("persistence", Severity.WARNING, found, remedy)
    why, told = _untold(says, "CONFIG", "+config|get")
    found = f"cannot tell whether the store keeps data on disk: its AOF is off and {why}"
    return Verdict("persistence", Severity.UNKNOWN, found, f"{told}; {remedy}")


def _at_risk(says: ServerSays) -> str:
    """Return what the rules in `save` may lose, and what would be lost just now."""
    words = [int(word) for word in says.settings["save"].split()]
    rules = sorted(zip(words[1::2], words[::2], strict=True))
    (_, least), *others = rules
    ways = "".join(
        f", {seconds:,} s once there {'is' if changes == 1 else 'are'} {counted(changes, 'change')}"
        for changes, seconds in others
    )
    pending = says.number("rdb_changes_since_last_save")
    unsaved = f"; {counted(pending, 'change')} {'is' if pending == 1 else 'are'} not saved now" if pending else ""
    return f"up to {least:,} s of work{ways}{unsaved}"


def _sync(says: ServerSays) -> Verdict | None:
    if not says.number("aof_enabled") or says.settings.get("appendfsync") != "no":
        return None
    found = "the store leaves it to the kernel when it writes to its disk (appendfsync no), often 30 s later"
    return Verdict("sync", Severity.WARNING, found, "set appendfsync to everysec")


def _snapshots(says: ServerSays) -> Verdict | None:
    if says.info.get("rdb_last_bgsave_status", "ok") == "ok":
        return None
    return _failed("snapshots", "its last background save failed")


def _rewrite(says: ServerSays) -> Verdict | None:
    if says.info.get("aof_last_bgrewrite_status", "ok") == "ok":
        return None
    return _failed("rewrite", "the last rewrite of its append-only file failed")


def _append(says: ServerSays) -> Verdict | None:
    if says.info.get("aof_last_write_status", "ok") == "ok":
        return None
    return _failed("append", "the last write to its append-only file failed", Severity.WRONG)


def _failover(says: ServerSays) -> Verdict | None:
    if not says.fails_over or says.settings.get("min-replicas-to-write") != "0":
        return None
    found = "a failover loses the jobs that no replica has yet, as it takes them without (min-replicas-to-write 0)"
    return Verdict("failover", Severity.WARNING, found, "set min-replicas-to-write 1 and min-replicas-max-lag 10")


def _failed(name: str, what: str, severity: Severity = Severity.WARNING) -> Verdict:
    remedy = "see the server's log; most often its disk is full, or it may not write to its folder (`dir`)"
    return Verdict(name, severity, f"the store cannot write to its disk, {what}", remedy)


def _clock(says: ServerSays) -> Verdict | None:
    if says.clock is None:
        return None
    before, its_own, after = says.clock
    ahead, behind = its_own - after, before - its_own
    if max(ahead, behind) <= _CLOCK_SLACK:
        return None
    found = f"the store's clock is {max(ahead, behind):,.0f} s {'ahead of' if ahead > 0 else 'behind'} this host's"
    return Verdict("clock", Severity.WARNING, found, "have both set by NTP; jobs are due, and logged, by the store's")


def _explained(name: str, severity: Severity, text: str) -> Verdict:
    found, _, remedy = text.partition(": ")
    return Verdict(name, severity, found, remedy)


def refusal_verdict(refusals: Iterable[Refusal]) -> Verdict | None:
    """Return that writes are refused just now, and why, from the errors that writes were told; None without one."""
    told: Sequence[str] = [text for refusal in refusals if (text := refusal.explained)]
    return _explained("writes", Severity.WRONG, f"the store {told[0]}") if told else None
