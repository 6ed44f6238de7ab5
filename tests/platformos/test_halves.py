"""Each async body of the dialect is run by the tests of it."""

from __future__ import annotations

import pytest

from tests.async_bodies import run


@pytest.mark.slow
def test_every_async_body_of_this_room_is_run() -> None:
    files = [f"tests/platformos/test_{name}.py" for name in ("tags", "breaks")]
    code, missing = run(files, ["liquid_background/platformos"])
    assert (code, list(map(str, missing))) == (0, [])
