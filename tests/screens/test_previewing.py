"""What a job would do now, before somebody retries it."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import Engine
from liquid_background.jobs.store import Store
from liquid_background.screens import Visitor
from liquid_background.screens.access import Action
from liquid_background.settings import Settings, load_settings
from tests.screens.conftest import READER, Ask, text_of
from tests.screens.shop import EVIL, Shop


@pytest.fixture
def engine(store: Store, settings: Settings, tmp_path: Path) -> Engine:
    (tmp_path / "partials").mkdir()
    engine = Engine(settings=load_settings(data_dir=settings.data_dir, templates=tmp_path))
    engine._link._store = store
    return engine


def _partial(engine: Engine, text: str) -> None:
    (engine.settings.templates / "partials" / "mail.liquid").write_text(text, encoding="utf-8")


def test_a_job_that_failed_is_run_dry_with_the_template_as_it_is_now(shop: Shop, ask: Ask, engine: Engine) -> None:
    _partial(engine, "{% log 'sent' %}{{ to | act }}{% background source_name: 'next' %}then{% endbackground %}")
    [job] = shop.fail(source=None, partial="mail", parameters={"to": "ada", "token": "s3cret-7"})
    sent: list[object] = []
    engine.environment.add_filter("act", sent.append)
    before = [record.id for record in engine.jobs.list()]
    assert f'href="/ops/jobs/{job.id}/preview">Preview</a>' in text_of(ask(f"jobs/{job.id}"))
    html = text_of(ask(f"jobs/{job.id}/preview"))
    for line in ("passes", "log: sent", "not called: filter act(&#34;ada&#34;)", "└─ 1 next", "Nothing was sent"):
        assert line in html
    assert "s3cret-7" not in html
    assert (sent, [record.id for record in engine.jobs.list()]) == ([], before)
    _partial(engine, "{% include 'gone' %}")
    assert "error: partial &#39;gone&#39; not found (partials/mail:1" in text_of(ask(f"jobs/{job.id}/preview"))


def test_what_a_job_prints_is_only_text(shop: Shop, ask: Ask, engine: Engine) -> None:
    _partial(engine, "{{ to }}{% log to %}")
    [job] = shop.fail(source=None, partial="mail", parameters={"to": EVIL})
    html = text_of(ask(f"jobs/{job.id}/preview"))
    assert "&lt;img src=x" in html
    assert not any(mark in html for mark in ("<img", "\u202e", "\x1b"))


def test_it_is_for_those_who_may_retry(shop: Shop, ask: Ask, engine: Engine) -> None:
    _partial(engine, "x")
    [job] = shop.fail(source=None, partial="mail")
    assert "/preview" not in text_of(ask(f"jobs/{job.id}", visitor=READER))
    assert ask(f"jobs/{job.id}/preview", visitor=READER).status == 403
    assert ask(f"jobs/{job.id}/preview", visitor=Visitor("bo", frozenset({Action.RETRY}))).status == 200
    assert ask("jobs/none/preview").status == 404
