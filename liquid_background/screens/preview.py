"""The preview of a job: what it would do if it ran now."""

from __future__ import annotations

import json
from typing import Any, Final

from liquid_background.errors import JobRefused, PreviewStopped
from liquid_background.language.dry import Verdict
from liquid_background.preview import Preview, PreviewedJob, PreviewedRun
from liquid_background.screens.access import Action
from liquid_background.screens.linking import job_url, short
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen

_SECONDS: Final = 5.0  # that a page waits for
_ROWS: Final = 200  # lines of an output or a log, effects, and jobs that are shown
_STATES: Final = {
    Verdict.PASSES: ("completed", "passes"),
    Verdict.FAILS: ("failed", "fails"),
    Verdict.DEPENDS: ("cancelled", "depends"),
    Verdict.UNKNOWN: ("cancelled", "takes too long to tell"),
}


def show(screen: Screen) -> ScreenAnswer:
    """Run a job dry, in a limited process of its own, and show what it would do. Nothing is done, so a link may ask."""
    screen.check_right(Action.PROVE)
    job = screen.engine.jobs.get(screen.request.segments[1])
    frame: dict[str, Any] = {"heading": f"Preview of {job.source_name or 'a job'}", "url": job_url(screen, job.id)}
    title = f"preview of job {short(job.id)}"
    try:
        preview = screen.engine.preview_job(job.id, seconds=_SECONDS)
    except (PreviewStopped, JobRefused) as error:
        return screen.page("preview", title, 200, message=str(error), run=None, cut=[], **frame)
    return screen.page("preview", title, run=_run(preview, preview.run), cut=list(preview.cut), **frame)


def _run(preview: Preview, run: PreviewedRun) -> dict[str, Any]:
    state, words = _STATES[run.verdict]
    lines = [{"type": line.type, "message": line.message} for line in run.lines]
    return {
        "state": state,
        "words": words,
        "depends_on": _names(preview, run.depends_on),
        "error": run.error or "",
        "output": _output(run),
        "output_depends_on": _names(preview, run.output_depends_on),
        "log": lines[:_ROWS],
        "log_behind": max(0, len(lines) - _ROWS),
        "effects": [_effect(each) for each in run.effects[:_ROWS]],
        "effects_behind": max(0, len(run.effects) - _ROWS) + run.effects_left_out,
        "events": [{"name": each.name, "consumers": each.consumers} for each in run.events],
        "jobs": [_job(job) for job in run.jobs[:_ROWS]],
        "jobs_behind": max(0, len(run.jobs) - _ROWS) + run.jobs_left_out,
    }


def _names(preview: Preview, numbers: tuple[int, ...]) -> str:
    found = (preview.effect(number) for number in numbers)
    return ", ".join(dict.fromkeys(f"{each.kind} {each.name}" for each in found if each is not None))


def _output(run: PreviewedRun) -> dict[str, Any] | None:
    """Return what it would print, or its function return; None for nothing."""
    if run.output is None:
        return None
    text = run.output if isinstance(run.output, str) else json.dumps(run.output, ensure_ascii=False, indent=2)
    lines = text.strip("\n").split("\n") if text.strip() else []
    return {"lines": lines[:_ROWS], "behind": max(0, len(lines) - _ROWS)}


def _effect(effect: Any) -> dict[str, Any]:
    given = [
        json.dumps(value, ensure_ascii=False) if name.isdigit() else f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in effect.arguments.items()
    ]
    place = f"{effect.template}:{effect.line}" if effect.template else ""
    return {"kind": effect.kind, "name": effect.name, "given": ", ".join(given), "place": place}


def _job(job: PreviewedJob) -> dict[str, Any]:
    state, words = _STATES[job.run.verdict] if job.run is not None else ("", job.cut)
    return {
        "source_name": job.source_name,
        "place": job.what or f"{job.template}:{job.line}",
        "queue": job.priority,
        "due": job.due,
        "state": state,
        "words": words,
        "error": (job.run.error or "") if job.run is not None else "",
        "more": len(job.run.jobs) + job.run.jobs_left_out if job.run is not None else 0,
    }
