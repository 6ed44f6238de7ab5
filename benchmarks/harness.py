"""One store, many systems: starts them, alternates between them, and times what they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis
from workload import Progress

from liquid_background.jobs.store import embedded

HERE: Final = Path(__file__).resolve().parent
PEERS_VENV: Final = HERE.parent / ".venv-peers"


@dataclass(frozen=True, slots=True)
class System:
    """One system: how its producer and its worker are started."""

    name: str
    producer: str  # a module
    worker: Sequence[str]  # {bin}: its venv's folder of programs, {n}: the number of processes, {url}: the store
    ours: bool = False

    @property
    def bin(self) -> Path:
        return Path(sys.executable).parent if self.ours else PEERS_VENV / "bin"

    def worker_command(self, processes: int) -> list[str]:
        url = os.environ["BENCH_URL"]
        return [part.format(bin=self.bin, n=processes, url=url) for part in self.worker]


_HUEY = "import sys; from huey.bin.huey_consumer import consumer_main; consumer_main()"
OURS: Final = System(
    "liquid-background",
    "ours",
    ("{bin}/python", "-m", "ours", "worker", "{n}"),
    ours=True,
)
PEERS: Final = (
    System(
        "taskiq",
        "peers.taskiq_peer",
        ("{bin}/taskiq", "worker", "peers.taskiq_peer:broker", "--workers", "{n}", "--log-level", "ERROR"),
    ),
    System(
        "Huey",
        "peers.huey_peer",
        ("{bin}/python", "-c", _HUEY, "peers.huey_peer.huey", "-k", "process", "-w", "{n}", "-n", "-q", "-d", "0.001"),
    ),
    System(
        "Dramatiq",
        "peers.dramatiq_peer",
        ("{bin}/dramatiq", "peers.dramatiq_peer", "--processes", "{n}", "--threads", "8"),
    ),
    System(
        "Celery",
        "peers.celery_peer",
        ("{bin}/celery", "-A", "peers.celery_peer", "worker", "-c", "{n}", "-l", "ERROR", "--without-gossip",
         "--without-mingle", "--without-heartbeat"),
    ),
    System(
        "RQ SimpleWorker",
        "peers.rq_peer",
        ("{bin}/rq", "worker", "-u", "{url}", "-w", "rq.SimpleWorker", "-S", "rq.serializers.JSONSerializer", "--quiet",
         "default"),
    ),
)  # fmt: skip


@contextmanager
def store() -> Iterator[Redis]:
    """Run a store of the bench's own on loopback, with its append-only file on, as ours asks for."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [str(embedded.find_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        server = subprocess.Popen([*command, "--save", "", "--appendonly", "yes"], stdout=subprocess.DEVNULL)
        client = Redis(port=port)
        try:
            wait(lambda: _pings(client), "the store")
            use(client)
            yield client
        finally:
            server.kill()
            server.wait()


def _pings(client: Redis) -> bool:
    with suppress(Exception):
        return bool(client.ping())
    return False


def wait(condition: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: naming what did not happen.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.005)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE), "LIQUID_BACKGROUND_REDIS_URL": os.environ["BENCH_URL"]}


def produce(system: System, *arguments: object) -> float:
    """Run a producer; return the seconds that it printed, 0 when it printed none."""
    return produced(system, *arguments)[0]


def produced(system: System, *arguments: object) -> tuple[float, float]:
    """Run a producer; return the seconds that it printed and those of its CPU, zeros when it printed none."""
    command = [str(system.bin / "python"), "-m", system.producer, *map(str, arguments)]
    printed = subprocess.run(command, env=environment(), cwd=HERE, check=True, capture_output=True, text=True).stdout
    seconds, cpu = map(float, printed.split() or (0, 0))
    return seconds, cpu


@contextmanager
def worker(system: System, processes: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker until the block ends."""
    command = system.worker_command(processes)
    running = subprocess.Popen(
        command,
        env=environment(),
        cwd=HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def use(client: Redis) -> Progress:
    """Have what is started from now on use this store, with new counters."""
    os.environ["BENCH_URL"] = f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0"
    os.environ["BENCH_PROGRESS"] = f"{client.config_get('dir')['dir']}/progress"
    return Progress(os.environ["BENCH_PROGRESS"], fresh=True)


def fresh(client: Redis) -> Progress:
    """Empty the store and the counters."""
    client.execute_command("FLUSHALL", "SYNC")  # or memory that is still being freed would be measured
    return use(client)


def store_cpu(client: Redis) -> float:
    """Return the seconds of CPU that the store has used."""
    used: Any = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])
