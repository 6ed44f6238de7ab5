"""The line of an application's code that raised."""

from __future__ import annotations

import json
from pathlib import Path

from liquid_background.language.syntax import raised_at


def _raised(call: object) -> BaseException:
    try:
        call()  # type: ignore[operator]
    except ValueError as error:
        return error
    raise AssertionError("it raised nothing")


def test_it_is_the_innermost_of_the_application_though_a_library_raised() -> None:
    error = _raised(lambda: json.loads("{"))
    assert raised_at(error, "shop:charge").startswith("tests/language/test_code.py:")
    assert raised_at(error, "json:loads").startswith("json/decoder.py:")  # an application may be an installed package


def test_it_names_no_folder_of_the_server(tmp_path: Path) -> None:
    file = tmp_path / "crm.py"
    code = compile("def sync():\n    raise ValueError('no')\n", str(file), "exec")
    names: dict[str, object] = {"__name__": "shop.crm"}
    exec(code, names)
    assert raised_at(_raised(names["sync"]), "shop.crm:sync") == f"{tmp_path.name}/crm.py:2"
