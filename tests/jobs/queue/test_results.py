"""What is kept of a result: up to so many bytes as the store keeps them."""

from __future__ import annotations

import json
from base64 import b64decode
from random import Random
from typing import Any
from zlib import decompress

import pytest

from liquid_background.job import Outcome
from liquid_background.jobs.queue.finishing import Running, finish
from liquid_background.jobs.queue.results import MAX_RESULT, MAX_TRACE, NOT_KEPT, encode_result, exc_string, kept_result
from liquid_background.settings import load_settings


@pytest.mark.parametrize("sign", ["x", "é", "😀", '"', "\\", "\n", "\ud800", "x😀\\"])
def test_a_result_is_kept_up_to_so_many_bytes(sign: str) -> None:
    running = Running("a", "t", "default", "s", "page", 1, 1)
    for text in ("x" + sign * 100, "x" + sign * 1_000_000, "x" + sign * 2_000_000):
        arguments: list[Any] = finish(running, Outcome(result=text), load_settings()).arguments
        kept = b64decode(arguments[3])
        assert len(kept) <= MAX_RESULT
        found = json.loads(kept)
        assert found == text or (found[-1] == "…" and text.startswith(found[:-1]))
        assert found == text or len(kept) > MAX_RESULT - 24


@pytest.mark.parametrize("keep", ["all", "functions", "none"])
@pytest.mark.parametrize("is_function", [True, False], ids=["function", "template"])
def test_what_a_worker_sends_of_a_result(keep: str, is_function: bool) -> None:
    sent = {repr(result): kept_result(result, keep, is_function) for result in ("x", "", " \n\t", None, 0, [], False)}
    if keep == "none" or (keep == "functions" and not is_function):
        assert set(sent.values()) == {NOT_KEPT}
        return
    assert sent.pop("None") == (NOT_KEPT if is_function else encode_result(None))
    if not is_function:
        assert {sent.pop("''"), sent.pop(repr(" \n\t"))} == {b""}
    assert {text: json.loads(b64decode(value)) for text, value in sent.items()} == {text: eval(text) for text in sent}


def test_a_result_of_python_that_takes_too_much_fails_the_job() -> None:
    running = Running("a", "t", "default", "s", "page", 1, 1)
    arguments: list[Any] = finish(running, Outcome(result=["😀" * 100_000]), load_settings()).arguments
    assert arguments[2] == "failed"
    assert b"the result takes over 1024 KB of JSON: return an id" in arguments[4]


def test_a_traceback_is_kept_up_to_so_many_bytes_from_its_end() -> None:
    usual = "".join(f"  File 'x.py', line {number}, in do\n    do({number})\n" for number in range(400))
    for text in (usual, "", "x" * 20_000):
        assert decompress(b64decode(exc_string(text))).decode() == text
    signs = Random(1)
    for most in (0x7F, 0x10FFFF):
        random = "".join(chr(signs.randrange(32, most)) for _ in range(20_000))
        kept = exc_string(random)
        found = decompress(b64decode(kept))
        assert len(kept) <= MAX_TRACE
        assert len(found) > 1_000
        assert random.encode("utf-8", "backslashreplace").endswith(found)
