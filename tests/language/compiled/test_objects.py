"""Objects of an application are asked in the same order, and what they answer or refuse is taken the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from liquid import Mode

from liquid_background import Environment
from liquid_background.language.context import Context
from liquid_background.language.template import Template
from tests.language.compiled.differ import Pair, Way, differences, environment

WAYS = (Way(), Way(awaits=True), Way(Mode.LAX), Way(Mode.LAX, awaits=True))


class Refusing(Mapping[str, Any]):
    """Raises when it is read, with its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(self._name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">=", "contains", "and", "or"])
def test_sides_are_evaluated_in_the_same_order(operator: str, way: Way) -> None:
    source = f"{{% if a.x {operator} b.x %}}yes{{% endif %}}"
    assert not differences(source, lambda: {"a": Refusing("a"), "b": Refusing("b")}, way)


class Vague:
    """Is equal to all, but not in so many words."""

    def __eq__(self, other: object) -> Any:
        return "perhaps"

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("when", ["1", "1, 2", "1 or 1"])
def test_an_equality_that_is_no_bool_is_counted_the_same(when: str, way: Way) -> None:
    source = f"{{% case a %}}{{% when {when} %}}one{{% else %}}other{{% endcase %}}{{% if a == 1 %}}yes{{% endif %}}"
    assert not differences(source, lambda: {"a": Vague()}, way)


class Gone(Exception):
    """As Django's errors of rows that are not there: what is read is blank."""

    silent_variable_failure = True


def _gone() -> Any:
    raise Gone


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "source",
    ["{{ p }}", "{{ d.p }}", "{{ d[key] }}", "{% if p %}yes{% endif %}", "{% for each in l %}{{ each }}{% endfor %}"],
)
def test_a_proxy_of_what_is_not_there_is_read_the_same(source: str, way: Way) -> None:
    proxy = pytest.importorskip("werkzeug.local").LocalProxy(_gone)
    given = {"p": proxy, "d": {"p": proxy}, "l": [proxy], "key": "p"}
    assert not differences("{{ 1 }}" + source, lambda: given, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("item", ["text", "list", "number", "small"])
def test_an_item_that_is_too_large_is_refused(item: str, name: str, way: Way) -> None:
    items: dict[str, object] = {
        "text": "x" * 11_000_000,
        "list": [str(number) * 1_000_000 for number in range(11)],
        "number": 1 << 20_000,
        "small": 7,
    }
    source = f"{{% assign found = a | {name} %}}{{{{ found | size }}}}"
    assert not differences(source, lambda: {"a": [items[item]]}, way)


class _Counting(Context):
    __slots__ = ()

    def stopindex(self, key: str, index: int | None = None) -> int:
        return super().stopindex(f"own {key}", index)


class _CountingTemplate(Template):
    context_class = _Counting


def _prepare(env: Environment) -> None:
    env.template_class = _CountingTemplate


def test_a_context_may_keep_stop_indexes_in_its_own_way() -> None:
    pair = Pair(Way(), prepare=_prepare)
    assert not pair.differences("{% for i in l %}{{ i }}{% endfor %}", lambda: {"l": [1, 2]})


@pytest.mark.parametrize("tag", ["if false", "unless true"])
def test_a_condition_is_evaluated_as_often_as_by_the_nodes(tag: str) -> None:
    class Counting:
        read = 0

        def __getitem__(self, key: str) -> bool:
            self.read += 1
            return True

    source = f"{{% {tag} %}}{{% elsif c.x %}}yes{{% else %}}no{{% end{tag.split(maxsplit=1)[0]} %}}"
    for way in (Way(), Way(awaits=True)):
        counts = []
        for compiled in (True, False):
            data = {"c": Counting()}
            template = environment(way, compile=compiled).from_string(source)
            text = asyncio.run(template.render_async(**data)) if way.awaits else template.render(**data)
            counts.append((text, data["c"].read))
        assert counts[0] == counts[1]
