"""What a check finds, the rules it goes by, the comments that silence them, and how much is told of one file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from liquid import Token
from liquid.token import TOKEN_STRING

from liquid_background.language.syntax import column_of, line_of
from liquid_background.lint.edits import Edit
from liquid_background.wording import counted

MAX_FINDINGS: Final = 100
"""Findings of one file that are told; the others are counted."""


class Severity(StrEnum):
    """How bad a finding is; only errors make a check fail."""

    ERROR = "error"  # the page cannot render, or a job would print or send something blank
    WARNING = "warning"  # works, and is likely not what was meant
    HINT = "hint"  # could be said better


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, by the short name that silences it."""

    name: str
    severity: Severity
    says: str


RULES: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        Rule("syntax", Severity.ERROR, "The template, or its front matter, cannot be read or parsed."),
        Rule(
            "option",
            Severity.ERROR,
            "An option or parameter of a background tag, or one in front matter, is out of range or lacks its quotes.",
        ),
        Rule(
            "misspelt-option",
            Severity.ERROR,
            "A parameter has nearly the name of an option, which is a warning where the job reads it; or nothing reads "
            "it, and it has the name of an option elsewhere, such as timeout.",
        ),
        Rule("unknown-tag", Severity.ERROR, "Nobody registered the tag."),
        Rule("unknown-filter", Severity.ERROR, "Nobody registered the filter."),
        Rule("blank-variable", Severity.ERROR, "A job reads a page variable where nothing is handed over."),
        Rule("request-in-job", Severity.ERROR, "A job reads params, session, cookies, headers, context or request."),
        Rule("missing-partial", Severity.ERROR, "A partial, layout or function that is named is not there."),
        Rule(
            "front-matter",
            Severity.ERROR,
            "A name in front matter is given twice, or a value cannot be, such as a slug that no request reaches.",
        ),
        Rule("same-slug", Severity.ERROR, "Two pages would answer the same request."),
        Rule("same-name", Severity.ERROR, "A template is never read, since another one's file has its name."),
        Rule(
            "unusable-folder",
            Severity.ERROR,
            "The site's folder, or one in it, is there and holds no templates for anybody.",
        ),
        Rule(
            "too-many",
            Severity.ERROR,
            "An event has more consumers than get it, or a site more schedules in front matter than are kept.",
        ),
        Rule("missing-consumer", Severity.WARNING, "No consumer takes an event that is triggered."),
        Rule("no-source-name", Severity.WARNING, "A background tag has no source name to find it by in the log."),
        Rule("same-source-name", Severity.WARNING, "Two background tags share one source name."),
        Rule("unused-parameter", Severity.WARNING, "A parameter is given that the body does not read."),
        Rule(
            "unquoted",
            Severity.WARNING,
            "An option, event or type is a name that nothing gives a value: most often unquoted text.",
        ),
        Rule("unknown-key", Severity.WARNING, "Front matter has a name that means nothing here."),
        Rule("doubtful-value", Severity.WARNING, "A value in front matter is text here, but not elsewhere."),
        Rule("not-a-template", Severity.WARNING, "A file or folder is named like a template, and is none."),
        Rule("delay-for-order", Severity.HINT, "A short delay is used to run one job after another."),
        Rule("more", Severity.HINT, f"A file has over {MAX_FINDINGS} findings: so many are told, errors first."),
    )
}
"""The rules by their names."""


_LINE: Final = re.compile(r"(?<=line )\d+|(?<=:)\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found."""

    path: str
    line: int  # 1-based
    column: int  # 0-based
    rule: Rule
    message: str
    fix: str = ""
    width: int = 0  # characters of its line that it is about; 0 when that cannot be told
    edits: tuple[Edit, ...] = ()  # that surely mend it, all of them together

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays of it when lines before it come or go: file, rule, and what is said but for lines."""
        return self.path, self.rule.name, _LINE.sub("", self.message)


def finding(
    path: str, token: Token, rule: str, message: str, fix: str = "", *, edits: tuple[Edit, ...] = ()
) -> Finding:
    """Return a finding at a token."""
    return Finding(path, line_of(token), max(column_of(token), 0), RULES[rule], message, fix, width_of(token), edits)


def width_of(token: Token) -> int:
    """Return how many characters of its first line a token takes; 0 when it does not stand there as it is."""
    word = token.value.partition("\n")[0]
    quoted = (f"{quote}{word}{quote}" for quote in "'\"") if token.kind == TOKEN_STRING else ()
    start = token.start_index
    return next((len(each) for each in (*quoted, word) if start >= 0 and token.source.startswith(each, start)), 0)


# A `#` comment, in delimiters or as a line of {% liquid %}, or a comment block.
_COMMENT: Final = re.compile(
    r"(?:\{%-?\s*#|^[ \t]*#|comment\s*-?%\})\s*check:\s*(ignore-file|ignore)\b([^%{\n]*)", re.IGNORECASE | re.MULTILINE
)


def silenced(findings: Iterable[Finding], source: str) -> list[Finding]:
    """Return the findings that no comment of the source silences.

    `{% # check: ignore RULE, RULE %}` covers its own line and the next, `ignore-file` the whole file; without a
    rule's name, every one; any other words say why.
    """
    lines: dict[int, set[str]] = {}
    whole: set[str] = set()
    at, line = 0, 1
    for match in _COMMENT.finditer(source):
        rules = {word for word in re.findall(r"[a-z][a-z-]*[a-z]", match[2]) if word in RULES} or set(RULES)
        line += source.count("\n", at, match.end())
        at = match.end()
        if match[1].lower() == "ignore-file":
            whole |= rules
        else:
            for covered in (line, line + 1):
                lines.setdefault(covered, set()).update(rules)
    return [item for item in findings if item.rule.name not in whole | lines.get(item.line, set())]


def shortened(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings of one file in the order of its lines; of too many the worst, and one for the rest."""
    ordered = sorted(findings, key=lambda item: (item.line, item.column))
    if len(ordered) <= MAX_FINDINGS:
        return ordered
    levels = list(Severity)
    worst = sorted(range(len(ordered)), key=lambda at: levels.index(ordered[at].rule.severity))
    told = sorted(worst[:MAX_FINDINGS])
    rest = [ordered[at] for at in sorted(worst[MAX_FINDINGS:])]
    counts = Counter(item.rule.severity for item in rest)
    kinds = ", ".join(counted(counts[severity], str(severity)) for severity in Severity if counts[severity])
    more = f"and {len(rest):,} more in this file, the first of them here: {kinds}"
    last = Finding(rest[0].path, rest[0].line, rest[0].column, RULES["more"], more, "mend the others first")
    return [*(ordered[at] for at in told), last]
