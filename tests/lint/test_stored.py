"""The check of a store against an application: jobs of the tree before, and what the tree of today lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from liquid_background import Engine, background
from liquid_background.job import Job
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.store import Store
from liquid_background.lint import StoreChecked, check_store
from liquid_background.lint.needs import Needs
from liquid_background.settings import Settings
from tests.jobs.places import InStore

BEFORE = {
    "partials/emails/welcome": "Hello {{ email }}, {{ name | shout }}",
    "partials/outer": "{% include 'inner', n: 1 %}{% render 'inner', n: 2 %}",
    "partials/inner": "{{ n }}",
    "partials/optional": "{{ email }}{% if note %}{{ note }}{% endif %}",
}


def shout(value: object, mark: str = "!") -> str:
    return f"{value}{mark}"


def shout_twice(value: object) -> str:
    return f"{value}!!"


def crm(contact: int, note: str = "") -> int:
    return contact


def crm_of_today(contact_id: int) -> int:
    return contact_id


class Tree:
    """A folder of templates, with an engine on the test's store that has a filter and an action of its own."""

    def __init__(self, folder: Path, settings: Settings, files: Mapping[str, str], **own: Any) -> None:
        for name, text in files.items():
            path = folder / f"{name}.liquid"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.engine = Engine(templates=folder, data_dir=settings.data_dir)
        for name, function in own.get("filters", {"shout": shout}).items():
            self.engine.environment.add_filter(name, function)
        self.engine.environment.actions.update(own.get("actions", {"crm": crm}))

    def render(self, source: str, **data: Any) -> None:
        self.engine.render_string(source, data, name="pages/page")


@pytest.fixture
def before(tmp_path: Path, settings: Settings) -> Tree:
    return Tree(tmp_path / "before", settings, BEFORE)


@pytest.fixture
def today(tmp_path: Path, settings: Settings) -> Any:
    def made(files: Mapping[str, str] = BEFORE, **own: Any) -> Engine:
        return Tree(tmp_path / "today", settings, {"pages/x": "x", **files}, **own).engine

    return made


def block(body: str, options: str = "") -> str:
    return f"{{% background source_name: 's' {options} %}}{body}{{% endbackground %}}"


def told(found: StoreChecked) -> list[tuple[str, str, str, int]]:
    return [(str(row.lack.what), row.lack.name, row.lack.place, row.jobs) for row in found.lacking]


def test_the_tree_that_made_the_jobs_lacks_nothing(before: Tree, store: Store) -> None:
    before.render(block("{% include 'emails/welcome', email: user.email, name: 'x' %}{% action 'crm', contact: 1 %}"))
    before.render(block("{% include 'outer' %}{% include other %}", "delay: 5, other: 'inner'"))
    before.render("{% background _ = 'optional', email: 1 %}")
    writes = store.client.info("persistence")["rdb_changes_since_last_save"]
    found = check_store(before.engine)
    assert store.client.info("persistence")["rdb_changes_since_last_save"] == writes
    assert (told(found), found.jobs, found.looked_at, found.of) == ([], 0, 3, 3)


@pytest.mark.parametrize(
    ("body", "now", "lack"),
    [
        ("\n{% include 'inner', n: 1 %}", {"partials/inner": None}, ("partial", "inner", "pages/page:2")),
        ("{% render 'outer' %}", {"partials/inner": None}, ("partial", "inner", "outer:1")),
        ("{{ 1 | shout }}", {"filters": {}}, ("filter", "shout", "pages/page:1")),
        ("{% include 'emails/welcome', email: 1, name: 2 %}", {"filters": {}}, ("filter", "shout", "emails/welcome:1")),
        ("{{ 1 | shout: '?' }}", {"filters": {"shout": shout_twice}}, ("argument", "shout", "pages/page:1")),
        ("\n{% action 'crm', contact: 1 %}", {"actions": {}}, ("action", "crm", "pages/page:2")),
        ("{% action 'crm', contact: 1 %}", {"actions": {"crm": crm_of_today}}, ("argument", "crm", "pages/page:1")),
        ("{% include 'inner', n: 1 %}", {"partials/inner": "{% nope %}"}, ("tag", "nope", "inner:1")),
        ("{% include 'inner', n: 1 %}", {"partials/inner": "{% if %}"}, ("syntax", "", "inner:1")),
    ],
)
def test_what_is_gone_is_named_with_its_place(
    before: Tree, today: Any, body: str, now: dict[str, Any], lack: tuple[str, str, str]
) -> None:
    before.render(block(body))
    own = {name: now.pop(name) for name in ("filters", "actions") if name in now}
    files = {name: text for name, text in {**BEFORE, **now}.items() if text is not None}
    assert (*lack, 1) in told(check_store(today(files, **own)))


def test_a_tag_that_nobody_registers_any_more_is_named(before: Tree, today: Any) -> None:
    before.engine.environment.tags["shop"] = before.engine.environment.tags["increment"]
    before.render(block("x\n{% shop n %}"))
    found = check_store(today())
    assert told(found) == [("tag", "shop", "pages/page:2", 1)]


def test_a_renamed_partial_is_told_with_its_name_of_today(before: Tree, today: Any) -> None:
    before.render("{% background _ = 'emails/welcome', email: 1, name: 'x' %}")
    files = {name.replace("emails/welcome", "emails/welcomes"): text for name, text in BEFORE.items()}
    [row] = check_store(today(files)).lacking
    assert (row.lack.what, row.lack.fix) == ("partial", "did you mean 'emails/welcomes'?")


@pytest.mark.parametrize("call", [block("{% include 'inner', n: 1 %}"), "{% background _ = 'inner', n: 1 %}"])
@pytest.mark.parametrize("page", ["x", "{% include 'inner', number: 1 %}"])
def test_a_renamed_argument_is_an_argument_that_a_job_does_not_give(
    before: Tree, today: Any, call: str, page: str
) -> None:
    before.render(call)
    files = {**BEFORE, "partials/inner": "{{ number }}", "partials/outer": "", "pages/x": page}
    found = check_store(today(files))
    assert told(found) == [("argument", "number", "pages/page:1", 1)]
    assert "'n'" in found.lacking[0].lack.fix


def test_what_a_partial_may_be_given_is_named_with_what_took_its_place(before: Tree, today: Any) -> None:
    before.render("{% background _ = 'optional', email: 1 %}")
    files = {**BEFORE, "partials/optional": "{{ recipient }}{% if note %}{{ note }}{% endif %}"}
    [row] = check_store(today(files)).lacking
    assert row.lack.message == "the partial 'optional' is not given 'note', 'recipient', which it reads"
    assert row.lack.fix == "it is given 'email', which it does not read any more"


def test_an_argument_that_every_call_of_today_gives_is_needed(before: Tree, today: Any) -> None:
    before.render(block("{% render 'inner', n: 1 %}"))
    files = {**BEFORE, "partials/inner": "{{ n }}{{ unit }}", "partials/outer": "{% render 'inner', n: 1, unit: 2 %}"}
    assert told(check_store(today(files))) == [("argument", "unit", "pages/page:1", 1)]
    files["pages/other"] = "{% render 'inner', n: 1 %}"  # which shows that it may be left out
    assert told(check_store(today(files))) == []


def test_what_pages_and_consumers_of_today_do_not_take_any_more_is_named(before: Tree, today: Any) -> None:
    files = {"pages/digest": "x", "consumers/order.paid/mail": "{{ event.id }}{{ context.params.x }}{{ unread }}"}
    with_them = Tree(before.engine.settings.templates, before.engine.settings, files).engine
    with_them.render_string("{% trigger_event 'order.paid', id: 1 %}")
    with_them.jobs.send([Job(source_name="digest", template="pages/digest", line=1, partial="pages/digest")])
    assert told(check_store(with_them)) == []
    gone = {(name, jobs) for _, name, _, jobs in told(check_store(today()))}
    assert gone == {("pages/digest", 1), ("consumers/order.paid/mail", 1)}


def test_an_argument_that_a_body_gives_in_another_way_is_given(before: Tree, today: Any) -> None:
    before.render(block("{% assign unit = 'kg' %}{% include 'inner', n: 1 %}"))
    files = {**BEFORE, "partials/inner": "{{ unit }}", "partials/outer": "{% include 'inner', unit: 2 %}"}
    assert told(check_store(today(files))) == []


@background
def renamed(order: int) -> int:
    return order


def test_a_function_that_is_not_registered_and_one_that_takes_other_arguments(before: Tree, today: Any) -> None:
    def job(path: str, name: str) -> Job:
        given = {"args": [], "kwargs": {name: 1}}
        return Job(source_name="f", template=path, line=1, function=path, parameters=given)

    before.engine.jobs.send([job(renamed.path, "order"), job(renamed.path, "order_id"), job(f"{__name__}:gone", "x")])
    other, gone = sorted(check_store(today()).lacking, key=lambda row: row.lack.name, reverse=True)
    assert (other.lack.what, other.lack.name, other.jobs) == ("argument", renamed.path, 1)
    assert "'order" in other.lack.message
    assert (gone.lack.what, gone.lack.message) == ("action", f"no job function '{__name__}:gone' is registered")


def test_jobs_are_counted_by_source_name_whatever_they_wait_for(before: Tree, today: Any) -> None:
    for options in ("", ", delay: 5", ", priority: 'high'"):
        before.render(block("{% include 'inner', n: 1 %}", options))
    before.render("{% background _ = 'inner', n: 1, source_name: 'other' %}")
    files = {name: text for name, text in BEFORE.items() if name != "partials/inner"}
    found = check_store(today(files))
    assert {(row.source_name, row.jobs) for row in found.lacking} == {("s", 3), ("other", 1)}
    assert (found.jobs, found.looked_at) == (4, 4)


def test_failed_jobs_count_only_when_they_are_asked_for(before: Tree, today: Any, store: Store) -> None:
    before.render(block("{% include 'gone' %}"))
    place = InStore(before.engine)
    taken = place.take()
    assert taken
    payload = decode_payload(store.client.hget(keys.job(taken[0]), "data") or b"")
    place.finish(before.engine.perform(taken[0], payload, 1, 1))
    assert before.engine.jobs.get(taken[0]).status == "failed"
    assert check_store(today()).jobs == 0
    assert told(check_store(today(), failed=True)) == [("partial", "gone", "pages/page:1", 1)]


def test_records_of_others_and_garbage_stop_nothing(before: Tree, today: Any, store: Store) -> None:
    before.render(block("{% include 'inner', n: 1 %}"))
    for name, data in (
        ("foreign", b"\x80\x04pickle"),
        ("garbage", b'["liquid_background.rq_entry.perform",null,[1],{}]'),
    ):
        store.client.hset(f"rq:job:{name}", mapping={"data": data, "status": "queued", "origin": "default"})
        store.client.rpush("rq:queue:default", name)
    found = check_store(today({}))
    assert (found.jobs, found.unread, found.looked_at) == (1, 1, 3)


@pytest.mark.slow
def test_many_jobs_of_few_kinds_are_looked_into_once_a_kind(
    before: Tree, today: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, 20_000, 1000):
        jobs = [
            Job(
                source_name=f"kind_{number % 20}",
                template="pages/page",
                line=number % 20 + 1,
                source="{% include 'outer' %}" if number % 20 else "{% include 'gone' %}",
                parameters={"number": number},
            )
            for number in range(start, start + 1000)
        ]
        before.engine.jobs.send(jobs)
    engine, asked, plain = today(), Counter[str](), Needs.lacks

    def lacks(needs: Needs, payload: Mapping[str, Any]) -> Any:
        asked[payload["source_name"]] += 1
        return plain(needs, payload)

    monkeypatch.setattr(Needs, "lacks", lacks)
    began = process_time()
    found = check_store(engine)
    assert (told(found), found.of) == ([("partial", "gone", "pages/page:1", 1000)], 20_000)
    assert set(asked.values()) == {1}
    assert process_time() - began < 4  # 0.5 s where nothing else runs
    part = check_store(engine, most=1000)
    assert 1000 <= part.looked_at < 2000
    assert part.of == 20_000
