"""`poscli audit`: who did what, with the user and host of the command line."""

from __future__ import annotations

import getpass
import json
import re
import socket
from typing import Any


def test_what_the_command_line_does_is_said_with_user_and_host(project: Any) -> None:
    project.page("shop", "{% background source_name: 'mail', delay: 60 %}Hi{% endbackground %}")
    project.quick("render", "shop")
    assert project.quick("audit").err == "nobody has done anything yet\n"
    [job] = [json.loads(line) for line in project.quick("jobs", "list", "--format", "json").lines]
    project.quick("jobs", "cancel", job["id"])
    project.quick("jobs", "retry", job["id"])
    heading, *rows = project.quick("audit").lines
    assert heading.split() == ["TIME", "BY", "ACTION", "ABOUT"]
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    assert [row.split(maxsplit=2)[2].split() for row in rows] == [
        [who, "cancel", "job", job["id"], "(mail)"],
        [who, "retry", "job", job["id"], "(mail)"],
    ]
    [last] = project.quick("audit", "--format", "json", "-n", "1", "--since", "1h").lines
    assert json.loads(last)["action"] == "retry"
    assert project.quick("audit", "--since", "2999-01-01").err == "nobody has done anything since then\n"


def test_an_operation_is_said_with_the_options_that_give_it(project: Any) -> None:
    project.page("shop", "{% background source_name: 'mail', delay: 60, to: 'ada' %}Hi{% endbackground %}")
    project.quick("render", "shop")
    project.quick("jobs", "cancel", "--source-name", "ma*", "--value", "to=ada", "--yes")
    [row] = project.quick("audit").lines[1:]
    *_, action, about = row.split(maxsplit=4)
    assert action == "cancel"
    assert re.fullmatch(r"operation \w+: --source-name 'ma\*' --value to=ada", about)
    [raw] = project.quick("audit", "--format", "json").lines
    assert '"source_name": "ma*"' in json.loads(raw)["about"]  # for programs, as it stands in the store
