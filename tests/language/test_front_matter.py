"""Front matter: values as they are written, bounds, and mistakes that cost their own file only."""

from __future__ import annotations

import time
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.errors import EnqueueError, TagSyntaxError
from liquid_background.language.pages import KEYS, NUMBERS, page_at, split_front_matter
from liquid_background.language.syntax import OPTIONS
from liquid_background.python_jobs.options import JOB_OPTIONS, JobOptions, names_of

ALIASES = "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 28))

WRONG = {
    "an escape past Unicode": r'slug: "\U00110000"',
    "an escape past all": r'metadata: {x: "\UFFFFFFFF"}',
    "an escape in a key": r'"\U00110000": x',
    "a type": "slug: !!bool maybe",
    "a type of Python": "slug: !!python/object/apply:os.getcwd []",
    "an anchor": "slug: &a x",
    "an alias": "slug: *a",
    "28 levels of aliases": f"a0: &a0 [x, x]\n{ALIASES}slug: *a27",
    "merged mappings": "metadata:\n  <<: {a: 1}",
    "deep brackets": "slug: " + "[" * 3000,
    "deep braces": "metadata: " + "{a: " * 3000,
    "deep lines": "metadata:\n" + "\n".join(" " * level + "a:" for level in range(1, 200)),
    "many values": "metadata: [" + "x, " * 1000 + "]",
    "much text": "metadata: " + "x" * 20_000,
    "a list for a slug": "slug: [a, b]",
    "a mapping for a layout": "layout: {a: b}",
    "a list for a name": "? [a]\n: b",
    "a control character": "slug: a\0b",
    "a second document": "a: 1\n...\nb: 2",
    "a colon": "slug: a: b",
    "a list": "- a",
    "text": "Hello",
}


@pytest.mark.parametrize("matter", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_an_error_at_its_line_and_costs_no_time(matter: str) -> None:
    started = time.perf_counter()
    with pytest.raises(TagSyntaxError, match="front matter") as raised:
        split_front_matter(f"---\nname: x\n{matter}\n---\nbody", "pages/x")
    assert time.perf_counter() - started < 0.5
    assert raised.value.template_name == "pages/x"
    context = raised.value.context()
    assert context is not None
    assert context[0] >= 2


@pytest.mark.parametrize("directive", ["%YAML 1." + "9" * 5000, "%YAML ", "%TAG ! tag:x,2026:", "%YAML 1.1"])
def test_a_directive_is_an_error_of_its_file(directive: str) -> None:
    with pytest.raises(TagSyntaxError, match="front matter"):
        split_front_matter(f"---\n{directive}\nname: x\n---\nbody", "pages/x")


@pytest.mark.parametrize(
    "value",
    ["2024-02-30", "0x_", "9" * 5000, "010", "no", "1.10", "1e400", "12:30:45", "+1", ".inf", "=", "1_000"],
)
def test_a_value_is_text_as_it_is_written(site: Any, value: str) -> None:
    assert split_front_matter(f"---\nslug: {value}\n---\n", "p")[0] == {"slug": value}
    page = f"---\nmetadata:\n  v: {value}\n---\n{{{{ page.metadata.v }}}}"
    assert site.render(page) == value


def test_metadata_keeps_numbers_and_booleans_that_print_as_they_are_written(site: Any) -> None:
    page = (
        "---\nmetadata: {draft: false, n: 3, f: 1.5, big: 12345678901234567890, nothing: ~, quoted: 'false'}\n---\n"
        "{% unless page.metadata.draft %}shown{% endunless %} {{ page.metadata.n | plus: 1 }} {{ page.metadata.f | times: 2 }} "
        "{{ page.metadata.big }}{{ page.metadata.nothing }}{% if page.metadata.quoted %} text{% endif %}"
        "{% if page.metadata.n > 2 %} more{% endif %}"
    )
    assert site.render(page) == "shown 4 3.0 12345678901234567890 text more"


SHAPES = {
    "a list": lambda count: "metadata: [" + "x, " * (count - 1) + "]",
    "a list of lines": lambda count: "metadata:\n" + "- x\n" * (count - 1),
    "names": lambda count: "".join(f"x{number}: x\n" for number in range(count)),
    "empty names": lambda count: "metadata: {" + "".join(f"x{number}, " for number in range(count - 1)) + "}",
    "lists in lists": lambda count: "metadata: [" + "[x], " * ((count - 1) // 2) + "x, " * ((count - 1) % 2) + "]",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_two_hundred_values_are_taken_whatever_holds_them_and_no_more(shape: str) -> None:
    split_front_matter(f"---\n{SHAPES[shape](200)}\n---\n", "p")
    with pytest.raises(TagSyntaxError, match="there are over 200 values"):
        split_front_matter(f"---\n{SHAPES[shape](201)}\n---\n", "p")


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("k: " + "x" * 8_200, "takes over 8 KB"),
        ("k: |\n  a\n" + "\n" * 1_000, "has over 1,000 lines"),
        ("k: 1\n" + "#\r\n" * 1_000, "has over 1,000 lines"),
        ("k: a\n " + "\x85" * 1_000 + "b", "has over 1,000 lines"),
    ],
)
def test_what_takes_long_to_read_is_refused_unread(matter: str, reason: str) -> None:
    with pytest.raises(TagSyntaxError, match=reason):
        split_front_matter(f"---\n{matter}\n---\n", "p")


def test_a_thousand_lines_are_front_matter() -> None:
    matter, _, _ = split_front_matter("---\r\nk: |\r\n" + " a\r\n" * 998 + "---\r\n", "p")
    assert matter == {"k": "a\n" * 998}


@pytest.mark.parametrize("value", ["", "~", "null", "false", "no", "off", "''"])
def test_a_page_may_say_that_it_has_no_layout(site: Any, value: str) -> None:
    assert site.render(f"---\nlayout: {value}\n---\nbare") == "bare"


@pytest.mark.parametrize(
    "text", ["---\nslug: x\nHi", "---\n\nlayout: x\n", "---\r\nslug: x\r\nHi", "---\rslug: x\r---\rHi"]
)
def test_front_matter_without_an_end_is_not_printed(site: Any, text: str) -> None:
    with pytest.raises(TagSyntaxError, match="close it with a line `---`"):
        site.render(text)


def test_front_matter_that_ends_with_dots_is_not_printed(site: Any) -> None:
    with pytest.raises(TagSyntaxError, match=r"ends with `\.\.\.`") as raised:
        site.render("---\ntitle: x\n...\nHi")
    assert raised.value.context()[0] == 3  # type: ignore[index]


@pytest.mark.parametrize("text", ["---\nPhone: 12\nHi", "---\nHi\n...\n", "---", "---\n\nHi, slug: x\n"])
def test_a_line_of_dashes_may_open_a_text(site: Any, text: str) -> None:
    assert site.render(text) == text


def test_headers_are_text(site: Any) -> None:
    site.write({"pages/p": "---\nresponse_headers: {Expires: 0, X-Off: no, X-Empty: , X-Date: 2024-02-30}\n---\n"})
    matter = page_at(site.engine.environment, "p", "GET")[1]
    assert matter["response_headers"] == {"Expires": "0", "X-Off": "no", "X-Empty": "", "X-Date": "2024-02-30"}


def test_a_file_with_wrong_front_matter_costs_itself_only(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    wrong = "---\nschedule: &a x\n---\n"
    site.write({f"{folder}/bad": wrong for folder in ("pages", "partials", "consumers/e")})
    site.write(
        {
            "pages/good": "good",
            "partials/nightly": "---\nschedule: '@daily'\n---\n",
            "consumers/e/good": "taken",
            "pages/event": "{% trigger_event 'e' %}sent",
        }
    )
    assert page_at(site.engine.environment, "/good", "GET")[0] == "good"
    assert page_at(site.engine.environment, "/bad", "GET")[0] == "bad"
    assert site.engine.render("event") == "sent"
    assert [job.template for job in site.jobs] == ["consumers/e/good"]
    engine = Engine(templates=site.root, redis_url=site.engine.settings.redis_url)
    assert [schedule.name for schedule in engine.schedules()] == ["nightly"]
    for name in ("consumers/e/bad:2", "partials/bad:2", "pages/bad:2"):
        assert sum(name in record.message for record in caplog.records) == 1


def test_it_knows_each_option_of_a_job_and_which_ones_are_numbers() -> None:
    assert set(OPTIONS) <= set(KEYS)
    of_tags = {option.name for option in OPTIONS.values() if option.numeric}
    of_schedules = {name for name in names_of(JobOptions) if _takes(name, 5) and not _takes(name, "5")}
    assert of_tags | of_schedules | {"max_concurrency"} == NUMBERS


def _takes(option: str, value: object) -> bool:
    try:
        JOB_OPTIONS[option].read(value)
    except (ValueError, EnqueueError):
        return False
    return True


@pytest.mark.parametrize("wrong", ["priority: &a high", "priority: urgent", "max_attempts: 9"])
def test_an_event_that_nobody_else_takes_costs_no_page(site: Any, caplog: pytest.LogCaptureFixture, wrong: str) -> None:
    site.write({"consumers/e/bad": f"---\n{wrong}\n---\n"})
    assert site.render("{% trigger_event 'e' %}sent") == "sent"
    assert site.jobs == []
    assert "event e goes to nobody: the front matter" in caplog.text
    assert "(consumers/e/bad:2)" in caplog.text
