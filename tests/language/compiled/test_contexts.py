"""Contexts, loaders, globals and templates of an application's own do in compiled templates what they do in walked ones."""

from __future__ import annotations

import collections
import types
from typing import Any

import pytest
from liquid import DictLoader, RenderContext
from liquid.loader import TemplateSource

from liquid_background import Environment
from liquid_background.language.context import Context
from liquid_background.language.template import Template
from tests.language.compiled.application import install
from tests.language.compiled.differ import Pair, Way, rendered, unlike
from tests.language.compiled.given import given

SOURCE = (
    "{{ a }}{{ d.x }}{{ d.y.z[0] }}{{ nothing }}{% assign a = 5 %}{{ a }}{% for i in l %}{{ i }}{{ forloop.index }}{% endfor %}"
    "{{ 'x' | upcase }}{{ 'x' | seen: 'a' }}{% capture c %}{{ a }}{% endcapture %}{{ c }}{% increment n %}{{ n }}{{ customer.name }}"
    "{% include 'p', v: a %}{% render 'p', v: a %}{% if a contains 'x' or d.size > 1 %}{{ ls | join: ',' }}{% endif %}{{ awaited.x }}"
)
PARTIALS = {"p": "[{{ v }}{{ a }}{{ nothing }}]"}
WAYS = (Way(), Way(awaits=True, autoescape=True))


class Reading(Context):
    """Has a value for each name."""

    def get(self, path: Any, **options: Any) -> Any:
        found = super().get(path, **options)
        return f"<{path[0]}>" if self.env.is_undefined(found) else found

    async def get_async(self, path: Any, **options: Any) -> Any:
        return self.get(path, **options)


class Naming(Context):
    """Has another value for one name."""

    def _named(self, name: Any) -> Any:
        return "of the context" if name == "nothing" else super()._named(name)


class Members(Context):
    """Reads members in its own way."""

    def get_item(self, obj: Any, key: Any) -> Any:
        return "its own" if key == "x" else super().get_item(obj, key)


class Assigning(Context):
    """Notes what is assigned."""

    def assign(self, key: str, val: Any) -> None:
        super().assign(f"{key}_too", val)
        super().assign(key, val)


class Filtering(Context):
    """Has filters of its own."""

    def filter(self, name: str, token: Any) -> Any:
        return (lambda *_: "its own") if name == "upcase" else super().filter(name, token)


class Looping(Context):
    """Counts loops."""

    def loop(self, namespace: Any, forloop: Any) -> Any:
        self.locals["loops"] = self.locals.get("loops", 0) + 1
        return super().loop(namespace, forloop)


class Locals(Context):
    """Has variables of another kind."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.locals["before"] = 1


CONTEXTS = [Reading, Naming, Members, Assigning, Filtering, Looping, Locals, RenderContext]


@pytest.mark.parametrize("way", WAYS, ids=["sync", "async"])
@pytest.mark.parametrize("kind", CONTEXTS, ids=lambda kind: kind.__name__)
def test_a_context_of_its_own_is_asked(kind: type[RenderContext], way: Way) -> None:
    def prepare(env: Environment) -> None:
        install(env)
        env.template_class = type("Own", (Template,), {"context_class": kind})

    assert not Pair(way, PARTIALS, prepare).differences(SOURCE, given)


class _Later(DictLoader):
    """Has other templates for those who wait."""

    async def get_source_async(self, env: Any, name: str, **options: Any) -> TemplateSource:
        return TemplateSource(f"later {self.templates[name]}", name, None)


def test_a_loader_that_is_awaited_is_awaited() -> None:
    def prepare(env: Environment) -> None:
        install(env)
        env.loader = _Later(PARTIALS)

    for way in WAYS:
        assert not Pair(way, PARTIALS, prepare).differences(SOURCE, given)


class _Read(collections.UserDict[str, Any]):
    """A mapping that is no dictionary."""


@pytest.mark.parametrize("way", WAYS, ids=["sync", "async"])
@pytest.mark.parametrize(
    "mapping", [dict, _Read, types.MappingProxyType, collections.ChainMap, collections.OrderedDict]
)
def test_globals_of_each_kind_are_read(mapping: Any, way: Way) -> None:
    def made(*, compile: bool) -> dict[str, Any]:
        pair = Pair(way, PARTIALS, install)
        env = pair.compiling if compile else pair.walking
        env.globals = mapping({"a": "of the environment", "g": "of the environment"})
        template = env.from_string(
            f"{SOURCE}{{{{ g }}}}{{{{ h }}}}{{{{ m }}}}", globals=mapping({"h": 1}), matter=mapping({"m": 2})
        )
        return rendered(template, mapping(given()), way)

    assert not unlike(made(compile=False), made(compile=True))


def test_renders_after_each_other_do_not_know_of_each_other() -> None:
    for way in WAYS:
        pair = Pair(way, PARTIALS, install)
        walking, compiling = pair.walking.from_string(SOURCE), pair.compiling.from_string(SOURCE)
        for data in (given(), {}, {**given(), "l": "text", "d": [1]}, {"l": None, "a": "<x>"}, given()):
            data.pop("gen", None)
            assert not unlike(rendered(walking, data, way), rendered(compiling, data, way))
