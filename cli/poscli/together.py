"""Store, worker and pages as one: started together, restarted when their code changes, stopped together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Event, Thread
from typing import Final

import click

from liquid_background import Engine, LogStatus
from liquid_background.jobs.log import last_id, printable
from liquid_background.jobs.store import embedded
from liquid_background.language.pages import sites_of
from liquid_background.web.listening import listen
from poscli import attached
from poscli.beside import LINK, Beside
from poscli.broken import BrokenPages, error_of
from poscli.checking import Checking
from poscli.terminal import fitted, line_of, styled
from poscli.whereabouts import job_at

_LOOK: Final = 0.3  # seconds between two looks at the files and the processes
_STARTING: Final = 0.05  # seconds between two looks at whether the pages are there
_REACHED: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # what a server on any address is reached at
_NOT_OURS: Final = frozenset(("node_modules", "__pycache__", "site-packages"))


class Together:
    """Runs `poscli worker` and `poscli serve` beside the job log.

    Args:
        engine: whose store and log it shows.
        app: the application, as --app gave it.
        host: address of the pages.
        port: port of the pages.
        allow_hosts: further names that the pages answer to.
        gui: whether the dashboard runs, too.
    """

    def __init__(
        self,
        engine: Engine,
        app: str | None,
        host: str,
        port: int,
        allow_hosts: Sequence[str] = (),
        *,
        gui: bool = False,
    ) -> None:
        self._engine = engine
        chosen = ["--app", app] if app else []
        allowed = [word for name in allow_hosts for word in ("--allow-host", name)]
        self._commands: Mapping[str, list[str]] = {
            "worker": ["worker", "--quiet", *chosen],
            "pages": ["serve", "--host", host, "--port", str(port), "--show-errors", "--show-jobs", *allowed, *chosen],
        }
        self._place = (host, port)
        self._beside = Beside(["gui", "--no-browser", *chosen], LINK) if gui else None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._broken: BrokenPages | None = None  # in the place of pages that cannot be
        self._stopping = Event()
        self._templates = {os.path.abspath(site.root) for site in sites_of(engine.environment.loader)}
        self._checking = Checking(self._templates, chosen)
        self._failure: BaseException | None = None  # of the keeper

    def run(self) -> None:
        """Run until Ctrl-C, SIGTERM or SIGHUP.

        Raises:
            SettingsError: when the pages' port cannot be bound.
            Exception: that which has ended the keeper of the processes.
        """
        listen(*self._place).close()  # at once: the pages alone would end for it
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        settings = self._engine.settings
        ours = not settings.redis_url and not embedded.status(settings.data_dir).running
        # It starts the processes and stops them, too: Linux ends them with the thread that started them.
        keeper = Thread(target=self._keep, daemon=True)
        try:
            _say(f"store   {self._engine.store.url}")
            start = last_id(self._engine.store.client, self._engine.store.site)
            keeper.start()
            for entry in self._engine.log.follow(after=start):
                print(line_of(entry))
                if entry.final and entry.job_id and entry.status is not LogStatus.SUCCESS:
                    _say(f"see {job_at(self._dashboard, entry.job_id)}")
        except KeyboardInterrupt:
            _say("stopping")
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough; a second one must leave nothing behind
            self._stopping.set()
            if keeper.is_alive():
                keeper.join()
            self._engine.store.close()
            if ours:
                embedded.stop(settings.data_dir)
        if self._failure is not None:
            raise self._failure

    @property
    def _dashboard(self) -> str | None:
        return self._beside.address if self._beside is not None else None

    def _keep(self) -> None:
        """Keep the processes until the end; without them there is nothing to wait for."""
        try:
            self._look_after()
        except BaseException as error:  # noqa: BLE001  it is raised where somebody sees it
            self._failure = error
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            self._stop()
            self._checking.stop()
            if self._beside is not None:
                self._beside.stop()

    def _look_after(self) -> None:
        """Restart the processes when a file changes, and say when one ended by itself."""
        seen = _changes(self._templates)
        told: set[str] = set()
        if self._beside is not None:
            self._beside.start()
        self._start()
        while not self._stopping.wait(_LOOK):
            now = _changes(self._templates)
            if now != seen:
                changed = min(path for path, _ in now ^ seen)
                _say(f"{changed.removeprefix(f'.{os.sep}')} changed: restarting worker and pages")
                seen = now
                told.clear()
                self._stop()
                self._start()
            self._checking.look()
            for name, process in self._processes.items():
                if process.poll() is not None and name not in told:
                    told.add(name)
                    _say(f"{name} ended with exit code {process.returncode}; it starts again when a file changes")

    def _start(self) -> None:
        """Start the pages, and the worker once they are there: an error of the application is one to tell, not two."""
        at = ["--dashboard", self._dashboard] if self._dashboard else []
        self._processes = {"pages": attached.start([*self._commands["pages"], *at])}
        while not self._serves() and not self._stopping.wait(_STARTING):
            if self._processes["pages"].poll() is not None:
                self._broken = BrokenPages(self._place, error_of(self._commands["pages"]))
                return
        self._processes["worker"] = attached.start(self._commands["worker"])

    def _serves(self) -> bool:
        """Return whether the pages' port is taken."""
        host, port = self._place
        with contextlib.suppress(OSError), socket.create_connection((_REACHED.get(host, host), port), _STARTING):
            return True
        return False

    def _stop(self) -> None:
        if self._broken is not None:
            self._broken.close()
            self._broken = None
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            attached.stop(process)


def _changes(templates: Collection[str]) -> set[tuple[str, int]]:
    """Return the files whose change needs a restart, each with its time. Templates need none: they are read anew."""
    found = set()
    for path in _files(templates):
        with contextlib.suppress(OSError):  # it may go while we look
            found.add((path, os.stat(path).st_mtime_ns))
    return found


def _files(templates: Collection[str]) -> Iterator[str]:
    """Yield the program's files; what cannot be looked into, as a path that is too long, holds none of them."""
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if _is_programs(folder, name, templates)]
        yield from (os.path.join(folder, name) for name in files if name.endswith(".py") or name == "pyproject.toml")


def _is_programs(folder: str, name: str, templates: Collection[str]) -> bool:
    path = os.path.join(folder, name)
    if name.startswith(".") or name in _NOT_OURS or os.path.exists(os.path.join(path, "pyvenv.cfg")):
        return False
    return os.path.abspath(path) not in templates  # whose authors restart nothing


def _say(message: str) -> None:
    click.echo(styled(fitted(printable(message), to_stderr=True), dim=True), err=True)
