"""Draw the figures of a bench: `chart.py bench.json` writes bench.svg, and scaling.svg. Runs in the peers' venv."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker

matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: a tenth of the size
matplotlib.rcParams["svg.hashsalt"] = "liquid-background"

TITLES = {
    "drain": "jobs a second, one process (more is better)",
    "drain, two processes": "jobs a second, two processes",
    "no-op": "no-op jobs a second, one process",
    "page": "µs for ten jobs (less is better)",
}
COLOURS = (
    "#c0392b",
    "#2471a3",
    "#d68910",
    "#229954",
    "#7d3c98",
    "#7f8c8d",
)  # ours, then the peers in the order of the bench
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
    names = list(dict.fromkeys(key.partition(", ")[0] for key in rates))
    figure, axes = pyplot.subplots(1, len(bodies), figsize=(2.9 * len(bodies), 3.4), sharey=True)
    for axis, body in zip(axes, bodies, strict=True):
        for name, colour in zip(names, COLOURS, strict=True):
            row = rates[f"{name}, {body}"]
            axis.plot(range(len(row)), list(row.values()), label=name, color=colour,
                      linewidth=2.6 if colour is COLOURS[0] else 1.2)  # fmt: skip
        axis.set_xticks(range(len(row)), list(row))
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axis.set_title(body if body.startswith("a ") else f"bodies of {body}", fontsize=10)
        axis.set_xlabel("processes", fontsize=9)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("jobs a second", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=len(names), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(source.with_name("scaling.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
