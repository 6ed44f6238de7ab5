"""Proofs: each failed job is run dry once, what came of it is counted, and a retry is of those that passed alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from liquid_background.errors import OperationError
from liquid_background.job import Job
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating import carrying, proving
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operation import Operation, OperationState
from liquid_background.jobs.operating.proofs import Proof, prove
from liquid_background.jobs.operating.proving import Proved
from liquid_background.jobs.operating.verdicts import OTHERS, Said, Verdicts
from liquid_background.jobs.queue import keys
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings
from tests.jobs.operating.desk import FAILED, Desk, carry_out

ANY = Filter()


def by_name(job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
    """Say of a job what its id begins with."""
    word = job_id.partition("-")[0]
    why = {"fails": f"ValueError: no customer {job_id[-1]}", "depends": "action charge"}.get(word, "")
    return Proved(Said(word), why)


def proven(desk: Desk, run_dry: proving.Prove = by_name) -> Operation:
    operation = desk.operations.start("prove", ANY, by="ada")
    carry_out(Carrier(desk.store, desk.settings, prove=run_dry))
    return desk.operations.get(operation.id)


def told(verdicts: Verdicts | None) -> list[tuple[str, str, int, str]]:
    assert verdicts is not None
    return [(str(said), reason.why, reason.jobs, reason.first) for said, reason in verdicts.rows()]


NAMES = ("passes-1", "fails-1", "fails-2", "depends-1", "passes-2")
"""Failed one after the other, so that the last is met first."""
TOLD = [
    ("passes", "", 2, "passes-2"),
    ("fails", "ValueError: no customer 2", 2, "fails-2"),
    ("depends", "action charge", 1, "depends-1"),
]


def test_each_job_is_run_dry_and_stays_as_it_is(desk: Desk) -> None:
    desk.fail(*NAMES)
    before = {key: desk.store.client.hgetall(key) for key in desk.store.client.keys("rq:job:*")}
    found = proven(desk)
    assert (found.state, found.matched, found.done, found.looked_at) == (OperationState.DONE, 5, 5, 5)
    assert told(found.verdicts) == TOLD
    assert {key: desk.store.client.hgetall(key) for key in desk.store.client.keys("rq:job:*")} == before
    assert desk.store.client.ttl(keys.proved(found.id)) > 0


def test_jobs_that_take_long_hold_up_no_other_operation(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.fail(*NAMES)
    ticks = itertools.count(step=10)  # seconds: a dry run takes that long, and more
    for module in (carrying, proving):
        monkeypatch.setattr(module, "monotonic", lambda: float(next(ticks)))
    operation = desk.operations.start("prove", ANY, by="ada")
    carrier = Carrier(desk.store, desk.settings, prove=by_name)
    done = []
    while (found := desk.operations.get(operation.id)).state is not OperationState.DONE:
        carrier.carry_on()
        done.append(desk.operations.get(operation.id).done)
    assert sorted({*done, 0}) == [0, 1, 2, 3, 4, 5]
    assert told(found.verdicts) == TOLD


def test_a_retry_is_of_those_alone_that_passed(desk: Desk) -> None:
    desk.fail(*NAMES)
    proof = proven(desk)
    retry = desk.operations.start("retry", ANY, proof=proof.id)
    desk.carry_out()
    ended = desk.operations.get(retry.id)
    assert (ended.state, ended.matched, ended.done, ended.proof) == (OperationState.DONE, 2, 2, proof.id)
    assert desk.statuses(*NAMES) == ["pending", "failed", "failed", "failed", "pending"]
    again = desk.operations.start("retry", ANY, proof=proof.id)  # as a form that is sent twice
    desk.carry_out()
    assert desk.operations.get(again.id).done == 0


@pytest.mark.parametrize("when", ["before the retry", "in it"])
def test_a_job_that_ran_and_failed_again_after_its_proof_is_left(
    desk: Desk, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.fail("passes-1", "passes-2")
    proof = proven(desk)

    def run_again() -> None:
        desk.queue.retry("passes-1")
        desk.hands.finish(desk.hands.take(), FAILED)

    if when == "before the retry":
        run_again()
    retry = desk.operations.start("retry", ANY, proof=proof.id)
    if when == "in it":
        run_again()
    desk.carry_out()
    assert desk.statuses("passes-1", "passes-2") == ["failed", "pending"]
    ended = desk.operations.get(retry.id)
    assert (ended.done, ended.skipped) == (1, 1)


def test_a_job_that_is_retried_while_it_is_proven_is_not_among_those_that_passed(desk: Desk) -> None:
    desk.fail("passes-1", "passes-2")

    def moving(job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        if job_id == "passes-1":
            desk.queue.retry("passes-1")
            desk.hands.finish(desk.hands.take(), FAILED)
        return Proved(Said.PASSES)

    proof = proven(desk, moving)
    assert desk.store.client.zrange(keys.proved(proof.id), 0, -1) == [b"passes-2"]


def test_a_proof_goes_on_where_its_last_part_was_noted(desk: Desk) -> None:
    desk.fail(*(f"passes-{number}" for number in range(40)))
    seen: list[str] = []

    def dying(job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        seen.append(job_id)
        if len(seen) == 20:
            raise KeyboardInterrupt
        return Proved(Said.PASSES)

    operation = desk.operations.start("prove", ANY)
    with pytest.raises(KeyboardInterrupt):
        carry_out(Carrier(desk.store, desk.settings, prove=dying))
    half = desk.operations.get(operation.id)
    assert half.state is OperationState.RUNNING
    assert 0 < half.done < 20
    desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})  # as when its lease has run out
    carry_out(Carrier(desk.store, desk.settings, prove=dying))
    whole = desk.operations.get(operation.id)
    assert (whole.state, whole.done) == (OperationState.DONE, 40)
    assert told(whole.verdicts) == [("passes", "", 40, "passes-39")]
    assert len(seen) == 40 + 20 - half.done


def test_what_another_process_took_over_notes_nothing(desk: Desk) -> None:
    desk.fail("passes-1")
    operation = desk.operations.start("prove", ANY)

    def slow(job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        desk.store.client.hset(keys.operation(operation.id), "token", "another")
        return Proved(Said.PASSES)

    carrier = Carrier(desk.store, desk.settings, prove=slow)
    carrier.carry_on()
    assert desk.operations.get(operation.id).done == 0
    assert not desk.store.client.exists(keys.proved(operation.id))


def test_a_long_dry_run_keeps_the_lease(desk: Desk, wait_until: Callable[..., Any]) -> None:
    desk.fail("passes-1")
    operation = desk.operations.start("prove", ANY)

    def slow(job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        desk.store.client.zadd(keys.OPERATIONS_DUE, {operation.id: 1})

        def is_kept() -> bool:
            meanwhile()
            return (desk.store.client.zscore(keys.OPERATIONS_DUE, operation.id) or 0) > 1

        wait_until(is_kept, 10)
        return Proved(Said.PASSES)

    carry_out(Carrier(desk.store, desk.settings, prove=slow))
    assert desk.operations.get(operation.id).done == 1


def test_a_site_has_proofs_of_its_own(store: Store, settings: Settings, job: Callable[..., Job]) -> None:
    of_shop = settings.model_copy(update={"site": "shop"})
    shop, plain = Desk(connect(of_shop), of_shop, job), Desk(store, settings, job)
    with closing(shop.store):
        shop.fail("passes-1")
        plain.fail("passes-2")
        proof = proven(shop)
        assert proof.done == 1
        shop.operations.start("retry", ANY, proof=proof.id)
        shop.carry_out()
        assert (shop.statuses("passes-1"), plain.statuses("passes-2")) == (["pending"], ["failed"])


def test_without_templates_a_proof_is_aborted(desk: Desk) -> None:
    desk.fail("passes-1")
    operation = desk.operations.start("prove", ANY)
    desk.carry_out()
    ended = desk.operations.get(operation.id)
    assert (ended.state, ended.last_error) == (
        OperationState.ABORTED,
        "this worker's application has no templates to prove jobs against",
    )


def test_only_a_retry_stands_on_a_proof(desk: Desk) -> None:
    for kind, proof in (("delete", "3fa94c07"), ("retry", "../x"), ("prove", "3fa94c07")):
        with pytest.raises(OperationError, match="a proof is the ground of a retry alone"):
            desk.operations.start(kind, ANY, proof=proof)
    with pytest.raises(OperationError, match="takes no rate"):
        desk.operations.start("prove", ANY, rate="10/s")


def test_what_passed_is_forgotten_after_a_day(desk: Desk) -> None:
    desk.fail("passes-1")
    proof = proven(desk)
    desk.store.client.delete(keys.proved(proof.id))
    retry = desk.operations.start("retry", ANY, proof=proof.id)
    desk.carry_out()
    assert desk.operations.get(retry.id).done == 0
    assert desk.statuses("passes-1") == ["failed"]


def test_a_proof_by_its_caller_writes_nothing_until_what_passed_is_kept(desk: Desk) -> None:
    desk.fail(*NAMES)
    before, writes = desk.store.client.keys("*"), _writes(desk)
    proof = Proof()
    counts = []
    for proof in prove(desk.store, desk.settings, _group(desk), by_name):
        counts.append(proof.verdicts.jobs)
    assert (told(proof.verdicts), counts[-1], proof.is_whole) == (TOLD, 5, True)
    assert (sorted(desk.store.client.keys("*")), _writes(desk)) == (sorted(before), writes)
    kept = proof.keep(desk.store)
    desk.operations.start("retry", ANY, proof=kept)
    desk.carry_out()
    assert desk.statuses(*NAMES) == ["pending", "failed", "failed", "failed", "pending"]


def _writes(desk: Desk) -> int:
    """Return how many changes the store has seen."""
    return int(desk.store.client.info("persistence")["rdb_changes_since_last_save"])


def _group(desk: Desk) -> str:
    return (desk.store.client.hget(keys.job(NAMES[0]), keys.FAILURE) or b"").decode()


def test_a_record_that_cannot_be_read_fails_as_it_would_again(desk: Desk) -> None:
    desk.fail("passes-1")
    desk.store.client.hset(keys.job("passes-1"), "data", "garbage")
    [(said, why, jobs, first)] = told(proven(desk).verdicts)
    assert (said, jobs, first) == ("fails", 1, "passes-1")
    assert "not the JSON of a job" in why


def test_reasons_beyond_the_twentieth_are_counted_together() -> None:
    verdicts = Verdicts()
    for word in "abcdefghijklmnopqrstuvwxyz":
        verdicts.add(f"job-{word}", Said.FAILS, f"Error{word}")
    assert len(verdicts.fails) == 21
    assert verdicts.fails[OTHERS].jobs == 6
    assert told(Verdicts.from_json(verdicts.as_json().encode())) == told(verdicts)


@pytest.mark.parametrize(
    "written", [None, b"", b"{", b"[]", b'{"v":2}', b'{"v":1,"rows":[["no","",1,""]]}', b"x" * 200_000]
)
def test_verdicts_that_are_none_say_nothing(written: bytes | None) -> None:
    assert told(Verdicts.from_json(written)) == []
