"""Lists and objects that are written out in tags, and what their mistakes are told as."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

import liquid
import pytest
from liquid import DictLoader
from liquid.builtin.expressions import Path
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.language.syntax.literals import LonePath
from tests.campaigns import TIMES, fuzz

DATA: dict[str, Any] = {"x": "hi", "y": {"z": "deep"}, "status": "open", "if": 1}


class WithTernary(Environment):
    ternary_expressions = True


ENVIRONMENT = Environment(loader=DictLoader({"p": "{{ v | json }}", "f": "{% return {'got': v} %}"}))


def shown(source: str, **data: Any) -> str:
    """Return what a template prints, sync and async alike."""
    template = ENVIRONMENT.from_string(source)
    text = template.render(**{**DATA, **data})
    assert asyncio.run(template.render_async(**{**DATA, **data})) == text
    return text


@pytest.mark.parametrize(
    ("written", "as_json"),
    [
        ("[]", "[]"),
        ("{}", "{}"),
        ('[1, x, "a"]', '[1, "hi", "a"]'),
        ("['a', 'b']", '["a", "b"]'),
        ("[true, nil, -1.5, 1e3]", "[true, null, -1.5, 1000.0]"),
        ("[[1, 2], [], [x]]", '[[1, 2], [], ["hi"]]'),
        ('{"a": 1, "b": [x, 2], "c": {"d": y.z | upcase}}', '{"a": 1, "b": ["hi", 2], "c": {"d": "DEEP"}}'),
        ("{'single': \"double\"}", '{"single": "double"}'),
        ('{"a": y["z"], "b": x | replace: "h", "j", "c": 3}', '{"a": "deep", "b": "ji", "c": 3}'),
        ('{"a": no | default: false, allow_false: true, "b": 1}', '{"a": false, "b": 1}'),
        ('[x | append: "!", 2]', '["hi!", 2]'),
        ("{x: 1, status: 2, other: 3, 4: 5}", '{"hi": 1, "open": 2, "other": 3, "4": 5}'),
        ('{limit: if, "for": [if]}', '{"limit": 1, "for": [1]}'),
        (
            '{"q": "say \\"hi\\"\\n\\u00e9", "s": \'C:\\new\', "p": "a\\d"}',
            '{"q": "say \\"hi\\"\\n\\u00e9", "s": "C:\\\\new", "p": "a\\\\d"}',
        ),
        ('{"m": "Dear {{ x | upcase }}, {{ y.z }}!"}', '{"m": "Dear HI, deep!"}'),
        ("[missing, 1]", "[null, 1]"),
        ('{\n  "a": [\n    1,\n    2\n  ]\n}', '{"a": [1, 2]}'),
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ("[1, 2, 3] | reverse", "[3, 2, 1]"),
        ("missing | default: []", "[]"),
        ('missing | default: {"a": ["b"]}', '{"a": ["b"]}'),
        ('missing | default: ["b"]', '["b"]'),
    ],
)
def test_what_is_written_out_is_a_list_or_object(written: str, as_json: str) -> None:
    assert shown(f"{{% assign v = {written} %}}{{{{ v | json }}}}") == as_json
    assert shown(f"{{% include 'p', v: {written} %}}|{{% render 'p' v: {written} %}}", v=0) == f"{as_json}|{as_json}"
    assert shown(f"{{% function r = 'f', v: {written} %}}{{{{ r.got | json }}}}") == as_json
    assert shown(f"{{% liquid\nassign v = {written}\necho v | json\n%}}") == as_json


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("['x']", "hi"),
        ("[status]", "opened"),
        ("['y'].z", "deep"),
        ("[names[0]]", "hi"),
        ("[status] | upcase", "OPENED"),
    ],
)
def test_a_name_alone_in_brackets_is_that_variable_while_there_is_one(written: str, value: str) -> None:
    data = {"open": "opened", "names": ["x"]}
    assert shown(f"{{% assign v = {written} %}}{{{{ v }}}}", **data) == value
    plain = liquid.Environment().from_string(f"{{% assign v = {written} %}}{{{{ v }}}}")
    assert plain.render(**DATA, **data) == value


@pytest.mark.parametrize(
    ("written", "as_json"),
    [("['news']", '["news"]'), ("[x]", '["hi"]'), ("[[x]]", '[["hi"]]'), ("[no] | default: 1", "1")],
)
def test_without_such_a_variable_it_is_a_list_with_one_item(written: str, as_json: str) -> None:
    assert shown(f"{{% assign v = {written} %}}{{{{ v | json }}}}") == as_json


def test_in_the_dialect_it_is_always_a_list() -> None:
    environment = Environment(dialect="platformos")
    source = "{% assign v = [x] %}{{ v | json }}{% assign v = ['x'] %}{{ v | json }}{% assign v = ['y'].z %}{{ v }}"
    assert environment.from_string(source).render(x="y", y={"z": 1}) == '["y"]["x"]1'


@pytest.mark.parametrize(
    ("written", "message", "offset"),
    [
        ("[1,]", "remove this comma: nothing follows it before the ]", 2),
        ('{"a": 1,}', "remove this comma: nothing follows it before the }", 7),
        ("[1,,2]", "a value is missing before this comma", 3),
        ("[,]", "a value is missing before this comma", 1),
        ("[1 2]", "unexpected '2': a comma stands between values", 3),
        ('{"a": 1 "b": 2}', "unexpected 'b': a comma stands between values", 8),
        ("[1", "this [ is never closed: add ]", 0),
        ('{"a": [1}', "this [ is never closed: add ]", 6),
        ('{"a": {"b": 1}', "this { is never closed: add }", 0),
        ('{"a"}', "the key 'a' has no value: write \"a\": and a value", 1),
        ('{"a": }', "the key 'a' has no value", 1),
        ("{,}", "',' is no key: a key is a text in quotes, or a name, with a colon behind it", 1),
        ('{"a": {{ x }}}', "names stand without {{ }} in a tag: write the name alone", 6),
        ("[1][0]", "a list or object that is written out has no members here: assign it first", 3),
        ('{"a": 1e999}', "1e999 is too large a number", 6),
    ],
)
def test_a_mistake_is_one_message_at_its_place(written: str, message: str, offset: int) -> None:
    with pytest.raises(LiquidError) as raised:
        ENVIRONMENT.from_string(f"{{% assign v = {written} %}}")
    assert raised.value.message == message
    assert raised.value.token is not None
    assert raised.value.token.start_index == len("{% assign v = ") + offset


@pytest.mark.parametrize("opening", ["[", '{"a": '])
def test_they_are_in_each_other_as_deep_as_values_may_be(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    assert shown(f"{{% assign v = {opening * 50}1{closing * 50} %}}") == ""
    for depth in (51, 5_000):
        with pytest.raises(LiquidError, match="nested too deep"):
            ENVIRONMENT.from_string(f"{{% assign v = {opening * depth}1{closing * depth} %}}")


def test_a_key_that_stands_for_no_text_is_an_error_that_names_it() -> None:
    with pytest.raises(LiquidError, match="the key `y` stands for a dict, and a key is text: put it in quotes"):
        shown("{% assign v = {y: 1} %}")


def test_what_is_never_closed_in_a_line_is_told_there() -> None:
    with pytest.raises(LiquidError, match=r"this \{ is never closed") as raised:
        ENVIRONMENT.from_string('{% liquid\n assign h = {\n  "a": 1\n echo h\n%}')
    assert raised.value.context()[0] == 2  # type: ignore[index]


def test_lines_go_on_in_brackets_and_behind_them() -> None:
    source = """{% liquid
      function r = 'f',
        v: [
          { "sku": "A" }, # the first ]
          { "sku": "#" }
        ],
        note: "]"
      echo r.got | json
      assign t = "[" # no bracket {
      echo t
    %}"""
    assert shown(source) == '[{"sku": "A"}, {"sku": "#"}]['


def test_each_render_has_a_list_of_its_own() -> None:
    template = ENVIRONMENT.from_string(
        "{% for i in (1..2) %}{% assign v = [] %}{% assign v << i %}{{ v | json }}{% endfor %}"
    )
    assert [template.render(), template.render()] == ["[1][2]", "[1][2]"]


def test_a_literal_is_held_to_the_limits() -> None:
    class Small(Environment):
        local_namespace_limit = 10_000

    source = "{% assign a = {'t': t, 'u': [t, t]} %}"
    assert Small().from_string(source).render(t="x" * 2_000) == ""
    with pytest.raises(LiquidError, match="variables hold over 10,000 bytes"):
        Small().from_string(source).render(t="x" * 4_000)


# Whatever plain python-liquid takes means what it did.

NAMES = ("a", "b", "x", "l", "n", "p", "h", "C")
GIVEN: dict[str, Any] = {
    "a": "b", "b": "x", "x": {"a": "A", "b": [1, "two", {"c": "C"}], "y z": "YZ"}, "l": ["a", "b", 3], "n": 2, "p": "q",
    "h": {"a": {"a": "aa"}, "b": "bb"}, "C": "CC", "y z": "why", "two": "zwei",
}  # fmt: skip


class _Drawn:
    """Draws statements that plain python-liquid takes, most of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def path(self, depth: int = 0) -> str:
        choice, name = self.random.choice, self.random.choice(NAMES)
        inner = self.path(depth + 1) if depth < 3 else "a"
        text = choice([name, name, f"['{name}']", '["y z"]', f"[{inner}]", f"[ {inner} ]"])
        for _ in range(choice([0, 0, 1, 2])):
            text += choice([f".{name}", f"['{name}']", "[-1]", ' ["a"]', f"[{inner}]", ".size"])
        return text

    def value(self) -> str:
        return self.random.choice(
            [self.path(), self.path(), "'s['", '"t]}"', "1.5", "-2", "(1..n)", "nil", "true", "empty"]
        )

    def expression(self) -> str:
        text = self.value()
        for _ in range(self.random.choice([0, 1, 2])):
            more = [f"default: {self.value()}", f"append: {self.value()}", f"replace: {self.value()}, {self.value()}"]
            text += f" | {self.random.choice([*more, 'upcase', 'json', f'join: {self.value()}'])}"
        if self.random.random() < 0.1:
            text += f" if {self.path()} contains {self.value()} else {self.value()}"
        return text

    def statement(self) -> str:
        form = self.random.choice(
            [
                "{%% assign v = %s %%}{{ v }}",
                "{%% assign v = %s %%}{{ v }}",
                "{%% include 'p' with x, a: %s %%}",
                "{{ %s }}",
            ]
        )
        text = form % (self.expression() if "include" not in form else self.value())
        if self.random.random() < 0.2:
            at = self.random.randrange(len(text))
            text = (
                text[:at]
                + self.random.choice(["[", "]", "{", "}", ",", "<<", " "])
                + text[at + self.random.choice([0, 1]) :]
            )
        return text


class PlainTernary(liquid.Environment):
    ternary_expressions = True


def _outcome(environment: liquid.Environment, source: str) -> tuple[str, str]:
    try:
        template = environment.from_string(source)
    except LiquidError:
        return "not parsed", ""
    try:
        return "rendered", template.render(**GIVEN)
    except Exception:  # noqa: BLE001  whatever a filter raises
        return "raised", ""


@fuzz
def test_what_plain_python_liquid_takes_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # Where a name in brackets is no variable's, there is a list instead of nothing.
    monkeypatch.setattr(LonePath, "evaluate", Path.evaluate)
    loader = DictLoader({"p": "[{{ p }}|{{ a }}]"})
    plain, ours = PlainTernary(loader=loader, extra=True), WithTernary(loader=loader)
    drawn, taken = _Drawn(19), 0
    for _ in range(400 * TIMES):
        source = drawn.statement()
        before = _outcome(plain, source)
        if before[0] == "rendered":
            taken += 1
            assert _outcome(ours, source) == before, source
        else:
            _outcome(ours, source)  # whatever comes, it is an error of the template
    assert taken > 200 * TIMES


@pytest.mark.parametrize(
    "source",
    [
        "{% assign x = [1, '" + "{{" * 20_000 + "'] %}",
        "{% assign x = " + "[" * 49 + "1," * 20_000 + "1" + "]" * 49 + " %}",
        "{% liquid\nassign x = [\n" + '{\\"' * 20_000 + "\n] %}",
    ],
    ids=[
        "opened only",
        "lists in each other",
        "quotes that are opened only",
    ],
)
def test_the_time_to_parse_grows_with_the_length_only(source: str) -> None:
    started = time.process_time()
    with contextlib.suppress(LiquidError):
        ENVIRONMENT.from_string(source)
    assert time.process_time() - started < 2  # of each of these, 256 KB took minutes


def test_errors_in_a_text_are_told_at_their_place_behind_escapes() -> None:
    source = r"""{% assign x = ["\u00e9\n{{ x }}\"{{ a | nope: }}"] %}"""
    with pytest.raises(LiquidError) as caught:
        ENVIRONMENT.from_string(source).render()
    assert caught.value.token is not None
    assert caught.value.token.start_index == source.index("nope")
