"""What a job needs and an application has not: what it is, where it is needed, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Needed(StrEnum):
    """What can be lacking."""

    PARTIAL = "partial"  # or a layout, a page, a consumer: a template that is named
    FILTER = "filter"
    TAG = "tag"
    ACTION = "action"  # or a Python function that a job calls
    ARGUMENT = "argument"  # that a partial, a function or a filter takes now and is not given, or not any more
    SYNTAX = "syntax"  # the body, or a partial that it needs, can't be parsed


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a job needs and the application has not."""

    what: Needed
    name: str
    template: str  # in which it is needed; of a function, its path
    line: int  # 1-based; 0 where there is none
    message: str
    fix: str = ""

    @property
    def place(self) -> str:
        """Where it is needed."""
        return f"{self.template}:{self.line}" if self.line else self.template
