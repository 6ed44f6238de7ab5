"""What is kept of a result: up to so many bytes as the store keeps them."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from liquid_background.job import Outcome
from liquid_background.jobs.queue.finishing import Running, finish
from liquid_background.jobs.queue.records import MAX_RESULT
from liquid_background.settings import load_settings


@pytest.mark.parametrize("sign", ["x", "é", "😀", '"', "\\", "\n", "\ud800", "x😀\\"])
def test_a_result_is_kept_up_to_so_many_bytes(sign: str) -> None:
    running = Running("a", "t", "default", "s", "page", 1, 1)
    for text in (sign * 100, sign * 2_000_000, "x" + sign * 2_000_000):
        arguments: list[Any] = finish(running, Outcome(result=text), load_settings()).arguments
        kept = b64decode(arguments[3])
        assert len(kept) <= MAX_RESULT
        found = json.loads(kept)
        assert found == text or (found[-1] == "…" and text.startswith(found[:-1]))
        assert found == text or len(kept) > MAX_RESULT - 24


def test_a_result_of_python_that_takes_too_much_fails_the_job() -> None:
    running = Running("a", "t", "default", "s", "page", 1, 1)
    arguments: list[Any] = finish(running, Outcome(result=["😀" * 100_000]), load_settings()).arguments
    assert arguments[2] == "failed"
    assert b"the result takes over 1024 KB of JSON: return an id" in arguments[4]
