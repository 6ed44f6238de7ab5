"""What docs/performance.md says of the figures: each lies between two numbers, on any quiet machine of that kind."""

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
    """A sentence of the page, the range of its figure, and how that is made of what was measured."""

    says: str
    low: float
    high: float
    figure: Callable[[Figures], float]
    goal: str | None = None  # such as "≥ 3": what we want, whatever is claimed

    @property
    def range(self) -> str:
        """As the page gives it."""
        return f"{self.low:,g} to {self.high:,g}"

    def is_met(self, figure: float) -> bool:
        """Return whether a figure meets the goal."""
        sign, wanted = (self.goal or "≥ -inf").split()
        return figure >= float(wanted) if sign == "≥" else figure <= float(wanted.replace(",", ""))


def _median(rows: Any, name: str) -> float:
    return statistics.median(rows[name])


def _beside_peers(measure: str) -> Callable[[Figures], float]:
    """Return how many times as many jobs a second ours drains as the fastest of the others."""
    return lambda found: _median(found[measure], OURS.name) / max(_median(found[measure], name) for name in _PEERS)


def _least(measure: str, part: str) -> Callable[[Figures], float]:
    """Return what ours costs of what the cheapest of the others does."""
    return lambda found: found[measure][OURS.name][part] / min(found[measure][name][part] for name in _PEERS)


def _store_beside(peer: str) -> Callable[[Figures], float]:
    def cost(found: Figures, name: str) -> float:
        costs = found["costs, templates"][name]
        return float(costs["store's CPU, sending"] + costs["store's CPU, draining"])

    return lambda found: cost(found, OURS.name) / cost(found, peer)


def _beside_loop(found: Figures) -> float:
    return _median(found["drain"], OURS.name) / _median(found["drain"], "render loop alone")


def _around(found: Figures) -> float:
    return _median(found["around a body"], "child's CPU")


def _waiting(processes: int) -> Callable[[Figures], float]:
    def figure(found: Figures) -> float:
        rates = found["5 ms bodies"][OURS.name]
        return float(rates[str(processes)] / (processes * rates["1"]))

    return figure


def _pickup(part: str) -> Callable[[Figures], float]:
    return lambda found: found["pickup"][OURS.name][part] / found["pickup"]["Huey"][part]


CLAIMS: Final = (
    Claim("rendering, times python-liquid's speed", 4, 7, lambda found: found["rendering"]["render"]),
    Claim("rendering async, times python-liquid's", 5, 9, lambda found: found["rendering"]["render_async"]),
    Claim("templates drained, times the fastest peer's", 2.5, 4, _beside_peers("drain"), "≥ 3"),
    Claim("the same, with peers that compile as ours does", 1.7, 3, _beside_peers("drain, peers with our environment")),
    Claim("templates drained, times python-liquid's bare loop", 0.9, 1.9, _beside_loop, "≥ 1"),
    Claim("no-op jobs drained, times the fastest peer's", 2, 4, _beside_peers("no-op")),
    Claim("µs of a child's CPU around a body", 45, 160, _around, "≤ 70"),
    Claim(
        "the same, of python-liquid's render of the template",
        0.2,
        0.6,
        lambda found: _around(found) / _median(found["around a body"], "python-liquid's render"),
    ),
    Claim(
        "page of ten blocks: producer's CPU, of the leanest peer's",
        0.3,
        0.75,
        _least("costs, enqueueing", "producer's CPU"),
    ),
    Claim(
        "page of ten blocks: store's CPU, of the leanest peer's", 0.7, 1.2, _least("costs, enqueueing", "store's CPU")
    ),
    Claim("page of ten blocks: time, of the fastest peer's", 0.3, 1.5, _least("costs, enqueueing", "time")),
    Claim("page of ten blocks, 1 ms away: time, likewise", 0.1, 0.25, _least("costs, enqueueing", "time, 1 ms away")),
    *(Claim(f"5 ms bodies: {n} processes, of {n} times one", 0.93, 1.05, _waiting(n), "≥ 0.95") for n in (2, 4, 8)),
    Claim("pick-up p50, times Huey's", 0.9, 1.6, _pickup("p50"), "≤ 1.25"),
    Claim("pick-up p99, times Huey's", 0.7, 2, _pickup("p99"), "≤ 1"),
    Claim("store's CPU a template, times taskiq's", 1, 1.8, _store_beside("taskiq")),
    Claim("store's CPU a template, times Huey's", 0.7, 1.4, _store_beside("Huey")),
    Claim("store's CPU a template, times Dramatiq's", 0.7, 1.2, _store_beside("Dramatiq")),
    Claim(
        "bytes left by a job with a result", 2_700, 3_300, lambda found: found["bytes left"]["with a result"], "≤ 3,500"
    ),
    Claim(
        "bytes left by a job with a blank one",
        1_950,
        2_400,
        lambda found: found["bytes left"]["with a blank one"],
        "≤ 2,500",
    ),
)


def judged(found: Figures) -> list[str]:
    """Return a line for each claim whose figures were measured: what it says, its range, and whether it holds."""
    lines = []
    for claim in CLAIMS:
        try:
            figure = claim.figure(found)
        except KeyError as error:
            lines.append(f"  {claim.says:62} not measured: {error}")
            continue
        verdict = "holds" if claim.low <= figure <= claim.high else "DOES NOT HOLD"
        lines.append(f"  {claim.says:62} {claim.range:>16} {figure:>10,.2f}   {verdict}")
    return lines
