"""Parse a folder of real templates, with their own tags stubbed: how many parse, and why the others do not.

python benchmarks/corpus.py FOLDER
"""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liquid import Node, Tag, TokenStream
from liquid.ast import BlockNode
from liquid.parser import get_parser
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background import Environment
from liquid_background.errors import LiquidBackgroundError
from liquid_background.language.pages.front_matter import front_matter_part
from liquid_background.language.syntax import line_of, what_was_wrong
from liquid_background.language.tags.unknown import UnknownTag

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_MOST_CAUSES: Final = 40
_MOST_PLACES: Final = 3  # of one cause


class Stub(Tag):
    """Stands for each tag that is not ours: a block where the file has its end tag, else a tag alone."""

    name = UnknownTag.name
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Read the tag, and what it holds."""
        token = stream.current
        name = token.value
        is_part = name.startswith("end") or name in ("else", "elsif", "when", "catch", "raw")
        if token.kind != TOKEN_TAG or not name or is_part:
            return UnknownTag(self.env).parse(stream)
        next(stream)
        if stream.current.kind == TOKEN_EXPRESSION:
            next(stream)
        nodes: list[Node] = []
        if re.search(rf"\bend{name}\b", token.source):
            nodes.append(get_parser(self.env).parse_block(stream, frozenset((f"end{name}", TOKEN_EOF))))
            stream.expect(TOKEN_TAG, value=f"end{name}")
        else:
            stream.pos -= 1  # the parser goes on behind the token that is the current one
        return BlockNode(token, nodes)


@dataclass(frozen=True, slots=True)
class Failure:
    """One template that does not parse."""

    path: Path
    line: int
    message: str

    @property
    def cause(self) -> str:
        """The message without what is of this template only."""
        return _QUOTED.sub("'…'", self.message)


def templates(folder: Path) -> Iterator[Path]:
    """Yield the templates of a folder, whatever their names have in common with hidden ones."""
    for here, _, names in sorted(os.walk(folder)):
        yield from (Path(here, name) for name in sorted(names) if name.endswith(".liquid"))


def failure_of(environment: Environment, path: Path) -> Failure | None:
    """Parse one template; return what was wrong."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    matter = front_matter_part(text)
    body = text[len(matter) :]
    try:
        environment.parse_at(body, line=matter.count("\n") + 1, name=path.name)
    except LiquidBackgroundError as error:
        token = getattr(error, "token", None)
        return Failure(path, line_of(token) if token is not None else 0, what_was_wrong(error))
    except Exception as error:  # noqa: BLE001  python-liquid's have no root in common with ours
        token = getattr(error, "token", None)
        return Failure(path, line_of(token) if token is not None else 0, what_was_wrong(error))
    return None


def main() -> None:
    """Print the share of the templates that parse, and the causes of what does not, most frequent first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="name each template that does not parse")
    given = parser.parse_args()
    environment = Environment()
    environment.add_tag(Stub)
    paths = list(templates(given.folder))
    failures = [failure for path in paths if (failure := failure_of(environment, path)) is not None]
    parsed = len(paths) - len(failures)
    print(f"{parsed} of {len(paths)} templates parse ({100 * parsed / max(1, len(paths)):.2f} %)")
    causes = Counter(failure.cause for failure in failures)
    for cause, count in causes.most_common(None if given.all else _MOST_CAUSES):
        print(f"\n{count:5}  {cause}")
        places = [failure for failure in failures if failure.cause == cause]
        for failure in places if given.all else places[:_MOST_PLACES]:
            print(f"       {failure.path.relative_to(given.folder)}:{failure.line}  {failure.message}")


if __name__ == "__main__":
    main()
