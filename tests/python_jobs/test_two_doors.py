"""An option of a decorator holds by each door: the function's own `enqueue`, and the engine's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background import Engine, EnqueueError, background
from tests.python_jobs import shop

Door = Callable[[Engine, Any], Any]

DOORS: dict[str, Door] = {
    "its own": lambda engine, function: function.enqueue_sync(1),
    "by name": lambda engine, function: engine.enqueue("counted", {"value": 1}),
    "itself": lambda engine, function: engine.enqueue(function, {"value": 1}),
    "undecorated": lambda engine, function: engine.enqueue(function.__wrapped__, {"value": 1}),
    "many": lambda engine, function: engine.enqueue_many("counted", [{"value": 1}]),
    "in a page": lambda engine, function: engine.render_string("{% action 'order.again' %}"),
}


def _decorated(engine: Engine, monkeypatch: pytest.MonkeyPatch, decorate: Callable[..., Any]) -> Any:
    """Decorate `shop.counted`, where workers find it, and make an action of it."""

    def counted(value: int) -> int:
        return value

    counted.__module__, counted.__qualname__ = shop.__name__, "counted"
    function = decorate(counted)
    monkeypatch.setattr(shop, "counted", function, raising=False)
    if "counted" not in engine.environment.actions:
        engine.action("counted")(function)
    engine.environment.actions["order.again"] = lambda: engine.enqueue("counted", {"value": 1}).id
    return function


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("kind", ["action", "background"])
def test_max_retries(engine: Engine, monkeypatch: pytest.MonkeyPatch, kind: str, count: int, door: str) -> None:
    function = _decorated(engine, monkeypatch, getattr(engine, kind)(max_retries=count))
    DOORS[door](engine, function)
    [job] = engine.jobs.list()
    assert job.max_attempts == count + 1
    waits = engine.store.client.hget(f"rq:job:{job.id}", "retry_intervals")
    assert waits == (b"[2.0,4.0]" if count else None)


def test_max_retries_of_a_function_that_names_no_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _decorated(engine, monkeypatch, background(max_retries=1))
    engine.enqueue("counted", {"value": 1})
    assert engine.jobs.list()[0].max_attempts == 2


def test_max_retries_of_a_schedule(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _decorated(engine, monkeypatch, engine.action("counted", max_retries=0))
    assert engine.schedule("@daily", "counted", {"value": 1}).job.max_attempts == 1


def test_what_the_caller_says_goes_before(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _decorated(engine, monkeypatch, engine.action("counted", max_retries=0))
    engine.enqueue("counted", {"value": 1}, retries=4)
    assert engine.jobs.list()[0].max_attempts == 5


@pytest.mark.parametrize(("door", "attempts"), [("its own", 4), ("by name", 7), ("undecorated", 7)])
def test_without_max_retries_each_door_has_its_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, door: str, attempts: int
) -> None:
    function = _decorated(engine, monkeypatch, engine.action("counted"))
    DOORS[door](engine, function)
    assert engine.jobs.list()[0].max_attempts == attempts


@pytest.mark.parametrize("door", ["its own", "by name", "itself"])
def test_a_name_of_its_own_changes_nothing_in_the_log(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    function = _decorated(engine, monkeypatch, engine.action("counted"))
    DOORS[door](engine, function)
    [job] = engine.jobs.list()
    assert (job.source_name, job.source) == ("counted", "tests.python_jobs.shop:counted")


def test_a_second_decorator_cannot_say_otherwise(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    function = _decorated(engine, monkeypatch, engine.background(max_retries=1))
    with pytest.raises(EnqueueError, match=r"counted is decorated already: say max_retries in its first decorator"):
        engine.action("again", max_retries=0)(function)
    with pytest.raises(EnqueueError, match="decorated already"):
        engine.background(max_retries=0)(background(shop.plain))
    assert engine.action("again", max_retries=1)(function) is function
