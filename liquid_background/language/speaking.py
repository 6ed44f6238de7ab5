"""The part of an environment that has a dialect, and what the application gives to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from liquid import Environment, Tag
from liquid.loader import BaseLoader

from liquid_background.errors import SettingsError
from liquid_background.language.declared import Declared
from liquid_background.language.dialect import STANDARD, Dialect, dialect_of
from liquid_background.nearest import nearest

T = TypeVar("T")


class Speaking(Environment):
    """An environment with a dialect: standard Liquid, unless it is given another.

    Attributes:
        provided: what the application gives, by the names that the dialect asks for.
    """

    dialect: Dialect = STANDARD
    _has_chosen = False  # whether the dialect is its own, and not that of its engine's settings
    hands_over: set[str]
    _declared_hooks: dict[str, Declared]
    _declared_filters: dict[str, Declared]

    def _choose(self, dialect: Dialect | str | None) -> None:
        """Take up a dialect that was given, if one was: once all tags and filters of our own are there."""
        self.provided: dict[str, Callable[..., Any]] = {}
        self._stock: tuple[dict[str, Tag], dict[str, Callable[..., Any]]] = dict(self.tags), dict(self.filters)
        self._has_chosen = dialect is not None
        if dialect is not None:
            self._speak(dialect_of(dialect))

    def _speak(self, dialect: Dialect) -> None:
        """Take up a dialect in the place of the one before; what the application has added or replaced stays."""
        if dialect is self.dialect:
            return
        tags, filters = self._stock
        was, self.dialect = self.dialect, dialect
        for tag in was.tags:
            if type(self.tags.get(tag.name)) is tag:
                _put_back(self.tags, tags, tag.name)
                self.hands_over -= {tag.name}
        for name, function in was.filters.items():
            if self.filters.get(name) is function:
                _put_back(self.filters, filters, name)
        for tag in dialect.tags:
            if self.tags.get(tag.name) is tags.get(tag.name):
                self.add_tag(tag)
                self.hands_over |= dialect.hands_over & {tag.name}
        for name, function in dialect.filters.items():
            if self.filters.get(name) is filters.get(name):
                self.filters[name] = function
        self._tell_loader()

    def provide(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        pure: bool = False,
        preview: Callable[..., Any] | None = None,
    ) -> None:
        """Give the dialect what only the application can know, such as `graphql` or `asset_url` of platformos.

        Args:
            name: what it is called in templates.
            function: what answers; docs/porting.md says how each is called.
            pure: whether calling it changes nothing, so that previews call it, too.
            preview: what previews call instead, with the same arguments.

        Raises:
            SettingsError: when the dialect asks for nothing of that name, or both of the last are given.
        """
        hooks = self.dialect.hooks
        if name not in hooks:
            near = nearest(name, hooks)
            known = f"it asks for {', '.join(hooks)}" if hooks else "set DIALECT first, or give Environment a dialect"
            which = f"the dialect {self.dialect.name}" if hooks else "standard Liquid"
            hint = f"did you mean {near!r}?" if near else known
            raise SettingsError(f"{which} asks the application for no {name!r}: {hint}")
        declared = Declared.given(function, pure=pure, preview=preview)
        self.provided[name] = function
        self._declared_hooks[name] = declared
        for each, made in self.dialect.hooked_filters(name, function).items():
            self.filters[each] = made
            self._declared_filters[each] = replace(declared, of=made)

    @property
    def loader(self) -> BaseLoader:
        """Where templates come from."""
        return self._loader

    @loader.setter
    def loader(self, loader: BaseLoader) -> None:
        self._loader = loader
        self._tell_loader()

    def _tell_loader(self) -> None:
        """Have the loaders of sites look where the dialect has templates, and read options as it does."""
        for loader in getattr(self._loader, "loaders", [self._loader]):
            if hasattr(loader, "speak"):
                loader.speak(self.dialect)


def _put_back(now: dict[str, T], stock: Mapping[str, T], name: str) -> None:
    if name in stock:
        now[name] = stock[name]
    else:
        del now[name]
