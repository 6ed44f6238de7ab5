"""The tags, and how an environment gets them."""

from __future__ import annotations

from typing import Final

from liquid import Environment

from liquid_background.tags.action import ActionTag
from liquid_background.tags.background import BackgroundTag, blocks_only
from liquid_background.tags.background_node import TAG_BACKGROUND, BackgroundNode
from liquid_background.tags.capture import CaptureTag, IfChangedTag
from liquid_background.tags.collector import (
    Collector,
    Consumer,
    Site,
    close_collector,
    collecting,
    collector_of,
    current_collector,
    open_collector,
)
from liquid_background.tags.cycle import CycleTag
from liquid_background.tags.function import FunctionTag, ReturnTag
from liquid_background.tags.log import LogTag
from liquid_background.tags.opened import Tokens, placed
from liquid_background.tags.output import OutputTag
from liquid_background.tags.partials import IncludeTag, LiquidTag, RenderTag, Return
from liquid_background.tags.tablerow import TablerowTag
from liquid_background.tags.trigger_event import TriggerEventTag
from liquid_background.tags.try_catch import TryTag
from liquid_background.tags.unknown import UnknownTag

HANDS_OVER: Final = frozenset(
    ("assign", "include", "render", "function", "log", "trigger_event", "action", TAG_BACKGROUND)
)
"""Tags whose arguments are hand-over positions inside a body (design, section 4)."""


def register(env: Environment, hands_over: set[str]) -> None:
    """Add the tags to an environment; `hands_over` may grow as the application adds its own."""
    env.tags[BackgroundTag.name] = BackgroundTag(env, hands_over)
    for tag in (
        OutputTag,
        CaptureTag,
        IfChangedTag,
        CycleTag,
        TablerowTag,
        LiquidTag,
        ActionTag,
        IncludeTag,
        RenderTag,
        FunctionTag,
        ReturnTag,
        LogTag,
        TriggerEventTag,
        TryTag,
        UnknownTag,
    ):
        env.add_tag(tag)


__all__ = [
    "HANDS_OVER",
    "BackgroundNode",
    "Collector",
    "Consumer",
    "Return",
    "Site",
    "Tokens",
    "close_collector",
    "collecting",
    "collector_of",
    "current_collector",
    "blocks_only",
    "open_collector",
    "placed",
    "register",
]
