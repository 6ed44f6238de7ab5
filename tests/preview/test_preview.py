"""Previews by the engine: in a process of their own, of the whole chain, with what is left out told."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, Environment
from liquid_background.errors import JobNotFound, JobRefused, PageNotFound, PreviewStopped, SettingsError
from liquid_background.jobs.store import Store
from liquid_background.language.dry import Verdict
from liquid_background.language.pages import SiteLoader
from liquid_background.preview import Preview, Tree, as_json, from_json
from liquid_background.settings import Settings
from tests.jobs.queue.test_delays import commands

Write = Callable[..., None]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine whose store nobody could reach."""
    environment = Environment(loader=SiteLoader(tmp_path / "templates"))
    return Engine(environment=environment, redis_url="redis://127.0.0.1:1", memory_limit=128)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / "templates" / f"{name.replace('__', '/')}.liquid"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


def names(preview: Preview) -> list[str]:
    return [job.source_name for job in preview.jobs()]


def test_it_follows_a_page_to_the_end_of_the_chain(engine: Engine, write: Write) -> None:
    write(
        pages__page="{% assign a = 1 %}"
        "{% background source_name: 'first', priority: 'high', delay: 2, max_attempts: 3, p: 'x' %}"
        "{% log a %}{% background source_name: 'second', delay: 0.5 %}{% trigger_event 'done', n: 7 %}"
        "{% endbackground %}"
        "{% endbackground %}text",
        consumers__done__note="---\nsource_name: third\npriority: low\n---\n{% log event.n %}{{ event.n }}",
    )
    preview = engine.preview("page")
    assert preview.run.output == "text"
    assert names(preview) == ["first", "second", "third"]
    first, second, third = preview.jobs()
    assert (first.priority, first.delay, first.max_attempts, first.due, first.kind) == ("high", 2, 3, 120, "block")
    assert len(first.waits) == 2
    assert [(each.name, each.value, each.size) for each in first.parameters] == [("p", "x", 3)]
    assert [(each.name, each.value) for each in first.handed_over] == [("a", 1)]
    assert (first.template, first.line) == ("pages/page", 1)
    assert second.due == 150
    assert (third.event, third.what, third.priority) == ("done", "consumers/done/note", "low")
    assert first.run is not None
    assert [line.message for line in first.run.lines] == ["1"]
    assert third.run is not None
    assert (third.run.output, [line.message for line in third.run.lines]) == ("7", ["7"])
    assert second.run is not None
    assert [(event.name, event.consumers) for event in second.run.events] == [("done", 1)]
    assert [job.number for job in preview.jobs()] == [1, 2, 3]
    assert (preview.cut, preview.fails) == ((), False)
    assert from_json(json.loads(json.dumps(as_json(preview)))) == preview


def test_it_takes_what_a_page_is_given_and_so_does_its_twin(engine: Engine, write: Write) -> None:
    write(pages__page="{{ name }} {{ params.q }} {{ session.id }} {{ current_user.name }}")
    given: dict[str, Any] = {"params": {"q": "a"}, "session": {"id": 7}, "current_user": {"name": "Ada"}}
    preview = engine.preview("page", {"name": "x"}, **given)
    assert preview.run.output == "x a 7 Ada"
    assert asyncio.run(engine.preview_async("page", {"name": "x"}, **given)) == preview

    async def inside() -> Preview:
        return engine.preview("page", {"name": "x"}, **given)

    assert asyncio.run(inside()) == preview


def test_an_error_in_a_job_is_a_part_of_the_answer(engine: Engine, write: Write) -> None:
    write(pages__page="a\n{% background source_name: 's' %}\n{% include 'gone' %}{% endbackground %}")
    preview = engine.preview("page")
    (job,) = preview.jobs()
    assert job.run is not None
    assert job.run.error == "partial 'gone' not found (pages/page:3)"
    assert (job.run.verdict, job.run.raised) == (Verdict.FAILS, "TemplateNotFoundError")
    assert (job.run.template, job.run.line, job.run.output) == ("pages/page", 3, None)
    assert preview.fails


def test_a_page_that_fails_sends_nothing(engine: Engine, write: Write) -> None:
    write(pages__page="{% log 'said' %}{% background source_name: 's' %}{% endbackground %}\n{% include 'gone' %}")
    run = engine.preview("page").run
    assert (run.jobs, run.error) == ((), "partial 'gone' not found (pages/page:2)")
    assert [line.message for line in run.lines] == ["said"]


def test_a_page_that_is_not_there(engine: Engine, write: Write) -> None:
    write(pages__order="x", pages__lost="---\nlayout: gone\n---\n")
    with pytest.raises(PageNotFound, match="did you mean 'order'"):
        engine.preview("oder")
    run = engine.preview("lost").run  # that one is there
    assert (run.verdict, run.raised) == (Verdict.FAILS, "LayoutNotFound")


def test_a_job_that_sends_itself_is_followed_so_far(engine: Engine, write: Write) -> None:
    write(pages__page="{% background _ = 'again' %}", partials__again="{% background _ = 'again', delay: 1 %}")
    preview = engine.preview("page")
    assert len(names(preview)) == 11
    *ran, last = preview.jobs()
    assert all(job.run is not None for job in ran)
    assert (last.run, last.due) == (None, 600)
    assert "10 jobs before it" in last.cut
    assert preview.cut == ("a chain is followed for 10 jobs",)
    assert len(names(engine.preview("page", depth=2))) == 3


def test_a_page_that_sends_thousands_shows_the_first(engine: Engine, write: Write) -> None:
    block = "{% background source_name: 'child' %}{% endbackground %}"
    write(
        pages__page="{% for i in (1..900) %}{% background source_name: 'parent' %}"
        f"{{% for i in (1..10) %}}{block}{{% endfor %}}{{% endbackground %}}{{% endfor %}}"
    )
    preview = engine.preview("page", jobs=20)
    assert names(preview) == ["parent"] * 20
    assert preview.run.jobs_left_out == 880
    assert preview.run.jobs[0].run is not None
    assert preview.run.jobs[0].run.jobs_left_out == 10
    assert preview.cut == ("only the first 20 jobs are shown and run",)


def test_a_page_without_an_end_is_told_of(engine: Engine, write: Write) -> None:
    loop = "{% for i in (1..9000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}"
    write(
        pages__page=loop,
        pages__job=f"{{% background source_name: 's' %}}{loop}{{% endbackground %}}"
        "{% background source_name: 't' %}{% endbackground %}",
    )
    assert engine.preview("page", seconds=0.1).run.verdict is Verdict.UNKNOWN
    preview = engine.preview("job", seconds=0.3)
    first, second = preview.jobs()
    assert first.run is not None
    assert first.run.verdict is Verdict.UNKNOWN
    assert (second.run, second.cut) == (None, "not run: the preview has taken its time")
    assert preview.cut == ("the preview ended after 0.3 s",)


def test_what_hangs_or_eats_memory_or_dies_is_stopped(engine: Engine, write: Write) -> None:
    env = engine.environment
    env.add_filter("hang", lambda _: time.sleep(60), pure=True)
    env.add_filter("die", lambda _: os._exit(3), pure=True)
    env.add_filter("eat", lambda _: bytes(300 * 1024 * 1024) and "", pure=True)
    write(pages__hang="{{ 1 | hang }}", pages__die="{{ 1 | die }}", pages__eat="{{ 1 | eat }}", pages__fine="x")
    started = time.monotonic()
    with pytest.raises(PreviewStopped, match=r"longer than 0\.1 s"):
        engine.preview("hang", seconds=0.1)
    assert time.monotonic() - started < 20
    with pytest.raises(PreviewStopped, match="exit code 3"):
        engine.preview("die")
    looping: list[object] = []
    looping.append(looping)
    with pytest.raises(PreviewStopped, match="raised RecursionError"):
        engine.preview("fine", {"password": looping})
    run = engine.preview("eat").run
    assert (run.verdict, run.error) == (Verdict.FAILS, "MemoryError (pages/eat:1)")


def test_many_large_arguments_are_told_by_their_size(engine: Engine, write: Write) -> None:
    engine.environment.add_filter("post", lambda value, **_: value)
    large = "{% assign x = 'abcdefgh' %}" + "{% assign x = x | append: x %}" * 10  # 8 KB
    write(pages__page=large + "{% for i in (1..1000) %}{{ 1 | post: a: x, b: x }}{% endfor %}")
    effects = engine.preview("page").run.effects
    assert len(effects) == 1_000
    assert [effect.arguments["b"] for effect in (effects[0], effects[-1])] == [
        "abcdefgh" * 1024,
        "a str of 8,194 bytes",
    ]
    assert sum(len(str(value)) for effect in effects for value in effect.arguments.values()) < 5 * 1024 * 1024


def test_its_process_writes_no_file(engine: Engine, write: Write, tmp_path: Path) -> None:
    path = tmp_path / "written"

    def record(_: object) -> str:
        path.write_text("x")
        return ""

    engine.environment.add_filter("record", record)
    write(
        pages__page="{{ 1 | record }}",
        pages__job="{% background source_name: 's' %}{{ 1 | record }}{% endbackground %}",
    )
    for page in ("page", "job"):
        engine.preview(page)
        assert not path.exists()
    engine.environment.add_filter("record", record, pure=True)  # which is not true
    engine.preview("page")
    assert not path.exists() or path.read_text() == ""


def test_it_is_made_in_a_program_with_threads(engine: Engine, write: Write) -> None:
    write(pages__page="x")
    done = threading.Event()
    others = [threading.Thread(target=done.wait) for _ in range(60)]  # whose stacks count as memory: 480 MB
    for each in others:
        each.start()
    try:
        assert engine.preview("page").run.verdict is Verdict.PASSES
        found = [threading.Thread(target=engine.preview, args=("page",)) for _ in range(4)]
        for each in found:
            each.start()
        for each in found:
            each.join(20)
        assert not any(each.is_alive() for each in found)
    finally:
        done.set()
        for each in others:
            each.join()


def test_secrets_are_masked_wherever_they_stand(engine: Engine, write: Write) -> None:
    engine.environment.add_filter("login", lambda *_, **__: None)
    write(
        pages__page="{{ user.password }}{% log user.password %}"
        "{% background source_name: 's', password: user.password, name: user.name %}"
        "{% assign p = password %}{% log p %}{{ p }}{{ p | login: password: p }}"
        "{% include 'gone', x: p %}{% endbackground %}"
    )
    text = json.dumps(as_json(engine.preview("page", {"user": {"name": "Ada", "password": "hunter22"}})))
    assert "hunter22" not in text
    assert "Ada" in text
    assert text.count("[masked]") >= 4


def test_large_outputs_are_cut(engine: Engine, write: Write) -> None:
    engine.environment.output_stream_limit = 60_000
    write(
        pages__page="{% for i in (1..5000) %}abcdefghij{% endfor %}",
        pages__more="{% for i in (1..9000) %}abcdefghij{% endfor %}",
    )
    run = engine.preview("page").run
    assert run.output_size == 50_000
    assert len(run.output) == 20_001
    run = engine.preview("more").run
    assert (run.verdict, run.raised, run.output_size) == (Verdict.FAILS, "LimitReached", 0)


@pytest.mark.parametrize("limit", ["jobs", "depth", "seconds"])
def test_a_limit_of_nothing_is_refused(engine: Engine, write: Write, limit: str) -> None:
    write(pages__page="x")
    with pytest.raises(SettingsError, match=f"{limit} is 0; it must be above 0"):
        engine.preview("page", **{limit: 0})


def test_jobs_that_pure_code_enqueues_are_collected(engine: Engine, write: Write) -> None:
    """Pure code may say what is to run: that goes with the page, and so nowhere."""
    write(pages__page="{% action 'plan' %}", partials__p="ran")
    engine.action("plan", pure=True)(lambda: plan(engine))
    preview = engine.preview("page")
    assert preview.run.error is None
    assert [(job.what, job.run.output if job.run else None) for job in preview.jobs()] == [("p", "ran")]


def plan(engine: Engine) -> None:
    engine.enqueue("p", {})


def test_a_long_chain_is_followed_if_that_is_asked_for(engine: Engine, write: Write) -> None:
    write(pages__page="{% background _ = 'again' %}", partials__again="{% background _ = 'again' %}")
    preview = engine.preview("page", depth=100, jobs=200)
    assert len(names(preview)) == 101
    assert len([*Tree(preview).rows()]) > 300


def test_a_template_that_includes_itself_fails(engine: Engine, write: Write) -> None:
    write(pages__page="{% background _ = 'again' %}", partials__again="{% include 'again' %}")
    (job,) = engine.preview("page").jobs()
    assert job.run is not None
    assert (job.run.verdict, job.run.raised) == (Verdict.FAILS, "LimitReached")
    assert "does one include itself?" in str(job.run.error)


def test_a_job_of_the_store_is_run_dry_by_its_id(store: Store, settings: Settings, tmp_path: Path) -> None:
    environment = Environment(loader=SiteLoader(tmp_path / "templates"))
    engine = Engine(environment=environment, settings=settings)
    engine.render_string(
        "{% background source_name: 's', a: 1 %}{{ a }}{% log 'x' %}{% endbackground %}", name="pages/p"
    )
    (job,) = engine.jobs.list()
    told: list[Preview] = []
    words = {each.split()[0] for each in commands(store, lambda: told.append(engine.preview_job(job.id)))}
    assert words <= {"PING", "CLIENT", "HELLO", "HGET", "CONFIG", "INFO"}
    (preview,) = told
    assert (preview.job, preview.page, preview.run.output) == (job.id, "", "1")
    assert [line.message for line in preview.run.lines] == ["x"]
    assert asyncio.run(engine.preview_job_async(job.id)) == preview
    assert next(iter(Tree(preview).rows())) == ("", f"job {job.id}  passes")
    with pytest.raises(JobNotFound):
        engine.preview_job("none")
    store.client.hset(f"rq:job:{job.id}", "data", b"\x80pickle")
    with pytest.raises(JobRefused):
        engine.preview_job(job.id)
