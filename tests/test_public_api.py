"""The names that applications import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import liquid_background


@pytest.mark.parametrize("name", liquid_background.__all__)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert getattr(liquid_background, name) is not None


def test_errors_that_docs_tell_applications_to_catch_are_public() -> None:
    assert {"LimitReached", "FunctionNotFound"} <= set(liquid_background.__all__)


def test_public_names_are_listed_once_and_are_all_there_is() -> None:
    assert len(set(liquid_background.__all__)) == len(liquid_background.__all__)
    assert set(liquid_background.__all__) == set(liquid_background._HOMES)


def test_every_public_error_has_the_one_root() -> None:
    errors = [
        value for name in liquid_background.__all__ if isinstance(value := getattr(liquid_background, name), type)
    ]
    for error in errors:
        if issubclass(error, BaseException):
            assert issubclass(error, liquid_background.LiquidBackgroundError)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = liquid_background.Nothing  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, liquid_background; print({'redis', 'rq', 'liquid', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
