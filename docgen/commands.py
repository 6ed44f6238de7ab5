"""docs/cli.md: every command and option of `poscli`, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from poscli.program import program
from poscli.sections import SECTIONS

_INTRODUCTION = """# poscli

<!-- Written by `make docs` from the commands; change those, not this file. -->

`poscli COMMAND --help` shows the same as this page. Exit codes: 0 fine, 1 failed, 2 wrong usage, 130 interrupted where
that is no usual end. An error is one line on standard error that says what to do next. Piped output carries no colour
and is written line by line; on a terminal `NO_COLOR=1` turns colour off. [Settings](settings.md) have a page of their
own.

The greps that platformOS's own pages show work on `poscli logs`, with `[0-9]` where GNU grep knows no `\\d`:

```sh
poscli logs | grep 'send_email'
poscli logs | grep 'FAILED'
poscli logs | grep 'attempt' | grep -E '[5-9][0-9]{2}ms|[0-9]{4,}ms'    # half a second and more
```

`--format short` is `[attempt 1/3] - NAME - FAILED`. `--format json` is one object a line, always with the fields `id`,
`time`, `type`, `status`, `job_id`, `source_name`, `template`, `line`, `attempt`, `max_attempts`, `duration_ms`,
`message` and `final`. Control characters, newlines and the characters that turn text around are shown escaped in every
format, so one entry is one line whatever a template logs. A name or a type with white space in it stands in quotes, in
`text` and `short`: only how an attempt ended is shown as `[attempt 1/3]` or `(attempt 1/3)`.
"""


def commands_page() -> str:
    """Return the text of docs/cli.md."""
    context = click.Context(program, info_name="poscli")
    parts = [_INTRODUCTION]
    for section, names in SECTIONS.items():
        parts.append(f"## {section}\n")
        for name in names:
            command = program.get_command(context, name)
            assert command is not None
            parts += _command(command, click.Context(command, context, info_name=name), "###")
    return "\n".join(parts).rstrip("\n") + "\n"


def _command(command: click.Command, context: click.Context, heading: str) -> Iterator[str]:
    yield f"{heading} {context.command_path}\n"
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{context.command_path} {pieces}\n```\n"
    yield _text(command.help or "")
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context)) is not None]
    if rows:
        yield "| option | |\n|---|---|"
        yield from (f"| `{_escape(names)}` | {_escape(help_text)} |" for names, help_text in rows)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _command(inner, click.Context(inner, context, info_name=name), f"{heading}#")


def _text(help_text: str) -> str:
    """Return a command's help as Markdown: what click must not wrap is a block of commands."""
    paragraphs = []
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        if not paragraph.startswith("\b\n"):
            paragraphs.append(paragraph)
            continue
        title, _, lines = paragraph.removeprefix("\b\n").partition("\n")
        paragraphs.append(f"{title}\n\n```sh\n{inspect.cleandoc(lines)}\n```")
    return "\n\n".join(paragraphs) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
