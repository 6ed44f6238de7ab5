"""`{% action %}`: a registered function called where the tag stands, with values as a block's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Engine
from liquid_background.language.pages import SiteLoader
from liquid_background.settings import Settings
from tests.halves import is_ahead
from tests.python_jobs import shop
from tests.python_jobs.conftest import Bench, perform


@pytest.fixture
def calls(engine: Engine) -> list[Any]:
    """What the action `note` was called with."""
    made: list[Any] = []

    def note(**given: Any) -> dict[str, Any]:
        if is_ahead():
            return {"count": len(made) + 1}
        made.append(given)
        return {"count": len(made)}

    engine.environment.actions["note"] = note
    return made


def test_in_a_block_it_runs_in_the_job(engine: Engine, calls: list[Any]) -> None:
    page = "{% background source_name: 'crm' %}{% action 'note', contact_id: contact.id, at: 'x' | append: 'y' %}"
    assert engine.render_string(page + "{% endbackground %}", {"contact": {"id": 7, "secret": object()}}) == ""
    assert calls == []
    [job] = engine.jobs.list()
    assert job.handed_over == {"contact.id": 7}
    assert perform(engine, job).result == ""
    assert calls == [{"contact_id": 7, "at": "xy"}]


def test_on_the_page_it_runs_in_the_render(engine: Engine, calls: list[Any]) -> None:
    page = "{% action r = 'note', contact_id: contact.id %}{{ r.count }}{% action 'note' %}"
    assert engine.render_string(page, {"contact": {"id": 7}}) == "1"
    assert calls == [{"contact_id": 7}, {}]


@pytest.mark.anyio
async def test_coroutines_run_in_either_kind_of_render(engine: Engine, tmp_path: Path) -> None:
    engine.action(shop.greet)
    page = "{% action r = 'greet', name: 'Ann' %}{{ r.hello }} {{ r.on }}"
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/hi.liquid").write_text(page)
    assert engine.render_string(page) == "Ann 2024-04-03"
    engine.environment.loader = SiteLoader(tmp_path)
    assert await engine.render_async("hi") == "Ann 2024-04-03"


def test_a_failing_action_fails_the_attempt_and_names_its_place(engine: Engine) -> None:
    engine.render_string("{% background %}\n{% action 'fail', message: 'no luck' %}{% endbackground %}", name="shop")
    outcome = perform(engine, engine.jobs.list()[0])
    assert outcome.error == "ValueError: no luck (shop:2)"
    assert outcome.retry
    engine.render_string("{% background %}{% action 'refuse', message: 'gone' %}{% endbackground %}", name="shop")
    assert not perform(engine, engine.jobs.list()[0]).retry


def test_what_an_action_enqueues_is_sent_with_the_page_or_the_job(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no stock"):
        engine.render_string("{% action 'order.ship', order_id: 1, then: 'fail' %}")
    assert engine.jobs.list() == []
    engine.render_string("{% action 'order.ship', order_id: 2 %}{% background %}x{% endbackground %}")
    assert [job.source_name for job in engine.jobs.list()] == ["inline_1", "notify"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("{% action 'zzz' %}", "no action 'zzz' is registered: register it with @engine.action"),
        ("{% action 'notfy' %}", "did you mean 'notify'"),
        ("{% action nil %}", "no action nil is registered"),
        ("{% action %}", "write {% action 'name', argument: value %}"),
        ("{% action 'note', x: thing %}", "'x' is an object, not plain data: pass its id or plain values"),
        ("{% action r = 'not_plain' %}", "the action's result is a PosixPath"),
        ("{% action 'note', x: 1, x: 2 %}", "given twice"),
        (f"{{% action 'note', {', '.join(f'x{n}: 1' for n in range(21))} %}}", "at most 20 are allowed"),
    ],
)
def test_wrong_calls_say_what_and_where(engine: Engine, calls: list[Any], page: str, reason: str) -> None:
    with pytest.raises(LiquidError, match=reason):
        engine.render_string(page, {"thing": object()})
    assert calls == []


def test_decorated_functions_that_are_no_actions_are_out_of_reach_of_templates(settings: Settings) -> None:
    engine = Engine(settings=settings)
    engine.background(shop.plain)
    with pytest.raises(LiquidError, match="no action"):
        engine.render_string("{% action 'plain', value: 1 %}")


def test_a_worker_runs_the_action_of_a_block(engine: Engine, bench: Bench) -> None:
    engine.render_string("{% background %}{% action r = 'notify', order_id: 9 %}{{ r }}{% endbackground %}")
    [job] = engine.jobs.list()
    bench.burst(app="tests.python_jobs.shop:engine")
    assert bench.queue.get(job.id).result == "order 9"
