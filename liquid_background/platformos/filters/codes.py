"""Filters that make ids, random text and digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from liquid_background.platformos.filters.plain import Filter, as_text, as_whole_number, pure, wrong

_LONGEST: Final = 1_024  # characters of random text
_LETTERS: Final = string.ascii_letters + string.digits
_ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha384", "sha512")


@pure
def uuid(left: object) -> str:
    """Return a random UUID, version 4, whatever stands before the filter."""
    return str(uuid4())


@pure
def random_string(left: object) -> str:
    """Return that many random letters and digits, good enough for a password."""
    length = as_whole_number("random_string", "the length", left, 1, _LONGEST)
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@pure
def sha1(left: object) -> str:
    """Return the SHA-1 of text, in hex."""
    return hashlib.sha1(_bytes("sha1", left)).hexdigest()


@pure
def md5(left: object) -> str:
    """Return the MD5 of text, in hex."""
    return hashlib.md5(_bytes("md5", left)).hexdigest()


@pure
def digest(left: object, algorithm: object = "sha1") -> str:
    """Return the digest of text, in hex."""
    return hashlib.new(_algorithm("digest", algorithm), _bytes("digest", left)).hexdigest()


@pure
def compute_hmac(left: object, secret: object, algorithm: object = "sha256") -> str:
    """Return the HMAC of text with a secret, in hex."""
    name = _algorithm("compute_hmac", algorithm)
    return hmac.new(_bytes("compute_hmac", secret), _bytes("compute_hmac", left), name).hexdigest()


def _bytes(name: str, value: object) -> bytes:
    return as_text(name, value).encode("utf-8", "surrogatepass")


def _algorithm(name: str, given: object) -> str:
    algorithm = as_text(name, given).lower()
    if algorithm not in _ALGORITHMS:
        wrong(name, f"knows {', '.join(_ALGORITHMS)}, and is given {algorithm[:20]!r}")
    return algorithm


FILTERS: Final[Mapping[str, Filter]] = {
    "uuid": uuid,
    "random_string": random_string,
    "sha1": sha1,
    "md5": md5,
    "digest": digest,
    "compute_hmac": compute_hmac,
}
