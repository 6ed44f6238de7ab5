"""Draw the figures of a bench as bars: `chart.py bench.json` writes bench.svg. Runs in the peers' venv."""

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
    figures = {name: rows for name, rows in json.loads(source.read_text()).items() if name in TITLES}
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


if __name__ == "__main__":
    main()
