"""What was found by those who tried to tell compiled templates from walked ones."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from liquid.exceptions import LiquidTypeError

from liquid_background.errors import PageTimeout
from tests.language.compiled.differ import Way, differences, environment

WAYS = (Way(), Way(awaits=True))


def _render(template: Any, way: Way, given: Mapping[str, Any]) -> str:
    text: str = asyncio.run(template.render_async(given)) if way.awaits else template.render(given)
    return text


class _Slow:
    """Takes a while, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, value: Any) -> list[int]:
        self.calls += 1
        time.sleep(0.02)
        return list(range(5_000))

    def __eq__(self, other: object) -> bool:
        return not self(other)

    __hash__ = None  # type: ignore[assignment]


HEAVY = {
    "comparisons": "{% if l == other %}{% endif %}" * 3,
    "a filter": "{{ 1 | slow | size }}",
    "filters": "{{ 1 | slow | slow | slow | slow | size }}",
}
"""What takes long in the few lines of a turn, in which the steps are not counted."""


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("turns", [30, 3_000])
@pytest.mark.parametrize("name", HEAVY)
def test_few_turns_with_large_values_end_at_the_time_of_the_page(name: str, turns: int, way: Way) -> None:
    env = environment(way)
    slow = env.filters["slow"] = _Slow()
    env.page_timeout = 0.05
    template = env.from_string(f"{{% for i in (1..{turns}) %}}{HEAVY[name]}{{% endfor %}}")
    with pytest.raises(PageTimeout):
        _render(template, way, {"l": [slow, *range(20_000)], "other": [0, *range(20_000)]})
    assert slow.calls <= 6


class _Asked(Mapping[str, Any]):
    """What an application hands over instead of a dictionary; it knows what it was asked for."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        return self.given[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


class _Drop:
    def __getitem__(self, key: str) -> Any:
        return f"its {key}"


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "source", ["{{ d.x }}", "{{ d.x.y }}", "{{ h.d.x }}", "{{ h[s] }}", "{{ no }}", "{{ l.first }}", "{{ s | upcase }}"]
)
@pytest.mark.parametrize("of", ["page", "environment"])
def test_a_mapping_is_asked_as_often_as_by_the_nodes(source: str, of: str, way: Way) -> None:
    told = []
    for compile in (False, True):
        env = environment(way, compile=compile)
        given = _Asked({"d": _Drop(), "h": {"d": _Drop(), "s": 1}, "s": "s", "l": [1]})
        template = env.from_string(source, globals=given if of == "environment" else None)
        context: Any = template.context_class(template, globals=template.make_globals(given if of == "page" else {}))
        buffer = context.get_buffer()
        if way.awaits:
            asyncio.run(template.render_with_context_async(context, buffer))
        else:
            template.render_with_context(context, buffer)
        told.append((buffer.getvalue(), given.asked))
    assert told[0] == told[1]
    assert told[1][1]


def test_the_causes_of_an_error_name_the_lines_of_the_template_too() -> None:
    env = environment(Way())

    def typed(value: object) -> object:
        raise TypeError("its own")

    env.filters["typed"] = typed
    with pytest.raises(LiquidTypeError) as raised:
        env.from_string("first\n{% for i in (1..2) %}\n  {{ i | typed }}\n{% endfor %}", name="pages/x").render()
    told = "".join(traceback.format_exception(raised.value)).splitlines()
    lines = {line for line in told if line.startswith('  File "pages/x"')}
    assert lines == {'  File "pages/x", line 2, in render', '  File "pages/x", line 3, in render'}


class _Answers:
    """Is asked whether it equals something, and answers with anything, or raises."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> Any:
        if isinstance(self.answer, Exception):
            raise type(self.answer)(*self.answer.args)
        return self.answer

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("values", ["1", "1, 2"])
@pytest.mark.parametrize("answer", [True, 1, 2, "yes", "", None, ValueError("its own")], ids=repr)
def test_a_when_takes_any_answer_as_the_nodes_do(answer: object, values: str, way: Way) -> None:
    source = f"{{% case e %}}\n{{% when {values} %}}fits{{% else %}}none{{% endcase %}}"
    assert differences(source, lambda: {"e": _Answers(answer)}, way) == {}
