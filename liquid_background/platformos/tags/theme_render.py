"""`{% theme_render_rc 'partial', name: value %}`: `render`, in the words of templates with themes."""

from __future__ import annotations

from liquid_background.language.tags import RenderTag


class ThemeRenderTag(RenderTag):
    """The `theme_render_rc` tag; which theme a partial is of is what its folder says."""

    name = "theme_render_rc"
