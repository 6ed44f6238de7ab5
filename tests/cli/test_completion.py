"""Completion: what it offers, and that no name which an author chose runs in the shell of whoever presses TAB."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from liquid_background import LogEntry
from liquid_background.job import Job
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store, embedded
from liquid_background.settings import load_settings
from tests import warm

from .conftest import attempt, on_terminal, write_log

HOSTILE = (
    "news$(touch${IFS}ran)",
    "news`touch${IFS}ran`",
    "news;touch ran;",
    "news|touch ran",
    "news&touch ran&",
    "news\ntouch ran",
    "news\rtouch ran\r",
    "news>ran",
    "news<(touch${IFS}ran)",
    "news'touch ran",
    'news"$(touch ran)"',
    "news*",
    "news?[a]{b,c}",
    "news~",
    "news!touch",
    "news\\",
    "news\x1b[2J",
    "news\u202egpj",
    "news\u00e9",
    "news,touch",
    "news#",
    "news^",
    "~root",
    "=ls",
    "%1",
    "--app=evil:engine",
    "-x",
    "{% raw %}",
)
SHELLS = ("bash", "zsh", "fish")


def _offered(project: Any, *words: str, shell: str = "bash", **env: str) -> list[str]:
    """Return what a shell is given for the last word, line by line as it is given."""
    lines: list[str] = project.quick(**_asked(words, shell), **env).lines
    return lines


def _asked(words: tuple[str, ...], shell: str = "bash") -> dict[str, str]:
    """Return what the shell sets when TAB is pressed."""
    current = words[-1] if shell == "fish" else str(len(words) - 1)
    return {"_POSCLI_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": current}


@pytest.mark.slow
def test_the_scripts_work(project: Any) -> None:
    for shell in SHELLS:
        done = project.good("completion", shell)
        assert "_POSCLI_COMPLETE" in done.out
        assert done.err == ""  # which a shell would show each time that it starts
        shown = on_terminal(project, "completion", shell, until=b"_POSCLI_COMPLETE")
        assert b"To have it in each shell: " in shown
    assert project.good(**_asked(("poscli", "lo"))).lines == ["plain,logs"]
    assert _offered(project, "poscli", "logs", "--so") == ["plain,--source-name"]


@pytest.mark.usefixtures("store_dir")
def test_pages_and_source_names_are_offered(project: Any) -> None:
    project.page("welcome", "{% log 'hi' %}")
    project.page("other", "x")
    assert _offered(project, "poscli", "render", "we") == ["plain,welcome"]
    by_name = ("poscli", "logs", "--source-name", "pages")
    assert _offered(project, *by_name) == [""]
    assert not any(project.data_dir.iterdir())
    project.quick("render", "welcome")
    assert _offered(project, *by_name) == ["plain,pages/welcome"]
    assert _offered(project, *by_name, LIQUID_BACKGROUND_LEASE="wrong") == [""]


def test_job_ids_and_types_are_offered(project: Any, log: Store) -> None:
    job = Job(source_name="a", template="pages/x", line=1, source="hi", id="abc-1")
    Queue(log, load_settings(data_dir=project.data_dir)).send([job])
    write_log(log, LogEntry(source_name="a", type="mail"), attempt("b"))
    for command in ("show", "retry", "cancel"):
        assert _offered(project, "poscli", "jobs", command, "ab") == ["plain,abc-1"]
    assert _offered(project, "poscli", "logs", "--type", "m") == ["plain,mail"]


def test_a_store_that_does_not_run_is_not_started(project: Any) -> None:
    project.page("p", "{% log 'hi' %}")
    project.quick("render", "p")
    embedded.stop(project.data_dir)
    assert _offered(project, "poscli", "logs", "--source-name", "pages") == [""]
    assert not embedded.status(project.data_dir).running


@pytest.mark.slow
def test_the_application_is_not_loaded(project: Any) -> None:
    project.write("shop.py", "open('ran', 'w')\nfrom liquid_background import Engine\nengine = Engine()\n")
    project.page("news", "x")
    app = {"LIQUID_BACKGROUND_APP": "shop:engine", "PYTHONPATH": str(project.folder)}
    for words in (("render", "ne"), ("render", "--app", "shop:engine", "ne")):
        assert project.good(**_asked(("poscli", *words)), **app).lines == ["plain,news"]
    assert not (project.folder / "ran").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_names_are_offered_nowhere(project: Any, log: Store, shell: str) -> None:
    project.page("newsletter", "x")
    for name in HOSTILE:
        project.page(name, "x")
    write_log(log, *[attempt(name) for name in (*HOSTILE, "newsletter")])
    write_log(log, *[LogEntry(source_name="newsletter", type=name) for name in (*HOSTILE, "newsletter")])
    expected = ["plain", "newsletter", "_"] if shell == "zsh" else ["plain,newsletter"]
    for words in (("render",), ("logs", "--source-name"), ("logs", "--type"), ("jobs", "list", "--source-name")):
        assert _offered(project, "poscli", *words, "news", shell=shell) == expected
    for start in ("~", "%", "{"):
        assert _offered(project, "poscli", "render", start, shell=shell) == [""]
    assert "evil" not in "".join(_offered(project, "poscli", "render", "--", "-", shell=shell))


LOADING = {
    "bash": b'eval "$(poscli completion bash)"; complete -p poscli\n',
    "zsh": b'autoload -U compinit; compinit -D -u; eval "$(poscli completion zsh)"; print -l $_comps[poscli]\n',
}
OPTIONS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "name"),
    [
        ("bash", "news$(touch${IFS}ran)"),
        ("bash", "news;touch ran;"),
        ("bash", "news`touch${IFS}ran`"),
        ("bash", "news|touch${IFS}ran"),
        ("zsh", "news$(touch${IFS}ran)"),
    ],
)
def test_a_tab_and_enter_in_a_real_shell_run_nothing(project: Any, log: Store, shell: str, name: str) -> None:
    project.page(name, "x")
    write_log(log, attempt(name))
    for words in ("render new", "logs --source-name new"):
        _press_tab_and_enter(project, shell, words)
    assert not (project.folder / "ran").exists()


def _press_tab_and_enter(project: Any, shell: str, words: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    env = {**project.env, "PATH": f"{_bin(project)}:{os.environ['PATH']}", "PS1": "ready> ", "TERM": "dumb"}
    pid, terminal = pty.fork()
    if pid == 0:
        for file in warm.inherited():
            os.set_inheritable(file, True)
        os.chdir(project.folder)
        os.execve(program, [shell, *OPTIONS[shell]], env)
    try:
        _type(
            terminal, LOADING[shell], b"\r\n_poscli_completion" if shell == "zsh" else b"-F _poscli_completion poscli"
        )
        _type(terminal, f"poscli {words}\t".encode(), words.encode())
        _type(terminal, b"\necho en''d\n", b"end")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _bin(project: Any) -> Path:
    """Return a folder of programs in which `poscli` is a fork."""
    program: Path = project.write("../bin/poscli", f'#!/bin/sh\nexec {shlex.join(warm.command("poscli"))} "$@"\n')
    program.chmod(0o700)
    return program.parent


def _type(terminal: int, keys: bytes, until: bytes) -> None:
    """Press keys and read until the terminal shows what they bring."""
    os.write(terminal, keys)
    seen, deadline = b"", time.monotonic() + 30
    while until not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("poscli render ns", ["ns:page", "ns=a@b"]),
        ("poscli render ns:", ["page"]),
        ("poscli render ns:pa", ["page"]),
        ("poscli render ns=a@", ["b"]),
        ("poscli render --app shop:engine pl", ["plain"]),
        ("A=1 poscli render --param a=b ns:p", ["page"]),
        ("poscli  render   pl", ["plain"]),
        ("poscli render ", ["ns:page", "ns=a@b", "plain"]),
        ("poscli ren", ["render"]),
        ("poscli render --da", ["--data"]),
    ],
)
def test_bash_is_offered_names_with_signs_at_which_it_breaks_words(
    project: Any, tmp_path: Path, line: str, offered: list[str]
) -> None:
    for name in ("ns:page", "ns=a@b", "plain"):
        project.page(name, "x")
    script = project.write("script", project.good("completion", "bash").out)
    words = [word for word in re.split(r"\s+|([:=@])", line.partition("poscli")[2].lstrip()) if word]
    words += [""] * (line[-1] in " :=@")
    shown = " ".join(map(shlex.quote, ["poscli", *words]))
    done = subprocess.run(
        [
            *("bash", "--norc", "-c"),
            f"compopt() {{ :; }}; source {script}; COMP_WORDS=({shown}); COMP_CWORD={len(words)}; "
            f"COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; _poscli_completion poscli; "
            "printf '%s\\n' \"${COMPREPLY[@]}\"",
        ],
        cwd=project.folder,
        env={**project.env, "PATH": f"{_bin(project)}:{os.environ['PATH']}"},
        pass_fds=warm.inherited(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")


def test_settings_that_are_wrong_do_not_stand_in_the_line(project: Any) -> None:
    project.page("news", "x")
    done = project.good(**_asked(("poscli", "render", "ne")), LIQUID_BACKGROUND_NOSUCH="1")
    assert (done.lines, done.err) == (["plain,news"], "")
    project.write("pyproject.toml", "[tool.liquid_background")
    done = project.good(**_asked(("poscli", "render", "ne")))
    assert (done.out.strip(), done.err) == ("", "")
