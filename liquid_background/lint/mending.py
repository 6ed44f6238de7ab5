"""Mending of templates: what findings surely are to be, written, checked again, and kept only where it helped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liquid.exceptions import LiquidError

from liquid_background.errors import TemplateNotWritten
from liquid_background.language.environment import Environment
from liquid_background.language.pages import inside, key_of, unsaved, write_text
from liquid_background.lint.check import check_file, root_around, source_of, texts_of
from liquid_background.lint.crowds import check_crowds
from liquid_background.lint.edits import Together, edited
from liquid_background.lint.finding import Finding, Severity, shortened
from liquid_background.lint.run import Run, any_time

MOST_PASSES: Final = 10
"""Times that a file is mended: what mends one finding may show another one."""
_MOST_TRIES: Final = 30  # mended texts of one file that are checked, to find those of its edits that make it no worse
_UNREADABLE: Final = frozenset(("syntax", "unknown-tag"))  # behind which more shows once they are mended


@dataclass(frozen=True, slots=True)
class Mended:
    """One file that was mended.

    Attributes:
        path: of the file.
        before: its text, without a byte order mark.
        after: the mended one.
        findings: those that are gone by it, with their places in the text that they were found in.
    """

    path: str
    before: str
    after: str
    findings: tuple[Finding, ...]

    def write(self, environment: Environment) -> None:
        """Write the text into its file, in one step; mode, owner and byte order mark stay.

        Args:
            environment: with the loader of the site that the file is in.

        Raises:
            TemplateNotWritten: when the file is in no site, has changed since it was read, or cannot be written.
        """
        root = root_around(environment, Path(self.path))
        place = inside(os.path.abspath(self.path), root) if root else None
        if place is None:
            raise TemplateNotWritten(f"{self.path}: it is in no site of the application; nothing was written")
        write_text(place, self.before, self.after, self.path)


@dataclass(frozen=True, slots=True)
class Mending:
    """What mending of files came to."""

    mended: tuple[Mended, ...]
    left: tuple[Finding, ...]  # in the mended texts


def mend_files(
    environment: Environment,
    files: Iterable[Path],
    job_timeout: Callable[[str], float] = any_time,
    buffers: Mapping[Path, str] | None = None,
) -> Mending:
    """Return what of template files can surely be mended, and what is left to say of them; nothing is written.

    Only files of the loader's sites are mended, and only where that makes the file no worse by any rule. A file without
    findings stays as it is. While it runs, nobody else may parse or load templates by the environment.

    Args:
        environment: with the tags and filters of the application, and its loader.
        files: the files to check and mend.
        job_timeout: as of `check_files`.
        buffers: texts that are not saved, by their files; these are mended instead of the files.
    """
    texts = texts_of(buffers or {})
    with unsaved(environment, texts):
        return _Menders(environment, [*files], job_timeout, texts).mend()


class _Menders:
    """The mending of some files.

    Args:
        environment: that finds their texts.
        files: to be mended.
        job_timeout: as of `check_files`.
        texts: that are not saved; mended ones are added.
    """

    def __init__(
        self,
        environment: Environment,
        files: Sequence[Path],
        job_timeout: Callable[[str], float],
        texts: dict[str, bytes],
    ) -> None:
        self._environment = environment
        self._files = files
        self._job_timeout = job_timeout
        self._texts = texts
        self._before: dict[Path, str] = {}
        self._gone: dict[Path, list[Finding]] = {}
        self._tries: Counter[Path] = Counter()

    def mend(self) -> Mending:
        """Mend until nothing changes, for so many times at most."""
        run = self._run()
        last = found = self._check(self._files, run)
        for _ in range(MOST_PASSES):
            changed = [file for file in found if self._is_ours(file) and self._mend(file, found[file])]
            if not changed:
                break
            found = self._check(changed)
        mended = [
            Mended(str(file), before, self._text(file), tuple(self._gone[file]))
            for file, before in self._before.items()
            if self._text(file) != before
        ]
        if mended:
            run = self._run()
            last = self._check(self._files, run)
        left = [finding for findings in last.values() for finding in shortened(findings)]
        return Mending(tuple(mended), (*left, *check_crowds(run, self._files)))

    def _run(self) -> Run:
        return Run(self._environment, self._job_timeout, self._texts)

    def _check(self, files: Iterable[Path], run: Run | None = None) -> dict[Path, list[Finding]]:
        run = run or self._run()
        return {file: sorted(check_file(run, file), key=_place) for file in files}

    def _text(self, file: Path) -> str:
        return source_of(self._environment, file, self._texts)

    def _is_ours(self, file: Path) -> bool:
        """Return whether a file is in a site, its links followed, or would be once it is saved."""
        root = root_around(self._environment, file)
        if not root:
            return False
        if inside(os.path.abspath(file), root) is not None:
            return True
        return key_of(file) in self._texts and key_of(file).startswith(key_of(root).rstrip("/") + "/")

    def _mend(self, file: Path, found: Sequence[Finding]) -> bool:
        """Mend one file once; return whether that changed it."""
        to_mend = [finding for finding in found if finding.edits]
        if not to_mend:
            return False
        try:
            text = self._text(file)
        except LiquidError:  # it has gone meanwhile
            return False
        self._before.setdefault(file, text)
        gone: list[Finding] = []
        parts = [to_mend]
        while parts and self._tries[file] < _MOST_TRIES:
            self._tries[file] += 1
            part = parts.pop()
            mended = self._try(file, text, found, [*gone, *part])
            if mended:
                gone = mended
            elif len(part) > 1:  # one of them is what made it worse
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        self._gone.setdefault(file, []).extend(gone)
        return bool(gone)

    def _try(self, file: Path, text: str, found: Sequence[Finding], to_mend: Sequence[Finding]) -> list[Finding]:
        """Write the edits of findings into a text, of those that overlap the first; return the findings that are gone.

        Where that makes the file worse it is as it was before.
        """
        together = Together()
        taken = [finding for finding in to_mend if together.take(finding.edits)]
        key = key_of(file)
        was = self._texts.get(key)
        self._texts[key] = edited(text, together).encode("utf-8", "surrogatepass")
        (now,) = self._check([file]).values()
        if _is_better(found, now, taken):
            return taken
        if was is None:
            del self._texts[key]
        else:
            self._texts[key] = was
        return []


def _is_better(before: Sequence[Finding], after: Sequence[Finding], mended: Sequence[Finding]) -> bool:
    """Return whether findings are gone, as many of each rule as were mended, and no error is new.

    Where something could not be parsed, more shows that nobody saw before; but nothing before it may be unreadable.
    """
    unreadable = [_place(item) for item in mended if item.rule.name in _UNREADABLE]
    if unreadable:
        known, there = {*map(_identity, before)}, {*map(_identity, after)}
        is_gone = there.isdisjoint(map(_identity, mended))
        earlier = (item for item in after if item.rule.name in _UNREADABLE and _place(item) < min(unreadable))
        return is_gone and all(_identity(item) in known for item in earlier)
    old, new = _errors(before), _errors(after)
    rules, left = Counter(item.rule.name for item in before), Counter(item.rule.name for item in after)
    gone = Counter(item.rule.name for item in mended)
    return all(new[rule] <= old[rule] for rule in new) and all(
        left[rule] <= rules[rule] - count for rule, count in gone.items()
    )


def _place(item: Finding) -> tuple[int, int]:
    return item.line, item.column


def _identity(item: Finding) -> tuple[tuple[str, str, str], tuple[int, int]]:
    return item.key, _place(item)


def _errors(findings: Iterable[Finding]) -> Counter[str]:
    return Counter(item.rule.name for item in findings if item.rule.severity is Severity.ERROR)
