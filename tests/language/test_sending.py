"""When jobs are sent: all of a render or none, in one round trip."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Engine, Environment, LiquidBackgroundError, StoreUnavailable
from liquid_background.language.tags import collector
from tests import warm
from tests.language.conftest import block

BLOCK = "{% background source_name: 'x', i: i %}{{ i }}{% endbackground %}"
TEN = "{% for i in (1..10) %}" + BLOCK + "{% endfor %}"


def _commands(site: Any) -> int:
    stats = site.engine.store.client.info("commandstats")
    return sum(row["calls"] for name, row in stats.items() if not name.startswith(("cmdstat_info", "cmdstat_config")))


def test_a_page_that_raises_sends_nothing(site: Any) -> None:
    for source in (TEN + "{% include 'nowhere' %}", TEN.replace("{{ i }}", "{% assign x = bad %}")):
        with pytest.raises(LiquidError):
            site.render(source, {"bad": object()})
        assert site.jobs == []


def test_a_thousand_jobs_in_one_call(site: Any) -> None:
    site.render("{% background %}{% endbackground %}")
    client = site.engine.store.client
    client.config_resetstat()
    site.render(TEN.replace("10", "1000"))
    stats = client.info("commandstats")
    calls = sum(row["calls"] for name, row in stats.items() if name in ("cmdstat_evalsha", "cmdstat_eval"))
    assert calls == 1
    assert len(site.jobs) == 1001


def test_a_page_without_jobs_asks_nothing_of_the_store(site: Any, tmp_path: Path) -> None:
    engine = Engine(tmp_path, redis_url="redis://127.0.0.1:1")
    site.write({"pages/plain": "plain {{ 1 }}"})
    assert engine.render("plain") == "plain 1"


def test_every_way_to_render_behaves_alike(site: Any) -> None:
    site.write({"pages/ten": TEN})
    environment = site.engine.environment
    template = environment.get_template("ten")

    def with_context() -> None:
        template.render_with_context(template.context_class(template, globals={}), StringIO())

    ways: list[Callable[[], Any]] = [
        lambda: site.engine.render("ten"),
        lambda: asyncio.run(site.engine.render_async("ten")),
        lambda: site.engine.render_string(TEN),
        template.render,
        lambda: asyncio.run(template.render_async()),
        lambda: environment.render(TEN),
        with_context,
    ]
    for way in ways:
        site.engine.store.client.flushall()
        way()
        assert [job.parameters["i"] for job in site.jobs] == list(range(1, 11))


def test_a_context_can_render_twice(site: Any) -> None:
    template = site.engine.environment.from_string(BLOCK)
    context = template.context_class(template, globals={"i": 1})
    for _ in range(2):
        template.render_with_context(context, StringIO())
    assert len(site.jobs) == 2


def test_async_renders_do_not_hold_up_each_other(site: Any) -> None:
    site.write({"pages/ten": TEN})

    async def many() -> None:
        await asyncio.gather(*(site.engine.render_async("ten") for _ in range(20)))

    asyncio.run(many())
    assert len(site.jobs) == 200


def test_five_hundred_jobs_from_eight_threads(site: Any) -> None:
    site.write({"pages/ten": TEN})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: site.engine.render("ten"), range(50)))
    assert len({job.id for job in site.jobs}) == 500


def test_a_store_that_is_away_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/page.liquid").write_text(BLOCK)
    (tmp_path / "pages/log.liquid").write_text("{% log 'only a line' %}fine")
    engine = Engine(tmp_path, redis_url="redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
        engine.render("page")
    assert engine.render("log") == "fine"


def test_an_environment_without_an_engine_says_so() -> None:
    with pytest.raises(LiquidBackgroundError, match="Engine\\(environment="):
        Environment().from_string(BLOCK).render()


def test_a_foreign_environment_says_what_it_needs() -> None:
    import liquid

    environment = liquid.Environment()
    environment.add_tag(type(Environment().tags["background"]))
    with pytest.raises(LiquidBackgroundError, match="needs a liquid_background"):
        environment.from_string(BLOCK).render()


def test_the_collector_is_gone_after_a_render(site: Any) -> None:
    template = site.engine.environment.from_string("{% include 'nowhere' %}" + BLOCK)
    context = template.context_class(template, globals={})
    with pytest.raises(LiquidError):
        template.render_with_context(context, StringIO())
    assert collector._KEY not in context.tag_namespace


@pytest.mark.parametrize("text", ["é😀", "nul\0", "\ud800", "\u2028\x85", "\r\n\ttab", "\\\"'"])
def test_any_text_may_stand_in_a_body(site: Any, text: str) -> None:
    site.engine.render_string("{% background source_name: 's' %}[" + text + "]{% endbackground %}")
    assert site.job.source == f"[{text}]"
    assert site.perform(site.job).result == f"[{text}]"


@pytest.mark.slow
def test_four_processes_send_at_once(site: Any) -> None:
    site.write({"pages/ten": TEN})
    code = "import sys; from liquid_background import Engine; e = Engine(sys.argv[1], data_dir=sys.argv[2])\n"
    (site.root / "sends_ten.py").write_text(f"{code}for _ in range(12): e.render('ten')")
    words = ("sends_ten", str(site.root), str(site.engine.settings.data_dir))
    environment = {**os.environ, "PYTHONPATH": str(site.root)}
    with open(os.devnull, "r+") as nothing:
        streams = (nothing, nothing, nothing)
        processes = [warm.start(*words, cwd=site.root, env=environment, streams=streams) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert len({job.id for job in site.jobs}) == 480


def test_a_store_that_cannot_start_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    engine = Engine(tmp_path, data_dir=tmp_path / "data")
    assert engine.render_string("{% log 'a' %}ok") == "ok"
    with pytest.raises(LiquidError, match="nowhere"):
        engine.render_string("{% log 'a' %}{% include 'nowhere' %}")
    with pytest.raises(StoreUnavailable):
        engine.render_string(block("x"))
