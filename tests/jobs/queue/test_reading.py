"""Fields of a record are read within bounds, whatever they hold."""

from __future__ import annotations

import math

import pytest

from liquid_background.jobs.queue.reading import number, text, whole

NOT_WHOLE = [None, b"", b"-1", b"+1", b" 1", b"1 ", b"1\n", b"1_0", b"1.0", b"0x1", b"\xff", b"\xd9\xa1", b"9" * 16]


@pytest.mark.parametrize("value", [*NOT_WHOLE, b"9" * 5000, b"9" * 5_000_000])
def test_what_is_not_a_whole_number_gives_the_default(value: bytes | None) -> None:
    assert whole(value, None, 100) is None
    assert whole(value, 7, 100) == 7


@pytest.mark.parametrize(("value", "read"), [(b"0", 0), (b"007", 7), (b"100", 100), (b"101", 100), (b"9" * 15, 100)])
def test_a_whole_number_is_at_most_the_most(value: bytes, read: int) -> None:
    assert whole(value, None, 100) == read


NOT_A_NUMBER = [
    None,
    b"",
    b"nan",
    b"inf",
    b"-inf",
    b"Infinity",
    b"1e999",
    b"-1e999",
    b" 1",
    b"1\n",
    b"1_0",
    b"0x1",
    b".",
]


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, b"\xff", b"\xd9\xa1", b"1" * 41, b"9" * 5000, b"1e" + b"9" * 30])
def test_what_is_not_a_finite_number_gives_the_default(value: bytes | None) -> None:
    assert number(value, None, 100.0) is None
    assert number(value, 7.5, 100.0) == 7.5


@pytest.mark.parametrize(
    ("value", "read"),
    [(b"0", 0.0), (b"1.5", 1.5), (b"1.", 1.0), (b"2e1", 20.0), (b"1e300", 100.0), (b"-1", 0.0), (b"1e-300", 1e-300)],
)
def test_a_number_is_within_its_bounds(value: bytes, read: float) -> None:
    assert number(value, None, 100.0) == read
    assert number(repr(math.pi * 1e-200).encode(), None, 100.0) == math.pi * 1e-200


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, ""),
        (b"", ""),
        (b"12345678", "12345678"),
        (b"123456789", "12345678…"),
        ("1234567é".encode(), "1234567…"),
        ("12345😀".encode(), "12345…"),
        ("1234😀5".encode(), "1234😀…"),
        (b"a\xffb", "a\\xffb"),
        (b"\x80" * 9, "\\x80" * 5 + "…"),
    ],
)
def test_text_is_bounded_in_bytes_and_cut_between_characters(value: bytes | None, read: str) -> None:
    assert text(value, 8) == read
