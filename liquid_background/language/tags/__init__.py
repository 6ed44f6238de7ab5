"""The tags, and how an environment gets them."""

from __future__ import annotations

from typing import Final

from liquid import Environment

from liquid_background.language.tags.action import ActionNode, ActionTag
from liquid_background.language.tags.assign import AssignTag
from liquid_background.language.tags.background import BackgroundTag, blocks_only
from liquid_background.language.tags.background_node import TAG_BACKGROUND, BackgroundNode
from liquid_background.language.tags.call import CallTag
from liquid_background.language.tags.capture import CaptureTag, IfChangedTag
from liquid_background.language.tags.collector import (
    Collector,
    Consumer,
    close_collector,
    collecting,
    current_collector,
    is_open,
    open_collector,
)
from liquid_background.language.tags.comment import InlineCommentTag
from liquid_background.language.tags.cycle import CycleTag
from liquid_background.language.tags.extends import ExtendsTag
from liquid_background.language.tags.function import FunctionTag, ReturnTag
from liquid_background.language.tags.liquid import LiquidTag
from liquid_background.language.tags.log import LogTag
from liquid_background.language.tags.macro import MacroTag
from liquid_background.language.tags.opened import Tokens, placed
from liquid_background.language.tags.output import EchoTag, OutputTag
from liquid_background.language.tags.partials import IncludeTag, RenderTag, Return
from liquid_background.language.tags.tablerow import TablerowTag
from liquid_background.language.tags.trigger_event import TAG_TRIGGER_EVENT, TriggerEventTag
from liquid_background.language.tags.try_catch import TryRcTag, TryTag
from liquid_background.language.tags.unknown import UnknownTag

HANDS_OVER: Final = frozenset(
    ("assign", "include", "render", "function", "log", "trigger_event", "action", TAG_BACKGROUND)
)
"""Tags whose arguments are hand-over positions inside a body: a page's value is passed on there, and not printed."""


def register(env: Environment, hands_over: set[str]) -> None:
    """Add the tags to an environment; `hands_over` may grow as the application adds its own."""
    env.tags[BackgroundTag.name] = BackgroundTag(env, hands_over)
    for tag in (
        OutputTag,
        EchoTag,
        AssignTag,
        CaptureTag,
        IfChangedTag,
        CycleTag,
        InlineCommentTag,
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
        TryRcTag,
        UnknownTag,
    ):
        env.add_tag(tag)


__all__ = [
    "HANDS_OVER",
    "ActionNode",
    "TAG_TRIGGER_EVENT",
    "BackgroundNode",
    "CallTag",
    "Collector",
    "Consumer",
    "ExtendsTag",
    "MacroTag",
    "RenderTag",
    "Return",
    "Tokens",
    "close_collector",
    "collecting",
    "current_collector",
    "blocks_only",
    "is_open",
    "open_collector",
    "placed",
    "register",
]
