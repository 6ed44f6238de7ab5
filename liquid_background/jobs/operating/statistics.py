"""What jobs have done, by source name: how many ran, how many failed, how long they waited and ran. Reads only.

Workers count as they go (see `liquid_background.jobs.queue.tally`): by the minute for a day, by the hour and by the day
for 31 days, and of all time. A worker that is killed takes the counts of a second with it; a stock `rq worker` counts
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from liquid_background.errors import FilterError
from liquid_background.job import MAX_SOURCE_NAME
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.queue.tally import Sum, Tally, Times, merged, read_cells
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
DAYS: Final = 31
"""For which counts by the hour and by the day are kept."""
_BY_THE_MINUTE: Final = 3 * HOUR  # seconds of a span that is told by the minute
_HASHES_AT_ONCE: Final = 30  # in one round trip; each is a command of its own
_CELLS_AT_ONCE: Final = 500

Part: TypeAlias = Literal["names", "moments"]
"""Of statistics, beside the total."""
Cells: TypeAlias = Mapping[str, Sequence[Any]]
"""What a minute, an hour, a day or all time counts, by source name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Milliseconds that 50, 95 and 99 % of times do not exceed, each within 42 %, and the exact mean; None of none."""

    p50: float | None
    p95: float | None
    p99: float | None
    mean: float | None

    @classmethod
    def of(cls, times: Times) -> Percentiles:
        """Return those of times that were counted."""
        mean = times.total / times.count if times.count else None
        return cls(p50=times.percentile(0.5), p95=times.percentile(0.95), p99=times.percentile(0.99), mean=mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What attempts have come to in a span; a retry is an attempt of its own."""

    started: int
    succeeded: int
    failed: int
    lost: int  # whose worker died
    cancelled: int

    @property
    def ended(self) -> int:
        """Attempts that ended."""
        return self.succeeded + self.failed + self.lost + self.cancelled

    @property
    def failure_rate(self) -> float | None:
        """The share of failed and lost ones among those that ended, from 0 to 1; None when none has."""
        return (self.failed + self.lost) / self.ended if self.ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameStatistics(Counts):
    """Those of one source name, or of all together."""

    source_name: str  # "(others)" of those beyond 1,000 names; empty of all together
    waited: Percentiles  # from when a job could have started to when it did
    ran: Percentiles
    per_minute: float | None  # attempts that ended, on average over the span; None of all time


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(Counts):
    """Those of all that were asked for in one minute or hour."""

    at: datetime  # aware UTC: when it begins
    waited: Percentiles  # of what started in it, from when it could have


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What was asked for. Times are those at which the store heard of starts and ends, to the minute or the hour."""

    since: datetime | None  # aware UTC: the beginning of the minute or hour that was asked for; None: of all time
    until: datetime  # aware UTC, by the store's clock
    total: NameStatistics
    names: tuple[NameStatistics, ...]  # those that ran most first
    moments: tuple[Moment, ...]  # oldest first, one for each minute of up to three hours, else for each hour; or none
    seconds: int  # that a moment takes; 0 where there are none


def statistics(
    store: Store, source_name: str = "", since: datetime | None = None, *, only: Part | None = None
) -> Statistics:
    """Return what jobs have done.

    Args:
        store: where they are.
        source_name: literal; one that ends in `*` is what names begin with; empty for all.
        since: aware; None for all time, which has no moments.
        only: what is wanted beside the total, None for both. Without moments, whole days are read as such, and a month
            takes a tenth of the time.

    Raises:
        FilterError: when counts of that time are not kept any more, or it has no time zone.
        StoreUnavailable: when the store cannot be reached.
    """
    wanted = Filter(source_name=source_name, since=since)
    now = store.time(0.0)
    if since is None:
        cells = _read(store, ["all"], wanted)
        return _statistics([(None, cells[0])], None, now, 0, None)
    start = since.timestamp()
    if start < now - DAYS * DAY:
        raise FilterError(f"counts are kept for {DAYS} days: ask for less, or for all time, which needs no --since")
    spans = [*_spans(start, now, longest=DAY if only == "names" else HOUR)]
    spans += _of_former_workers(store, spans)
    cells = _read(store, [key for key, _ in spans], wanted)
    seconds = 0 if only == "names" else MINUTE if now - start <= _BY_THE_MINUTE else HOUR
    return _statistics(
        [(at, cell) for (_, at), cell in zip(spans, cells, strict=True)], spans[0][1], now, seconds, only
    )


def _spans(start: float, now: float, longest: int) -> Iterator[tuple[str, int]]:
    """Yield the ends of the keys of the hashes that cover a span, oldest first, and the second in which each begins."""
    at = int(min(start, now))
    at -= at % (MINUTE if now - at <= DAY else HOUR)
    units = ("day", DAY), ("hour", HOUR)
    while at <= now:
        fitting = (each for each in units if each[1] <= longest and at % each[1] == 0 and now - start > _BY_THE_MINUTE)
        word, unit = next(fitting, ("m", MINUTE))
        yield f"{word}:{at // unit}", at
        at += unit


def _of_former_workers(store: Store, spans: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the same for what workers of versions before have counted by the hour, which no other hash has."""
    hours = {"hour": 1, "day": DAY // HOUR}
    found = [
        (f"h:{at // HOUR + hour}", at + hour * HOUR)
        for end, at in spans
        for hour in range(hours.get(end.partition(":")[0], 0))
    ]
    names = [own_name(store.site, f"{keys.COUNTS}{end}") for end, _ in found]
    if not names:
        return []
    pipeline: Any = store.client.pipeline(transaction=False)
    pipeline.exists(*names)
    return found if read_replies(pipeline, store.url)[0] else []


def _read(store: Store, ends: Sequence[str], wanted: Filter) -> list[Cells]:
    """Return what each hash counts, by source name."""
    names = [own_name(store.site, f"{keys.COUNTS}{end}") for end in ends]
    one = wanted.source_name if wanted.source_name and not wanted.is_prefix else None
    at_once = _HASHES_AT_ONCE if one is None else _CELLS_AT_ONCE
    found: list[Cells] = []
    for start in range(0, len(names), at_once):
        pipeline: Any = store.client.pipeline(transaction=False)
        for name in names[start : start + at_once]:
            pipeline.hgetall(name) if one is None else pipeline.hget(name, one)
        for reply in read_replies(pipeline, store.url):
            cells = reply or {} if one is None else {one.encode("utf-8"): reply} if reply else {}
            found.append(_cells(cells, wanted))
    return found


def _cells(cells: Mapping[bytes, bytes], wanted: Filter) -> Cells:
    named = {text(name, MAX_SOURCE_NAME): cell for name, cell in cells.items()}
    kept = {name: cell for name, cell in named.items() if wanted.has_name(name)}
    return dict(zip(kept, read_cells([*kept.values()]), strict=True))


def _statistics(
    found: Sequence[tuple[int | None, Cells]], start: int | None, now: float, seconds: int, only: Part | None
) -> Statistics:
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    by_moment: defaultdict[int, Sum] = defaultdict(Sum)
    for at, cells in found:
        moment = by_moment[at - at % seconds] if at is not None and seconds else None
        for name, cell in cells.items():
            if only != "moments":
                sums[name].add(cell)
            if moment is not None:
                moment.add(cell)
    by_name = {name: each.tally() for name, each in sums.items()}
    of_moments = {at: each.tally() for at, each in sorted(by_moment.items())}
    span = None if start is None else max(float(MINUTE), now - start)
    names = [_of_name(name, tally, span) for name, tally in by_name.items()]
    return Statistics(
        since=None if start is None else datetime.fromtimestamp(start, UTC),
        until=datetime.fromtimestamp(now, UTC),
        total=_of_name("", merged([*(by_name or of_moments).values()]), span),
        names=tuple(sorted(names, key=lambda each: (-each.ended, each.source_name))),
        moments=tuple(
            Moment(at=datetime.fromtimestamp(at, UTC), waited=Percentiles.of(tally.waited), **_counts(tally))
            for at, tally in of_moments.items()
        ),
        seconds=seconds,
    )


def _of_name(name: str, tally: Tally, span: float | None) -> NameStatistics:
    counts = _counts(tally)
    ended = sum(counts.values()) - tally.started
    return NameStatistics(
        source_name=name,
        waited=Percentiles.of(tally.waited),
        ran=Percentiles.of(tally.ran),
        per_minute=None if span is None else ended / span * MINUTE,
        **counts,
    )


def _counts(tally: Tally) -> dict[str, int]:
    names = ("started", "succeeded", "failed", "lost", "cancelled")
    return {name: getattr(tally, name) for name in names}
