"""Which templates become Python functions, and which are walked over: what `poscli check --explain` tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liquid.exceptions import LiquidError

from liquid_background.language.environment import Environment
from liquid_background.language.pages import split_front_matter
from liquid_background.language.syntax import line_of
from liquid_background.lint.check import source_of, texts_of


@dataclass(frozen=True, slots=True)
class Explained:
    """How a template is rendered once it is rendered often.

    Attributes:
        path: of its file.
        why_walked: why its nodes are walked over; "" when it becomes a function.
        called: the tags that the function calls as they are, each with the line of the first one.
    """

    path: str
    why_walked: str = ""
    called: Mapping[str, int] = field(default_factory=dict)


def explain_files(
    environment: Environment, files: Iterable[Path], buffers: Mapping[Path, str] | None = None
) -> list[Explained]:
    """Return how template files are rendered; those that cannot be parsed are left out: the check tells of them.

    Args:
        environment: with the tags and filters of the application, and its loader.
        files: the files.
        buffers: texts that are not saved, by their files.
    """
    texts = texts_of(buffers or {})
    found = []
    for file in files:
        try:
            _, body, line = split_front_matter(source_of(environment, file, texts), str(file))
            template = environment.parse_at(body, line=line, path=str(file))
        except LiquidError:
            continue
        why, called = template.compiled.explain(template)
        found.append(Explained(str(file), why, {tag: line_of(token) for tag, token in called.items()}))
    return found
