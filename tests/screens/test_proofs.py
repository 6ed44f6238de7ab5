"""The proof of a failure group, as the dashboard shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liquid_background import Engine
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operation import OperationState
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.screens import Visitor
from liquid_background.screens.access import Action
from liquid_background_worker.prover import Prover, dry_runs_of
from tests.jobs.operating.desk import Desk, carry_out
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.desk import HOSTILE, Read, desk

__all__ = ["desk"]


@pytest.fixture
def engine(engine: Engine, tmp_path: Path) -> Engine:
    """An engine with templates, of which a partial is missing as yet."""
    (tmp_path / "partials").mkdir()
    (tmp_path / "pages").mkdir()
    made = Engine(settings=engine.settings.model_copy(update={"templates": tmp_path}))
    made._link._store = engine.store
    return made


@pytest.fixture
def carry(engine: Engine) -> Iterator[Callable[[], None]]:
    """Carry operations out, as a worker does."""
    make = dry_runs_of(engine)
    assert make is not None
    prover = Prover(engine.settings, make)
    yield lambda: carry_out(Carrier(engine.store, engine.settings, prove=prover))
    prover.close()


def mend(engine: Engine) -> None:
    (engine.settings.templates / "partials/mail.liquid").write_text("Hi {{ n }}")


def failed(engine: Engine, desk: Desk, count: int = 3) -> str:
    for number in range(count):
        desk.fail(f"a{number}", source="{% include 'mail', n: n %}", parameters={"n": number})
    [group] = engine.failures.list()
    return group.id


def test_a_group_is_proven_and_what_passes_is_run_again(
    engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]
) -> None:
    failure = failed(engine, desk)
    page = Read(ask(f"failures/{failure}"))
    form = page.form(f"failures/{failure}/prove")
    assert (
        where(ask(f"failures/{failure}/prove", form)) == f"/ops/failures/{failure}?done=proving&about=failure+{failure}"
    )
    ask(f"failures/{failure}/prove", form)  # as a button that is pressed twice
    assert len(engine.operations.list()) == 1
    page = Read(ask(f"failures/{failure}"))
    assert "progress" in page.tags
    carry()
    page = Read(ask(f"failures/{failure}"))
    assert page.row("still fails") == ["still fails", "3", "partial 'mail' not found (pages/x:3)", "a2"]
    assert not [to for to, _ in page.forms if to.endswith("retry-passing")]
    mend(engine)
    ask(f"failures/{failure}/prove", form)
    carry()
    page = Read(ask(f"failures/{failure}"))
    assert page.row("passes now") == ["passes now", "3", "", "a2"]
    assert "Retry the 3 that pass" in page.text
    answer = ask(f"failures/{failure}/retry-passing", page.form(f"failures/{failure}/retry-passing"))
    assert "done=started" in where(answer)
    carry()
    assert desk.statuses("a0", "a1", "a2") == ["pending"] * 3
    page = Read(ask(f"failures/{failure}"))
    assert "Retried 3 of those that pass" in page.text
    assert not [to for to, _ in page.forms if to.endswith(("retry-passing", "prove"))]
    assert [each.by for each in engine.audit.entries() if each.action in ("prove", "retry")] == ["ada"] * 3
    assert "that passed the proof" in Read(ask("operations")).text


def test_a_proof_that_waits_says_so_while_no_worker_runs(
    engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]
) -> None:
    failure = failed(engine, desk)
    waits = "No worker runs, so the proof waits. Start one: poscli worker"
    assert waits not in Read(ask(f"failures/{failure}")).text
    ask(f"failures/{failure}/prove", Read(ask(f"failures/{failure}")).form(f"failures/{failure}/prove"))
    assert waits in Read(ask(f"failures/{failure}")).text
    worker = moves.Registration(name="host.1.0", pid=7, host="h", address="", queues=["low"])
    scripts.run(desk.store, *moves.register(worker, desk.settings))
    page = Read(ask(f"failures/{failure}"))
    assert "progress" in page.tags
    assert waits not in page.text
    carry()
    assert waits not in Read(ask(f"failures/{failure}")).text


def test_what_depends_on_the_applications_code_says_on_which(
    engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]
) -> None:
    engine.environment.actions["charge"] = lambda: pytest.fail("it was called")
    desk.fail("a", source="{% action paid = 'charge' %}{% if paid %}{% include 'mail' %}{% endif %}")
    [group] = engine.failures.list()
    ask(f"failures/{group.id}/prove", {})
    carry()
    assert Read(ask(f"failures/{group.id}")).row("depends on") == ["depends on", "1", "action charge", "a"]


def test_only_those_prove_and_retry_who_may(engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]) -> None:
    failure = failed(engine, desk)
    for act in ("prove", "retry-passing"):
        assert ask(f"failures/{failure}/{act}").status == 405
        assert ask(f"failures/{failure}/{act}", {}, visitor=READER).status == 403
    assert ask(f"failures/{failure}/prove", {}, visitor=Visitor("eve", frozenset({Action.CANCEL}))).status == 403
    assert "/prove" not in text_of(ask(f"failures/{failure}", visitor=READER))
    assert engine.operations.list() == []
    assert ask("failures/zzzz/prove", {}).status == 404
    assert ask("jobs/all/prove?status=failed").status == 404


def test_a_retry_stands_on_a_proof_of_its_own_group(engine: Engine, ask: Ask, desk: Desk) -> None:
    failure = failed(engine, desk)
    other, retry = engine.operations.start("prove", Filter()), engine.operations.start("retry", Filter())
    for proof, status in ((other.id, 400), (retry.id, 400), ("nothing", 404), ("", 404)):
        assert ask(f"failures/{failure}/retry-passing", {"proof": proof}).status == status
    assert {each.state for each in engine.operations.list()} == {OperationState.RUNNING}


def test_a_retry_on_a_proof_that_is_too_old_says_so(
    engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]
) -> None:
    failure = failed(engine, desk)
    mend(engine)
    ask(f"failures/{failure}/prove", {})
    carry()
    [proof] = engine.operations.list()
    desk.store.client.delete(keys.proved(proof.id))
    answer = ask(f"failures/{failure}/retry-passing", {"proof": proof.id})
    assert (answer.status, "prove them again" in text_of(answer)) == (409, True)


def test_hostile_text_of_a_proof_is_shown_as_text(
    engine: Engine, ask: Ask, desk: Desk, carry: Callable[[], None]
) -> None:
    desk.fail("a", source="{{ text }}{% log text, type: text %}{% include text %}", parameters={"text": HOSTILE})
    [group] = engine.failures.list()
    ask(f"failures/{group.id}/prove", {})
    carry()
    html = text_of(ask(f"failures/{group.id}"))
    assert "<img" not in html
    assert "\u202e" not in html
