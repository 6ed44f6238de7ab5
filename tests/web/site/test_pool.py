"""Page processes from the server's side: whatever is cancelled or fails, none is left behind and its place is free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import asyncio, os, signal
from liquid_background import Engine
from liquid_background.web.site.messages import PageRequest
from liquid_background.web.site.pageprocess import PageProcess
from liquid_background.web.site.pool import PagePool
from liquid_background.web.site.renderer import Renderer, open_descriptors

engine = Engine(templates=".", page_timeout=1.5)
renderer = Renderer(engine, False, open_descriptors())


def children():
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) or "one that runs"
    except ChildProcessError:
        return None

"""

CANCELLED_START = """
async def main():
    for turns in range(1, 6):
        starting = asyncio.create_task(PageProcess.start(renderer))
        for _ in range(turns):
            await asyncio.sleep(0)
        if starting.done():
            starting.result().kill()
            await starting.result().end()
        starting.cancel()
        await asyncio.wait([starting])
        print(turns, children())

asyncio.run(main())
"""

CANCELLED_TWICE = """
async def main():
    pool = PagePool(renderer, 2)  # one for a path
    for _ in range(3):
        asking = asyncio.create_task(pool.render(PageRequest("GET", "sleeps")))
        await asyncio.sleep(0.2)
        asking.cancel()
        await asyncio.sleep(0)  # it kills the process, and waits for its end
        asking.cancel()
        await asyncio.wait([asking])
        print(asking.cancelled())
    await asyncio.sleep(0.3)
    print((await pool.render(PageRequest("GET", "p"))).body)
    print(children())
    print((await asyncio.wait_for(pool.render(PageRequest("GET", "sleeps")), 8)).status)
    await pool.close()
    print(children())

asyncio.run(main())
"""

GROUP_OF_ANOTHER = """
async def main():
    process = await PageProcess.start(renderer)
    process.kill()
    await process.end()
    print(process.is_gone)
    os.killpg = os.kill = lambda *of: print("hit", of)  # its number is free, and may be anybody's
    process.kill()
    await process.end()

asyncio.run(main())
"""


def run(folder: Path, code: str, **pages: str) -> list[str]:
    (folder / "pages").mkdir()
    for name, text in pages.items():
        (folder / f"pages/{name}.liquid").write_text(text)
    command = [sys.executable, "-W", "error", "-c", START + code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert "Error" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="a look at children that does not bury them")
def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    assert run(tmp_path, CANCELLED_START) == [f"{turns} None" for turns in range(1, 6)]


def test_a_request_that_is_cancelled_twice_gives_its_place_back(tmp_path: Path) -> None:
    lines = run(
        tmp_path, CANCELLED_TWICE, p="hello", sleeps="{% for i in (1..9000000) %}{% assign x = i %}{% endfor %}"
    )
    assert lines == ["True", "True", "True", "b'hello'", "one that runs", "503", "None"]


def test_a_process_that_is_gone_is_not_killed_again(tmp_path: Path) -> None:
    assert run(tmp_path, GROUP_OF_ANOTHER) == ["True"]
