"""Checks of a background tag's parameters: which are slips of options, and which nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from liquid import Node
from liquid.ast import IllegalNode
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import StringLiteral

from liquid_background.job import MAX_PARAMETERS
from liquid_background.language.plan import BodyWalk
from liquid_background.language.syntax import OPTIONS, show
from liquid_background.language.tags import BackgroundNode
from liquid_background.lint.finding import Finding, Severity, finding
from liquid_background.lint.partials import Partials, included, roots_read
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


def check_parameters(run: Run, path: str, node: BackgroundNode) -> Iterator[Finding]:
    """Yield what is doubtful about the parameters of one background tag, one finding for each."""
    given = node.parameters[:MAX_PARAMETERS]  # more are an error of their own
    read = _read_by(run.partials, node) if given else frozenset()
    for parameter in given:
        name = parameter.name
        near = run.suggestions.of("option", name, OPTIONS, cutoff=0.75)
        is_read = read is not None and name in read
        if name in _ELSEWHERE and read is not None and not is_read:
            message = f"{show(name)} is taken for a parameter, which nothing reads"
            yield finding(path, parameter.token, "misspelt-option", message, _ELSEWHERE[name])
        elif near:
            message = f"{show(name)} is taken for a parameter"
            found = finding(path, parameter.token, "misspelt-option", message, f"did you mean the option '{near}'?")
            yield replace(found, rule=replace(found.rule, severity=Severity.WARNING)) if is_read else found
        elif node.body is not None and read is not None and not is_read:
            message = f"parameter {show(name)} is not read in the body"
            yield finding(path, parameter.token, "unused-parameter", message, "remove it, or read it")


def _read_by(partials: Partials, node: BackgroundNode) -> frozenset[str] | None:
    """Return the roots that a job reads; None when that cannot be told, as where a part of it could not be parsed."""
    if node.body is None:
        name = node.partial.left if isinstance(node.partial, FilteredExpression) else node.partial
        return partials.read(name.value) if isinstance(name, StringLiteral) else None
    roots: set[str] = set()
    includes: set[str] = set()
    left: list[Node] = [*node.body.nodes]
    walk = BodyWalk(partials.environment, (), frozenset())
    while left:
        current = left.pop()
        if isinstance(current, IllegalNode):
            return None
        roots.update(roots_read(current))
        partial = included(current)
        if partial is not None:
            includes.add(partial)
        left.extend(walk.children(current))
    inside = [partials.read(name) if name else None for name in includes]
    if None in inside:
        return None
    return frozenset(roots).union(*(names for names in inside if names))
