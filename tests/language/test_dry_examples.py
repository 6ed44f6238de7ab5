"""A dry run tells of each example of the template docs what its page and jobs then do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import liquid
import pytest
from liquid.exceptions import LiquidError

from liquid_background.job import Job, Outcome
from liquid_background.jobs.queue.payload import payload_of
from liquid_background.language.dry import DryOutcome, DryRuns, Verdict
from liquid_background.withheld import NeverShip
from tests.language.test_docs import User, _answering, examples
from tests.preview.agreeing import matches

_ID = re.compile("[0-9a-f]{32}")  # of a job, which is a new one each time
_OPTIONS = ("source_name", "priority", "delay", "max_attempts", "template", "line", "handed_over")


def _told(job: Job) -> list[Any]:
    given = {name: value for name, value in job.parameters.items() if name != "event"}
    return [*(getattr(job, name) for name in _OPTIONS), given]


def _assert_agrees(told: DryOutcome, done: Outcome) -> None:
    assert (told.error is None) == (done.error is None), (told.error, done.error)
    assert matches(str(told.result), str(done.result))
    assert [each.entry.message for each in told.entries] == [entry.message for entry in done.entries]
    assert [_told(each.job) for each in told.jobs] == [_told(job) for job in done.jobs]


@pytest.mark.parametrize(("example", "source"), examples())
def test_example(make_site: Callable[..., Any], example: dict[str, Any], source: str) -> None:
    site = make_site(liquid.Mode[example.get("mode", "STRICT")])
    for folder in ("partials", "consumers"):
        site.write({f"{folder}/{name}": text for name, text in example.get(folder, {}).items()})
    env = site.engine.environment
    if "never_ship" in example:
        env.never_ship = NeverShip(example["never_ship"])
    for name, answer in example.get("actions", {}).items():
        site.engine.action(name, pure=True)(_answering(answer))
    data = dict(example.get("data", {}))
    if "object" in example:
        data[example["object"]] = User()
    site.write({"pages/page": source})
    dry = DryRuns(env, site.engine)
    told = dry.render("page", data, params=example.get("params", {}))
    assert site.jobs == []
    assert told.effects == ()
    if "error" in example:
        with pytest.raises(LiquidError) as raised:
            site.render(source, data)
        assert told.verdict is Verdict.FAILS
        assert told.error is not None
        assert str(raised.value.message) in told.error
        return
    text = site.render(source, data, params=example.get("params", {}))
    assert matches(_ID.sub("[id?]", told.result), text)
    for each, job in zip(told.jobs, site.jobs, strict=True):
        dried, done = dry.perform(each.payload, job.id), site.perform(job)
        _assert_agrees(dried, done)
        for later, then in zip(dried.jobs, done.jobs, strict=True):
            _assert_agrees(dry.perform(later.payload), site.engine.perform(then.id, payload_of(then), 1, 1))
