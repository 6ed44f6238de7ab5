"""poscli as a whole: help by section, nearest names, one-line errors, exit codes, pipes, and a quick start."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import Any

import pytest

from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect, embedded
from liquid_background.settings import load_settings
from poscli.main import main
from poscli.sections import SECTIONS
from tests import warm

from .conftest import POSCLI, attempt, in_bash, write_log


def test_help_groups_the_commands(project: Any) -> None:
    text = project.good("--help").out
    places = [text.index(f"\n{section}:") for section in SECTIONS]
    assert places == sorted(places)
    for commands in SECTIONS.values():
        for name, summary in commands.items():
            assert f"  {name} " in text
            assert summary.split()[0] in text


@pytest.mark.usefixtures("store_dir")
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["logs", "--help"]])
def test_help_touches_neither_store_nor_folder(project: Any, arguments: list[str]) -> None:
    assert project.good(*arguments).out
    assert not any(project.folder.iterdir())
    assert not any(project.data_dir.iterdir())


def test_help_answers_at_once() -> None:
    def best(command: list[str]) -> float:
        times = []
        for _ in range(5):
            before = os.times()
            subprocess.run(command, check=True, capture_output=True)
            after = os.times()  # of a processor: other processes of the machine cost it none
            times.append(sum(after[2:4]) - sum(before[2:4]))
        return min(times)

    assert best([*POSCLI, "--help"]) < best([sys.executable, "-c", "pass"]) + 0.3


def test_help_imports_neither_redis_nor_liquid_nor_rich_and_no_command_the_last() -> None:
    code = (
        "import sys, poscli.main\n"
        "try: poscli.main.main(['--help'])\n"
        "except SystemExit: print({'redis', 'rq', 'liquid', 'rich', 'pydantic'} & set(sys.modules))\n"
        "import importlib, pkgutil, poscli.commands as commands\n"
        "names = [module.name for module in pkgutil.iter_modules(commands.__path__, 'poscli.commands.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(*names, 'rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *_, none, commands = done.stdout.splitlines()
    assert none == "set()"
    assert "poscli.commands.jobs" in commands
    assert commands.endswith(" False")


@pytest.mark.parametrize("arguments", [[], ["jobs"], ["store"]])
def test_a_group_without_a_command_shows_its_help(project: Any, arguments: list[str]) -> None:
    result = project.run(*arguments)
    assert result.code == 2
    assert result.lines[0] == f"Usage: {' '.join(['poscli', *arguments])} [OPTIONS] COMMAND [ARGS]..."
    assert len(result.lines) > 10
    assert result.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["rendre"], 2, "poscli: no command 'rendre'; did you mean 'render'?"),
        (["zzz"], 2, "poscli: no command 'zzz'; see 'poscli --help'"),
        (["--verson"], 2, "poscli: no option '--verson'; did you mean '--version'?"),
        (["logs", "--tial"], 2, "poscli logs: no option '--tial'; did you mean '--tail'?"),
        (["worker", "--priority", "high"], 2, "poscli worker: no option '--priority'; did you mean '--queues'?"),
        (["logs", "--limit", "3"], 2, "poscli logs: no option '--limit'; did you mean '--lines'?"),
        (["render", "welcome", "a=1", "b=2"], 2, "poscli render: a=1 stands alone: write --param a=1"),
        (["render", "welcome", "more"], 2, "poscli render: got unexpected extra argument (more); see 'poscli render"),
        (["render"], 2, "poscli render: missing argument 'PAGE'; see 'poscli render --help'"),
        (["render", "welcme"], 1, "poscli: no page 'welcme' in templates/pages; did you mean 'welcome'?"),
        (["render", "broken"], 1, "poscli: unexpected tag 'includ': did you mean 'include'? (pages/broken:2)"),
        (["render", "wrong"], 1, "poscli: delay is -1; it must be minutes from 0 to 65535 (pages/wrong:3)"),
        (["render", "welcome", "--app", "nothere:engine"], 1, "poscli: setting app: cannot load 'nothere:engine': "),
        (["render", "welcome", "--app", "json:loads"], 1, "poscli: setting app: 'json:loads' is a function"),
        (["worker", "--queues", "hihg"], 1, "poscli: unknown queue 'hihg'; queues are high, default, low"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(project: Any, arguments: list[str], code: int, error: str) -> None:
    project.page("welcome", "Hi")
    project.page("broken", "Hi\n{% includ 'x' %}")
    project.page("wrong", "\n\n{% background delay: -1 %}{% endbackground %}")
    result = project.run(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(error)
    assert len(result.err.splitlines()) == 1


def test_a_store_that_is_away_is_one_line(project: Any) -> None:
    project.page("welcome", "{% background %}{% endbackground %}")
    result = project.run("render", "welcome", REDIS_URL="redis://127.0.0.1:1/0")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "127.0.0.1:1" in result.err


def test_a_wrong_setting_is_one_line_that_names_it(project: Any) -> None:
    result = project.run("logs", LIQUID_BACKGROUND_JOB_TIMEOUT="soon")
    assert result.code == 1
    assert "setting job_timeout" in result.err
    assert "LIQUID_BACKGROUND_JOB_TIMEOUT" in result.err


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(project: Any) -> None:
    project.page("chatty", "{% for i in (1..300) %}{% log i %}{% endfor %}")
    for _ in range(10):
        project.good("render", "chatty")
    command = f"{' '.join(POSCLI)} logs | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=project.folder, env=project.env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1] == "0"
    assert done.stderr == ""


COLD = (("--help", ">&-"), ("status", ">/dev/full"))
"""What Python is started for: its own streams are as the shell opens them."""


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize(
    "command", ["--help", "check", "completion bash", "demo", "jobs show full", "logs --tail", "status", "init shop"]
)
def test_output_that_cannot_be_written_is_one_line(project: Any, command: str, redirection: str) -> None:
    project.page("p", "Hi")
    store = connect(load_settings(data_dir=project.data_dir))
    write_log(store, attempt("a"))
    Queue(store, load_settings(data_dir=project.data_dir)).send(
        [Job(source_name="a", template="pages/x", line=1, source="hi", id="full")]
    )
    store.close()
    done = in_bash(project, f"{command} {redirection}", cold=(command, redirection) in COLD)
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("poscli: cannot write to standard output: "), done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("command", ["jobs retry failed", "jobs cancel waiting", "init shop", "store stop"])
def test_nothing_is_changed_when_it_cannot_be_told(project: Any, command: str, redirection: str) -> None:
    settings = load_settings(data_dir=project.data_dir)
    store = connect(settings)
    queue = Queue(store, settings)
    queue.send([Job(source_name="a", template="p", line=1, source="", id=each) for each in ("failed", "waiting")])
    store.client.hset(keys.job("failed"), "status", "failed")
    done = in_bash(project, f"{command} {redirection}")
    assert done.code == 1
    assert done.err.startswith("poscli: cannot write to standard output: ")
    assert [queue.get(each).status for each in ("failed", "waiting")] == ["failed", "pending"]
    assert not (project.folder / "shop").exists()
    assert embedded.status(project.data_dir).running
    store.close()


def test_a_reader_that_leaves_early_has_seen_all_that_was_done(project: Any) -> None:
    settings = load_settings(data_dir=project.data_dir)
    store = connect(settings)
    queue = Queue(store, settings)
    queue.send([Job(source_name="a", template="p", line=1, source="", id=f"j{number}") for number in range(300)])
    ids = " ".join(f"j{number}" for number in range(300))
    done = in_bash(project, f"jobs cancel --yes {ids} | head -1")
    assert done.out == "cancelled j0 (a)\n"
    assert len(queue.list("cancelled", limit=300)) < 300
    store.close()


_ANYWHERE = ("--help", "--version", "logs --help", "jobs retry --help", "completion bash")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        *_ANYWHERE,
        *(
            "logs",
            "logs --tail",
            "doctor",
            "status",
            "check",
            "render p",
            "worker --burst",
            "store status",
            "store stop",
        ),
        *("store path", "init", "init shop", "demo", "dev", "jobs list", "jobs cancel x", "serve"),
    ],
)
def test_a_working_folder_that_is_gone_is_one_line(project: Any, command: str) -> None:
    gone = project.folder / "gone"
    cold = command == "status"  # how Python starts there has nothing to do with the command
    program, files = (POSCLI, []) if cold else (warm.command("poscli"), warm.inherited())
    script = f"mkdir {gone} && cd {gone} && rmdir {gone} && {shlex.join(program)} {command}"
    done = subprocess.run(
        ["bash", "-c", script], env=project.env, pass_fds=files, capture_output=True, text=True, check=False
    )
    if command in _ANYWHERE:
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    else:
        assert done.returncode == 1
        assert done.stderr == "poscli: the working folder has been removed: go to another one, as by cd\n"


@pytest.mark.parametrize(("folder", "reason"), [("file/shop", "Not a directory"), ("x" * 300, "File name too long")])
def test_a_starter_project_that_cannot_be_written_is_one_line(project: Any, folder: str, reason: str) -> None:
    project.write("file", "")
    result = project.run("init", folder)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert reason in result.err


def test_a_worker_without_standard_output_says_so_and_one_that_prints_nothing_does_not_mind(project: Any) -> None:
    assert in_bash(project, "worker --burst >&-").code == 1
    assert in_bash(project, "worker --burst >/dev/full").code == 0


@pytest.mark.slow
def test_closed_input_is_empty_and_closed_errors_go_nowhere(project: Any) -> None:
    project.page("p", "Hi")
    closed = in_bash(project, "render p --data - <&-")
    assert (closed.code, closed.err.count("\n")) == (2, 1)
    assert "standard input is closed" in closed.err
    assert "is not JSON" in in_bash(project, "render p --data - </dev/null").err
    assert in_bash(project, "render p 2>&-").out == "Hi"
    assert in_bash(project, "render q 2>&-").code == 1
    assert in_bash(project, "worker --burst <&- 2>&-").code == 0


@pytest.mark.parametrize("command", ["jobs show $'\\xff'", "logs --source-name $'\\xff'"])
def test_arguments_that_are_no_text_are_one_line(project: Any, log: Store, command: str) -> None:
    write_log(log, attempt("a"))
    done = in_bash(project, command)
    assert "Traceback" not in done.err
    assert done.err.count("\n") == 1
    assert "udcff" in done.err


@pytest.mark.slow
def test_a_damaged_pyproject_is_one_line_of_each_command(project: Any) -> None:
    project.page("a", "a")
    project.write("pyproject.toml", "[tool.liquid_background]\nx = [")
    for words in ("check", "render a", "worker --burst", "status", "serve --port 0", "logs", "jobs list", "store path"):
        done = project.run(*words.split())
        assert (done.code, done.out) == (1, "")
        assert done.err == f"poscli: {project.folder}/pyproject.toml:2: is not TOML: invalid value; correct it there\n"
    assert "pyproject.toml:2: is not TOML" in project.run("doctor").out


def test_a_variable_that_is_no_setting_is_one_line(project: Any) -> None:
    project.page("a", "shown")
    done = project.good("render", "a", LIQUID_BACKGROUND_NOSUCH="1", LIQUID_BACKGROUND_PAGE_TIMOUT="1")
    start = "warning: the variable LIQUID_BACKGROUND_"
    assert done.out == "shown"
    assert done.err.splitlines() == [
        f"{start}NOSUCH is no setting and does nothing; docs/settings.md lists the settings",
        f"{start}PAGE_TIMOUT is no setting and does nothing; did you mean LIQUID_BACKGROUND_PAGE_TIMEOUT?",
    ]


def test_a_worker_that_does_not_start_leaves_the_signals_as_they_were() -> None:
    """As when an application's tests run its framework's program inside their own process."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit):
        main(["worker", "--no-such-option"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
