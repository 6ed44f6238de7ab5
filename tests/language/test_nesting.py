"""Templates that are nested too deep say so, with their line, wherever the stack ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from liquid import DictLoader, Mode

from liquid_background.errors import NestedTooDeep
from liquid_background.language.environment import Environment
from liquid_background.language.executor import Executor
from liquid_background.language.pages import SiteLoader
from liquid_background.language.syntax import explain
from liquid_background.lint import check_files

DEEP = 3_000


def _nested(opening: str, closing: str, inside: str) -> str:
    return opening * DEEP + inside + closing * DEEP


PATH = _nested("a[", "]", "b")
SOURCES = {
    "output": "{{ " + PATH + " }}",
    "bare brackets": "{{ " + _nested("[", "]", "'b'") + " }}",
    "assign": "{% assign x = " + PATH + " %}",
    "if": "{% if " + PATH + " %}{% endif %}",
    "and": "{% if " + "a and " * DEEP + "a %}{% endif %}",
    "range": "{% for i in " + _nested("(1..", ")", "2") + " %}{% endfor %}",
    "include": "{% include 'x', a: " + PATH + " %}",
    "log": "{% log " + PATH + " %}",
    "option": "{% background source_name: " + PATH + " %}{% endbackground %}",
    "body": "{% background source_name: 'x' %}{% assign y = " + PATH + " %}{% endbackground %}",
    "lines": "{% liquid\nassign x = " + PATH + "\n%}",
}


def _job(source: str) -> dict[str, object]:
    given = {"v": 1, "source_name": "s", "template": "pages/p", "line": 3, "column": 0, "delay": 0, "max_attempts": 1}
    return {**given, "parameters": {"a": 1, "b": 1}, "handed_over": {}, "source": source}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_page_and_a_job_name_the_line(tmp_path: Path, source: str) -> None:
    page = tmp_path / "pages" / "p.liquid"
    page.parent.mkdir()
    page.write_text(f"one\ntwo\n{source}")
    env = Environment(loader=SiteLoader(tmp_path))
    line = 4 if source.startswith("{% liquid") else 3
    with pytest.raises(NestedTooDeep) as caught:
        env.get_template("p").render(a=1, b=1)
    for said in (explain(caught.value), Executor(env).perform("j", _job(source), 1, 1).error or ""):
        assert said == f"the template is nested too deep (pages/p:{line})"
    assert {finding.line for finding in check_files(env, [page])} == {line}


DEPTHS = range(100, 900, 50)  # some can be parsed and not rendered


def _ranges(depth: int) -> str:
    return "{% for i in " + "(1.." * depth + "2" + ")" * depth + " %}{% endfor %}"


@pytest.mark.parametrize("tag", ["include", "render"])
def test_it_makes_no_difference_where_the_stack_ends(tag: str) -> None:
    said: set[str] = set()
    for depth in DEPTHS:
        env = Environment(loader=DictLoader({"p": "\n" + _ranges(depth)}))
        with _noting(said):
            env.from_string("{% " + tag + " 'p' %}", name="outer").render()
    assert said
    assert all(message.startswith("the template is nested too deep (p:2") for message in said)


@pytest.mark.anyio
async def test_awaiting_makes_no_difference() -> None:
    said: set[str] = set()
    for depth in DEPTHS:
        with _noting(said):
            await Environment().from_string(_ranges(depth)).render_async()
    assert said == {"the template is nested too deep (inline:1)"}


@contextmanager
def _noting(said: set[str]) -> Iterator[None]:
    try:
        yield
    except NestedTooDeep as error:
        said.add(explain(error))


def test_a_tolerant_environment_says_it_too() -> None:
    with pytest.raises(NestedTooDeep, match="nested too deep"):
        Environment(tolerance=Mode.LAX).from_string(SOURCES["output"])


def test_blocks_in_blocks_are_one_finding(tmp_path: Path) -> None:
    page = tmp_path / "p.liquid"
    page.write_text("\n" + "{% if a %}" * 60 + "{% endif %}" * 60)
    (finding,) = check_files(Environment(), [page])
    assert (finding.line, finding.message) == (2, "the template is nested too deep: at most 30 blocks in each other")


def test_a_function_that_calls_itself_is_another_matter() -> None:
    def endless(value: object) -> object:
        return endless(value)

    env = Environment()
    env.add_filter("endless", endless)
    with pytest.raises(RecursionError):
        env.from_string("{{ 1 | endless }}").render()
