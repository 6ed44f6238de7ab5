"""What a plan costs: each node is looked at a fixed number of times, however blocks and brackets stand in each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from liquid import Node
from liquid.builtin.expressions import Path

from liquid_background import Environment
from liquid_background.language.plan import BodyWalk
from liquid_background.language.scope import Scope
from liquid_background.language.tags import BackgroundNode

DEEP = 20


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often a walk asked each node for its children."""
    looks: Counter[int] = Counter()
    children = BodyWalk.children

    def counted(self: BodyWalk, node: Node) -> Iterator[Node]:
        looks[id(node)] += 1
        return children(self, node)

    monkeypatch.setattr(BodyWalk, "children", counted)
    return looks


def nested(opening: str, closing: str, blocks: int) -> str:
    inner = "".join(f"{{% assign v{number} = q{number} %}}" for number in range(50))
    body = opening * DEEP + inner + closing * DEEP
    return "{% background %}" * blocks + body + "{% endbackground %}" * blocks


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("{% if a %}", "{% endif %}"),
        ("{% if a %}{% else %}", "{% endif %}"),
        ("{% for i in a %}", "{% endfor %}"),
        ("{% tablerow i in a %}", "{% endtablerow %}"),
        ("{% case a %}{% when 1 %}", "{% endcase %}"),
        ("{% unless a %}", "{% endunless %}"),
        ("{% capture c %}", "{% endcapture %}"),
        ("{% try %}", "{% endtry %}"),
        ("{% macro m a %}", "{% endmacro %}"),
        ("{% ifchanged %}", "{% endifchanged %}"),
    ],
)
@pytest.mark.parametrize("blocks", [1, 5])
def test_each_node_is_looked_at_a_few_times_a_block(
    looked_at: Counter[int], opening: str, closing: str, blocks: int
) -> None:
    template = Environment().from_string(nested(opening, closing, blocks))
    assert template.nodes
    assert max(looked_at.values()) <= 2 * blocks + 1  # in a loop once more, and once to find what leaves the block


def test_brackets_in_brackets_are_judged_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    may_be_own = BodyWalk.may_be_own

    def counted(self: BodyWalk, name: str, scope: Scope) -> bool:
        asked[name] += 1
        return may_be_own(self, name, scope)

    monkeypatch.setattr(BodyWalk, "may_be_own", counted)
    path = "".join(f"a{number}[" for number in range(60)) + "own" + "]" * 60
    template = Environment().from_string(
        f"{{% background %}}{{% if x %}}{{% assign own = 1 %}}{{% endif %}}{{% assign y = {path} %}}{{% endbackground %}}"
    )
    assert plan_of(template.nodes[0]) == ["own", *(f"a{number}" for number in range(59, -1, -1))]
    assert max(asked[f"a{number}"] for number in range(60)) <= 2


def plan_of(node: Any) -> list[str]:
    assert isinstance(node, BackgroundNode)
    return [hand_over.key for hand_over in node.plan.hand_overs]


@pytest.mark.parametrize(
    ("body", "handed_over"),
    [
        ("{% if a %}{% assign x = 1 %}{% else %}{% assign y = x %}{% endif %}", ["x"]),
        ("{% if a %}{% assign x = 1 %}{% endif %}{% assign y = p[x] %}", ["x", "p"]),
        ("{% if a %}{% assign x = 1 %}{% else %}{% assign y = p[x] %}{% endif %}", ["p[x]"]),
        ("{% if a %}{% if b %}{% assign x = 1 %}{% endif %}{% endif %}{% assign y = p[x] %}", ["x", "p"]),
        ("{% for i in a %}{% assign y = p[x] %}{% assign x = 1 %}{% endfor %}", ["x", "p"]),
        (
            "{% for i in a %}{% if b %}{% assign y = p[x] %}{% else %}{% assign x = 1 %}{% endif %}{% endfor %}",
            ["x", "p"],
        ),
        ("{% for i in a %}{% assign y = i.b %}{% endfor %}{% assign z = i.c %}", ["i.c"]),
        ("{% for i in a %}{% else %}{% assign y = i.b %}{% endfor %}", ["i.b"]),
        ("{% background q: 1 %}{% assign x = 1 %}{% assign y = q %}{% endbackground %}{% assign z = p[x] %}", ["p[x]"]),
        ("{% assign y = p[[x]] %}", ["x", "p"]),
        ("{% assign y = p[[x][params]] %}", []),
    ],
)
def test_what_a_branch_assigns_counts_behind_it_and_not_in_another(body: str, handed_over: list[str]) -> None:
    template = Environment().from_string(f"{{% background %}}{body}{{% endbackground %}}")
    assert plan_of(template.nodes[0]) == handed_over


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_blocks_in_each_other_are_planned_once_for_their_page(monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
    looks: Counter[str] = Counter()
    look = BodyWalk._path

    def counted(self: BodyWalk, path: Path, scope: Scope) -> None:
        looks[str(path)] += 1
        look(self, path, scope)

    monkeypatch.setattr(BodyWalk, "_path", counted)
    template = Environment().from_string(nested("{% if true %}", "{% endif %}", blocks))
    assert set(looks.values()) == {1}
    (outer,) = template.nodes
    node: Any = outer
    for _ in range(blocks - 1):
        (node,) = node.body.nodes
    assert [each.key for each in node.plan.hand_overs] == [f"q{number}" for number in range(50)]  # for who asks
