"""What the layout promises: modules say what they own, import at the top, and name no machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("liquid_background", "worker", "cli", "docgen")
    for path in (ROOT / folder).rglob("*.py")
)
LOADERS = {
    "liquid_background/lazy.py",  # public names
    "cli/poscli/loader.py",  # poscli's commands
    "liquid_background/loading.py",  # the application that --app names
    "liquid_background/language/dialect.py",  # the dialect that a setting names: a face, which no room imports
}
"""The places that may import by name."""

LONGEST = 330  # lines of a module


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def test_a_module_says_what_it_owns() -> None:
    first = {str(module): (ast.get_docstring(_tree(module)) or "").partition("\n")[0] for module in MODULES}
    assert {module: line for module, line in first.items() if not line.endswith((".", ":"))} == {}


def test_a_module_is_short_enough_to_read() -> None:
    lines = {str(module): len((ROOT / module).read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {module: count for module, count in lines.items() if count > LONGEST} == {}


def _inner_imports(tree: ast.Module) -> Iterator[int]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from (node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))


def test_nothing_is_imported_inside_a_function() -> None:
    assert [f"{module}:{line}" for module in MODULES for line in _inner_imports(_tree(module))] == []


def test_only_the_loaders_import_by_name() -> None:
    by_name = re.compile(r"\b(import_module|__import__|resolve_name)\(")
    found = {str(path) for path in MODULES if by_name.search((ROOT / path).read_text(encoding="utf-8"))}
    assert found <= LOADERS


def _tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_a_machine_or_a_package_index() -> None:
    wrong = re.compile(r"/(?:home|root|Users)/\w|https?://[\w.-]*(?:pypi|pythonhosted)[\w.-]*/|index-url", re.M)
    found = []
    for path in _tracked():
        if (
            path.suffix in (".py", ".md", ".toml", ".txt", ".liquid", ".lua", "")
            and path != Path(__file__)
            and path.exists()
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in wrong.finditer(text)]
    assert found == []


def test_what_has_a_maximum_is_called_a_group() -> None:
    wrong = re.compile(r"concurrency[ _-](queue|group)|named queue", re.I)
    found = []
    for path in _tracked():
        if path.suffix in (".py", ".md", ".lua", ".liquid") and path.exists():
            # These two say what others call it, and what it was called.
            own = path == Path(__file__) or path.name in ("gadget.md", "CHANGELOG.md")
            found += [] if own else [f"{path.name}: {match.group()}" for match in wrong.finditer(path.read_text())]
    assert found == []


def test_the_lock_holds_exact_versions_of_everything() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(lines) > 30
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []
