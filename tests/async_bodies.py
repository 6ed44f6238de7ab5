"""Which bodies of the code's `async def`s do tests run? `python -m tests.async_bodies tests/language` names the others.

Half of the code is there twice, and what nobody runs can be wrong for long. So a copy of the code is marked: the first
thing that each async body does is to leave a file. The tests run on the copy, in their own processes and in those that
they start.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("liquid_background", "worker", "cli")


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one `async def`."""

    file: str  # below the root
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}"


def bodies_in(root: Path, sources: Sequence[str] = SOURCES) -> list[Body]:
    """Return the async bodies that do something, in the order of their files and lines."""
    paths = sorted(path for source in sources for path in (root / source).rglob("*.py"))
    return [
        Body(str(path.relative_to(root)), node.lineno, node.name)
        for path in paths
        for node in _async_defs(ast.parse(path.read_text()))
    ]


def _async_defs(tree: ast.Module) -> Iterator[ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and len(node.body) > (ast.get_docstring(node) is not None):
            yield node


def run(tests: Sequence[str], sources: Sequence[str] = SOURCES) -> tuple[int, list[Body]]:
    """Run tests on a marked copy; return pytest's exit code, and the bodies that were not reached."""
    with tempfile.TemporaryDirectory(prefix="lb-", dir="/tmp") as folder:
        copy, marks = Path(folder, "code"), Path(folder, "marks")
        marks.mkdir()
        ignored = shutil.ignore_patterns(".*", "dist", "build")  # and what Python compiled comes along
        shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
        bodies = bodies_in(copy, sources)
        for file in {body.file for body in bodies}:
            _mark(copy / file, file, marks)
        path = os.pathsep.join(str(copy / part) for part in ("", "worker", "cli"))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        code = subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
        return code, [body for body in bodies if not (marks / _mark_of(body.file, body.line)).exists()]


def _mark(path: Path, file: str, marks: Path) -> None:
    """Rewrite a file so that each of its async bodies leaves a mark first."""
    tree = ast.parse(path.read_text())
    for node in _async_defs(tree):
        mark = f"__import__('pathlib').Path({str(marks / _mark_of(file, node.lineno))!r}).touch()"
        start = int(ast.get_docstring(node) is not None)
        node.body[start:start] = ast.parse(mark).body
    path.write_text(ast.unparse(tree))


def _mark_of(file: str, line: int) -> str:
    return f"{file.replace('/', '.')}.{line}"


def main() -> None:
    """Run the tests that are named, or all; print the bodies that none of them runs."""
    code, missing = run(sys.argv[1:] or ["tests"])
    print("\n".join(f"not reached: {body}" for body in missing) or "every async body was reached")
    sys.exit(code or bool(missing))


if __name__ == "__main__":
    main()
