"""The documentation: complete for every command and option, true to the program, and without broken links."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from liquid_background import Environment, JobStatus, LogStatus
from poscli.program import program
from poscli.sections import SECTIONS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, context, info_name=name)
        yield inner.command_path, command
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


COMMANDS = dict(_commands(program, click.Context(program, info_name="poscli")))


@pytest.mark.parametrize("path", COMMANDS)
def test_each_command_and_option_has_help(path: str) -> None:
    command = COMMANDS[path]
    assert command.help, f"{path} has no help"
    assert command.help.splitlines()[0].endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts[0]} has no help"
            assert parameter.help.endswith((".", ")")), f"{path} {parameter.opts[0]}: {parameter.help}"
        elif isinstance(parameter, click.Argument) and parameter.name is not None:
            shown = parameter.make_metavar(click.Context(command)).strip("[]{}.")
            assert shown in command.help or "|" in shown or parameter.name in ("job_id", "job_ids"), f"{path}: {shown}"


@pytest.mark.parametrize("path", COMMANDS)
def test_each_command_shows_an_example(path: str) -> None:
    plain = {"poscli store status", "poscli store stop", "poscli store path", "poscli demo"}
    assert path in plain or re.search(r"Examples?:", COMMANDS[path].help or "")


def test_the_summaries_are_the_commands_own() -> None:
    for name, summary in {name: text for names in SECTIONS.values() for name, text in names.items()}.items():
        first = (COMMANDS[f"poscli {name}"].help or "").split("\n\n")[0]
        words = summary.rstrip(".").split()
        assert first.split()[:3] == words[:3], f"{name}: {summary!r} and {first!r}"


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def _poscli_lines() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in _blocks(page, "sh"):
            for line in block.splitlines():
                for part in re.split(r"&&|\||;|\$\(", line.partition(" #")[0]):
                    words = part.strip().removeprefix("uv run ").removeprefix("eval ")
                    if re.match(r"(\.venv/bin/)?poscli ", words):
                        found.append((page.name, words.rstrip(')"')))
    return found


@pytest.mark.parametrize(("page", "line"), _poscli_lines())
def test_commands_in_the_documentation_exist(page: str, line: str) -> None:
    words = shlex.split(line.partition(">")[0])[1:]
    command: click.Command = program
    context = click.Context(program, info_name="poscli")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words.pop(0))
        assert inner is not None, f"{page}: {line}"
        command = inner
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_each_picture_is_shown() -> None:
    shown = {
        target for page in PAGES for target in re.findall(r"pictures/([\w.-]+)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == {picture.name for picture in (ROOT / "docs" / "pictures").iterdir()}


def test_the_first_example_parses() -> None:
    blocks = _blocks(ROOT / "README.md", "liquid")
    assert blocks
    for block in blocks:
        Environment().from_string(block)


def test_the_readme_shows_both_commands_on_its_first_screen() -> None:
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:45])
    for text in ("{% background", "make demo", "make test", "python3 -m venv", "uv run"):
        assert text in first


def test_the_architecture_names_every_part_of_the_library() -> None:
    rows = re.findall(r"^\| (`.+) \|$", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.M)
    named = {name.rstrip("/") for name in re.findall(r"`([\w/]+)`", " ".join(rows))}
    rooms = [ROOT / "liquid_background" / room for room in ("", "jobs", "language")]
    parts = {path.stem for room in rooms for path in room.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {part for part in parts if not part.startswith("__")} - named == set()


def test_the_architecture_names_every_module_with_a_context_variable() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    modules = [
        path for path in (ROOT / "liquid_background").rglob("*.py") if " = ContextVar(" in path.read_text("utf-8")
    ]
    assert modules
    named = {str(path.relative_to(ROOT / "liquid_background")) for path in modules}
    assert not {name for name in named if f"| `{name}` |" not in text}


def test_the_readme_leads_to_every_document() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text] == []


@pytest.mark.parametrize("folder", ["liquid_background/jobs/queue", "worker/liquid_background_worker"])
def test_internals_names_every_class_of_the_queue_and_the_worker(folder: str) -> None:
    told = (ROOT / "docs" / "internals.md").read_text(encoding="utf-8")
    classes = {
        node.name
        for path in (ROOT / folder).glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert not {name for name in classes if f"`{name}`" not in told}


@pytest.mark.parametrize("status", [*JobStatus, *LogStatus], ids=str)
def test_the_life_of_a_job_tells_of_each_status(status: str) -> None:
    rows = re.findall(r"^\|.*\|$", (ROOT / "docs/job-lifecycle.md").read_text(encoding="utf-8"), re.M)
    assert any(f"`{status}`" in row for row in rows)


def test_each_file_and_name_that_the_recipes_give_is_there() -> None:
    rooms = ("liquid_background", "worker", "cli", "tests", "docs")
    files = {f"/{path.relative_to(ROOT)}": path for room in rooms for path in ROOT.joinpath(room).rglob("*.*")}
    code = "".join(path.read_text("utf-8") for path in files.values() if path.suffix in (".py", ".lua"))
    spans = re.findall(r"`([^`]+)`", ROOT.joinpath("docs/recipes.md").read_text("utf-8"))
    named = {span for span in spans if re.fullmatch(r"[\w./]+/\w+\.(py|lua|md)", span) and "NAME" not in span}
    assert {name for name in named if not any(place.endswith(f"/{name}") for place in files)} == set()
    names = {word for span in spans for word in re.findall(r"\b[a-zA-Z]*_[a-zA-Z_]+", span) if "/" not in span}
    assert {name for name in names if name not in code} == set()


def test_the_page_of_figures_makes_the_claims_that_the_bench_judges() -> None:
    page = (ROOT / "docs/performance.md").read_text()
    code = "import claims; print(*(f'| {each.says} | {each.range} |' for each in claims.CLAIMS), sep='\\n')"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=ROOT / "benchmarks", check=True, capture_output=True, text=True).stdout
    rows = told.splitlines()
    assert len(rows) > 10
    assert [row for row in rows if row not in page] == []
    assert re.findall(r"<!-- figures: ([a-z ]+) -->\n<!-- end of figures -->", page) == []  # each was filled in
