"""What an engine tells of its jobs, as families of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from liquid_background.engine import Engine
from liquid_background.errors import StoreError
from liquid_background.jobs.operating.totals import Totals
from liquid_background.jobs.queue.pausing import PauseKind
from liquid_background.jobs.queue.tally import Tally, Times, bounds_of, merged

OUTCOMES: Final = ("succeeded", "failed", "lost", "cancelled")
"""Of attempts: `failed` ones that another one follows are among them."""
_STATES: Final = ("queued", "scheduled", "running", "completed", "failed", "cancelled")
_LAST: Final = 40
"""The last bucket of times with a bound of its own: 2^20 ms are 17 minutes. Every second one is told, up to 2^n ms."""


class StoreCollector(Collector):
    """Reads the store at each scrape, in some round trips, whatever number of jobs there is.

    Args:
        engine: whose site it is.
        names: whether attempts are told by source name: at most 1,000 of a queue, the others as "(others)".
    """

    def __init__(self, engine: Engine, *, names: bool = True) -> None:
        self._engine = engine
        self._names = names

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering it asks no store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the families; of a store that cannot be read only that it is not up."""
        try:
            found = self._engine.totals()
        except StoreError:
            yield _gauge("up", "Whether the store could be read.", 0)
            return
        yield _gauge("up", "Whether the store could be read.", 1)
        yield self._attempts(found.attempts)
        by_queue = {queue: merged([*tallies.values()]) for queue, tallies in found.attempts.items()}
        waited = {queue: tally.waited for queue, tally in by_queue.items()}
        yield _histogram("waiting", "Seconds that jobs waited from when they could have started.", waited)
        ran = {queue: tally.ran for queue, tally in by_queue.items()}
        yield _histogram("running", "Seconds that attempts ran.", ran)
        yield from _moves(found)
        yield from _present(found)
        yield from _memory(found)

    def _attempts(self, attempts: Mapping[str, Mapping[str, Tally]]) -> Metric:
        labels = ["queue", *(["source_name"] if self._names else []), "outcome"]
        family = CounterMetricFamily("liquid_background_attempts", "Attempts that ended.", labels=labels)
        for queue, tallies in attempts.items():
            told = tallies if self._names else {"": merged([*tallies.values()])}
            for name, tally in told.items():
                for outcome in OUTCOMES:
                    family.add_metric([queue, *([name] if self._names else []), outcome], getattr(tally, outcome))
        return family


def registry_of(engine: Engine, *, names: bool = True) -> CollectorRegistry:
    """Return a registry with the metrics of an engine's site and no others."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(engine, names=names))
    return registry


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"liquid_background_{name}", about, value=value)


def _by(name: str, about: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"liquid_background_{name}", about, labels=[label])
    for value, number in values:
        family.add_metric([value], number)
    return family


def _histogram(word: str, about: str, by_queue: Mapping[str, Times]) -> Metric:
    family = HistogramMetricFamily(f"liquid_background_{word}_seconds", about, labels=["queue"])
    for queue, times in by_queue.items():
        family.add_metric([queue], buckets=_buckets(times), sum_value=times.total / 1000)
    return family


def _buckets(times: Times) -> Sequence[tuple[str, float]]:
    """Return the counts up to each bound: 1 ms, 2 ms, 4 ms, … as Prometheus adds them up."""
    told, count = [], 0
    for bucket in range(_LAST + 1):
        count += times.buckets.get(bucket, 0)
        if bucket % 2 == 0:
            told.append((str(bounds_of(bucket)[1] / 1000), count))
    return [*told, ("+Inf", times.count)]


def _moves(found: Totals) -> Iterator[Metric]:
    yield CounterMetricFamily("liquid_background_refused", "Jobs that no worker could run.", value=found.refused)
    yield CounterMetricFamily(
        "liquid_background_leases_reaped",
        "Attempts whose lease ran out, since their worker died whole or lost the store.",
        value=found.reaped,
    )


def _present(found: Totals) -> Iterator[Metric]:
    family = GaugeMetricFamily("liquid_background_jobs", "Jobs that are there.", labels=["queue", "state"])
    for counts in found.queues:
        for state in _STATES:
            family.add_metric([counts.name, state], getattr(counts, state))
    yield family
    oldest = ((queue, seconds or 0.0) for queue, seconds in found.oldest.items())
    yield _by("oldest_waiting_seconds", "How long the first job of a queue has waited that may run.", "queue", oldest)
    kinds = Counter(pause.kind for pause in found.pauses)
    yield _by(
        "pauses", "Queues, source names and groups that are paused.", "kind", ((str(k), kinds[k]) for k in PauseKind)
    )
    states = Counter({"idle": 0, "busy": 0, **Counter(worker.state for worker in found.workers)})
    yield _by("workers", "Worker processes that live, by what they are at.", "state", sorted(states.items()))


def _memory(found: Totals) -> Iterator[Metric]:
    if found.memory is not None:
        yield _gauge("store_memory_bytes", "Bytes that the store uses, whoever's.", found.memory)
    if found.max_memory is not None:
        yield _gauge("store_memory_max_bytes", "Bytes that the store may use.", found.max_memory)
