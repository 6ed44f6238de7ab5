"""Nothing of a template becomes code, a name or an attribute of the Python that it is compiled to."""

from __future__ import annotations

import dis
import re
from functools import cache
from types import CodeType
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.language.compiled.renderer import _GLOBALS
from tests.campaigns import fuzz, pairs
from tests.language.compiled.differ import Pair, Way, environment

NAMES = (
    "__builtins__", "__import__", "__class__", "__globals__", "__init__", "__tokens__", "__name__", "__debug__", "_", "None",
    "True", "class", "def", "import", "return", "lambda", "async", "await", "exec", "eval", "type", "len", "str",
    "K1", "K2", "v1", "v2", "f1", "i1", "n1", "m1", "t1", "b1", "w1", "c1", "F", "L", "G", "B", "W", "w", "context",
    "watch", "env", "buffer", "leaves", "error", "render", "MISS", "NULL", "find", "settled", "self", "a-b", "x-1", "partial",
    "forloop", "block", "Decimal", "Markup", "is", "or1", "not_", "n" * 300,
)  # fmt: skip
"""What may be a name in Liquid, and means something in Python, or in what is generated."""
LOCALS = ("context", "buffer", "env", "leaves", "watch", "w", "L", "W", "F", "G", "B", "NULL", "error", "ASKED")
"""Names of ours in what is generated, beside those of what it calls."""
TEXTS = (
    *NAMES, "'", '"', "'''", '"""', "\\", "\\'", "\\\\'", "\n", "\r", "\r\n", "\0", "\t", "\ud800", "\udfff'", "\u2028", "\u2029", "\x85",
    "\x0c", "\x1a", "{}", "{0}", "{x!r}", "{{", "%s", "%(a)s", "#", "# coding: utf-7", "'; raise SystemExit #", '"); raise SystemExit; ("',
    "\\N{DIGIT ONE}", "\\x41", "\\u0041", "' + __import__('os').name + '", "f'{1}'", "x\n raise SystemExit", "\nraise SystemExit\n",
    "__class__.__mro__", "a.b", "a b", "", " ", "ß", "é\u0301", "\u202e", "🐍", "x" * 499 + "'", "x" * 600 + "'", "'\n" * 5_000,
)  # fmt: skip
SHAPES = {
    "a name": "{{ NAME }}{{ NAME.x }}{{ NAME.size }}{{ x.NAME }}{{ x[NAME] }}{% if NAME == 1 %}y{% endif %}",
    "a variable": "{% assign NAME = 1 %}{{ NAME }}{% capture NAME %}t{{ NAME }}{% endcapture %}{{ NAME }}{{ x }}",
    "a loop": "{% for NAME in l %}{{ NAME }}{{ forloop.index }}{% assign y = NAME %}{% endfor %}{{ NAME }}",
    "a loop over": "{% for i in NAME %}{{ i }}{% else %}none{% endfor %}{% for i in (1..NAME) %}{{ i }}{% endfor %}",
    "a counter": "{% increment NAME %}{% decrement NAME %}{% cycle NAME: 1, 2 %}{% tablerow NAME in l %}{{ NAME }}{% endtablerow %}",
    "a filter": "{{ 'x' | NAME }}{{ 'x' | NAME: 1 }}",
    "a keyword": "{{ x | default: 1, NAME: true }}{{ 'x' | own: NAME: 2 }}{% include 'p', NAME: 3 %}{% render 'p', NAME: x %}",
    "a macro": "{% macro NAME, x %}{{ x }}{% endmacro %}{% call NAME, 1 %}",
}
"""Templates with a name."""
TEXT_SHAPES = {
    "a text": "{{ TEXT }}{{ TEXT | append: TEXT | upcase }}{% if TEXT == x %}y{% endif %}{% assign y = TEXT %}{{ y }}",
    "a key": "{{ x[TEXT] }}{{ [TEXT] }}{{ [TEXT].x }}{{ x[TEXT][TEXT].y }}{% for i in x[TEXT] %}{{ i }}{% endfor %}",
    "a case": "{% case TEXT %}{% when 1, TEXT %}y{% when x %}z{% endcase %}{% cycle TEXT: TEXT, 2 %}",
    "a partial": "{% include TEXT %}",
    "a loop over": "{% for i in TEXT %}{{ i }}{% endfor %}{% if TEXT contains x %}y{% endif %}",
    "a filter's": "{{ x | replace: TEXT, TEXT | split: TEXT | join: TEXT | default: TEXT | own: x: TEXT }}",
}
"""Templates with a text."""


def _own(value: Any, *args: Any, **named: Any) -> str:
    return f"{value}{args}{named}"


def _prepare(env: Any) -> None:
    env.filters["own"] = _own
    for name in (*NAMES, "harmless"):
        env.filters.setdefault(name, lambda value, *args: f"<{value}>")


def _given(word: str) -> dict[str, Any]:
    return {"x": {word: "of x", "x": 1}, "l": [1, 2], word: {word: {"y": 1}, "x": "of it"}, "own": "o"}


LITERALS = {
    text: f"'{text}'" if "'" not in text else f'"{text}"' for text in TEXTS if not ("'" in text and '"' in text)
}
"""The texts as Liquid writes them, which cannot write one with both quotes."""
PARTIALS = {"p": "{{ x }}", **dict.fromkeys(TEXTS, "found")}
WAYS = (Way(), Way(awaits=True, autoescape=True))


@fuzz
@pytest.mark.parametrize("shape", SHAPES)
def test_a_name_of_python_is_a_name_like_any(shape: str) -> None:
    told = {}
    for name, pair in pairs(NAMES, [Pair(way, PARTIALS, _prepare) for way in WAYS], few=1):
        if found := pair.differences(SHAPES[shape].replace("NAME", name), lambda name=name: _given(name)):
            told[name, str(pair.way)] = found
    assert not told, told


@fuzz
@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_a_text_of_python_is_a_text_like_any(shape: str) -> None:
    told = {}
    for (text, literal), pair in pairs(LITERALS.items(), [Pair(way, PARTIALS, _prepare) for way in WAYS], few=1):
        if found := pair.differences(TEXT_SHAPES[shape].replace("TEXT", literal), lambda text=text: _given(text)):
            told[text[:40], str(pair.way)] = found
    assert not told, told


@cache
def _environment(way: Way) -> Environment:
    return environment(way, PARTIALS, prepare=_prepare)


def _code(source: str, way: Way) -> CodeType | None:
    """Return what a template is compiled to; None when it cannot be parsed."""
    try:
        template = _environment(way).from_string(source)
    except LiquidError:  # compared above
        return None
    renderer = template.compiled._made(template, awaits=way.awaits)
    assert renderer is not None, template.compiled.why_walked
    return renderer.render.__code__  # type: ignore[no-any-return]


def _names(code: CodeType) -> set[str]:
    """Return the names in code, but for those that are made by counting."""
    names = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
    return {name for name in names if not re.fullmatch(r"[a-zA-Z][0-9]+", name)}


def _instructions(code: CodeType) -> bytes:
    return code.co_code[::2]  # each is one, and its argument; `dis` takes longer for them than all else here


@pytest.mark.parametrize("way", WAYS, ids=["sync", "async"])
@pytest.mark.parametrize("shape", SHAPES)
def test_names_do_not_change_the_code(shape: str, way: Way) -> None:
    usual = _code(SHAPES[shape].replace("NAME", "harmless"), way)
    assert usual is not None
    for name in NAMES:
        code = _code(SHAPES[shape].replace("NAME", name), way)
        if code is None or name in ("True", "forloop"):  # another value, or the loop around
            continue
        assert _names(code) == _names(usual), name
        assert _instructions(code) == _instructions(usual), name
        assert not [each for each in code.co_consts if isinstance(each, CodeType)]


@pytest.mark.parametrize("way", WAYS, ids=["sync", "async"])
@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_texts_do_not_change_the_code(shape: str, way: Way) -> None:
    usual = _code(TEXT_SHAPES[shape].replace("TEXT", "'harmless'"), way)
    assert usual is not None
    for text, literal in LITERALS.items():
        code = _code(TEXT_SHAPES[shape].replace("TEXT", literal), way)
        if code is None:
            continue
        assert _names(code) - {"NULL", "NullIO"} <= _names(usual), text
        if len(text) < 500 and text.strip():
            assert _instructions(code) == _instructions(usual), text


def test_only_names_of_ours_are_in_the_code() -> None:
    known = {*_GLOBALS, *_GLOBALS["__builtins__"], *LOCALS}
    source = (
        "".join((*SHAPES.values(), *TEXT_SHAPES.values())).replace("NAME", "harmless").replace("TEXT", "'harmless'")
    )
    code = _code(source, Way())
    assert code is not None
    attributes = {
        each.argval for each in dis.get_instructions(code) if each.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR")
    }
    assert _names(code) - known - attributes == set()
    assert not any(name.startswith("__") for name in attributes)


def test_a_template_of_any_name_is_rendered_the_same() -> None:
    for way in WAYS:
        pair = Pair(way)
        for text in TEXTS:
            assert not pair.differences(
                "{{ x }}{{ 1 | divided_by: y }}{{ 1 | divided_by: z }}", lambda: {"y": 0, "z": 2}, text
            )
