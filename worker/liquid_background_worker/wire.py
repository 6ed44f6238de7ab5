"""One connection to the store on which script calls are sent ahead and their replies read later."""

from __future__ import annotations

import math
import select
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import hiredis
import redis

from liquid_background.errors import StoreError
from liquid_background.jobs.queue import assembly, scripts
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.store import Store
from liquid_background.jobs.store.refusals import without_arguments
from liquid_background_worker.refusals import (
    NO_SCRIPT,
    has_too_few,
    is_refusal,
    is_unknown_command,
    is_unusable,
    says,
)

BROKEN: Final = (redis.RedisError, hiredis.HiredisError, OSError, StoreError)
"""What says that the connection, or the server behind it, is of no use now."""

_MOVES: Final = ("claim", "step", "beat", "tick", "tally", "give_back", "settle", "remaining", "look", "alerts_look")
"""What a worker calls all the time: loaded together after a restart of the store. Else each would break the wire once,
and bodies would run before the store has heard of their start."""

_NOT_YET: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_CHUNK: Final = 65_536  # bytes taken in at once
_NOTHING: Final = object()  # what the reader gives while a reply is not complete


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
    must: bool  # whether it is sent again when the store refuses it
    at: float  # by the monotonic clock


class Wire:
    """A connection, and the calls that it has not had the replies of, in the order in which they were sent.

    redis-py connects and logs in. Then the socket and hiredis are used as they are: all that redis-py does around a
    command and around each look for a reply would take longer than the sending itself.
    """

    def __init__(self, store: Store, patience: float) -> None:
        """Take the seconds that a server may be silent before it counts as lost. Nothing is connected yet."""
        self._pool: Any = store.client.connection_pool
        self._clock = store.clock
        self._site = store.site
        self._patience = patience
        self._look_at = math.inf  # by the monotonic clock
        self._connection = self._new_connection()
        self._socket: Any = None  # a socket or an SSLSocket; it never blocks
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._load_scripts = False
        self.pending: deque[Sent] = deque()

    def _new_connection(self) -> Any:
        connection = self._pool.make_connection()
        connection.socket_connect_timeout = min(connection.socket_connect_timeout, self._patience)
        connection.socket_timeout = self._patience  # of each reply at the login
        return connection

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self) -> None:
        """Connect, and send again what had no reply.

        Raises:
            Broken: when that does not work now.
        """
        try:
            self._connection.connect()
            self._look_at = monotonic() + self._connection.primary.looks_after
            self._note_time()
            if self._load_scripts:
                for name in {*_MOVES, *(sent.call[0] for sent in self.pending)}:
                    self._connection.send_command("SCRIPT", "LOAD", assembly.text(name, self._site))
                    self._connection.read_response()
                self._load_scripts = False
            self._reader = hiredis.Reader(notEnoughData=_NOTHING)
            self._socket = self._connection._sock
            self._socket.settimeout(0)
            for sent in self.pending:
                self._write(sent)
        except BROKEN as error:
            raise self._broken(error) from error

    def _note_time(self) -> None:
        """Ask for the store's clock: this may be another server than the one before."""
        self._connection.send_command("TIME")
        seconds, micros = self._connection.read_response()
        self._clock.noted(int(seconds) + int(micros) / 1_000_000)

    def descriptors(self) -> list[int]:
        """Return the descriptor of the connection, when there is one."""
        return [self._socket.fileno()] if self.connected else []

    def disconnect(self) -> None:
        """Close the connection; calls without a reply stay pending."""
        self._socket = None
        self._connection.disconnect()

    def _broken(self, error: object, expected: bool = False) -> Broken:
        """Disconnect, and return what to raise."""
        forgot = str(error).startswith(NO_SCRIPT)
        self._load_scripts = self._load_scripts or forgot
        self.disconnect()
        return Broken(without_arguments(str(error)), expected=expected or forgot)

    def send(self, call: Call, on_reply: Callable[[Any], None], must: bool) -> None:
        """Send a call; `on_reply` gets its reply when that is heard.

        A call that must be heard is sent again while the store refuses writes; for another, that is its reply.

        Raises:
            Broken: when the call could not be sent; it is pending.
        """
        sent = Sent(call, on_reply, must, 0.0)
        self.pending.append(sent)
        try:
            self._write(sent)
        except BROKEN as error:
            raise self._broken(error) from error

    def _write(self, sent: Sent) -> None:
        sent.at = monotonic()
        if sent.at >= self._look_at:
            self._look(sent.at)
        self._put(scripts.command(*sent.call, self._site))

    def _look(self, now: float) -> None:
        """Leave a server that was replaced as the primary and may not know it; only Sentinels tell."""
        self._look_at = now + self._connection.primary.looks_after
        if self._connection.is_behind():
            raise ConnectionError("the primary is another server now")

    def _put(self, data: bytes) -> None:
        if self._socket is None:
            raise ConnectionError("not connected")
        while data:
            try:
                data = data[self._socket.send(data) :]
            except ssl.SSLWantReadError:
                self._ready([self._socket], [], self._patience)
            except _NOT_YET:
                self._ready([], [self._socket], self._patience)

    def _ready(self, readers: list[Any], writers: list[Any], seconds: float) -> list[Any]:
        readable, writable, _ = select.select(readers, writers, [], seconds)
        if not (readable or writable):
            raise TimeoutError("the store does not answer")
        return readable

    def wait(self, seconds: float) -> bool:
        """Wait until something has arrived; return whether it has.

        Raises:
            Broken: when the connection is not there.
        """
        if self._socket is None:
            raise Broken("not connected")
        try:
            return self._has_decrypted() or bool(select.select([self._socket], [], [], seconds)[0])
        except BROKEN as error:
            raise self._broken(error) from error

    def _has_decrypted(self) -> bool:
        """Return whether TLS holds bytes back that select does not see."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def hear(self) -> bool:
        """Hand on the replies that have arrived, without waiting; return whether there was any.

        Raises:
            Broken: when calls have to be sent again.
        """
        if self._socket is None:
            raise Broken("not connected")
        heard = False
        too_few: Any = None
        try:
            for reply in self._arrived():
                if type(reply) is list:  # most are, and no errors
                    self.pending.popleft().on_reply(reply)
                    heard = True
                    continue
                if self._is_to_repeat(reply):
                    raise self._broken(reply)
                sent = self.pending.popleft()
                sent.on_reply(_opened(sent.call, reply))
                heard = True
                too_few = reply if has_too_few(reply) else too_few
        except BROKEN as error:
            raise self._broken(error) from error
        if too_few is not None:
            raise self._broken(too_few, expected=True)
        return heard

    def _is_to_repeat(self, reply: Any) -> bool:
        return is_unusable(reply) or (self.pending[0].must and is_refusal(reply))

    def _arrived(self) -> list[Any]:
        """Take in what has arrived, and return the replies that are complete."""
        try:
            while data := self._socket.recv(_CHUNK):
                self._reader.feed(data)
                if not isinstance(self._socket, ssl.SSLSocket):  # that gives one record at a time
                    break
            else:
                raise ConnectionError("the store closed the connection")
        except _NOT_YET:
            pass
        replies = []
        while (reply := self._reader.gets()) is not _NOTHING:
            replies.append(reply)
        return replies

    def block(self, wake_keys: list[str], seconds: float, control: int, calls: Sequence[Call]) -> list[Any]:
        """Wait for a wake token, or the end of the time, and return the replies of the calls that follow.

        They travel with the wait, and the store runs them when it is over: nothing is lost to a second round trip.
        A word on the control pipe ends the wait by a token for the last of the keys, which is this wire's own: the
        calls can't be taken back, and what they bring must not be left to its lease. Nothing may be pending.

        Raises:
            Broken: when the connection is lost, or silent. Then the calls may have been run.
        """
        try:
            now = monotonic()
            if now >= self._look_at:
                self._look(now)
            wait = scripts.pack("BLPOP", *wake_keys, f"{max(seconds, 0.001):.3f}")
            self._put(wait + b"".join(scripts.command(*call, self._site) for call in calls))
            replies: list[Any] = []
            awaited = [self._socket, control]
            while len(replies) <= len(calls):
                if self._has_decrypted() or self._socket in self._ready(awaited, [], seconds + self._patience):
                    replies += self._arrived()
                else:
                    awaited = [self._socket]
                    # A wait that has just ended leaves the token.
                    self._beside(("LPUSH", wake_keys[-1], "1"), ("EXPIRE", wake_keys[-1], 10))
            woken, *answers = replies
            if len(answers) == 1 and type(answers[0]) is list and not isinstance(woken, hiredis.ReplyError):
                return answers  # most are so, and what follows is about errors
            if is_refusal(woken) or is_unknown_command(
                woken
            ):  # the calls were refused, too: what the store did not wait for, we do
                select.select([control], [], [], seconds)
            elif isinstance(woken, hiredis.ReplyError) and says(woken, ("WRONGTYPE",)):
                self._beside(("DEL", *wake_keys))  # they hold nothing but tokens
                woken = None
            unusable = [reply for reply in (woken, *answers) if is_unusable(reply) or has_too_few(reply)]
        except BROKEN as error:
            raise self._broken(error) from error
        if unusable:
            raise self._broken(unusable[0])
        return [_opened(call, answer) for call, answer in zip(calls, answers, strict=True)]

    def _beside(self, *commands: tuple[str | int, ...]) -> None:
        """Run commands over another connection."""
        other = self._new_connection()
        try:
            other.connect()
            for words in commands:
                other.send_command(*words)
                other.read_response()
        finally:
            other.disconnect()


def _opened(call: Call, reply: Any) -> Any:
    """Return what a reply stands for; an error with the script's file and line in it."""
    if isinstance(reply, hiredis.ReplyError):
        return hiredis.ReplyError(assembly.located(call[0], str(reply)))
    return scripts.opened(call[0], reply)
