"""A primary with replicas and the Sentinels that keep it, on this machine, for tests and campaigns."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import redis

from liquid_background.jobs.store import embedded

SERVICE: Final = "jobs"
_DOWN_AFTER: Final = 800  # milliseconds of silence after which a Sentinel calls a server down
_FAILOVER_TIMEOUT: Final = 3000  # milliseconds
_HOST: Final = "127.0.0.1"


class Sentinels:
    """One primary, some replicas of it, and Sentinels; each is a process with a folder of its own.

    Args:
        folder: for theirs.
        replicas: how many.
        sentinels: how many; more than half of them decide.
        options: of the primary and the replicas, such as `("--min-replicas-to-write", "1")`.
        password: of the servers.
        sentinel_password: of the Sentinels.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 1,
        sentinels: int = 3,
        options: Sequence[str] = (),
        password: str = "",
        sentinel_password: str = "",
    ) -> None:
        self._folder = folder
        self._password, self._sentinel_password = password, sentinel_password
        self._options = [*options, *(["--requirepass", password, "--masterauth", password] if password else [])]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        first, *others = self.ports = [_free_port() for _ in range(replicas + 1)]
        self.sentinel_ports = [_free_port() for _ in range(sentinels)]
        self.start_server(first)
        for port in others:
            self.start_server(port, "--replicaof", _HOST, str(first))
        self._wait(lambda: self.info(first)["connected_slaves"] == replicas)
        for port in self.sentinel_ports:
            self._start_sentinel(port, first, sentinels // 2 + 1)
        self._wait(lambda: all(self._sees(port, replicas, sentinels) for port in self.sentinel_ports))

    @property
    def url(self) -> str:
        """The URL of the store, with a password that has nothing to be written in codes."""
        login = f":{self._password}@" if self._password else ""
        hosts = ",".join(f"{_HOST}:{port}" for port in self.sentinel_ports)
        query = f"?sentinel_password={self._sentinel_password}" if self._sentinel_password else ""
        return f"redis+sentinel://{login}{hosts}/{SERVICE}/0{query}"

    def start_server(self, port: int, *more: str) -> None:
        """Start a server, again or for the first time; return when it answers."""
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        given = ["--port", str(port), "--bind", _HOST, "--dir", str(folder), "--appendonly", "yes", "--save", ""]
        quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--repl-timeout", "5"]
        self._start(port, [*given, *quick, *self._options, *more])
        self._wait(lambda: self._answers(port))

    def _start_sentinel(self, port: int, primary: int, quorum: int) -> None:
        configuration = self._folder / f"{port}.conf"
        lines = [
            f"port {port}",
            f"bind {_HOST}",
            f"dir {self._folder}",
            f"sentinel monitor {SERVICE} {_HOST} {primary} {quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER}",
            f"sentinel failover-timeout {SERVICE} {_FAILOVER_TIMEOUT}",
            f"sentinel parallel-syncs {SERVICE} 5",
        ]
        lines += [f"sentinel auth-pass {SERVICE} {self._password}"] if self._password else []
        own = self._sentinel_password
        lines += [f"requirepass {own}", f"sentinel sentinel-pass {own}"] if own else []
        configuration.write_text("\n".join(lines) + "\n")
        self._start(port, [str(configuration), "--sentinel"])

    def _start(self, port: int, arguments: Sequence[str]) -> None:
        with (self._folder / f"{port}.log").open("ab") as stream:
            command = [str(embedded.find_server()), *arguments]
            self._processes[port] = subprocess.Popen(command, stdout=stream, stderr=stream)

    def client(self, port: int) -> Any:
        """Return a client of one server, or of one Sentinel."""
        password = self._sentinel_password if port in self.sentinel_ports else self._password
        return redis.Redis(port=port, password=password or None, socket_timeout=5)

    def info(self, port: int) -> dict[str, Any]:
        with closing(self.client(port)) as client:
            found: dict[str, Any] = client.info()
            return found

    def primary(self) -> int:
        """Return the port of the server that the first Sentinel that answers names."""
        for port in self.sentinel_ports:
            with suppress(redis.RedisError), closing(self.client(port)) as client:
                named: int = client.sentinel_get_master_addr_by_name(SERVICE)[1]
                return named
        raise AssertionError("no Sentinel answers")

    def fail_over(self) -> int:
        """Have the Sentinels make a replica the primary while that is well; return its port when they name it."""
        before = self.primary()

        def is_begun() -> bool:
            with suppress(redis.RedisError), closing(self.client(self.sentinel_ports[0])) as client:
                return bool(client.execute_command("SENTINEL", "FAILOVER", SERVICE))
            return False

        self._wait(is_begun)
        return self.wait_for_another(before)

    def wait_for_another(self, before: int) -> int:
        """Return the port of the next primary when the Sentinels name one, and it is one."""
        self._wait(lambda: self.primary() != before and self.info(self.primary())["role"] == "master")
        return self.primary()

    def wait_for_replicas(self, count: int) -> None:
        """Return when so many replicas follow the primary."""
        self._wait(lambda: self.info(self.primary())["connected_slaves"] >= count)

    def kill(self, port: int) -> None:
        self._processes[port].kill()
        self._processes[port].wait()

    def stand_still(self, port: int) -> None:
        self._processes[port].send_signal(signal.SIGSTOP)

    def go_on(self, port: int) -> None:
        self._processes[port].send_signal(signal.SIGCONT)

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _answers(self, port: int) -> bool:
        assert self._processes[port].poll() is None, (self._folder / f"{port}.log").read_text()
        with suppress(redis.RedisError), closing(self.client(port)) as client:
            return bool(client.ping())
        return False

    def _sees(self, port: int, replicas: int, sentinels: int) -> bool:
        """Return whether a Sentinel knows the others, and the replicas as such that may become the primary."""
        if not self._answers(port):
            return False
        with closing(self.client(port)) as client:
            known: dict[str, Any] = client.sentinel_master(SERVICE)
            linked = [replica["master-link-status"] for replica in client.sentinel_slaves(SERVICE)]
        return known["num-other-sentinels"] == sentinels - 1 and linked == ["ok"] * replicas

    def _wait(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while True:
            with suppress(redis.RedisError):
                if condition():
                    return
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds:g} s in vain for {condition}")
            time.sleep(0.05)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
