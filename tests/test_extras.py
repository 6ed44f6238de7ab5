"""A part of the project that needs an extra says which one, when it is imported without."""

from __future__ import annotations

import subprocess
import sys

import pytest

from liquid_background.extras import extra


@pytest.mark.parametrize(
    ("imported", "package", "name"),
    [
        ("liquid_background.flask", "flask", "flask"),
        ("liquid_background.flask.pages", "werkzeug", "flask"),
        ("liquid_background.sqlalchemy", "sqlalchemy", "sqlalchemy"),
        ("liquid_background.web", "starlette", "web"),
        ("liquid_background.web", "uvicorn", "web"),
        ("liquid_background.fastapi:EngineDep", "fastapi", "fastapi"),
        ("liquid_background.fastapi:lifespan", "starlette", "fastapi"),
        ("liquid_background.django:engine", "django", "django"),
    ],
)
def test_one_line_says_what_to_install(imported: str, package: str, name: str) -> None:
    module, _, attribute = imported.partition(":")
    line = f"from {module} import {attribute}" if attribute else f"import {module}"
    command = [sys.executable, "-c", f"import sys; sys.modules[{package!r}] = None; {line}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    told = f"the package {package} is not installed: run pip install 'liquid-background[{name}]'"
    assert done.stderr.splitlines()[-1] == f"liquid_background.extras.MissingExtra: {told}"


def test_what_the_application_lacks_is_its_own_trouble() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'stripe'$"), extra("flask"):
        raise ModuleNotFoundError("No module named 'stripe'", name="stripe")
