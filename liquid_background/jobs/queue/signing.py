"""Signatures over what a worker would run, so that a store that others can write to starts nothing of theirs.

A signature is `2:<due>:<expires>:<HMAC>`, with both times in whole seconds by the store's clock. The script that ends
a job leaves `ended:2:<due>:<expires>:<digest of the HMAC>` of it: no worker takes that, nobody can make the signature
from it, and who has the key can tell by it that the record is the one that was signed, before signing it anew.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr

from liquid_background.errors import JobRefused

LIFETIME: Final = 30 * 24 * 3600
"""Seconds from a job's first due time to its signature's end. The waits between attempts take 7 days at most, the rest
is for a backlog. A copy runs no longer than that, and a failed job's record is kept for as long by default."""

_AHEAD: Final = 5.0  # seconds; clocks drift apart between two looks of a sender at the store's, and over a failover
_ENDED: Final = b"ended:"
_FORM: Final = re.compile(rb"(ended:)?(?:2:([0-9]{1,12}):([0-9]{1,12}):)?([0-9a-f]{64}|[0-9a-f]{40})")
_DOMAINS: Final = (b"liquid-background job v1", b"liquid-background job v2")
_ALTERED: Final = (
    "the signature does not fit the job's id, queue, limits, payload and times: it was changed, copied, or signed with "
    "a key that is not set here"
)
_OVER: Final = "the job has ended, and its signature with it: 'poscli jobs retry', with the key, runs it again"
_UNSIGNED: Final = "the job is not signed, and SIGNING_KEY is set here"


def sign(keys: Sequence[SecretStr], parts: Sequence[bytes], due: int) -> str:
    """Return the signature of a job's parts by the first key, for a job that is due then; empty when no key is set."""
    if not keys:
        return ""
    expires = due + LIFETIME
    return f"2:{due}:{expires}:{_digest(keys[0], parts, str(due).encode('ascii'), str(expires).encode('ascii'))}"


def verify(keys: Sequence[SecretStr], signature: bytes, parts: Sequence[bytes], now: float) -> None:
    """Accept a job when no key is set, or when one of the keys made its signature, and its time has come and lasts.

    Args:
        keys: any of which may have signed it.
        signature: as its record has it.
        parts: what it would run.
        now: seconds by the store's clock.

    Raises:
        JobRefused: when the signature is missing, is of another job, or is not valid now.
    """
    if not keys:
        return
    if signature.startswith(_ENDED):
        raise JobRefused(_OVER)
    due, expires = _checked(keys, signature, parts)
    if due > now + _AHEAD:
        raise JobRefused(f"the job is signed for a time that comes in {due - now:,.0f} s: it was queued too early")
    if expires is not None and expires <= now:
        raise JobRefused(
            f"the job's signature is over 30 days old, since it was due {now - due:,.0f} s ago: "
            "'poscli jobs retry', with the key, signs it anew"
        )


def sign_again(keys: Sequence[SecretStr], signature: bytes, parts: Sequence[bytes], due: int) -> str:
    """Return a new signature of a job that has ended, or whose signature has; empty when no key is set.

    Raises:
        JobRefused: when what is left of its old signature does not show that this is what was signed.
    """
    if not keys:
        return ""
    _checked(keys, signature, parts)
    return sign(keys, parts, due)


def spent(signature: bytes) -> bytes:
    """Return what is left of a signature when its job has ended; signature.lua does the same."""
    if not signature or signature.startswith(_ENDED):
        return signature
    return _ENDED + signature[:-64] + _spent_digest(signature[-64:])


def _spent_digest(digest: bytes) -> bytes:
    # The scripts know no other digest, and this one need only be hard to turn round.
    return hashlib.sha1(digest, usedforsecurity=False).hexdigest().encode("ascii")


def _checked(keys: Sequence[SecretStr], signature: bytes, parts: Sequence[bytes]) -> tuple[float, float | None]:
    """Return from when until when a signature is valid, once it, or what is left of it, is one of the keys' own."""
    if not signature:
        raise JobRefused(_UNSIGNED)
    found = _FORM.fullmatch(signature)
    if found is None:
        raise JobRefused(_ALTERED)
    ended, due, expires, digest = found.groups()
    # Version 1 has no times. Its signatures are accepted for this release, so that jobs of the one before still run.
    times = () if due is None else (due, expires)
    made = (_digest(key, parts, *times).encode("ascii") for key in keys)
    if not any(hmac.compare_digest(_spent_digest(each) if ended else each, digest) for each in made):
        raise JobRefused(_ALTERED)
    return (0.0, None) if due is None else (int(due), int(expires))


def _digest(key: SecretStr, parts: Sequence[bytes], *times: bytes) -> str:
    # Each part goes with its length, so that no two lists of parts give the same bytes.
    domain = _DOMAINS[1 if times else 0]
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (domain, *parts, *times))
    return hmac.digest(key.get_secret_value().encode("utf-8"), framed, "sha256").hex()
