"""`poscli jobs save-test`: a job as a test for pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from liquid_background.jobs.log import steady
from liquid_background.saved import save_test
from poscli.application import app_option, given_engine, needed_engine
from poscli.completing import job_ids as stored_ids
from poscli.terminal import hint, note

_STANDARD_OUTPUT = Path("-")


@click.command("save-test")
@click.argument("job_id", metavar="ID", shell_complete=stored_ids)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where it is written, - for standard output. Default: test_NAME_ID.py, in this folder.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@app_option
def command(job_id: str, output: Path | None, force: bool, app: str | None) -> None:
    """Save a job as a test for pytest, with masked values.

    The test runs the job again, dry, against the templates of its day, and asserts what comes of it today: its output
    or error, its log lines, the jobs that it makes, and what it asks of the application's own code, which it does not
    call.

    \b
    Examples:
      poscli jobs save-test 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs save-test 3fa94c07 --output tests/test_receipt.py
    """
    engine = needed_engine(app)
    name = app or engine.settings.app
    if name is None and given_engine() is not None:
        raise click.UsageError("a test has to import the application: poscli jobs save-test --app module:attr")
    saved = save_test(engine, engine.jobs, engine.jobs.resolve(job_id), name)
    for each in saved.notes:
        note(f"poscli: {each}")
    if output == _STANDARD_OUTPUT:
        print(saved.text, end="")
        return
    _write(output or Path(saved.name), saved.text, force=force)


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write the file, whole or not at all; one that is there is left as it is, unless that is wanted."""
    force = force or path.is_dir()  # a folder is not written over: the system's own words say so
    new = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, new, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        note(f"poscli: {steady(str(path))} is there already: --force writes over it, --output names another file")
        sys.exit(1)
    except OSError as error:
        note(f"poscli: cannot write {steady(str(path))}: {error.strerror}")
        sys.exit(1)
    print(f"wrote {steady(str(path))}")
    hint(f"Run it: pytest {path}")
