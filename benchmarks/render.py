"""How fast templates render: python-liquid, this environment and Jinja2, each on its own version of the same ten.

    python benchmarks/render.py [--seconds 0.4] [--rounds 9]

The three take short turns, in an order that changes, and the medians of CPU time count, so that a slow moment of the
machine falls on all. Before that, each template's output is compared. Liquid templates are rendered sync and async;
ours with all its limits on, as pages have them. The last table is of templates that live for one render, as those of a
loader without a cache do: parsed ahead, each rendered once.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import liquid
from pages_to_render import DATA, PAGES, PARTIALS, Page

from liquid_background import Environment

Render = Callable[[], str]


def engines(page: Page, *, awaits: bool) -> dict[str, Render]:
    """Return what renders a page, by the name of who does it."""
    plain = liquid.Environment(loader=liquid.CachingDictLoader(PARTIALS), extra=True)
    ours = Environment(loader=liquid.CachingDictLoader(PARTIALS))
    jinja = jinja2.Environment(loader=jinja2.DictLoader(page.jinja_partials), enable_async=awaits, autoescape=False)
    data = DATA
    found: dict[str, Render] = {}
    for name, env in (("python-liquid", plain), ("ours", ours)):
        template: Any = env.from_string(page.liquid, name=page.name)
        found[name] = _awaiting(template, data) if awaits else lambda template=template: template.render(**data)
    compiled = jinja.from_string(page.jinja)
    found["Jinja2"] = _awaiting(compiled, data) if awaits else lambda: compiled.render(**data)
    return found


def _awaiting(template: Any, data: Mapping[str, Any]) -> Render:
    def render() -> str:
        coroutine = template.render_async(**data)
        try:
            coroutine.send(None)  # nothing in the templates waits, so the first step is the last
        except StopIteration as end:
            return str(end.value)
        coroutine.close()
        return asyncio.run(template.render_async(**data))

    return render


def measure(found: Mapping[str, Render], seconds: float, rounds: int) -> dict[str, float]:
    """Return the µs of CPU that one render takes, by who does it."""
    for render in found.values():
        until = time.process_time() + seconds / 4
        while time.process_time() < until:
            render()  # until ours is compiled, and the caches are warm
    names = list(found)
    taken: dict[str, list[float]] = {name: [] for name in names}
    gc.disable()
    for turn in range(rounds):
        for name in names if turn % 2 else reversed(names):
            render, count = found[name], 0
            started = time.process_time()
            while (now := time.process_time()) - started < seconds / rounds:
                for _ in range(5):
                    render()
                count += 5
            taken[name].append((now - started) / count * 1e6)
        gc.collect()
    gc.enable()
    return {name: statistics.median(each) for name, each in taken.items()}


def _squeezed(text: str) -> str:
    return "".join(text.split())


def first_renders(page: Page, rounds: int, count: int = 20) -> dict[str, float]:
    """Return the µs of CPU that a template's one and only render takes, by who does it."""
    environments: dict[str, Any] = {
        "python-liquid": liquid.Environment(loader=liquid.CachingDictLoader(PARTIALS), extra=True),
        "walked": Environment(loader=liquid.CachingDictLoader(PARTIALS), compile=False),
        "ours": Environment(loader=liquid.CachingDictLoader(PARTIALS)),
    }
    taken: dict[str, list[float]] = {name: [] for name in environments}
    for turn in range(rounds):
        for name in environments if turn % 2 else reversed(environments):
            templates = [environments[name].from_string(page.liquid, name=page.name) for _ in range(count)]
            gc.collect()
            gc.disable()
            started = time.process_time()
            for template in templates:
                template.render(**DATA)
            taken[name].append((time.process_time() - started) / count * 1e6)
            gc.enable()
    return {name: statistics.median(each) for name, each in taken.items()}


def print_first_renders(rounds: int) -> None:
    """Print the table of templates that are rendered once."""
    print(f"{'rendered once':14} python-liquid    walked      ours   walked/ours   python-liquid/ours   (µs)")
    beside: list[tuple[float, float]] = []
    for page in PAGES:
        took = first_renders(page, rounds)
        beside.append((took["walked"] / took["ours"], took["python-liquid"] / took["ours"]))
        print(
            f"{page.name:14} {took['python-liquid']:13.1f} {took['walked']:9.1f} {took['ours']:9.1f}"
            f" {beside[-1][0]:13.2f} {beside[-1][1]:20.2f}"
        )
    walked, plain = (statistics.geometric_mean(column) for column in zip(*beside, strict=True))
    print(f"{'geometric mean':48} {walked:13.2f} {plain:20.2f}")


def gains(seconds: float, rounds: int) -> dict[str, float]:
    """Return how many times python-liquid's speed ours is, the geometric mean of the ten: sync and async."""
    found = {}
    for name, awaits in (("render", False), ("render_async", True)):
        took = [measure(engines(page, awaits=awaits), seconds, rounds) for page in PAGES]
        found[name] = statistics.geometric_mean(each["python-liquid"] / each["ours"] for each in took)
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each template's turns")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    for awaits in (False, True):
        print(
            f"{'render_async' if awaits else 'render':14} python-liquid      ours    Jinja2   ours is   Jinja2's   (µs)"
        )
        gains, beside = [], []
        for page in PAGES:
            found = engines(page, awaits=awaits)
            outputs = {name: _squeezed(render()) for name, render in found.items()}
            assert len(set(outputs.values())) == 1, (page.name, outputs)
            took = measure(found, options.seconds, options.rounds)
            gains.append(took["python-liquid"] / took["ours"])
            beside.append(took["ours"] / took["Jinja2"])
            print(
                f"{page.name:14} {took['python-liquid']:13.1f} {took['ours']:9.1f} {took['Jinja2']:9.1f}"
                f" {gains[-1]:8.2f}x {beside[-1]:9.2f}"
            )
        gain, ratio = statistics.geometric_mean(gains), statistics.geometric_mean(beside)
        print(f"{'geometric mean':45} {gain:11.2f}x {ratio:9.2f}\n")
    print_first_renders(3 * options.rounds)


if __name__ == "__main__":
    main()
