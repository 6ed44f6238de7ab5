"""Checks of a background tag's parameters: which are slips of options, and which nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from liquid.builtin.expressions import Literal

from liquid_background.job import MAX_PARAMETERS
from liquid_background.language.syntax import OPTIONS, Argument, show, unfiltered
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.edits import Edit, instead
from liquid_background.lint.finding import Finding, Severity, finding
from liquid_background.lint.partials import read_by
from liquid_background.lint.run import Run

_ATTEMPTS: Final = "write max_attempts: attempts in all, the first one included"
_DELAY: Final = "write delay: minutes to wait before the first attempt"
_QUEUE: Final = "write priority: 'high', 'default' or 'low', after which the queues are named"
_TIMEOUT: Final = "the time that an attempt may take is a setting, JOB_TIMEOUT"
_WAITS: Final = "the waits between attempts are a setting, RETRY_DELAYS"
_KEPT: Final = "how long jobs are kept is a setting, RESULT_TTL, and FAILURE_TTL of failed ones"
_CALLED: Final = "write source_name: the name in the log"
_ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("attempts", "max_retries", "max_tries", "retries", "retry", "retry_count", "tries"), _ATTEMPTS),
    **dict.fromkeys(("at", "countdown", "eta", "minutes", "run_at", "run_in", "seconds", "wait", "wait_until"), _DELAY),
    **dict.fromkeys(("lane", "queue", "queue_name"), _QUEUE),
    **dict.fromkeys(("job_timeout", "max_time", "time_limit", "timeout"), _TIMEOUT),
    **dict.fromkeys(("backoff", "retry_delay", "retry_delays", "retry_in", "retry_intervals"), _WAITS),
    **dict.fromkeys(("expires", "failure_ttl", "result_ttl", "ttl"), _KEPT),
    **dict.fromkeys(("job_name", "label"), _CALLED),
    "job_id": "a job's id is made for it: {% background job_id = 'partial' %} tells it",
}
"""What options of other background jobs are here, by their names there."""
_SAME: Final = {
    **dict.fromkeys(("attempts", "max_tries", "tries"), "max_attempts"),
    **dict.fromkeys(("lane", "queue", "queue_name"), "priority"),
    "job_name": "source_name",
}
"""Those that mean the same here, where their value is one that the option may have."""


def check_parameters(run: Run, path: str, node: BackgroundNode) -> Iterator[Finding]:
    """Yield what is doubtful about the parameters of one background tag, one finding for each."""
    given = node.parameters[:MAX_PARAMETERS]  # more are an error of their own
    read = read_by(run.partials, node) if given else frozenset()
    for parameter in given:
        name = parameter.name
        near = run.suggestions.of("option", name, OPTIONS, cutoff=0.75)
        is_read = read is not None and name in read
        if name in _ELSEWHERE and read is not None and not is_read:
            message = f"{show(name)} is taken for a parameter, which nothing reads"
            edits = _renamed(node, parameter, _SAME[name]) if name in _SAME else ()
            yield finding(path, parameter.token, "misspelt-option", message, _ELSEWHERE[name], edits=edits)
        elif near:
            message, fix = f"{show(name)} is taken for a parameter", f"did you mean the option '{near}'?"
            edits = () if is_read or read is None else _renamed(node, parameter, near)
            found = finding(path, parameter.token, "misspelt-option", message, fix, edits=edits)
            yield replace(found, rule=replace(found.rule, severity=Severity.WARNING)) if is_read else found
        elif node.body is not None and read is not None and not is_read:
            message = f"parameter {show(name)} is not read in the body"
            yield finding(path, parameter.token, "unused-parameter", message, "remove it, or read it")


def _renamed(node: BackgroundNode, parameter: Argument, option: str) -> tuple[Edit, ...]:
    """Return the edit that makes a parameter the option, unless it has that, or cannot have this value."""
    if any(given.name == option for given in node.options) or (option == "source_name" and node.label is not None):
        return ()
    value = unfiltered(parameter.value)
    if isinstance(value, Literal):
        try:
            OPTIONS[option].read(value.value)
        except ValueError:
            return ()
    elif parameter.name in _SAME:
        return ()
    return instead(parameter.token, parameter.name, option)
