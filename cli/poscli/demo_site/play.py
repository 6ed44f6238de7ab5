"""The demo from start to end: folder, service, worker, pages, log, summary, and nothing left running."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from email import message_from_bytes
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, Protocol

from liquid_background import Engine, JobStatus, LogEntry
from liquid_background.errors import LiquidBackgroundError
from liquid_background.jobs.store import embedded
from liquid_background.language.pages import PAGES
from poscli import attached
from poscli.application import load_engine
from poscli.demo_site.service import DemoService, running_service
from poscli.terminal import line_of, styled

APP: Final = "poscli.demo_site.app:engine"
RETRY_DELAYS: Final = "0.3,0.6"  # seconds; a real site waits for longer
PATIENCE: Final = 90.0  # seconds that the jobs may take before something is taken to be wrong
OUTBOX: Final = "outbox"
_MARK: Final = "demo.lock"
_WORKER_LOG: Final = "worker.log"
_ENDED: Final = "demo-worker-ended"  # type of the log entry that says so


class Screen(AbstractContextManager["Screen"], Protocol):
    """Where the demo shows what happens."""

    def line(self, text: str) -> None:
        """Show a line."""

    def done(self, count: int, total: int) -> None:
        """Show how many jobs are done."""


class Lines:
    """A screen for pipes and files: lines only."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def line(self, text: str) -> None:
        """Print a line."""
        print(text)

    def done(self, count: int, total: int) -> None:
        """Say nothing: the log lines tell."""


def play(folder: Path, screen: Screen) -> int:
    """Play the demo in a folder of its own and return the exit code.

    Raises:
        LiquidBackgroundError: when the folder is somebody else's, or the worker ends early.
    """
    started = time.monotonic()
    shown = folder / OUTBOX
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        stack.enter_context(screen)
        stack.enter_context(_own(folder))
        service = stack.enter_context(running_service())
        _isolate(folder, service)
        engine = stack.enter_context(_engine())
        stack.enter_context(_worker(engine))
        _render_pages(engine, screen)
        entries = _follow(engine, screen)
        failed = [job for job in engine.jobs.list(limit=1000) if job.status != JobStatus.COMPLETED]
    _summarize(entries, time.monotonic() - started)
    _show_outbox(shown)
    print(f"\nThe service took {len(service.received)} requests. The pages are in {engine.settings.templates}.")
    for job in failed:
        print(f"{job.source_name} is {job.status}: {job.error}", file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Take the folder for this demo alone, empty but for its mark."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise LiquidBackgroundError(f"{folder} holds other files: give --folder a new or empty one")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _MARK).open("w") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LiquidBackgroundError(f"a demo runs in {folder} already: give --folder another one") from None
        (folder / ".gitignore").write_text("*\n")
        data_dir = folder / ".liquid-background"
        embedded.stop(data_dir)  # of a demo that was killed
        for rest in (data_dir, folder / OUTBOX):
            shutil.rmtree(rest, ignore_errors=True)
        yield


def _isolate(folder: Path, service: DemoService) -> None:
    """Move this process and its worker to where no setting of the user's own reaches them."""
    for name in list(os.environ):
        if name.startswith("LIQUID_BACKGROUND_") or name == "REDIS_URL":
            del os.environ[name]
    os.chdir(folder)  # away from the settings in a pyproject.toml
    os.environ.update(
        LIQUID_BACKGROUND_APP=APP,
        LIQUID_BACKGROUND_RETRY_DELAYS=RETRY_DELAYS,
        DEMO_OUTBOX=OUTBOX,
        DEMO_API=service.address,
    )


@contextmanager
def _engine() -> Iterator[Engine]:
    """Yield the demo's engine, and stop its store afterwards whatever happens."""
    engine = load_engine()
    try:
        yield engine
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one Ctrl-C is enough; a second one must not leave a server
        engine.store.close()
        embedded.stop(engine.settings.data_dir)


@contextmanager
def _worker(engine: Engine) -> Iterator[None]:
    """Run a worker beside this process; should it end, the job log says so."""
    stopping = Event()
    worker = attached.start(["worker", "--quiet", "--processes", "2"], Path(_WORKER_LOG))
    try:
        watcher = Thread(target=_watch, args=(engine, worker, stopping), daemon=True)
        watcher.start()
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopping.set()
        attached.stop(worker)
        watcher.join()  # it must not talk to the store later: that would start it again


def _watch(engine: Engine, worker: subprocess.Popen[bytes], stopping: Event) -> None:
    try:
        message = f"the worker ended with exit code {worker.wait(PATIENCE)}"
    except subprocess.TimeoutExpired:
        message = f"the jobs took over {PATIENCE:g} s"
    if not stopping.is_set():
        engine.send((), [LogEntry(type=_ENDED, message=message)])


def _render_pages(engine: Engine, screen: Screen) -> None:
    loader = engine.environment.loader
    seen: set[str] = set()
    for page in loader.names(PAGES):  # type: ignore[attr-defined]  # the demo's engine has a SiteLoader
        engine.render(page)
        made = {job.id for job in engine.jobs.list(limit=1000)} - seen
        seen |= made
        screen.line(f"rendered {PAGES}/{page}: {len(made)} {'job' if len(made) == 1 else 'jobs'}")


def _follow(engine: Engine, screen: Screen) -> list[LogEntry]:
    """Show the log until every job has its final entry; return the entries."""
    entries: list[LogEntry] = []
    known: set[str] = set()
    done: set[str] = set()
    for entry in engine.log.follow(after="0-0"):
        if entry.type == _ENDED:
            words = Path(_WORKER_LOG).read_text(errors="replace").strip().splitlines()
            raise LiquidBackgroundError(": ".join([entry.message, *words[-1:]]) + "; see worker.log in its folder")
        entries.append(entry)
        screen.line(line_of(entry))
        if not entry.final:
            continue
        done.add(entry.job_id)
        # A job's end and the jobs that it made are one step. One that moves on meanwhile, as to its retry, may be
        # missing from this look, and was in an earlier one.
        known.update(job.id for job in engine.jobs.list(limit=1000))
        left = known - done
        screen.done(len(done), len(done) + len(left))
        if not left:
            break
    return entries


def _summarize(entries: list[LogEntry], seconds: float) -> None:
    jobs = len([entry for entry in entries if entry.final])
    retried = len([entry for entry in entries if entry.status and not entry.final])
    text = f"{jobs} jobs ended, {retried} attempts failed and were tried again, in {seconds:.1f} s."
    print("\n" + styled(text, bold=True))


def _show_outbox(outbox: Path) -> None:
    print(f"\nThe outbox, {outbox}:")
    for path in sorted(Path(OUTBOX).iterdir()):
        data = path.read_bytes()
        if path.suffix == ".eml":
            mail = message_from_bytes(data)
            text = str(mail.get_payload()).strip().splitlines()
            print(f"  mail to {mail['To']}: {mail['Subject']} | {' '.join(text)}")
        else:
            print(f"  report {path.name}: {len(data)} bytes")
