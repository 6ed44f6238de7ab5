"""The part of an environment that takes an application's tags and filters, with what is said of them for previews."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from liquid import Environment, Tag

from liquid_background.language.declared import Declared


class Declaring(Environment):
    """An environment that knows of its tags, filters and hooks what the application says of them."""

    hands_over: set[str]
    _declared_tags: dict[str, Declared]  # by name, as the next two
    _declared_filters: dict[str, Declared]
    _declared_hooks: dict[str, Declared]  # of what the application gives to a dialect

    def _say_nothing(self) -> None:
        """Begin with nothing said."""
        self._declared_tags, self._declared_filters, self._declared_hooks = {}, {}, {}

    def add_tag(
        self,
        tag: type[Tag] | Tag,
        *,
        hands_over: bool = False,
        pure: bool = False,
        preview: Callable[[Mapping[str, Any], str], str] | None = None,
    ) -> None:
        """Register a tag.

        Args:
            tag: the tag's class, or a tag that was made with this environment.
            hands_over: whether the page values that its arguments name travel with a background block.
            pure: whether rendering it changes nothing outside of the render, so that previews render it, too.
            preview: what previews call instead of rendering it, with the values of its arguments by name, and the text
                of its block; it returns what the tag would print.

        Raises:
            SettingsError: for `pure` and `preview` at once.
        """
        declared = Declared.given(tag, pure=pure, preview=preview)
        if isinstance(tag, Tag):
            self.tags[tag.name] = tag
        else:
            super().add_tag(tag)
        if pure or preview is not None:
            self._declared_tags[tag.name] = declared
        if hands_over:
            self.hands_over.add(tag.name)

    def add_filter(
        self,
        name: str,
        func: Callable[..., Any],
        *,
        pure: bool = False,
        preview: Callable[..., Any] | None = None,
    ) -> None:
        """Register a filter.

        Args:
            name: what templates call it.
            func: is called with the value on its left and its arguments.
            pure: whether calling it changes nothing outside of the render, so that previews call it, too.
            preview: what previews call instead, with the same values; it returns what stands for the filter's result.

        Raises:
            SettingsError: for `pure` and `preview` at once.
        """
        declared = Declared.given(func, pure=pure, preview=preview)
        super().add_filter(name, func)
        if pure or preview is not None:
            self._declared_filters[name] = declared
