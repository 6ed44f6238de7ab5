"""A real PostgreSQL for tests: a server of the session's own on a Unix socket, and a new database for whoever asks."""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

MISSING = "no PostgreSQL server is installed here: apt-get install postgresql, or have PATH name its folder of programs"
_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin")
_PROGRAMS = ("postgres", "initdb", "psql", "pg_isready")
_USER = "postgres"  # the role, and where tests run as root the user, too
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "max_connections": "100",
    "log_min_messages": "warning",
}
# A session that is killed stops no server, so the system does that for it; where there is no setpriv, nobody does.
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "QUIT") if shutil.which("setpriv") else ()
_STARTING = 60.0  # seconds; a server that was stopped at once first replays what it had not written


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest where there are some; None when there is none."""
    on_path = shutil.which("postgres")
    found = [path for home in _HOMES for path in Path("/").glob(home.lstrip("/"))]
    found.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], reverse=True)
    folders = [*([Path(on_path).resolve().parent] if on_path else []), *found]
    return next((folder for folder in folders if all((folder / name).exists() for name in _PROGRAMS)), None)


@dataclass(frozen=True)
class Database:
    """A database of a test's own."""

    server: PostgresServer
    name: str

    @property
    def url(self) -> str:
        """Where it is, for libpq and what is built on it."""
        return f"postgresql://{_USER}@/{self.name}?host={self.server.folder}"

    @property
    def django(self) -> Mapping[str, str]:
        """Where it is, as an entry of Django's setting DATABASES."""
        engine = "django.db.backends.postgresql"
        return {"ENGINE": engine, "NAME": self.name, "USER": _USER, "HOST": str(self.server.folder)}

    def query(self, sql: str) -> list[list[str]]:
        """Run SQL in a connection of its own, and return the rows as text."""
        return self.server.query(sql, self.name)


class PostgresServer:
    """A server in a new folder, for the user who runs the tests and nobody else.

    Root may not run one: there it is the user postgres, or nobody, who does.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--pgdata=data", "--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--no-sync")

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.folder / "log"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        with self.log.open("ab") as stream:
            self._process = self._popen("postgres", "-D", "data", "-k", str(self.folder), *options, output=stream)
        until = time.monotonic() + _STARTING
        while self._popen("pg_isready", "--quiet", f"--host={self.folder}").wait():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once, as when its machine fails: connections break, transactions that were open are gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        """Stop it at once, and start it again."""
        self.stop()
        self.start()

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Yield a new database, which is dropped after that, whoever is still connected to it."""
        made = Database(self, f"test_{next(self._numbers)}")
        self.query(f"CREATE DATABASE {made.name}")
        try:
            yield made
        finally:
            self.query(f"DROP DATABASE {made.name} WITH (FORCE)")

    def query(self, sql: str, database: str = "postgres") -> list[list[str]]:
        """Run SQL in a connection of its own, and return the rows as text."""
        options = ("--no-psqlrc", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--field-separator=\x1f")
        where = (f"--host={self.folder}", f"--username={_USER}", f"--dbname={database}")
        text = self._run("psql", *options, *where, "--command", sql)
        return [line.split("\x1f") for line in text.splitlines()]

    def _run(self, program: str, *arguments: str) -> str:
        process = self._popen(program, *arguments, output=subprocess.PIPE)
        text = process.communicate()[0].decode()
        assert process.returncode == 0, f"{program}: {text}"
        return text

    def _popen(self, program: str, *arguments: str, output: IO[bytes] | int | None = None) -> subprocess.Popen[bytes]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        who = (self._user.pw_uid, self._user.pw_gid, []) if self._user is not None else (None, None, None)
        return subprocess.Popen(
            [*_ENDS_WITH_US, self._programs / program, *arguments],
            cwd=self.folder,
            env={**others, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is not for the server, which the session stops
            user=who[0],
            group=who[1],
            extra_groups=who[2],
        )


def _other_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        return pwd.getpwnam("nobody")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's server; `postgres` is a database in it, and `postgres_server.database()` one for a module."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="lb-pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[Database]:
    """A new database in a real PostgreSQL: `url`, `django`, `query(sql)`, and `server.restart()`."""
    with postgres_server.database() as database:
        yield database
