"""Measure ours beside the peers, in one session on one store: `make bench`, `make bench-full`.

Writes the figures as text to standard output, as JSON to a file, and as a chart beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import claims
import costs
import harness
import measures
import phases
import render
from before import left

VERSIONS = """
import json; from importlib.metadata import version
names = ["rq", "huey", "dramatiq", "celery", "taskiq", "taskiq-redis", "redis", "hiredis", "python-liquid"]
print(json.dumps({name: version(name) for name in names}))
"""


def machine(client: Any) -> dict[str, Any]:
    """Return what the figures were measured on."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    printed = subprocess.run(
        [harness.PEERS_VENV / "bin/python", "-c", VERSIONS], capture_output=True, text=True, check=True
    )
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "server": client.info("server").get("valkey_version") or client.info("server")["redis_version"],
        "peers": json.loads(printed.stdout),
        "ours": {name: version(name) for name in ("liquid-background", "redis", "hiredis", "python-liquid")},
    }


def measure(wanted: list[str], full: bool) -> dict[str, Any]:
    """Run the measures and return all figures."""
    rounds, fewer, jobs = (5, 5, 10_000) if full else (3, 1, 1_500)
    figures: dict[str, Any] = {}
    with harness.store() as client:
        figures["machine"] = machine(client)
        tasks = {
            "rendering": lambda: render.gains(0.4, 9),
            "page": lambda: measures.page(client, rounds),
            "drain": lambda: measures.drain(client, "template", jobs, 1, rounds),
            "drain, peers with our environment": lambda: measures.drain(
                client, "template", jobs, 1, fewer, renderer="ours"
            ),
            "drain, two processes": lambda: measures.drain(client, "template", jobs, 2, fewer),
            "no-op": lambda: measures.drain(client, "noop", jobs, 1, fewer),
            "costs, enqueueing": lambda: costs.enqueueing(client, rounds),
            "costs, templates": lambda: costs.draining(client, "template", 2 * jobs, fewer),
            "costs, no-op": lambda: costs.draining(client, "noop", 2 * jobs, fewer),
            "scaling": lambda: costs.scaling(figures.get("costs, no-op") or costs.draining(client, "noop", jobs, 1)),
            "5 ms bodies": lambda: costs.waiting_bodies(client, fewer),
            "pickup": lambda: measures.pickup(client, 300 if full else 200, fewer),
            "growth": lambda: measures.growth([1_000, 100_000, *([1_000_000] if full else [])], 5 if full else 3),
            "phases": lambda: phases.phases(client),
            "around a body": lambda: phases.around(client, rounds),
            "bytes left": lambda: {
                f"with a {word}": left(harness.OURS, kind, 2000)
                for kind, word in (("template", "result"), ("blank", "blank one"))
            },
            "tail": lambda: measures.tail(client, 50_000 if full else 20_000),
        }
        with tempfile.TemporaryDirectory() as folder:
            tasks["instructions"] = lambda: measures.instructions(client, Path(folder))
            for name in wanted or tasks:
                print(f"{name} …", file=sys.stderr, flush=True)
                figures[name] = tasks[name]()
    return figures


def text(figures: dict[str, Any]) -> str:
    """Return the figures as text: medians, and each as a ratio to ours."""
    lines: list[str] = []
    for name, rows in figures.items():
        lines.append(f"\n{name}")
        if name == "machine":
            lines += [f"  {key}: {value}" for key, value in rows.items()]
            continue
        medians = {key: statistics.median(row) if isinstance(row, list) else row for key, row in rows.items()}
        base = medians.get(harness.OURS.name) or medians.get("page with 10")
        for key, value in medians.items():
            if isinstance(value, dict):
                lines.append(f"  {key:32}" + "  ".join(f"{part} {number:,.2f}" for part, number in value.items()))
            else:
                ratio = f"   ours / this: {base / value:.2f}" if isinstance(base, float) and value else ""
                lines.append(f"  {key:32}{value:>14,.1f}{ratio}")
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more jobs and rounds, and a million jobs waiting")
    parser.add_argument("--only", default="", help="names of measures, separated by ;")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    figures = measure([name.strip() for name in options.only.split(";") if name.strip()], options.full)
    options.json.write_text(json.dumps(figures, indent=1))
    print(text(figures))
    print("\nclaims of docs/performance.md", *claims.judged(figures), sep="\n")
    chart = Path(__file__).with_name("chart.py")
    subprocess.run([harness.PEERS_VENV / "bin/python", chart, options.json], check=False)


if __name__ == "__main__":
    main()
