"""The proof of a failure group: started, shown with how far it is, and those run again that pass."""

from __future__ import annotations

from typing import Any, Final

from liquid_background.errors import OperationError
from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Kind, Operation, OperationState
from liquid_background.jobs.operating.verdicts import DryVerdict, Verdicts
from liquid_background.jobs.queue.overview import workers
from liquid_background.screens.access import Action
from liquid_background.screens.back import back
from liquid_background.screens.linking import job_url, short
from liquid_background.screens.messages import Refused, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_WORDS: Final = {
    DryVerdict.PASSES: ("completed", "passes now"),
    DryVerdict.FAILS: ("failed", "still fails"),
    DryVerdict.DEPENDS: ("cancelled", "depends on"),
    DryVerdict.UNKNOWN: ("cancelled", "unknown"),
}
"""Of each verdict the state whose colour it has, and how it is said."""


def prove(screen: Screen) -> ScreenAnswer:
    """Have workers run the jobs of a failure group dry, for those who may retry them."""
    screen.check(Action.RETRY)
    failure = screen.engine.failures.resolve(screen.request.segments[1])
    wanted = Filter(status=JobStatus.FAILED, failure=failure)
    proof, _ = screen.engine.operations.proof_of(failure)
    if proof is None or proof.state is not OperationState.RUNNING:  # a form that is sent twice starts one
        screen.engine.operations.start(Kind.PROVE, wanted, by=screen.request.visitor.name)
    return back(screen, {"done": "proving", "about": f"failure {failure}"}, "failures", failure)


def retry_passing(screen: Screen) -> ScreenAnswer:
    """Have workers run those jobs of a failure group again that have passed a proof, and have not moved on since."""
    screen.check(Action.RETRY)
    failure = screen.engine.failures.resolve(screen.request.segments[1])
    try:
        proof = screen.engine.operations.get(screen.request.form.one("proof"))
    except OperationError as error:
        raise Refused(404, str(error)) from error
    if not proof.is_proof or proof.filter.failure != failure:
        raise Refused(400, "That is no proof of this failure: prove it first.")
    wanted = Filter(status=JobStatus.FAILED, failure=failure)
    by = screen.request.visitor.name
    try:
        operation = screen.engine.operations.start(Kind.RETRY, wanted, by=by, proof=proof.id)
    except OperationError as error:  # what passed is forgotten
        raise Refused(409, str(error)) from error
    return back(screen, {"done": "started", "about": f"operation {operation.id}"}, "failures", failure)


def proof_of(screen: Screen, failure: str) -> dict[str, Any] | None:
    """Return the newest proof of a failure group, for its screen; None when there is none of late."""
    proof, retry = screen.engine.operations.proof_of(failure)
    if proof is None:
        return None
    verdicts = proof.verdicts or Verdicts()
    return {
        "id": Exact(proof.id),
        "by": proof.by,
        "created": proof.created,
        "is_running": proof.state is OperationState.RUNNING,
        "is_waiting": proof.state is OperationState.RUNNING and not workers(screen.engine.store),
        "state": str(proof.state),
        "error": proof.last_error,
        "jobs": verdicts.jobs,
        "passing": verdicts.passes.jobs if proof.state is not OperationState.RUNNING and retry is None else 0,
        "rows": _rows(screen, verdicts),
        "retry": _retry(retry),
    }


def _rows(screen: Screen, verdicts: Verdicts) -> list[dict[str, Any]]:
    rows = []
    for verdict, reason in verdicts.rows():
        state, words = _WORDS[verdict]
        first = {"url": job_url(screen, reason.first), "short": short(reason.first)}
        rows.append({"state": state, "words": words, "why": reason.why, "jobs": reason.jobs, "first": first})
    return rows


def _retry(retry: Operation | None) -> dict[str, Any] | None:
    if retry is None:
        return None
    return {"done": retry.done, "skipped": retry.skipped, "state": str(retry.state), "by": retry.by}
