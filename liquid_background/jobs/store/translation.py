"""What redis-py raises, as one `StoreUnavailable` with a reason and a next step."""

from __future__ import annotations

import re
import ssl
from typing import Any

import redis
from redis.client import Pipeline

from liquid_background.errors import StoreStartError, StoreUnavailable
from liquid_background.jobs.store.refusals import REASONS, SETTING, code_in, explain_unknown, unreachable
from liquid_background.jobs.store.silence import silent_store

# What redis-py puts in front of why it cannot connect: what is said of a store names it already.
_WHERE = re.compile(r"Error -?\d+ connecting to .+?\. (?=[A-Z\[])")

# By OpenSSL's number for what is wrong with a certificate.
_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 10, 62, 64
_TRUST = {
    _EXPIRED: "renew it",
    _OTHER_NAME: f"write the host in {SETTING} as the certificate names it",
    _OTHER_ADDRESS: f"write the host in {SETTING} as the certificate names it",
}
_AUTHORITY = f"name the file of its authority in {SETTING}, as in rediss://…/0?ssl_ca_certs=/etc/ssl/store-ca.pem"

# redis-py takes the code off the errors that it has a class for.
_CLASSES: tuple[tuple[type[redis.RedisError], str], ...] = (
    (redis.AuthenticationError, "NOAUTH"),
    (redis.exceptions.NoPermissionError, "NOPERM"),
    (redis.BusyLoadingError, "LOADING"),
    (redis.OutOfMemoryError, "OOM"),
    (redis.ReadOnlyError, "READONLY"),
    (redis.exceptions.MasterDownError, "MASTERDOWN"),
    (redis.exceptions.ClusterDownError, "CLUSTERDOWN"),
    (redis.exceptions.AskError, "MOVED"),
    (redis.exceptions.ClusterCrossSlotError, "CROSSSLOT"),
)


class translated_errors:  # noqa: N801  reads as what is done in the block; a generator would take three times as long
    """Turn what redis-py raises in the block into `StoreUnavailable`; other errors, bugs among them, pass.

    Args:
        where: `Store.url`, so that the message names the store.
        doubt: what may have been done when no reply comes, such as "the jobs may have been sent": for a block that
            waits for the reply to something that has gone out. An error that the store replied has done nothing.

    Attributes:
        doubt: as given; a block that sends and waits sets it in between.

    Raises:
        StoreUnavailable: when the store cannot be reached or started, or refused what it was asked.
    """

    __slots__ = ("_where", "doubt")

    def __init__(self, where: str = "", doubt: str = "") -> None:
        self._where = where
        self.doubt = doubt

    def __enter__(self) -> translated_errors:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, redis.RedisError | StoreStartError):
            _translate(error, self._where, self.doubt)


def _translate(error: redis.RedisError | StoreStartError, where: str, doubt: str) -> None:
    """Raise what an error stands for, if it says anything of the store."""
    if isinstance(error, StoreStartError):  # a connection of ours tried to bring the embedded store back
        raise StoreUnavailable(str(error), silent=error.silent) from error
    if isinstance(error, redis.TimeoutError):
        raise silent_store(where, _lost(doubt), maybe_done=bool(doubt)) from error
    name = f"the store at {where}" if where else "the store"
    certificate = _certificate_error(error)
    if certificate:
        advice = _TRUST.get(certificate.verify_code, _AUTHORITY)
        found = f"certificate verify failed: {certificate.verify_message.rstrip('.')}"
        # With its cause, which no wait will change, as with a refused login.
        raise StoreUnavailable(f"{name} shows a certificate that is not trusted ({found}): {advice}") from certificate
    told = _reason(error)
    if told is None and not isinstance(error, redis.ConnectionError):
        return
    # No cause: the text of a failed pipeline holds the command's arguments, and so the values of a job.
    if told is not None:
        raise StoreUnavailable(f"{name} {told}") from None
    raise StoreUnavailable(f"{name} {_cut(error, doubt)}", maybe_done=bool(doubt)) from None


def _cut(error: redis.RedisError, doubt: str) -> str:
    text = _WHERE.sub("", str(error)).rstrip(".")
    if doubt:
        return f"broke the connection ({text}){_lost(doubt)}"
    return unreachable(text)


def _lost(doubt: str) -> str:
    return f"; its reply was lost, so {doubt}: look before you do it again" if doubt else ""


def read_replies(pipeline: Pipeline, where: str = "") -> list[Any]:
    """Send the reads in a pipeline and return their replies; of a key that holds another type the reply is None.

    So one key that somebody wrote by hand hides nothing else from whoever looks at the rest.

    Raises:
        StoreUnavailable: when the store cannot be reached, or refused one of them for another reason.
    """
    with translated_errors(where):
        replies = pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, Exception) and not _is_wrong_type(reply):
                raise reply
    return [None if isinstance(reply, Exception) else reply for reply in replies]


def _is_wrong_type(error: Exception) -> bool:
    return isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE")


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _reason(error: redis.RedisError) -> str | None:
    """Return what the store says of itself in an error that it replied; None when that is not known, or no reply."""
    code = code_of(error)
    if code is not None:
        return REASONS[code]
    return explain_unknown(_replied(error)) if isinstance(error, redis.ResponseError) else None


def code_of(error: redis.RedisError) -> str | None:
    """Return the code of an error that a server replied; None when it is not one that is known here, or no reply."""
    for kind, code in _CLASSES:
        if isinstance(error, kind):
            return code
    return code_in(_replied(error)) if isinstance(error, redis.ResponseError) else None


def _replied(error: redis.ResponseError) -> str:
    """Return what the server said: a pipeline puts the command in front."""
    return str(error).rpartition(" of pipeline caused error: ")[2]
