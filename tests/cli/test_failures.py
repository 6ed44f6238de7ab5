"""`poscli failures`: list, show, silence; `poscli store reindex`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from liquid_background.jobs.store import Store

from .conftest import on_terminal

PAGE = """{% for n in (1..3) %}{% background source_name: 'pay', customer_id: n, api_key: 'k-1234' %}
  {% assign who = customer_id %}
  {% include 'gateway' %}
{% endbackground %}{% endfor %}
{% background source_name: 'mail' %}{{ 'x' | nothing }}{% endbackground %}
{% background source_name: 'fine' %}ok{% endbackground %}"""


@pytest.fixture
def shop(project: Any) -> Any:
    """A project with three jobs that failed alike, and one that failed otherwise."""
    project.page("shop", PAGE)
    project.quick("render", "shop")
    project.good("worker", "--burst")
    return project


def _groups(project: Any, *arguments: str) -> dict[str, dict[str, Any]]:
    lines = project.quick("failures", "list", "--format", "json", *arguments).lines
    return {group["source_name"]: group for group in map(json.loads, lines)}


def test_jobs_that_fail_alike_stand_in_one_row(shop: Any) -> None:
    heading, *rows = shop.quick("failures", "list").lines
    assert heading.split() == ["ID", "COUNT", "LAST", "FIRST", "LAST", "48", "H", "NAME", "PLACE", "ERROR"]
    assert len(rows) == 2
    [row] = [row for row in rows if " pay " in row]
    assert re.fullmatch(
        r"[0-9a-f]{6}  3      \d+s    \d+s     ▁{11}█  pay   pages/shop:1  partial 'gateway' .*", row
    ), row
    groups = _groups(shop)
    assert (groups["pay"]["failed"], groups["pay"]["count"], groups["mail"]["failed"]) == (3, 3, 1)
    assert groups["pay"]["raised"] == "TemplateNotFoundError"
    assert sum(groups["pay"]["hours"]) == 3


def test_a_chart_is_plain_where_the_output_is_not_utf_8(shop: Any) -> None:
    rows = shop.run("failures", "list", PYTHONIOENCODING="ascii").lines
    assert any(" ___________#  pay " in row for row in rows), rows


def test_a_list_is_filtered(shop: Any) -> None:
    assert {*_groups(shop, "--source-name", "pay")} == {"pay"}
    assert {*_groups(shop, "--template", "pages/shop")} == {"pay", "mail"}
    assert {*_groups(shop, "--since", "1h", "--order", "count")} == {"pay", "mail"}
    assert _groups(shop, "--template", "pages/other") == {}
    said = shop.quick("failures", "list", "--source-name", "pai").err
    assert said == "no failed jobs of the source name 'pai'; did you mean 'pay'?\n"


def test_show_says_what_failed_and_with_what(shop: Any) -> None:
    failure = _groups(shop)["pay"]["id"]
    text = shop.quick("failures", "show", failure[:5]).out
    assert f"Failure:     {failure}" in text
    assert "Class:       TemplateNotFoundError" in text
    assert "Place:       pages/shop:1" in text
    assert "Source:      {% include 'gateway' %}" in text
    assert "Failed:      3 jobs now, 3 so far" in text
    assert '  api_key = "[masked]"' in text
    assert re.search(r"  customer_id = [123]\n", text)
    assert len(re.findall(r"^  [0-9a-f]{32}$", text, re.MULTILINE)) == 3
    shown = json.loads(shop.quick("failures", "show", failure, "--format", "json").out)
    assert (shown["failed"], len(shown["newest"]), shown["parameters"]["api_key"]) == (3, 3, "[masked]")


def test_a_wrong_id_is_one_line(shop: Any) -> None:
    failure = _groups(shop)["pay"]["id"]
    wrong = failure[:-1] + ("0" if failure[-1] != "0" else "1")
    result = shop.run("failures", "show", wrong)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"poscli: no failure group has the id '{wrong}'; did you mean '{failure}'?\n"


def test_a_silenced_group_is_left_out_and_that_is_said(shop: Any) -> None:
    failure = _groups(shop)["pay"]["id"]
    assert shop.quick("failures", "silence", failure[:6], "--until", "2h", "--by", "ada").out.startswith(
        f"silenced {failure} until 2"
    )
    result = shop.quick("failures", "list")
    assert (len(result.lines), " pay " in result.out) == (2, False)
    assert result.err == "1 silenced group is not shown; --silenced shows them, too\n"
    silenced = _groups(shop, "--silenced")["pay"]["silenced"]
    assert silenced["by"] == "ada"
    assert "Silenced:    by ada since" in shop.quick("failures", "show", failure).out
    assert shop.quick("failures", "unsilence", failure).out == f"unsilenced {failure}\n"
    assert {*_groups(shop)} == {"pay", "mail"}
    assert "is past" in shop.run("failures", "silence", failure, "--until", "2020-01-01").err


def test_on_a_terminal_a_row_keeps_its_place_and_its_error(shop: Any) -> None:
    seen = on_terminal(shop, "failures", "list", until=b"says more", columns=80).decode()
    lines = seen.splitlines()
    at = next(number for number, line in enumerate(lines) if " pay " in line)
    assert "pages/shop:1" in lines[at]
    assert lines[at + 1].startswith("  partial 'ga")
    assert max(map(len, lines[at : at + 2])) <= 80


def test_a_chart_is_drawn_in_its_column_alone(project: Any) -> None:
    template = "a_page_whose_name_is_long"
    error = "x.1:y-z=1+2*3#4_5" * 3  # characters that stand for bars
    project.page(template, f"{{% background source_name: 'boom' %}}{{% include '{error}' %}}{{% endbackground %}}")
    project.quick("render", template)
    project.good("worker", "--burst")
    for columns in (80, 200):
        seen = on_terminal(project, "failures", "list", until=b"says more", columns=columns).decode()
        assert error in seen.replace("\r\n    ", ""), seen
        assert f"pages/{template}:1" in seen or columns == 80
        assert f"{template[-14:]}:1" in seen


def test_a_beginning_of_an_id_means_its_group(shop: Any) -> None:
    failure = _groups(shop)["pay"]["id"]
    found = shop.quick("jobs", "list", "--failure", failure[:6], "--format", "json").lines
    assert {json.loads(line)["source_name"] for line in found} == {"pay"}
    assert f"{len(found)} jobs would be retried" in shop.quick("failures", "retry", failure[:6], "--dry-run").out
    [other] = [group["id"] for group in _groups(shop).values() if group["id"] != failure]
    least = next(n for n in range(1, 13) if failure[:n] != other[:n])
    assert f"Failure:     {failure}" in shop.quick("failures", "show", failure[:least]).out
    wrong = shop.run("jobs", "list", "--failure", "zzzz")
    assert (wrong.code, wrong.out) == (1, "")
    assert "no failure group has the id 'zzzz'" in wrong.err


def test_reindex_mends_what_is_gone(shop: Any, log: Store) -> None:
    assert shop.quick("store", "reindex").out == "all is as it should be\n"
    client: Any = log.client
    client.delete(*client.scan_iter("liquid_background:fail*"))
    assert shop.quick("store", "reindex").out == "4 entries were mended\n"
    assert {name: group["failed"] for name, group in _groups(shop).items()} == {"pay": 3, "mail": 1}


@pytest.mark.usefixtures("store_dir")
def test_nothing_is_made_by_looking(project: Any) -> None:
    result = project.quick("failures", "list")
    assert (result.out, result.code) == ("", 0)
    assert "no store here" in result.err
    assert project.run("failures", "show", "abcdef").code == 1
    assert project.quick("store", "reindex").out == ""
