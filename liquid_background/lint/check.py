"""The check of whole files: parse each, walk it, gather findings in the order of the lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from liquid import Node
from liquid.exceptions import LiquidError, TemplateNotFoundError

from liquid_background.errors import ArgumentError, EnqueueError
from liquid_background.language.environment import Environment
from liquid_background.language.pages import (
    CONSUMERS,
    PAGES,
    PARTIALS,
    Texts,
    first_of_name,
    inside,
    key_of,
    key_token,
    oddity,
    read_options,
    read_text,
    sites_of,
    split_front_matter,
    text_of,
    unsaved,
    unusable_folders,
    walk,
)
from liquid_background.language.syntax import show, what_was_wrong
from liquid_background.lint.crowds import check_crowds
from liquid_background.lint.finding import RULES, Finding, finding, shortened, silenced
from liquid_background.lint.nodes import NodesCheck
from liquid_background.lint.run import Run, any_time
from liquid_background.lint.slips import edits_of
from liquid_background.lint.values import check_values
from liquid_background.python_jobs import RetryPolicy, read_schedule

_A_FOLDER: Final = "a folder"
_NOTHING: Final[Mapping[str, bytes]] = {}


def files_under(folder: Path) -> list[Path]:
    """Return the files in a folder that are templates or might be taken for one."""
    unusable = unusable_folders(str(folder))
    return [Path(found.path) for found in walk(str(folder), str(folder)).files if found.path not in unusable]


def check_folder(folder: Path) -> list[Finding]:
    """Return why templates of a site, or of a folder in it, are found by nobody."""
    return [
        Finding(path, 1, 0, RULES["unusable-folder"], f"no template is found here: it {reason}", "mend it")
        for path, reason in unusable_folders(str(folder)).items()
    ]


def check_files(
    environment: Environment,
    files: Iterable[Path],
    job_timeout: Callable[[str], float] = any_time,
    buffers: Mapping[Path, str] | None = None,
) -> list[Finding]:
    """Return what is wrong in template files, file by file and line by line.

    While it runs, nobody else may parse or load templates by the environment.

    Args:
        environment: with the tags and filters of the application, and its loader.
        files: the files to check; those of the loader's site have their names in it.
        job_timeout: returns the setting for a priority, which no schedule in front matter may go beyond.
        buffers: texts that are not saved, by their files, which need not be there yet: everything is checked as if they
            were saved.
    """
    texts = texts_of(buffers or {})
    files = [*files]
    with unsaved(environment, texts) if texts else nullcontext():
        run = Run(environment, job_timeout, texts)
        found = [finding for file in files for finding in shortened(check_file(run, file))]
        return [*found, *check_crowds(run, files)]


def texts_of(buffers: Mapping[Path, str]) -> dict[str, bytes]:
    """Return texts of files as a site has them that are not saved; what is no text in one becomes what is no UTF-8."""
    return {key_of(path): text.encode("utf-8", "surrogatepass") for path, text in buffers.items()}


def check_file(run: Run, file: Path) -> list[Finding]:
    """Return all that is wrong in one file, in no order."""
    is_unsaved = bool(run.unsaved) and key_of(file) in run.unsaved
    odd = "" if is_unsaved else oddity(str(file), root_around(run.environment, file))
    if not odd:
        return _check_text(run, file)
    message = f"skipped: {odd}" if odd != _A_FOLDER else f"a folder: templates in it are called {file.name}/…"
    return [Finding(str(file), 1, 0, RULES["not-a-template"], message)]


def root_around(environment: Environment, file: Path) -> str:
    """Return the folder of the site that a file is in; "" when it belongs to none."""
    path = os.path.abspath(file)
    roots = (os.path.abspath(site.root) for site in sites_of(environment.loader))
    return next((root for root in roots if path.startswith(root.rstrip("/") + "/")), "")


def source_of(environment: Environment, file: Path, unsaved: Texts = _NOTHING) -> str:
    """Return the text of a file, or the one of it that is not saved.

    Raises:
        LiquidError: when it cannot be read, or leads out of its site by now.
    """
    text = unsaved.get(key_of(file)) if unsaved else None
    if text is not None:
        return text_of(text, str(file))
    place = inside(os.path.abspath(file), root_around(environment, file) or "/")
    if place is None:
        raise TemplateNotFoundError(str(file))
    return read_text(place, str(file))


def _check_text(run: Run, file: Path) -> list[Finding]:
    environment, path = run.environment, str(file)
    try:
        source = source_of(environment, file, run.unsaved)
    except LiquidError as error:
        return [_of_error(run, path, error)]
    errors: list[LiquidError] = []
    found: list[Finding] = []
    nodes: Sequence[Node] = ()
    conflict = run.conflicts.get(os.path.abspath(file))
    if conflict is None or not conflict.is_hidden:
        found += _check_name(environment, file)
    environment.report = errors.append
    try:
        matter, body, line = split_front_matter(source, path)
        found += _check_front_matter(run, path, matter, source)
        found += _check_schedule(path, matter, source, run.job_timeout)
        run.scheduled += matter.get("schedule") is not None and _is_scheduled(environment, file)
        found += check_values(path, source, conflict, run.suggestions)
        nodes = environment.parse_at(body, line=line, path=path).nodes
        if CONSUMERS in file.parts:
            read_options(source, path, errors.append, environment.dialect.options)
    except LiquidError as error:
        errors.append(error)
    finally:
        environment.report = None
    wrong = [_of_error(run, path, error) for error in reversed(errors)]
    found += {(item.line, item.column): item for item in wrong}.values()  # of one place the first: more follow from it
    found += NodesCheck(run, path, nodes).findings()
    return silenced(found, source)


def _is_scheduled(environment: Environment, file: Path) -> bool:
    """Return whether a schedule in a file's front matter counts: that of a page or partial which is read."""
    root = root_around(environment, file)
    within = os.path.relpath(os.path.abspath(file), root).split(os.sep) if root else [""]
    return within[0] in (PAGES, PARTIALS) and not first_of_name(str(file))


def _of_error(run: Run, path: str, error: LiquidError) -> Finding:
    message = what_was_wrong(error)
    rule = "option" if isinstance(error, ArgumentError) else "syntax"
    if message.startswith("unexpected tag") and "nothing is open" not in message:
        rule = "unknown-tag"
    if error.token is None or error.token.start_index < 0:
        return Finding(path, 1, 0, RULES[rule], message)
    edits = edits_of(error.token, message, lambda name: run.exists(name, "include")) if rule != "option" else ()
    return finding(path, error.token, rule, message, edits=edits)


def _check_front_matter(run: Run, path: str, matter: dict[str, Any], source: str) -> Iterator[Finding]:
    layout = matter.get("layout")
    token = key_token(source, path, "layout")
    if layout and token is not None and not run.exists(str(layout), "layout"):
        yield finding(path, token, "missing-partial", f"the layout {show(layout)} is not there")


def _check_name(environment: Environment, file: Path) -> Iterator[Finding]:
    """Yield that a file is never read: the one that is stands beside it. Of pages the conflict of their slugs tells."""
    other = first_of_name(str(file))
    if other and not oddity(other, root_around(environment, Path(other))):
        message = f"this file is never read: {os.path.basename(other)} beside it has the same name"
        yield Finding(str(file), 1, 0, RULES["same-name"], message, "remove one of the two")


def _check_schedule(
    path: str, matter: dict[str, Any], source: str, job_timeout: Callable[[str], float]
) -> Iterator[Finding]:
    if matter.get("schedule") is not None:
        try:
            read_schedule(path, matter["schedule"], RetryPolicy(), job_timeout)
        except EnqueueError as error:
            token = key_token(source, path, "schedule")
            if token is not None:
                yield finding(path, token, "option", f"the front matter's schedule is not kept: {error}")
