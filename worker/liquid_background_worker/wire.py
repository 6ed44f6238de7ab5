"""One connection to the store on which script calls are sent ahead and their replies read later."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import hiredis
import redis
from redis.exceptions import NoScriptError

from liquid_background.errors import StoreError
from liquid_background.queue import scripts
from liquid_background.queue.moves import Call
from liquid_background.store import Store

BROKEN: Final = (redis.ConnectionError, redis.TimeoutError, OSError, StoreError)
"""What says that the connection, or the server behind it, is of no use now."""

# Replies that say "not now": the call is sent again. Every call is harmless when it arrives twice.
_NOT_NOW: Final = ("OOM", "READONLY", "LOADING", "MISCONF", "MASTERDOWN", "NOREPLICAS", "BUSY", "TRYAGAIN", "UNBLOCKED")

_MOVES: Final = ("claim", "step", "beat", "tick", "give_back", "remaining")
"""What a worker calls all the time: loaded together after a restart of the store. Else each would break the wire once,
and bodies would run before the store has heard of their start."""


class Broken(Exception):
    """Raised when calls have to be sent again over a new connection; `expected` when the store is all right."""

    def __init__(self, reason: str, expected: bool = False) -> None:
        super().__init__(reason)
        self.expected = expected


@dataclass(slots=True)
class Sent:
    """A call that is on its way, and who wants its reply."""

    call: Call
    on_reply: Callable[[Any], None]
    at: float = field(default_factory=monotonic)


class Wire:
    """A connection, and the calls that it has not had the replies of, in the order in which they were sent."""

    def __init__(self, store: Store, connect_timeout: float | None = None) -> None:
        pool: Any = store.client.connection_pool
        self._connection: Any = pool.make_connection()
        if connect_timeout is not None:
            self._connection.socket_connect_timeout = connect_timeout
        self._load_scripts = False
        self.pending: deque[Sent] = deque()

    @property
    def connected(self) -> bool:
        return self._connection._sock is not None

    def connect(self) -> None:
        """Connect, and send again what had no reply.

        Raises:
            Broken: when that does not work now.
        """
        try:
            self._connection.connect()
            if self._load_scripts:
                for name in {*_MOVES, *(sent.call[0] for sent in self.pending)}:
                    self._connection.send_command("SCRIPT", "LOAD", scripts.text(name))
                    self._connection.read_response()
                self._load_scripts = False
            for sent in self.pending:
                self._write(sent)
        except BROKEN as error:
            self.disconnect()
            raise Broken(str(error)) from error

    def descriptors(self) -> list[int]:
        """Return the descriptor of the connection, when there is one."""
        return [self._connection._sock.fileno()] if self.connected else []

    def disconnect(self) -> None:
        """Close the connection; calls without a reply stay pending."""
        self._connection.disconnect()

    def send(self, call: Call, on_reply: Callable[[Any], None]) -> None:
        """Send a call; `on_reply` gets its reply when that is read.

        Raises:
            Broken: when the call could not be sent; it is pending.
        """
        sent = Sent(call, on_reply)
        self.pending.append(sent)
        try:
            self._write(sent)
        except BROKEN as error:
            self.disconnect()
            raise Broken(str(error)) from error

    def _write(self, sent: Sent) -> None:
        sent.at = monotonic()
        self._connection.send_packed_command([_packed(scripts.command(*sent.call))], check_health=False)

    def readable(self, seconds: float, *others: int) -> bool:
        """Wait until a reply can be read, or one of the other descriptors; return whether a reply can.

        Raises:
            Broken: when the connection is not there.
        """
        if not self.connected:
            raise Broken("not connected")
        try:
            if self._connection.can_read(0):
                return True
            ready, _, _ = select.select([self._connection._sock, *others], [], [], seconds)
        except BROKEN as error:
            self.disconnect()
            raise Broken(str(error)) from error
        return self._connection._sock in ready

    def read(self) -> None:
        """Read one reply and hand it on.

        Raises:
            Broken: when the call, and those behind it, have to be sent again.
        """
        try:
            reply = self._connection.read_response(disconnect_on_error=False)
        except redis.ResponseError as error:
            if isinstance(error, NoScriptError) or str(error).startswith(_NOT_NOW) or _is_not_now(error):
                self._load_scripts = isinstance(error, NoScriptError)
                self.disconnect()
                raise Broken(str(error), expected=self._load_scripts) from error
            reply = error
        except BROKEN as error:
            self.disconnect()
            raise Broken(str(error)) from error
        sent = self.pending.popleft()
        sent.on_reply(reply)

    def block(self, wake_keys: list[str], seconds: float, control: int) -> None:
        """Wait for a wake token, the end of the time, or a word on the control pipe. Nothing may be pending.

        Raises:
            Broken: when the connection is lost, or silent for longer than the server was told to wait.
        """
        try:
            self._connection.send_command("BLPOP", *wake_keys, f"{max(seconds, 0.001):.3f}", check_health=False)
            ready, _, _ = select.select([self._connection._sock, control], [], [], seconds + 1.0)
            if self._connection._sock not in ready:
                # Stopping, or a half-open connection: the reply would be taken for that of another call.
                self.disconnect()
                raise Broken("no reply")
            self._connection.read_response()
        except (*BROKEN, redis.ResponseError) as error:
            self.disconnect()
            raise Broken(str(error)) from error


def _packed(command: tuple[scripts.Argument, ...]) -> bytes:
    # The C packer takes a tenth of the time of redis-py's own, and it stands between a body's end and the word of it.
    pack: Callable[[Any], Any] = hiredis.pack_command  # its stubs know tuples of one only
    try:
        packed: bytes = pack(command)
    except UnicodeEncodeError:
        packed = pack(tuple(v.encode("utf-8", "backslashreplace") if isinstance(v, str) else v for v in command))
    return packed


def _is_not_now(error: redis.ResponseError) -> bool:
    # redis-py takes the code off; servers before 7 put the code of an error in a script in mid-sentence.
    kinds = (redis.OutOfMemoryError, redis.ReadOnlyError, redis.exceptions.MasterDownError)
    text = str(error)
    return isinstance(error, kinds) or any(f"-{code} " in text for code in _NOT_NOW)
