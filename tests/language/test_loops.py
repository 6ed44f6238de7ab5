"""What a page loops over: each kind of collection works, and what is none says so; no loop is silently empty."""

from __future__ import annotations

import array
import asyncio
import collections
import enum
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import pytest
from liquid import Mode

from liquid_background import LimitReached, NotExposed


class Colour(enum.Enum):
    RED = 1


class Drop:
    """Has python-liquid's own way to be read, and is no list."""

    def __getitem__(self, name: str) -> str:
        return {"name": "Drop"}[name]


class Letters:
    """Can be gone through, and has a way to be read; which of its items pages may see, nobody said."""

    def __getitem__(self, name: object) -> str:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter("ab")


class Own(AbstractSet[int]):
    def __contains__(self, item: object) -> bool:
        return item in (1, 2)

    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))

    def __len__(self) -> int:
        return 2


class Named(set[int]):
    """A set of the application's own."""


MAPPING = {1: "a", 2: "b"}
COLLECTIONS = [
    *({1, 2}, frozenset((1, 2)), Named((1, 2)), Own(), MAPPING.keys(), {"a": 1, "b": 2}.values()),
    *(collections.deque((1, 2)), collections.UserList((1, 2)), array.array("i", (1, 2)), [1, 2], (1, 2), range(1, 3)),
]


@pytest.mark.parametrize("found", COLLECTIONS, ids=lambda found: type(found).__name__)
def test_a_loop_goes_through_each_kind_of_collection(site: Any, found: object) -> None:
    loop = "{% for x in found %}{{ x }}{{ forloop.length }} {% else %}none{% endfor %}"
    assert site.render(loop, {"found": found}) == "12 22 "
    assert site.render("{% for x in found limit: 1 %}{{ x }}{% endfor %}", {"found": found}) == "1"
    assert site.render("{% for x in found offset: 1 %}{{ x }}{% endfor %}", {"found": found}) == "2"
    assert site.render("{% for x in found reversed %}{{ x }}{% endfor %}", {"found": found}) == "21"
    assert "2</td>" in site.render("{% tablerow x in found %}{{ x }}{% endtablerow %}", {"found": found})
    template = site.engine.environment.from_string(loop)
    assert asyncio.run(template.render_async(found=found)) == "12 22 "


@pytest.mark.parametrize("found", COLLECTIONS[:-1], ids=lambda found: type(found).__name__)
def test_a_partial_and_filters_take_each_kind_of_collection(site: Any, found: object) -> None:
    site.write({"partials/x": "{{ x }}{{ forloop.length }} "})
    assert site.render("{% render 'x' for found as x %}", {"found": found}) == "12 22 "
    assert site.render("{{ found | join: ',' }}{{ found | first }}{{ found | size }}", {"found": found}) == "1,212"


def test_pairs_of_a_mapping_and_empty_collections(site: Any) -> None:
    loop = "{% for x in found %}{{ x[0] }}{{ x[1] }}{% else %}none{% endfor %}"
    assert site.render(loop, {"found": MAPPING.items()}) == "1a2b"
    for nothing in (set(), frozenset(), {}.keys(), {}.items(), collections.deque(), None, [], {}, "", 7):
        assert site.render(loop, {"found": nothing}) == "none"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: (x for x in (1, 2)), "a generator"),
        (lambda: iter((1, 2)), "a tuple_iterator"),
        (lambda: map(str, (1, 2)), "a map"),
        (lambda: enumerate((1, 2)), "an enumerate"),
        (Drop, "a Drop"),
        (Letters, "a Letters"),
        (lambda: Colour, "an EnumType"),
    ],
)
@pytest.mark.parametrize("tag", ["for", "tablerow"])
def test_a_loop_over_what_is_no_list_says_so(
    make_site: Callable[..., Any], make: Callable[[], object], kind: str, tag: str
) -> None:
    source = f"\n{{% {tag} x in found %}}{{{{ x }}}}{{% end{tag} %}}"
    kind = kind.replace("EnumType", type(Colour).__name__)
    with pytest.raises(
        NotExposed, match=rf"^found is {kind}, which (no rule exposes, and|is) no list to loop"
    ) as raised:
        make_site().engine.environment.from_string(source).render(found=make())
    assert raised.value.context()[0] == 2
    with pytest.warns(match=f"found is {kind}, which"):
        make_site(Mode.WARN).engine.environment.from_string(source).render(found=make())


@pytest.mark.parametrize(
    "use",
    [
        "{{ forloop }}",
        "{{ forloop | append: forloop }}",
        "{{ forloop | size }}",
        "{% assign x = forloop %}{% capture y %}{{ x }}{% endcapture %}",
        "{% for j in (1..2) %}{{ forloop.parentloop }}{% endfor %}",
        "{% cycle forloop, 'b' %}",
        "{% log forloop %}",
        "{% try %}{{ forloop | json }}{% catch error %}{{ error.message }}{% endtry %}",
        "{% try %}{% background job: forloop %}{% endbackground %}{% catch error %}{% endtry %}",
        "{% macro m %}{{ args }}{% endmacro %}{% call m, forloop %}",
    ],
)
def test_what_shows_a_loop_takes_none_of_its_turns(site: Any, use: str) -> None:
    shown = site.render(f"{{% for i in (1..5) %}}{use}<{{{{ i }}}}>{{% endfor %}}")
    assert [part[:2] for part in shown.split("<")[1:]] == ["1>", "2>", "3>", "4>", "5>"]
    table = site.render("{% tablerow i in (1..5) %}{{ tablerowloop }}<{{ i }}>{% endtablerow %}")
    assert table.count("TableRow(name='i', length=5)") == 5


@pytest.mark.parametrize("name", ["join", "sort", "sum", "reverse"])
def test_a_filter_that_takes_a_loops_turns_takes_so_many(site: Any, name: str) -> None:
    assert site.render(f"{{% for i in (1..4) %}}{{{{ forloop | {name} | join: ',' }}}}{{% endfor %}}")
    with pytest.raises(LimitReached, match=f"{name} is given over 500,000 items"):
        site.render(f"{{% for i in (1..9000000) %}}{{{{ forloop | {name} }}}}{{% endfor %}}")
