"""`poscli jobs`: list, show, retry and cancel, with secrets masked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from liquid_background.jobs.store import Store
from poscli import names

from .conftest import on_terminal, served

PAGE = """{% assign card = order.card_number %}
{% background source_name: 'pay', max_attempts: 2, api_key: 'k-1234', note: 'hello' %}
  {% assign total = order.total %}
  {% assign who = order.customer %}
  {% include 'gateway', card_number: order.card_number %}
{% endbackground %}
{% background source_name: 'mail' %}
  Hi {{ 'there' }}
{% endbackground %}"""
DATA = {"order": {"total": "12.50", "card_number": "4111-1111", "customer": {"name": "Ada", "Password": "pw-777"}}}


@pytest.fixture(scope="module")
def left() -> dict[Any, Any]:
    """What the worker of the first test left in the store, key by key: it is put there again for each that follows."""
    return {}


@pytest.fixture
def shop(project: Any, store: Store, left: dict[Any, Any]) -> Any:
    """A project with one job that failed and one that completed."""
    project.page("shop", PAGE)
    project.write("data.json", json.dumps(DATA))
    client: Any = store.client
    if not left:
        project.quick("render", "shop", "--data", "data.json")
        project.good("worker", "--burst")
        left |= {key: (max(client.pttl(key), 0), client.dump(key)) for key in client.scan_iter()}
    else:
        for key, (ttl, value) in left.items():
            client.restore(key, ttl, value)
    return project


def _ids(project: Any, *arguments: str) -> dict[str, str]:
    lines = project.quick("jobs", "list", "--format", "json", *arguments).lines
    return {job["source_name"]: job["id"] for job in map(json.loads, lines)}


def test_list_shows_the_newest_first_and_filters(shop: Any) -> None:
    heading, *rows = shop.quick("jobs", "list").lines
    assert heading.split() == ["ID", "STATUS", "SOURCE", "NAME", "ATTEMPTS", "PRIORITY", "AGE", "PLACE", "ERROR"]
    assert len(rows) == 2
    assert "partial 'gateway' not found" in next(row for row in rows if " pay " in row)
    assert set(_ids(shop, "--status", "failed")) == {"pay"}
    assert set(_ids(shop, "--source-name", "mail")) == {"mail"}
    assert len(_ids(shop, "--limit", "1")) == 1
    assert shop.quick("jobs", "list", "--status", "running").err == "no running jobs\n"
    nearest = shop.quick("jobs", "list", "--source-name", "maill").err
    assert nearest == "no jobs of the source name 'maill'; did you mean 'mail'?\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("jobs", "list"), "no jobs of the source name 'maill'; did you mean 'mail'?"),
        (("stats",), "no runs are counted of the source name 'maill'; did you mean 'mail'?"),
        (("logs",), "no entry has the source name 'maill'; did you mean 'mail'?"),
    ],
)
def test_a_near_name_is_known_behind_many_others(
    shop: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr(names, "_LOOKED_AT", 0)  # as where thousands have come since
    assert shop.quick(*arguments, "--source-name", "maill").err.startswith(says)


@pytest.mark.parametrize(
    "arguments", [("failures", "list", "--since"), ("failures", "silence", "x", "--until"), ("audit", "--since")]
)
def test_a_wrong_time_is_told_with_its_option(shop: Any, arguments: tuple[str, ...]) -> None:
    result = shop.run(*arguments, "yesterday")
    assert (result.code, f"invalid value for '{arguments[-1]}': 'yesterday' is not a time" in result.err) == (2, True)


def test_show_tells_all_there_is(shop: Any) -> None:
    text = shop.quick("jobs", "show", _ids(shop)["pay"]).out
    assert "Status:      failed" in text
    assert "Place:       pages/shop:2" in text
    assert "Attempts:    2 of 2" in text
    assert '  note = "hello" (7 bytes)' in text
    assert '  order.total = "12.50" (7 bytes)' in text
    assert "  3 |   {% assign total = order.total %}" in text
    assert "  5 |   {% include 'gateway', card_number: order.card_number %}" in text
    assert text.count("FAILED") == 2
    assert "partial 'gateway' not found" in text
    mail = shop.quick("jobs", "show", _ids(shop)["mail"]).out
    assert "Result\n" in mail
    assert "Hi there" in mail


def test_secrets_are_masked_everywhere(shop: Any) -> None:
    job_id = _ids(shop)["pay"]
    for text in (
        shop.quick("jobs", "show", job_id).out,
        shop.quick("jobs", "show", job_id, "--format", "json").out,
        shop.quick("jobs", "list", "--format", "json").out,
    ):
        for secret in ("k-1234", "4111-1111", "pw-777"):
            assert secret not in text
        assert "[masked]" in text
        assert "12.50" in text
    shop.env["LIQUID_BACKGROUND_SECRET_NAMES"] = "total"
    text = shop.quick("jobs", "show", job_id).out
    assert "12.50" not in text
    assert "k-1234" in text


def test_show_as_json_holds_the_log(shop: Any) -> None:
    job = json.loads(shop.quick("jobs", "show", _ids(shop)["pay"], "--format", "json").out)
    assert [(entry["status"], entry["attempt"], entry["final"]) for entry in job["log"]] == [
        ("FAILED", 1, False),
        ("FAILED", 2, True),
    ]
    assert job["template"] == "pages/shop"
    assert job["parameters"]["note"] == "hello"


def test_retry_runs_a_job_again_from_attempt_1(shop: Any) -> None:
    shop.write("templates/partials/gateway.liquid", "{% log 'paid' %}")
    job_id = _ids(shop)["pay"]
    assert shop.quick("jobs", "retry", job_id).lines == [f"retried {job_id} (pay)"]
    (waiting,) = [line for line in shop.quick("jobs", "list").lines if job_id in line]
    assert waiting.split()[1:4] == ["pending", "pay", "0/2"]
    shown = shop.quick("jobs", "show", job_id).out
    assert "Attempts:    0 of 2" in shown
    assert "Error:" not in shown
    assert json.loads(shop.quick("jobs", "show", job_id, "--format", "json").out)["attempts"] == 0
    shop.good("worker", "--burst")
    assert "[attempt 1/2] - pay - SUCCESS" in shop.quick("logs", "--format", "short").lines


def test_retrying_all_needs_a_yes_in_a_script(shop: Any) -> None:
    shop.quick("render", "shop", "--data", "data.json")
    shop.good("worker", "--burst")
    refused = shop.run("jobs", "retry", "--all-failed")
    assert refused.code == 2
    assert "this changes many jobs at once: give --yes" in refused.err
    shop.write("templates/partials/gateway.liquid", "{% log 'paid' %}")
    served(shop)
    assert shop.quick("jobs", "retry", "--all-failed", "--yes").lines == ["retried 2 jobs"]
    assert shop.quick("jobs", "retry", "--all-failed", "--yes").err == "no failed jobs\n"


@pytest.mark.slow
def test_a_person_is_asked_before_many_jobs_change(shop: Any) -> None:
    shop.quick("render", "shop", "--data", "data.json")
    shop.good("worker", "--burst")
    asked = b"Retry 2 jobs? [y/N]:"
    assert b"nothing was changed" in on_terminal(
        shop, "jobs", "retry", "--all-failed", until=asked, keys=b"n\n", code=1
    )
    assert len(shop.quick("jobs", "list", "--status", "failed").lines) == 3
    shop.write("templates/partials/gateway.liquid", "{% log 'paid' %}")
    served(shop)
    assert b"retried 2 jobs" in on_terminal(shop, "jobs", "retry", "--all-failed", until=asked, keys=b"y\n")
    assert shop.quick("jobs", "list", "--status", "failed").lines == []


def test_what_cannot_be_done_is_said_and_the_rest_is_done(shop: Any) -> None:
    ids = _ids(shop)
    result = shop.quick("jobs", "retry", "none", ids["mail"], ids["pay"], "--yes", code=1)
    assert result.lines == [f"retried {ids['pay']} (pay)"]
    assert "no job has the id 'none'" in result.err
    assert f"cannot retry job {ids['mail']}: it is completed" in result.err


def test_cancel_takes_a_job_back(project: Any) -> None:
    project.page("p", "{% background source_name: 'later', delay: 60 %}{% endbackground %}")
    project.quick("render", "p")
    job_id = _ids(project)["later"]
    assert project.quick("jobs", "cancel", job_id).lines == [f"cancelled {job_id} (later)"]
    assert set(_ids(project, "--status", "cancelled")) == {"later"}
    assert "CANCELLED" in project.quick("logs").out


def test_a_wrong_id_or_command_is_one_line(shop: Any) -> None:
    for arguments, code, error in (
        (["show", "nope"], 1, "poscli: no job has the id 'nope'; "),
        (["shwo"], 2, "poscli jobs: no command 'shwo'; did you mean 'show'?"),
        (["retry"], 2, "poscli jobs retry: name the jobs, or give --all-failed, or options that say which, such as "),
    ):
        result = shop.run("jobs", *arguments)
        assert result.code == code
        assert result.err.startswith(error)
        assert len(result.err.splitlines()) == 1


def test_what_a_job_holds_cannot_reach_the_terminal(project: Any) -> None:
    project.page("p", "{% background source_name: 'x', note: evil %}a\x1b[31m\u202eb{% endbackground %}")
    project.write("data.json", json.dumps({"evil": "\x1b]0;title\x07\n\u202e\x7f"}))
    project.quick("render", "p", "--data", "data.json")
    project.good("worker", "--burst")
    job_id = _ids(project)["x"]
    for arguments in (["list"], ["list", "--format", "json"], ["show", job_id], ["show", job_id, "--format", "json"]):
        text = project.quick("jobs", *arguments).out
        assert all(character.isprintable() for character in text if character != "\n")


def test_the_request_of_an_event_is_masked(project: Any) -> None:
    project.page("p", "{% trigger_event 'seen', id: 7 %}")
    project.write("templates/consumers/seen/note.liquid", "x")
    project.quick("render", "p", "--param", "q=very-private")
    text = project.quick("jobs", "show", _ids(project)["seen_note"]).out
    assert "very-private" not in text
    assert re.search(r'^  event = \{.*"id": 7\b', text, re.MULTILINE)


def test_a_job_is_run_again_with_another_value(shop: Any) -> None:
    shop.write("templates/partials/gateway.liquid", "{% log 'paid' %}")
    old = _ids(shop)["pay"]
    done = shop.quick("jobs", "retry", old[:12], "--set", "order.total=13", "--set", "note=[1]")
    new = re.fullmatch(rf"enqueued (\w+) \(pay\), made from {old}\n", done.out)
    assert new, done.out
    shown = shop.quick("jobs", "show", new[1]).out
    assert f"Edited from: {old}" in shown
    assert "  order.total = 13 (2 bytes)" in shown
    assert "  note = [1] (3 bytes)" in shown
    assert "k-1234" not in shown
    assert json.loads(shop.quick("jobs", "show", new[1], "--format", "json").out)["edited_from"] == old
    assert "edit" in shop.quick("audit").out
    shop.good("worker", "--burst")
    assert "Status:      completed" in shop.quick("jobs", "show", new[1]).out
    assert "Status:      failed" in shop.quick("jobs", "show", old).out
    for arguments, says in (
        ((old, "--set", "total"), "--set 'total' is not NAME=VALUE"),
        ((old, new[1], "--set", "a=1"), "--set is for one job: name it"),
        ((old, "--set", "nothing=1"), "it was given no value 'nothing'; it has api_key, "),
    ):
        assert says in shop.run("jobs", "retry", *arguments).err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--value", "note=hello"], ["pay"]),
        (["--value", "order.customer.name=Ada"], ["pay"]),
        (["--error", "GATEWAY", "--since", "1h"], ["pay"]),
        (["--template", "pages/shop", "--queue", "default"], ["mail", "pay"]),
        (["--source-name", "p*"], ["pay"]),
        (["--until", "1h"], []),
    ],
    ids=str,
)
def test_list_takes_each_condition(shop: Any, arguments: list[str], names: list[str]) -> None:
    assert sorted(_ids(shop, *arguments)) == names


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--value", "customer_id"], "--value 'customer_id' is not NAME=VALUE, such as customer_id=42"),
        (["--value", "=42"], "--value '=42' is not NAME=VALUE"),
        (["--value", "api_key=k-1234"], "jobs cannot be found by 'api_key'"),
        (["--after", "nonsense"], "'nonsense' is no cursor of such a list"),
        (["--queue", "urgent"], "'urgent' is not one of 'high', 'default', 'low'"),
        (["--limit", "0"], "0 is not in the range x>=1"),
        (["--limit", "-1"], "-1 is not in the range x>=1"),
        (["--since", "yesterday"], "'yesterday' is not a time such as 10m"),
    ],
    ids=str,
)
def test_a_wrong_condition_is_wrong_usage(shop: Any, arguments: list[str], error: str) -> None:
    result = shop.run("jobs", "list", *arguments)
    assert (result.code, result.out) == (2, "")
    assert error in result.err
    assert len(result.err.splitlines()) == 1


def test_a_list_goes_on_behind_its_cursor(shop: Any) -> None:
    first = shop.quick("jobs", "list", "--format", "json", "--limit", "1")
    told, _, cursor = first.err.strip().rpartition(" ")
    assert told == "1 of 2, the newest first. The next ones: --after"
    following = shop.quick("jobs", "list", "--format", "json", "--after", cursor)
    assert {json.loads(line)["id"] for line in first.lines + following.lines} == set(_ids(shop).values())
    assert following.err == ""


def test_the_beginning_of_an_id_is_enough(shop: Any) -> None:
    job_id = _ids(shop)["mail"]
    assert f"Job:         {job_id}" in shop.quick("jobs", "show", job_id[:12]).out
    assert shop.quick("jobs", "delete", job_id[:12]).lines == [f"deleted {job_id} (mail)"]
    assert set(_ids(shop)) == {"pay"}
    assert "no job has the id" in shop.run("jobs", "show", job_id[:12]).err


def test_eighty_columns_have_room_for_place_and_error(shop: Any) -> None:
    job_id = _ids(shop)["pay"]
    seen = on_terminal(shop, "jobs", "list", until=b"gateway", columns=80).decode()
    lines = [re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", line) for line in seen.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "PLACE" in lines[0]
    row = next(number for number, line in enumerate(lines) if line.startswith(job_id[:10]))
    assert "pages/shop:2" in lines[row]
    assert "partial 'gateway' not found (pages/shop:5)" in lines[row] + lines[row + 1]
    assert job_id not in seen
    assert job_id in on_terminal(shop, "jobs", "list", until=b"gateway", columns=200).decode()


def test_show_has_the_traceback_the_waits_and_the_family(project: Any) -> None:
    project.page("p", "{% background source_name: 'outer', token: 'tk-9876' %}{% background source_name: 'inner' %}"
                      "{% include 'gone', id: 'tk-9876' %}{% endbackground %}{% endbackground %}")  # fmt: skip
    project.quick("render", "p")
    project.good("worker", "--burst")
    ids = _ids(project)
    outer = project.quick("jobs", "show", ids["outer"])
    assert "Children\n" in outer.out
    assert ids["inner"] in outer.out
    inner = project.quick("jobs", "show", ids["inner"]).out
    assert f"Parent:      {ids['outer']} (outer)" in inner
    assert "Traceback\n" in inner
    assert "TemplateNotFound" in inner or "not found" in inner
    assert "WAITED" in inner
    assert "Children" not in inner
    shown = json.loads(project.quick("jobs", "show", ids["inner"], "--format", "json").out)
    assert shown["parent"] == ids["outer"]
    assert shown["traceback"].startswith("Traceback")
    assert shown["children"] == []
    assert json.loads(project.quick("jobs", "show", ids["outer"], "--format", "json").out)["children"] == [ids["inner"]]
    assert set(_ids(project, "--parent", ids["outer"])) == {"inner"}
    render = json.loads(project.quick("jobs", "show", ids["outer"], "--format", "json").out)["parent"]
    assert f"Parent:      {render} (no job that is kept: a page's render, or one that is gone)" in outer.out


def test_eighty_columns_have_room_for_the_errors_of_attempts(shop: Any) -> None:
    job_id = _ids(shop)["pay"]
    shop.quick("jobs", "retry", job_id)  # its traceback goes, and the attempts are in the log
    seen = on_terminal(shop, "jobs", "show", job_id, until=b"Attempts", columns=80).decode()
    lines = [re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", line) for line in seen.splitlines()]
    at = next(number for number, line in enumerate(lines) if line.startswith("  NUMBER"))
    assert lines[at].split() == ["NUMBER", "STATUS", "WAITED", "DURATION", "ENDED"]
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == ["1", "partial", "2", "partial"]
    assert lines[at + 2] == "    partial 'gateway' not found (pages/shop:5)"
    wide = on_terminal(shop, "jobs", "show", job_id, until=b"Attempts", columns=200).decode()
    assert re.search(r"DURATION +ENDED +ERROR", wide)


def test_a_table_below_a_heading_keeps_to_the_terminal(project: Any) -> None:
    name = "n" * 60
    inner = f"{{% background source_name: '{name}' %}}x{{% endbackground %}}"
    project.page("p", f"{{% background source_name: 'outer' %}}{inner}{{% endbackground %}}")
    project.quick("render", "p")
    project.good("worker", "--burst")
    ids = _ids(project)
    seen = on_terminal(project, "jobs", "show", ids["outer"], until=b"Children", columns=80).decode()
    lines = [re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", line) for line in seen.splitlines()]
    [child] = [line for line in lines if line.startswith(f"  {ids[name]}")]
    assert (child[-1], len(child) <= 80) == ("…", True)
    assert lines.index(child) == len(lines) - 1


def test_a_cursor_is_whole_on_a_narrow_terminal(shop: Any) -> None:
    for style in ("text", "json"):
        arguments = ("jobs", "list", "--limit", "1", "--format", style)
        seen = on_terminal(shop, *arguments, until=b"--after", columns=50).decode()
        found = re.search(r"--after\s+([\w-]+)", re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", seen))
        assert found is not None
        following = shop.quick("jobs", "list", "--format", "json", "--after", found[1]).lines
        assert len(following) == 1


def test_what_a_function_returned_is_shown_as_json(project: Any) -> None:
    project.write(
        "shop_app.py",
        "from liquid_background import Engine\n\nengine = Engine()\n\n\n@engine.action\ndef sync(product):\n"
        "    return {'id': product, 'sold': None, 'tags': ['é', True]}\n\n\n"
        "if __name__ == 'shop_app':\n    engine.enqueue(sync, {'product': 7}, id='once', on_duplicate='ignore')\n",
    )
    project.good("worker", "--burst", "--app", "shop_app:engine")
    shown = project.run("jobs", "show", "once").out
    assert 'Result\n  {"id": 7, "sold": null, "tags": ["é", true]}' in shown


def test_eighty_columns_have_room_for_what_a_job_waits_for(shop: Any) -> None:
    body = "{% background source_name: 'reminder_mails', delay: 3000.5 %}x{% endbackground %}"
    shop.page("a_page_long_name", body)
    shop.quick("render", "a_page_long_name")
    seen = on_terminal(shop, "jobs", "list", until=b"gateway", columns=80).decode()
    lines = [re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", line) for line in seen.splitlines()]
    [row] = [line for line in lines if "reminder_mails" in line]
    assert row.split()[-2:] == ["pages/a_page_long_name:1", "2d"]
    assert len(row) <= 80


def test_a_part_of_a_renders_id_finds_nothing_and_says_why(shop: Any) -> None:
    render = json.loads(shop.quick("jobs", "list", "--format", "json").lines[0])["parent"]
    assert set(_ids(shop, "--parent", render)) == {"pay", "mail"}
    result = shop.run("jobs", "list", "--parent", render[:12])
    assert result.out == ""
    assert (
        result.err == "no jobs that fit; of a page's render, and of a job that is gone, --parent takes the whole id\n"
    )
