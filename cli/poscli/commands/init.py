"""`poscli init`: write a starter project."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from poscli.terminal import told_first

_SUFFIX = ".in"  # keeps tools from taking the starter's files for this package's own


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def command(folder: Path) -> None:
    """Write a starter project into FOLDER, or into the current folder.

    Files that are there already are never changed.

    \b
    Examples:
      poscli init shop
      cd shop && poscli dev
    """
    made = {folder / name: text for name, text in _starter(files("poscli") / "starter", "")}
    there = sorted(path for path in made if path.exists())
    if there:
        raise click.UsageError(f"{there[0]} is there already: name a new or empty folder, such as 'poscli init shop'")
    for path, text in made.items():
        with told_first(f"wrote {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    step = f"cd {folder} && poscli dev" if folder != Path() else "poscli dev"
    print(f"\nNow run: {step}")


def _starter(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            found += _starter(item, f"{prefix}{item.name}/")
        elif item.name.endswith(_SUFFIX):
            name = item.name.removesuffix(_SUFFIX)
            found.append((prefix + ("." + name if name == "gitignore" else name), item.read_text(encoding="utf-8")))
    return found
