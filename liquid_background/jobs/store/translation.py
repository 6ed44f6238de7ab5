"""What redis-py raises, as one `StoreUnavailable` with a reason and a next step."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.client import Pipeline

from liquid_background.errors import StoreStartError, StoreUnavailable

_SETTING = "LIQUID_BACKGROUND_REDIS_URL"
_ACL = "~rq:* ~liquid_background:* +@all -@dangerous -@admin"

# By the code that a server's error begins with; servers before 7 put a script's code in mid-sentence, after a dash.
_LOGIN = f"refused the login: check the user name and the password in {_SETTING}"
_RIGHTS = f"does not allow this user what is needed: its ACL rule must grant at least {_ACL}"
_CLUSTER = f"is a Redis Cluster, which is not supported: point {_SETTING} at a single primary"
_REASONS = {
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": _RIGHTS,
    # What a command in a script is told instead, by servers from 7 on and by those before.
    "ACL failure in script": _RIGHTS,
    "The user executing the script": _RIGHTS,
    "LOADING": "is still loading its data: try again in a moment",
    "OOM": "is out of memory and refused the write: free memory or raise its maxmemory",
    "MISCONF": "cannot save to its disk and refuses writes: see its log, most often the disk is full",
    "READONLY": f"is a read-only replica: point {_SETTING} at the primary, or try again once a failover is over",
    "MASTERDOWN": "is a replica that has lost its primary: try again once a failover is over",
    "UNBLOCKED": "was made a replica while it was waited for: try again once a failover is over",
    "NOREPLICAS": "has fewer replicas than its min-replicas-to-write asks for and refuses writes",
    "BUSY": "is busy with a script that does not end: try again, or run SCRIPT KILL on it",
    "CLUSTERDOWN": _CLUSTER,
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
}
ELSEWHERE: Final = frozenset(("READONLY", "MASTERDOWN", "UNBLOCKED", "NOREPLICAS"))
"""What a server answers that may not be the primary any more. It has done nothing of what it answers so: a script gets
it at its first write, or before it begins, and a role cannot change while a script runs."""

# By OpenSSL's number for what is wrong with a certificate.
_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 10, 62, 64
_TRUST = {
    _EXPIRED: "renew it",
    _OTHER_NAME: f"write the host in {_SETTING} as the certificate names it",
    _OTHER_ADDRESS: f"write the host in {_SETTING} as the certificate names it",
}
_AUTHORITY = f"name the file of its authority in {_SETTING}, as in rediss://…/0?ssl_ca_certs=/etc/ssl/store-ca.pem"
_CODE = re.compile(rf"(?:^|-|script: \d+: )(?:ERR )?({'|'.join(_REASONS)})\b")

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


@contextmanager
def translated_errors(where: str = "", doubt: str = "") -> Iterator[None]:
    """Turn what redis-py raises in the block into `StoreUnavailable`; other errors, bugs among them, pass.

    Args:
        where: `Store.url`, so that the message names the store.
        doubt: what may have been done when no reply comes, such as "the jobs may have been sent": for a block that
            waits for the reply to something that has gone out. An error that the store replied has done nothing.

    Raises:
        StoreUnavailable: when the store cannot be reached or started, or refused what it was asked.
    """
    name = f"the store at {where}" if where else "the store"
    try:
        yield
    except StoreStartError as error:  # a connection of ours tried to bring the embedded store back
        raise StoreUnavailable(str(error)) from error
    except redis.TimeoutError as error:
        down = "the network down, or the store without TLS" if where.startswith("rediss") else "or the network down"
        reason = f"did not answer in time: is it overloaded, {down}"
        reason += "?" if not doubt else ""
        raise StoreUnavailable(f"{name} {reason}{_lost(doubt)}", maybe_done=bool(doubt)) from error
    except redis.RedisError as error:
        certificate = _certificate_error(error)
        if certificate:
            advice = _TRUST.get(certificate.verify_code, _AUTHORITY)
            found = f"certificate verify failed: {certificate.verify_message.rstrip('.')}"
            # With its cause, which no wait will change, as with a refused login.
            raise StoreUnavailable(
                f"{name} shows a certificate that is not trusted ({found}): {advice}"
            ) from certificate
        told = _reason(error)
        if told is None and not isinstance(error, redis.ConnectionError):
            raise
        # No cause: the text of a failed pipeline holds the command's arguments, and so the values of a job.
        if told is not None:
            raise StoreUnavailable(f"{name} {told}") from None
        raise StoreUnavailable(f"{name} {_cut(error, doubt)}", maybe_done=bool(doubt)) from None


def _cut(error: redis.RedisError, doubt: str) -> str:
    text = str(error).rstrip(".")
    if doubt:
        return f"broke the connection ({text}){_lost(doubt)}"
    return f"cannot be reached ({text}): start it, correct {_SETTING}, or unset that to use the embedded store"


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
    return None if code is None else _REASONS[code]


def code_of(error: redis.RedisError) -> str | None:
    """Return the code of an error that a server replied; None when it is not one that is known here, or no reply."""
    for kind, code in _CLASSES:
        if isinstance(error, kind):
            return code
    if isinstance(error, redis.ResponseError):
        # A pipeline puts the command in front: "Command # 1 (…) of pipeline caused error: OOM command …".
        return _code_in(str(error).rpartition(" of pipeline caused error: ")[2])
    return None


def _code_in(text: str) -> str | None:
    found = _CODE.search(text)
    return found[1] if found else None


def explain_refusal(error: str) -> str | None:
    """Return what a server's error says of the store, and what to do; None for one without a known code."""
    code = _code_in(error)
    return None if code is None else _REASONS[code]
