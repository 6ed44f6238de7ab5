"""The error page: what was wrong, where in which template, how the render came there, and what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from liquid.exceptions import LiquidError, LiquidSyntaxError, TemplateNotFoundError

from liquid_background.errors import (
    CodeError,
    LimitReached,
    LiquidBackgroundError,
    PageNotFound,
    PageTimeout,
    StoreError,
)
from liquid_background.jobs.log import printable, steady
from liquid_background.language.pages import PAGES, SiteLoader
from liquid_background.language.syntax import Place, trace, what_was_wrong, without_paths
from liquid_background.web.site.messages import Answer, plain

TOO_LONG: Final = "This page took too long and was stopped."
MORE_TIME: Final = (
    "give pages more time: LIQUID_BACKGROUND_PAGE_TIMEOUT in the environment, page_timeout in pyproject.toml"
)
RETRY: Final = ("retry-after", "5")
"""The header of each 503: a later request may find the page answering."""

_AROUND: Final = 4  # lines before and behind the place
_WIDEST: Final = 160  # characters of a line
_LONGEST: Final = 4_000  # characters of an error in the log
_LONGEST_PLACE: Final = 300  # of a page's name there
_DEEPEST: Final = 12  # templates of an include stack
_KINDS: Final = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/json": "json",
    "text/plain": "text",
    "text/*": "text",
    "*/*": "text",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error page says; without `show_errors` only the status and the title."""

    status: int
    title: str
    message: str
    advice: str
    places: tuple[Place, ...] = ()  # the page first, the place of the error last


def trouble_of(error: BaseException) -> Trouble:
    """Return what to say about an error of a page."""
    places = trace(error)
    message = "; ".join((what_was_wrong(error), *map(without_paths, _other_notes(error, places))))
    if isinstance(error, StoreError):
        advice = "'poscli doctor' looks at the store and says how to mend it."
        return Trouble(503, "The page cannot take this request now.", message, advice)
    if isinstance(error, PageTimeout):
        advice = f"Have the template do less at this place, have a job do it, or {MORE_TIME}."
        return Trouble(503, TOO_LONG, message, advice, places)
    return Trouble(500, "This page has an error.", message, _advice(error), places)


def error_line(message: str, trouble: Trouble, page: str = "") -> str:
    """Return what the log says of an error of a page: what its author may have written comes behind what is ours.

    Args:
        message: what was wrong, in whatever words.
        trouble: with the places that it is told from.
        page: the page that was asked for, where it is known.
    """
    where = f"{PAGES}/{page}" if page else trouble.places[0].template if trouble.places else "a page"
    said = printable(message)
    return f"error in {steady(where[:_LONGEST_PLACE])}: {said if len(said) <= _LONGEST else f'{said[:_LONGEST]}…'}"


def with_front_matter(trouble: Trouble, loader: object) -> Trouble:
    """Return what to say with the front matter of the template in question, which is blank in what was parsed."""
    place = trouble.places[-1] if trouble.places else None
    if place is None or not place.source.startswith("\n") or not isinstance(loader, SiteLoader):
        return trouble
    try:
        text = loader.text(place.template)
    except LiquidError:
        return trouble
    # It may have changed since it was parsed.
    is_the_same = text.endswith(place.source.lstrip("\n")) and text.count("\n") == place.source.count("\n")
    return replace(trouble, places=(*trouble.places[:-1], replace(place, source=text))) if is_the_same else trouble


def _other_notes(error: BaseException, places: tuple[Place, ...]) -> list[str]:
    """Return the notes of an error that do not just name a place of its trace."""
    named = {str(place) for place in places}
    return [note for note in getattr(error, "__notes__", ()) if note.rpartition(" ")[2] not in named]


def _advice(error: BaseException) -> str:
    if isinstance(error, TemplateNotFoundError | PageNotFound):
        return "Correct the name, or make the file; partials are in partials/, layouts in layouts/."
    if isinstance(error, LimitReached):
        return "Have the template do less at this place, or have a job do it; docs/limits.md lists the limits."
    if isinstance(error, LiquidSyntaxError):
        return "Correct the template; 'poscli check' finds such errors without a request."
    if isinstance(error, LiquidError | LiquidBackgroundError) and not isinstance(error, CodeError):
        return "Correct the template at this place."
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):  # none left for its class
        return "Have the template do less at this place, or give it more memory: LIQUID_BACKGROUND_MEMORY_LIMIT."
    where = _raised_in(error.__traceback__)
    return f"Python code of a filter or tag raised it{where}: correct that code, or what the template gives it."


def _raised_in(traceback: TracebackType | None) -> str:
    """Return the function that raised, by the name of its file alone."""
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f", in {code.co_name} ({Path(code.co_filename).name}, line {traceback.tb_lineno})"


def error_answer(trouble: Trouble, accept: str, show: bool) -> Answer:
    """Return an error as the kind of answer that a client wants: a page for a browser, else JSON or text.

    Args:
        trouble: what is wrong.
        accept: the request's header.
        show: whether to tell more than that there is an error.
    """
    kind = _wanted(accept)
    headers = (*_HEADERS, RETRY) if trouble.status == 503 else _HEADERS
    if kind == "json":
        text = json.dumps(_as_json(trouble) if show else {"error": trouble.title}) + "\n"
        return Answer(trouble.status, (("content-type", "application/json"), *headers), text.encode("ascii"))
    if kind == "html" and show:
        body = _as_html(trouble).encode("utf-8", "replace")
        return Answer(trouble.status, (("content-type", "text/html; charset=utf-8"), *headers), body)
    return plain(trouble.status, _as_text(trouble) if show else trouble.title, *headers)


_HEADERS: Final = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
)


def _wanted(accept: str) -> str:
    """Return the kind of answer that an Accept header puts first."""
    best, best_weight = "text", 0.0
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        kind = _KINDS.get(media_type) or ("json" if media_type.endswith("+json") else None)
        weight = next((_weight(value[2:]) for value in parameters if value.startswith("q=")), 1.0)
        if kind is not None and weight > best_weight:
            best, best_weight = kind, weight
    return best


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _stack(trouble: Trouble) -> list[str]:
    """Return the templates on the way to the error, innermost first; the middle of a long way is left out."""
    rows = [str(place) for place in reversed(trouble.places)]
    if len(rows) <= _DEEPEST:
        return rows
    half = _DEEPEST // 2
    return [*rows[:half], f"… {len(rows) - 2 * half} more", *rows[-half:]]


def _as_json(trouble: Trouble) -> dict[str, Any]:
    place = trouble.places[-1] if trouble.places else None
    return {
        "error": trouble.title,
        "message": trouble.message,
        "template": place.template if place else None,
        "line": place.line or None if place else None,
        "column": place.column + 1 if place and place.line else None,
        "stack": _stack(trouble),
        "advice": trouble.advice,
    }


def _as_text(trouble: Trouble) -> str:
    parts = [trouble.title, printable(trouble.message)]
    code = _code(trouble)
    if code:
        width = len(str(code[-1][0]))
        rows = []
        for number, line, column in code:
            rows.append(f"{number:>{width}} | {line}".rstrip())
            if column is not None:
                rows.append(" " * width + " | " + " " * column + "^")
        parts.append("\n".join(rows))
    words = ("in", *("from" for _ in trouble.places))
    steps = [f"{word} {printable(row)}" for word, row in zip(words, _stack(trouble), strict=False)]
    if steps:
        parts.append("\n".join(steps))
    return "\n\n".join([*parts, trouble.advice])


def _code(trouble: Trouble) -> list[tuple[int, str, int | None]]:
    """Return the lines around the place: number, text, and the column in the line of the error."""
    place = trouble.places[-1] if trouble.places else None
    if place is None or not place.line or not place.source:
        return []
    lines = place.source.removesuffix("\n").split("\n")
    first = max(place.line - 1 - _AROUND, 0)
    start = max(place.column - _WIDEST // 2, 0)
    return [
        (number, _shown(line, start), place.column - start if number == place.line else None)
        for number, line in enumerate(lines[first : place.line + _AROUND], first + 1)
    ]


def _shown(line: str, start: int) -> str:
    """Return a part of a line with one visible character for each of its own, so that the caret stands right."""
    part = line.removesuffix("\r")[start : start + _WIDEST]
    return "".join(" " if character == "\t" else character if character.isprintable() else "�" for character in part)


def _as_html(trouble: Trouble) -> str:
    code = "".join(_html_row(*row) for row in _code(trouble))
    rows = _stack(trouble)
    place = f'<p class="place">{escape(printable(rows[0]))}</p>' if rows else ""
    steps = "".join(f"<li><code>{escape(printable(row))}</code></li>" for row in rows[1:])
    parts = [
        f"<h1>{escape(trouble.title)}</h1>",
        f'<p class="message">{escape(printable(trouble.message))}</p>',
        f"{place}<pre>{code}</pre>" if code else place,
        f"<h2>Included from</h2><ul>{steps}</ul>" if steps else "",
        f"<h2>What to do</h2><p>{escape(trouble.advice)}</p>",
        "<footer>This page is shown because of --show-errors, which 'poscli dev' gives, or of show_errors=True; "
        "a public site goes without.</footer>",
    ]
    return _PAGE.format(title=escape(trouble.title), style=_STYLE, body="\n".join(part for part in parts if part))


def _html_row(number: int, line: str, column: int | None) -> str:
    if column is None:
        return f"<span><i>{number}</i>{escape(line)}</span>\n"
    marked = f"{escape(line[:column])}<mark>{escape(line[column : column + 1])}</mark>{escape(line[column + 1 :])}"
    return f'<span class="here"><i>{number}</i>{marked}</span>\n<span><i></i>{" " * column}<b>^</b></span>\n'


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>
{body}
</main></body></html>
"""

_STYLE: Final = """
:root { color-scheme: light dark; --line: #d0d7de; --soft: #f3f4f6; --bad: #b42318; --quiet: #57606a; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #1c2128; --bad: #ff8a80; --quiet: #9198a1; } }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; color: var(--bad); }
h2 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
p, ul { margin: .25rem 0; overflow-wrap: anywhere; }
ul { padding: 0; list-style: none; }
code, pre, .place { font-family: ui-monospace, monospace; font-size: .875rem; }
.message { font-size: 1.125rem; }
.place { margin-top: 1.25rem; color: var(--quiet); }
pre { margin: .25rem 0; padding: .5rem 0; overflow-x: auto; background: var(--soft); border: 1px solid var(--line);
  border-radius: 6px; }
pre span { padding-right: 1rem; }
pre i { display: inline-block; width: 3.5rem; padding-right: 1rem; text-align: right; font-style: normal;
  color: var(--quiet); box-sizing: border-box; user-select: none; }
.here { font-weight: 600; }
mark { background: none; color: var(--bad); text-decoration: underline; }
pre b { color: var(--bad); }
footer { margin-top: 2rem; font-size: .875rem; color: var(--quiet); }
"""
