"""Draw the figures of a bench: `chart.py bench.json` writes bench.svg, and scaling.svg. Runs in the peers' venv."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

TITLES = {
    "drain": "jobs a second, one process (more is better)",
    "drain, two processes": "jobs a second, two processes",
    "no-op": "no-op jobs a second, one process",
    "page": "µs for ten jobs (less is better)",
}
LEFT_OUT = ("page with 1", "page with 100")  # on the scale of ten jobs they would mislead


def main() -> None:
    """Draw."""
    source = Path(sys.argv[1])
    found = json.loads(source.read_text())
    bars(source, {name: rows for name, rows in found.items() if name in TITLES})
    if "scaling" in found:
        lines(source, found["scaling"])


def bars(source: Path, figures: dict[str, dict[str, list[float]]]) -> None:
    """Draw what was measured."""
    if not figures:
        return
    _, axes = pyplot.subplots(len(figures), 1, figsize=(8, 2.6 * len(figures)), squeeze=False)
    for axis, (name, rows) in zip(axes[:, 0], figures.items(), strict=True):
        medians = sorted((statistics.median(row), key) for key, row in rows.items() if key not in LEFT_OUT)
        colours = ["#c0392b" if key.startswith(("liquid", "page")) else "#7f8c8d" for _, key in medians]
        axis.barh([key for _, key in medians], [value for value, _ in medians], color=colours)
        axis.set_title(TITLES[name], loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    pyplot.tight_layout()
    pyplot.savefig(source.with_suffix(".svg"))


def lines(source: Path, rates: dict[str, dict[str, float]]) -> None:
    """Draw what the costs come to: jobs a second by processes, one picture for each length of a body."""
    bodies = list(dict.fromkeys(key.partition(", ")[2] for key in rates))
    _, axes = pyplot.subplots(1, len(bodies), figsize=(3.4 * len(bodies), 3.6), squeeze=False)
    for axis, body in zip(axes[0], bodies, strict=True):
        for key, row in rates.items():
            name, _, its_body = key.partition(", ")
            if its_body == body:
                ours = name.startswith("liquid")
                axis.plot(list(row), list(row.values()), label=name, linewidth=2.5 if ours else 1,
                          color="#c0392b" if ours else None)  # fmt: skip
        axis.set_yscale("log")
        axis.set_title(f"jobs a second by processes, {body}", loc="left", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].legend(fontsize=7, frameon=False)
    pyplot.tight_layout()
    pyplot.savefig(source.with_name("scaling.svg"))


if __name__ == "__main__":
    main()
