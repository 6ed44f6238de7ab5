"""What docs/performance.md claims: each figure lies between two numbers on any quiet machine of the kind that it names.

"Fastest" and "cheapest" are the best of all peers in that measure, whichever it is. Peers render templates with python-liquid, as
their users do; with our environment, which compiles them, they gain a half. Some claims are about where a peer is ahead.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from harness import OURS, PEERS

Figures: TypeAlias = dict[str, Any]
"""What compare.py measures, by the names of the measures."""

_PEERS: Final = [peer.name for peer in PEERS]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the page, the range of its figure, both ends included, and how that is made of what was measured."""

    says: str
    low: float
    high: float
    figure: Callable[[Figures], float]

    @property
    def range(self) -> str:
        """As the page gives it."""
        return f"{self.low:,g} to {self.high:,g}"


def _median(rows: Any, name: str) -> float:
    return statistics.median(rows[name])


def _beside_peers(measure: str) -> Callable[[Figures], float]:
    """Return how many times as many jobs a second ours drains as the fastest of the others."""
    return lambda found: _median(found[measure], OURS.name) / max(_median(found[measure], name) for name in _PEERS)


def _least(measure: str, part: str) -> Callable[[Figures], float]:
    """Return our cost as a part of the cheapest of the others'."""
    return lambda found: found[measure][OURS.name][part] / min(found[measure][name][part] for name in _PEERS)


def _store(found: Figures, name: str) -> float:
    """Return the µs of the store's CPU that sending and running a template takes."""
    costs = found["costs, templates"][name]
    return float(costs["store's CPU, sending"] + costs["store's CPU, draining"])


def _scales(processes: int) -> Callable[[Figures], float]:
    """Return how many jobs a second so many processes run, as a part of as many times what one does."""

    def figure(found: Figures) -> float:
        rates = found["5 ms bodies"][OURS.name]
        return float(rates[str(processes)] / (processes * rates["1"]))

    return figure


def _pickup(part: str) -> Callable[[Figures], float]:
    """Return the time until a job begins on an idle worker, beside that of Huey, which was the fastest."""
    return lambda found: found["pickup"][OURS.name][part] / found["pickup"]["Huey"][part]


CLAIMS: Final = (
    Claim("rendering, times python-liquid's speed", 3.5, 7, lambda found: found["rendering"]["render"]),
    Claim("rendering async, times python-liquid's", 4, 9, lambda found: found["rendering"]["render_async"]),
    Claim("templates drained, times the fastest peer's with python-liquid", 2.3, 4, _beside_peers("drain")),
    Claim(
        "templates drained, times python-liquid's bare loop",
        1.0,
        1.8,
        lambda found: _median(found["drain"], OURS.name) / _median(found["drain"], "render loop alone"),
    ),
    Claim("no-op jobs drained, times the fastest peer's", 2.5, 5, _beside_peers("no-op")),
    Claim(
        "µs of a child's CPU around a body",
        25,
        70,
        lambda found: _median(found["around a body"], "child's CPU"),
    ),
    Claim(
        "ten jobs enqueued: producer's CPU, of the cheapest peer's",
        0.1,
        0.7,
        _least("costs, enqueueing", "producer's CPU"),
    ),
    Claim(
        "ten jobs enqueued: store's CPU, of the cheapest peer's",
        0.3,
        1.1,
        _least("costs, enqueueing", "store's CPU"),
    ),
    Claim("ten jobs enqueued: time, of the fastest peer's", 0.3, 1.5, _least("costs, enqueueing", "time")),
    Claim(
        "ten jobs enqueued, 1 ms away: time, of the fastest peer's",
        0.1,
        0.3,
        _least("costs, enqueueing", "time, 1 ms away"),
    ),
    *(
        Claim(f"5 ms bodies: jobs a second of {n} processes, of {n} times one's", 0.95, 1.05, _scales(n))
        for n in (2, 4, 8)
    ),
    Claim("pick-up p50, times Huey's", 0.8, 1.25, _pickup("p50")),
    Claim("pick-up p99, times Huey's", 0.4, 1.0, _pickup("p99")),
    Claim(
        "store's CPU a template, times taskiq's",
        1.0,
        1.8,
        lambda found: _store(found, OURS.name) / _store(found, "taskiq"),
    ),
    Claim(
        "store's CPU a template, times Dramatiq's",
        0.5,
        1.0,
        lambda found: _store(found, OURS.name) / _store(found, "Dramatiq"),
    ),
    Claim(
        "bytes that a finished job leaves, with a result",
        2_500,
        3_500,
        lambda found: found["bytes left"]["with a result"],
    ),
    Claim(
        "bytes that a finished job leaves, with a blank one",
        1_800,
        2_500,
        lambda found: found["bytes left"]["with a blank one"],
    ),
)


def judged(found: Figures) -> list[str]:
    """Return a line for each claim: what it says, its range, its figure, and whether it holds or was not measured."""
    lines = []
    for claim in CLAIMS:
        try:
            figure = claim.figure(found)
        except KeyError as missing:
            lines.append(f"  {claim.says:62} {claim.range:>16} {'':>10}   not measured: {missing.args[0]}")
            continue
        verdict = "holds" if claim.low <= figure <= claim.high else "DOES NOT HOLD"
        lines.append(f"  {claim.says:62} {claim.range:>16} {figure:>10,.2f}   {verdict}")
    return lines
