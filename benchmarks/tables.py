"""Write the figures of a bench into docs/performance.md: `python benchmarks/tables.py bench.json`.

Each table stands between two comments, `<!-- figures: NAME -->` and `<!-- end of figures -->`; the text around them is
written by hand, and has no figures of the run in it.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from claims import CLAIMS, Figures
from harness import OURS, PEERS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs/performance.md"
_MARKED: Final = re.compile(r"(<!-- figures: ([a-z ]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
_NAMES: Final = [OURS.name, *(peer.name for peer in PEERS)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; our row is bold."""
    lines = [
        head,
        ["---"] * len(head),
        *([f"**{cell}**" if row[0] == OURS.name and cell else cell for cell in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _median(rows: dict[str, Any], name: str) -> float | None:
    return statistics.median(rows[name]) if name in rows else None


def claims(found: Figures) -> str:
    rows = []
    for claim in CLAIMS:
        figure = claim.figure(found)
        met = "" if claim.goal is None else "met" if claim.is_met(figure) else "**not met**"
        rows.append([claim.says, claim.range, number(figure, 0 if figure > 100 else 2), claim.goal or "", met])
    return table(["", "range", "measured", "goal", ""], rows)


def draining(found: Figures) -> str:
    kinds = {
        "templates, one process": "drain",
        "with our environment": "drain, peers with our environment",
        "templates, two": "drain, two processes",
        "no-op jobs, one": "no-op",
    }
    names = [*_NAMES, "render loop alone"]
    rows = [[name, *(number(_median(found[kind], name)) for kind in kinds.values())] for name in names]
    return table(["", *kinds], rows)


def costs(found: Figures) -> str:
    parts = ("worker's CPU", "store's CPU, sending", "store's CPU, draining")
    kinds = {"a template": "costs, templates", "a no-op": "costs, no-op"}
    head = [f"{label}: {part}" for label in kinds for part in ("worker", "store, sending", "store, draining")]
    rows = [[name, *(number(found[kind][name][part]) for kind in kinds.values() for part in parts)] for name in _NAMES]
    return table(["µs of CPU", *head], rows)


def enqueueing(found: Figures) -> str:
    parts = ("producer's CPU", "store's CPU", "time", "time, 1 ms away")
    rows = [[name, *(number(found["costs, enqueueing"][name][part]) for part in parts)] for name in _NAMES]
    return table(["ten jobs, µs", *parts], rows)


def pages(found: Figures) -> str:
    rows = [[f"a page with {blocks}", number(_median(found["page"], f"page with {blocks}"))] for blocks in (1, 10, 100)]
    return table(["blocks, µs over the page without", ""], rows)


def picking_up(found: Figures) -> str:
    rows = sorted((row["p50"], row["p99"], name) for name, row in found["pickup"].items())
    return table(["ms", "p50", "p99"], [[name, number(p50, 2), number(p99, 2)] for p50, p99, name in rows])


def scaling(found: Figures) -> str:
    bodies = list(dict.fromkeys(key.partition(", ")[2] for key in found["scaling"]))
    counts = list(next(iter(found["scaling"].values())))
    sections = []
    for body in bodies[:3]:  # of a longer one the store is no limit to anybody
        rows = [[name, *(number(found["scaling"][f"{name}, {body}"][count]) for count in counts)] for name in _NAMES]
        sections.append(table([f"{body}, by processes", *counts], rows))
    return "\n".join(sections)


def waiting(found: Figures) -> str:
    rows = [[name, *map(number, row.values())] for name, row in found["5 ms bodies"].items()]
    return table(["jobs a second, by processes", *found["5 ms bodies"][OURS.name]], rows)


def growth(found: Figures) -> str:
    rows = [
        [name, number(row["send"], 1), number(row["work"]), number(row["bytes a job"])]
        for name, row in found["growth"].items()
    ]
    return table(["waiting", "store, µs a job sent", "store, µs a call of the worker", "bytes a job"], rows)


def phases(found: Figures) -> str:
    return table(["µs a job", ""], [[name, number(value)] for name, value in found["phases"].items()])


def machine(found: Figures) -> str:
    about = found["machine"]
    versions = {**about["peers"], **about["ours"]}
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{about['cores']} cores of an {about['cpu']}, Python {about['python']}, Valkey {about['server']}; {named}.\n"
    )


TABLES: Final[dict[str, Callable[[Figures], str]]] = {
    "claims": claims,
    "draining": draining,
    "costs": costs,
    "enqueueing": enqueueing,
    "pages": pages,
    "picking up": picking_up,
    "scaling": scaling,
    "waiting": waiting,
    "growth": growth,
    "phases": phases,
    "machine": machine,
}


def main() -> None:
    """Fill the page in."""
    found = json.loads(Path(sys.argv[1]).read_text())
    PAGE.write_text(_MARKED.sub(lambda match: match[1] + TABLES[match[2]](found) + match[3], PAGE.read_text()))


if __name__ == "__main__":
    main()
