"""Every template of the site, the examples, the documents and the tests is rendered the same both ways."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from liquid_background import Environment
from tests.campaigns import TIMES, fuzz, pairs
from tests.language.compiled.application import install
from tests.language.compiled.differ import WAYS, Way, differences
from tests.language.compiled.given import given

ROOT = Path(__file__).parents[3]
SITES = (
    "templates",
    "examples/fastapi_shop/templates",
    "examples/flask_shop/templates/liquid",
    "examples/django_shop/shop/liquid",
)
LIMITS = ("test_limits.py", "test_limits_everywhere.py")
"""Tests whose templates take as long as they may."""
SHARE = 8 if TIMES == 1 else 1
"""Of so many templates of the tests the suite takes one."""
PARTS = 4


def _files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.liquid"))}


def _partials(files: dict[str, str]) -> dict[str, str]:
    """Return what templates of a site find by its name."""
    named = {
        name.removesuffix(".liquid"): re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S) for name, text in files.items()
    }
    return {**named, **{name.removeprefix("partials/"): text for name, text in named.items()}}


def _data() -> dict[str, object]:
    items = [{"id": each, "name": f"n{each}", "price": each * 1.5, "quantity": each, "title": "t"} for each in range(3)]
    one = {"id": 1, "name": "<Ada>", "email": "ada@example.com", "total": 4.5, "items": items, "lines": items}
    names = ("user", "order", "customer", "contact", "product", "account", "params", "data", "payload", "event")
    return {
        **given(),
        **dict.fromkeys(names, one),
        **dict.fromkeys(("items", "orders", "users", "products", "jobs"), items),
    }


def _unlike(source: str, way: Way, partials: dict[str, str]) -> str:
    found = differences(source, _data, way, partials, _prepare)
    return f"{source!r} ({way}): {found}" if found else ""


def _prepare(env: Environment) -> None:
    install(env)
    env.output_stream_limit = 1_000_000
    env.local_namespace_limit = 1_000_000


@pytest.mark.parametrize("folder", SITES)
def test_a_site_is_rendered_the_same(folder: str) -> None:
    partials = _partials(_files(ROOT / folder))
    assert partials
    told = [_unlike(text, way, partials) for text, way in pairs(partials.values(), WAYS, few=2)]
    assert not any(told), "\n\n".join(filter(None, told))


def test_the_documents_are_rendered_the_same() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [
        block for page in pages for block in re.findall(r"```liquid\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    ]
    assert len(blocks) > 20
    told = [_unlike(text, way, _partials(_files(ROOT / SITES[0]))) for text, way in pairs(blocks, WAYS, few=2)]
    assert not any(told), "\n\n".join(filter(None, told))


@cache
def _of_the_tests() -> tuple[str, ...]:
    """Return the texts in the tests that are templates, or pieces of one."""
    found: dict[str, None] = {}
    for path in sorted((ROOT / "tests" / "language").glob("*.py")):
        if path.name not in LIMITS:
            found.update(dict.fromkeys(_texts(ast.parse(path.read_text(encoding="utf-8")))))
    return tuple(found)


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\{[{%].*[}%]\}", node.value, re.S)
        ):
            yield node.value


@fuzz
@pytest.mark.parametrize("part", range(PARTS))
def test_a_template_of_the_tests_is_rendered_the_same(part: int) -> None:
    texts = _of_the_tests()[::SHARE][part::PARTS]
    assert len(texts) > 10
    told = [_unlike(text, way, {"p": "{{ x }}", "f": "{% return a %}"}) for text, way in pairs(texts, WAYS, few=1)]
    assert not any(told), "\n\n".join(filter(None, told))
