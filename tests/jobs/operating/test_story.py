"""`engine.story`: all that is known of a job, as people are shown it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from liquid_background import Engine, JobNotFound, LogStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.places import InStore


@pytest.fixture
def engine(store: Store, settings: Settings, tmp_path: Path) -> Engine:
    return Engine(settings=settings.model_copy(update={"templates": tmp_path, "retry_delays": (0, 0, 0, 0)}))


def _work(engine: Engine) -> None:
    place = InStore(engine)
    while taken := place.take():
        record = engine.jobs.get(taken[0])
        data = engine.store.client.hget(keys.job(taken[0]), "data") or b""
        place.finish(engine.perform(record.id, decode_payload(data), taken[1], record.max_attempts))
        place.hasten()


BODY = """{% background source_name: 'pay', api_token: token, max_attempts: 2 %}

{% log 'with the key', token: api_token %}
{% log api_token %}
{% assign n = 1 | divided_by: 0 %}
{% endbackground %}"""


def test_a_story_has_each_attempt_and_marks_the_line(engine: Engine) -> None:
    engine.render_string(BODY, {"token": "s3cret-7"}, name="pages/pay")
    _work(engine)
    [job] = engine.jobs.list("failed")
    story = engine.story(job.id)
    assert [(each.number, each.status) for each in story.attempts] == [(1, LogStatus.FAILED), (2, LogStatus.FAILED)]
    assert all(each.waited is not None and each.waited >= 0 and each.ended for each in story.attempts)
    assert [(line.number, line.raised) for line in story.source] == [(3, False), (4, False), (5, True)]
    assert "ZeroDivisionError" in story.traceback or "divide" in story.traceback
    assert len(story.lines) == 4
    assert "s3cret-7" not in repr(story)
    assert story.job.parameters == {"api_token": "[masked]"}
    assert asyncio.run(engine.story_async(job.id)).job == story.job
    with pytest.raises(JobNotFound):
        engine.story("none")


def test_the_log_has_no_secret_of_a_job_whose_record_is_gone(engine: Engine) -> None:
    """The log is kept longer than records are, and only they tell what is to be masked."""
    engine.render_string(BODY, {"token": "s3cret-7"}, name="pages/pay")
    _work(engine)
    [job] = engine.jobs.list("failed")
    engine.jobs.delete(job.id)
    logged = [entry.message for entry in engine.shown_entries(engine.log.entries())]
    assert "[masked]" in logged
    assert "s3cret-7" not in repr(logged)


@pytest.mark.parametrize(("tag", "words"), [("include", "included"), ("render", "rendered"), ("function", "called")])
def test_a_line_that_leads_to_what_raised_is_marked(engine: Engine, tmp_path: Path, tag: str, words: str) -> None:
    """Most mails are partials: the block's own line tells which of them failed."""
    partials = tmp_path / "partials"
    partials.mkdir()
    (partials / "outer.liquid").write_text("\n{% include 'inner' %}")
    (partials / "inner.liquid").write_text("{{ 1 | divided_by: 0 }}")
    line = "function x = 'outer'" if tag == "function" else f"{tag} '{'inner' if tag == 'render' else 'outer'}'"
    engine.render_string(f"{{% background %}}\n\nbefore\n{{% {line} %}}\n{{% endbackground %}}", name="pages/pay")
    _work(engine)
    [job] = engine.jobs.list("failed")
    assert f"{words} from pages/pay:4" in (job.error or "")
    assert [line.number for line in engine.story(job.id).source if line.raised] == [4]
    [group] = engine.failures.list()
    assert group.source_line == f"{{% {line} %}}"


def test_a_story_has_parent_and_children_and_what_was_printed(engine: Engine) -> None:
    engine.render_string(
        "{% background source_name: 'outer', card_token: t %}it is {{ card_token }}"
        "{% background source_name: 'inner' %}x{% endbackground %}{% endbackground %}",
        {"t": "s3cret-7"},
        name="pages/x",
    )
    _work(engine)
    [outer] = engine.jobs.list(source_name="outer")
    story = engine.story(outer.id)
    assert story.job.result == "it is [masked]"
    assert [child.source_name for child in story.children] == ["inner"]
    inner = engine.story(story.children[0].id)
    assert inner.parent is not None
    assert (inner.parent.id, inner.parent.result) == (outer.id, "it is [masked]")


def test_an_attempt_that_runs_is_the_last_one(engine: Engine) -> None:
    engine.render_string("{% background source_name: 'x' %}x{% endbackground %}")
    taken = InStore(engine).take()
    assert taken is not None
    [attempt] = engine.story(taken[0]).attempts
    assert (attempt.number, attempt.status, attempt.ended) == (1, None, None)
    assert attempt.started is not None


def test_beginnings_of_ids_in_a_filter_are_made_whole(engine: Engine) -> None:
    engine.render_string(BODY, {"token": "x"}, name="pages/pay")
    _work(engine)
    [job] = engine.jobs.list("failed")
    [group] = engine.failures.list()
    found = engine.whole_filter(Filter(failure=group.id[:5], parent=job.id[:9]))
    assert (found.failure, found.parent) == (group.id, job.id)
    assert engine.whole_filter(Filter(parent="0" * 32)).parent == "0" * 32
