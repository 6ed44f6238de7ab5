"""What the limits cost a plain page: this checkout beside another, such as one from before there were limits.

    python benchmarks/page_limits.py OTHER [--turns 40]

Each checkout has a process of its own that lives as long as the bench. The two take short turns, and the one that
begins changes, so that a slow moment of the machine falls on both. Only CPU time of the process counts.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent.parent
TURN: Final = 0.04  # seconds

LAYOUT: Final = (
    "<!doctype html><html><head><title>{{ page.metadata.title }}</title></head>"
    "<body>{{ content_for_layout }}<footer>{{ shop }}</footer></body></html>"
)
SMALL: Final = (
    "---\nlayout: plain\nmetadata:\n  title: Cart\n---\n<h1>{{ shop }}</h1><p>Hello {{ user.name }}, you have "
    "{{ user.cart.size }} things in your cart.</p>{% if user.vip %}<b>{{ user.name | upcase }}</b>{% endif %}"
    "{% assign total = user.total | plus: 5 %}<p>{{ total }}</p>"
)
LOOP: Final = (
    "<ul>{% for product in products %}<li>{{ product.title | escape | upcase | truncate: 30 | prepend: '* ' }}: "
    "{{ product.price | times: 1.2 | round: 2 | plus: 1 | append: ' EUR' }}"
    "{% if product.stock > 5 %} in stock{% endif %}</li>{% endfor %}</ul>"
)
INCLUDES: Final = (
    "{% for product in products %}{% include 'card', title: product.title, price: product.price %}{% endfor %}"
)
FILES: Final = {
    "layouts/plain": LAYOUT,
    "partials/card": "<div>{{ title }}: {{ price }}{% render 'badge', stock: 3 %}</div>",
    "partials/badge": "<i>{{ stock }}</i>",
    "pages/small": SMALL,
    "pages/loop": LOOP,
    "pages/includes": INCLUDES,
}
PAGES: Final = ("small", "loop", "includes")
VALUES: Final[Mapping[str, Any]] = {
    "shop": "The shop",
    "user": {"name": "Ada", "vip": True, "total": 40, "cart": [1, 2, 3]},
    "products": [{"title": f"Product & {n}", "price": n * 1.5, "stock": n % 10} for n in range(50)],
}


def serve() -> None:
    """Render as standard input asks: a page and a way a line; answer with CPU seconds a render."""
    from liquid_background import Engine

    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            path = Path(folder, f"{name}.liquid")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            os.utime(path, (1, 1))  # old enough to be taken for settled
        engine = Engine(folder, data_dir=f"{folder}/data")
        loop = asyncio.new_event_loop()
        ways: dict[str, Callable[[str, int], float]] = {
            "render": lambda page, count: timed(lambda: [engine.render(page, VALUES) for _ in range(count)]),
            "render_async": lambda page, count: timed(lambda: loop.run_until_complete(many(engine, page, count))),
        }
        counts = {(page, way): counted(ways[way], page) for page in PAGES for way in ways}
        gc.freeze()
        print("ready", flush=True)
        for line in sys.stdin:
            page, way = line.split()
            print(ways[way](page, counts[page, way]) / counts[page, way], flush=True)


async def many(engine: Any, page: str, count: int) -> None:
    """Render a page so many times."""
    for _ in range(count):
        await engine.render_async(page, VALUES)


def timed(render: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    started = time.process_time()
    render()
    return time.process_time() - started


def counted(way: Callable[[str, int], float], page: str) -> int:
    """Return how many renders make a turn."""
    way(page, 20)
    return max(1, round(TURN / (way(page, 20) / 20)))


class Checkout:
    """A process that renders with the code of one checkout."""

    def __init__(self, root: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", f"import runpy; runpy.run_path({__file__!r})['serve']()"]
        self._child = subprocess.Popen(
            command, env=environment, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def turn(self, page: str, way: str) -> float:
        """Return the CPU seconds that one render of a page took."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{page} {way}\n")
        self._child.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def end(self) -> None:
        """End the process."""
        self._child.communicate()


def main() -> None:
    """Print a line for each page and way to render it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the root of the other checkout")
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    other, ours = Checkout(options.other.resolve()), Checkout(HERE)
    print(f"{'page':10}{'way':14}{'other':>10}{'ours':>10}{'cost':>9}{'(medians)':>12}")
    for page in PAGES:
        for way in ("render", "render_async"):
            before, after = [], []
            for number in range(options.turns):
                pair = [(other, before), (ours, after)]
                for checkout, found in pair if number % 2 else pair[::-1]:
                    found.append(checkout.turn(page, way) * 1e6)
            best, typical = min(after) / min(before), statistics.median(after) / statistics.median(before)
            cost = f"{100 * (best - 1):+8.1f}%{100 * (typical - 1):+11.1f}%"
            print(f"{page:10}{way:14}{min(before):7.1f} µs{min(after):7.1f} µs{cost}", flush=True)
    other.end()
    ours.end()


if __name__ == "__main__":
    main()
