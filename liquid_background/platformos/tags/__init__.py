"""The tags of the dialect."""

from typing import Final

from liquid import Tag

from liquid_background.platformos.tags.contents import ContentForTag, YieldTag
from liquid_background.platformos.tags.export import ExportTag
from liquid_background.platformos.tags.graphql import GraphqlTag
from liquid_background.platformos.tags.hash_assign import HashAssignTag
from liquid_background.platformos.tags.parse_json import ParseJsonTag
from liquid_background.platformos.tags.print import PrintTag
from liquid_background.platformos.tags.theme_render import ThemeRenderTag

TAGS: Final[tuple[type[Tag], ...]] = (
    ParseJsonTag,
    HashAssignTag,
    ExportTag,
    ContentForTag,
    YieldTag,
    PrintTag,
    ThemeRenderTag,
    GraphqlTag,
)

HANDS_OVER: Final = frozenset((HashAssignTag.name, ExportTag.name, ThemeRenderTag.name, GraphqlTag.name))
"""Those that pass values on: what their arguments name of the page travels with a background block."""

__all__ = ["HANDS_OVER", "TAGS"]
