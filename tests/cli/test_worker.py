"""`poscli worker`, with `render` and `logs --tail` beside it as in three shells."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any


def test_three_shells(project: Any) -> None:
    project.page("welcome", "{% background source_name: 'send_email' %}Hi{% endbackground %}")
    worker = project.start("worker")
    tail = project.start("logs", "--tail")
    project.good("render", "welcome")
    tail.until("send_email (attempt 1/1) - SUCCESS")
    started = time.monotonic()
    rendered = project.good("render", "welcome")
    printed = time.monotonic()
    project.wait(lambda: len(tail.lines()) == 2)
    assert rendered.code == 0
    assert time.monotonic() - printed < 1.0, f"rendering took {printed - started:.2f} s"
    assert worker.stop(signal.SIGTERM) == 0
    assert tail.stop(signal.SIGINT) == 0
    assert tail.err.read_text() == ""


def test_files_that_cannot_be_read_are_a_line_each_and_the_worker_starts(project: Any) -> None:
    project.page("mail", "{% background source_name: 'send_email' %}Hi{% endbackground %}")
    project.page("bad", "---\nschedule: &a x\n---\n")
    project.write("templates/partials/worse.liquid", f"---\nschedule: {'[' * 3000}\n---\n")
    project.write("templates/partials/odd.liquid", "---\nslug: 2024-02-30\nn: 0x_\n---\n")
    pages = project.folder / "templates/pages"
    os.mkfifo(pages / "fifo.liquid")
    (pages / "loop.liquid").symlink_to("loop.liquid")
    (pages / "d.liquid").mkdir()
    project.good("render", "mail")
    lines = project.good("worker", "--burst").err.splitlines()
    assert len([line for line in lines if "pages/bad:2" in line]) == 1
    assert len([line for line in lines if "partials/worse:2" in line]) == 1
    assert not any(name in line for line in lines for name in ("odd", "fifo", "loop", "d.liquid"))
    assert project.good("logs", "--format", "short").lines == ["[attempt 1/1] - send_email - SUCCESS"]


def test_burst_ends_by_itself_with_retries_done(project: Any) -> None:
    project.page(
        "flaky", "{% background source_name: 'flaky', max_attempts: 2 %}{% include 'none' %}{% endbackground %}"
    )
    project.good("render", "flaky")
    project.good("worker", "--burst")
    lines = project.good("logs", "--format", "short").lines
    assert lines == ["[attempt 1/2] - flaky - FAILED", "[attempt 2/2] - flaky - FAILED"]


def test_the_application_of_the_option_performs(project: Any) -> None:
    project.write(
        "shop.py",
        "from liquid_background import Engine\n"
        "engine = Engine()\n"
        "engine.environment.add_filter('shout', lambda text: str(text).upper())\n",
    )
    project.page("loud", "{% background source_name: 'loud' %}{% log 'hey' | shout %}{% endbackground %}")
    project.good("render", "loud", "--app", "shop:engine")
    project.good("worker", "--burst", "--app", "shop:engine")
    assert "HEY" in project.good("logs", "--type", "info", "--app", "shop:engine").out


def test_ctrl_c_ends_it_without_a_traceback(project: Any) -> None:
    worker = project.start("worker")
    project.page("welcome", "{% background source_name: 'hi' %}Hi{% endbackground %}")
    project.good("render", "welcome")
    project.wait(lambda: "SUCCESS" in project.good("logs").out)
    assert worker.stop(signal.SIGINT) == 0
    first, last = worker.err.read_text().splitlines()
    assert " INFO: worker " in first
    assert " stops: SIGINT; it ran 1 attempt, 0 of them failed, in " in last


def test_what_a_worker_warns_of_is_one_line_with_its_place(project: Any) -> None:
    project.write(
        "templates/partials/odd.liquid", '---\nslug: x\nschedule: "\\e[31m\\u202eno\\n\\u2028WARNING: forged"\n---\n'
    )
    done = project.run("worker", "--burst")
    (line,) = [line for line in done.err.splitlines() if "schedule" in line]
    assert re.match(r"\[[\d: -]+\] ERROR: partials/odd:3: the front matter's schedule is not kept: ", line)
    assert not any(re.match(r"(\[[\d: -]+\] )?WARNING: forged", line) for line in done.err.splitlines())
    assert not set("\x1b\u202e\u2028") & set(done.err)


def test_a_factory_may_be_the_application(project: Any) -> None:
    project.write(
        "shop.py",
        "from liquid_background import Engine\n"
        "def make_engine():\n"
        "    engine = Engine()\n"
        "    engine.environment.add_filter('shout', lambda text: str(text).upper())\n"
        "    return engine\n",
    )
    project.page("loud", "{% background source_name: 'loud' %}{% log 'hey' | shout %}{% endbackground %}")
    project.good("render", "loud", "--app", "shop:make_engine")
    project.good("worker", "--burst", "--app", "shop:make_engine()")
    assert "HEY" in project.good("logs", "--type", "info").out


def test_an_application_that_does_not_load_is_a_line_and_its_own_frames(project: Any) -> None:
    project.write("shop.py", "import os\n\ndef address():\n    return os.environ['SHOP_DB']\n\nDB = address()\n")
    for command in (["worker"], ["render", "x"], ["check"], ["serve"]):
        done = project.run(*command, "--app", "shop:engine")
        assert done.code == 1
        first, *frames = done.err.splitlines()
        assert first == (
            "poscli: setting app: cannot load 'shop:engine': KeyError: 'SHOP_DB'; set the environment variable SHOP_DB"
        )
        assert [frame.replace(str(project.folder), ".") for frame in frames] == [
            '  File "./shop.py", line 6, in <module>: DB = address()',
            "  File \"./shop.py\", line 4, in address: return os.environ['SHOP_DB']",
        ]
