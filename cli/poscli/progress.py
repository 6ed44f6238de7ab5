"""A progress line below the output, for people at a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text


class Progress:
    """Prints lines above a bar that says how many of how many jobs are done; a context manager.

    Args:
        what: what it counts.
    """

    def __init__(self, what: str = "jobs") -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = RichProgress(*columns, console=Console(highlight=False), transient=True)
        self._task = self._progress.add_task(what, total=None)

    def __enter__(self) -> Progress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """Print a line, which may carry colours."""
        self._progress.console.print(Text.from_ansi(text), soft_wrap=True)

    def done(self, count: int, total: int, what: str | None = None) -> None:
        """Show how many are done, and of what when that is another thing than before."""
        self._progress.update(self._task, completed=count, total=total, description=what)
