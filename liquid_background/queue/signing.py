"""Signatures over what a worker would run, so that a store that others can write to starts nothing of theirs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr

from liquid_background.errors import JobRefused

_DOMAIN: Final = b"liquid-background job v1"


def sign(keys: Sequence[SecretStr], *parts: bytes) -> str:
    """Return the signature of a job's parts by the first key; empty when no key is set."""
    return _digest(keys[0], parts) if keys else ""


def verify(keys: Sequence[SecretStr], signature: bytes, *parts: bytes) -> None:
    """Accept a job when no key is set, or when one of the keys made its signature.

    Raises:
        JobRefused: when the signature is missing or was made over something else.
    """
    if not keys:
        return
    if not signature:
        raise JobRefused("the job is not signed, and SIGNING_KEY is set here")
    if not any(hmac.compare_digest(_digest(key, parts).encode("ascii"), signature) for key in keys):
        raise JobRefused("the signature does not fit the job's id, queue, limits and payload")


def _digest(key: SecretStr, parts: Sequence[bytes]) -> str:
    # Each part goes with its length, so that no two lists of parts give the same bytes.
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (_DOMAIN, *parts))
    return hmac.new(key.get_secret_value().encode("utf-8"), framed, hashlib.sha256).hexdigest()
