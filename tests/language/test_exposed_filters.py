"""Objects in lists: each filter that returns a list, or an item of one, passes on the objects that are in it."""

from __future__ import annotations

from collections import UserList, deque
from collections.abc import Callable
from typing import Any

import pytest

from liquid_background import NotExposed


class Tea:
    """An object of an application's, whose text no page reads."""

    def __init__(self, id: int, name: str) -> None:
        self.id = id
        self.name = name


TEAS = [Tea(1, "sencha"), Tea(2, "assam"), Tea(3, "oolong")]
LISTS: dict[str, Callable[[list[Tea]], object]] = {
    "list": list,
    "tuple": tuple,
    "deque": deque,
    "own list": UserList,
    "values": lambda teas: {tea.id: tea for tea in teas}.values(),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(
    ("filtered", "ids"),
    [
        ("compact", [1, 2, 3]),
        ("compact: 'name'", [1, 2, 3]),
        ("uniq", [1, 2, 3]),
        ("uniq: 'name'", [1, 2, 3]),
        ("sort: 'name'", [2, 3, 1]),
        ("sort_natural: 'name'", [2, 3, 1]),
        ("sort_numeric: 'id'", [1, 2, 3]),
        ("reverse", [3, 2, 1]),
        ("concat: more", [1, 2, 3, 2]),
        ("where: 'id', 2", [2]),
        ("reject: 'id', 2", [1, 3]),
        ("slice: 0, 2", [1, 2]),
        ("slice: 1", [2]),
        ("slice: -2, 2", [2, 3]),
        ("slice: 5, 2", []),
        ("default: more", [1, 2, 3]),
        ("find: 'id', 2", 2),
        ("find_index: 'id', 2", 1),
        ("has: 'id', 2", True),
        ("index: two", 1),
        ("first", 1),
        ("last", 3),
        ("size", 3),
        ("sum: 'id'", 6),
        ("map: 'id'", [1, 2, 3]),
    ],
)
def test_a_filter_of_lists_passes_objects_on(site: Any, kind: str, filtered: str, ids: object) -> None:
    seen: list[Any] = []
    site.engine.environment.expose(Tea, "id", "name")
    site.engine.environment.add_filter("see", lambda value: seen.append(value) or "")
    data = {"teas": LISTS[kind](TEAS), "more": [TEAS[1]], "two": TEAS[1]}
    site.engine.environment.from_string(f"{{{{ teas | {filtered} | see }}}}").render(**data)
    (value,) = seen
    found = [*value] if isinstance(value, list | tuple | deque | UserList | type({}.values())) else [value]
    found = [item.id if isinstance(item, Tea) else item for item in found]
    assert (found if isinstance(ids, list) else found[0]) == ids


def test_slice_makes_text_of_what_is_no_list_as_before(site: Any) -> None:
    site.engine.environment.expose(Tea, "id", "name")
    assert site.render("{{ 'sencha' | slice: 1, 3 }}{{ 1234 | slice: 1 }}{{ d | slice: 0, 2 }}", {"d": {"a": 1}}) == (
        "enc2{'"
    )
    for source in ("{{ tea | slice: 0 }}", "{{ 'a' | slice: tea }}", "{{ teas | slice: 0, tea }}"):
        with pytest.raises(NotExposed, match="what slice is given is a Tea, whose text no rule exposes"):
            site.render(source, {"tea": TEAS[0], "teas": TEAS})
