"""Settings: a signing key that is none refuses, wherever it stands; no password of the store is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, SettingsError
from liquid_background.settings import load_settings, mask_url

KEY = "0123456789abcdef"
NO_KEYS = ["", " ", "\t\n", ",", " , ,", KEY[1:], f"{KEY},short", f" {KEY[1:]} "]
NAMES = ["LIQUID_BACKGROUND_SIGNING_KEY", "liquid_background_signing_key", "Liquid_Background_Signing_Key"]
REFUSAL = r"setting signing_key: give one or more keys of at least 16 characters.*LIQUID_BACKGROUND_SIGNING_KEY"
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _keys(**arguments: Any) -> list[str]:
    return [key.get_secret_value() for key in load_settings(**arguments).signing_key]


@pytest.mark.parametrize("given", [*NO_KEYS, [], (), [""], [KEY, ""], [" " * 20], [KEY[1:]]], ids=repr)
def test_an_argument_that_is_no_signing_key_refuses(given: Any) -> None:
    with pytest.raises(SettingsError, match=REFUSAL) as raised:
        load_settings(signing_key=given)
    assert KEY[1:] not in str(raised.value)
    with pytest.raises(SettingsError, match=REFUSAL):
        Engine(signing_key=given)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", NO_KEYS, ids=repr)
def test_a_variable_that_is_no_signing_key_refuses(monkeypatch: pytest.MonkeyPatch, name: str, given: str) -> None:
    monkeypatch.setenv(name, given)
    Path("pyproject.toml").write_text(f"[tool.liquid_background]\nsigning_key = '{KEY}'\n")
    with pytest.raises(SettingsError, match=REFUSAL):
        load_settings()
    assert _keys(signing_key=KEY) == [KEY]  # an argument comes first


@pytest.mark.parametrize("given", ["''", "' '", "','", "[]", "['']", "'short'", f"['{KEY}', 'short']"])
def test_a_signing_key_of_pyproject_that_is_none_refuses(given: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.liquid_background]\nsigning_key = {given}\n")
    with pytest.raises(SettingsError, match=REFUSAL):
        load_settings()


def test_keys_are_taken_from_each_place_and_none_means_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _keys() == _keys(signing_key=None) == []
    assert _keys(signing_key=f"{KEY}, second-{KEY},") == [KEY, f"second-{KEY}"]
    Path("pyproject.toml").write_text(f"[tool.liquid_background]\nsigning_key = ['{KEY}', 'second-{KEY}']\n")
    assert _keys() == [KEY, f"second-{KEY}"]
    monkeypatch.setenv("LIQUID_BACKGROUND_SIGNING_KEY", f"third-{KEY}")
    assert _keys() == [f"third-{KEY}"]


def test_an_empty_variable_of_another_setting_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_REDIS_URL", "")
    monkeypatch.setenv("LIQUID_BACKGROUND_LEASE", "")
    assert (load_settings().redis_url, load_settings().lease) == (None, 3.0)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("unix:///run/my store/valkey.sock", "unix:///run/my store/valkey.sock"),
        ("redis+sentinel://h1:26379,h2/primary/0", "redis+sentinel://h1:26379,h2/primary/0"),
        ("rediss://[::1]:6379/1", "rediss://[::1]:6379/1"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://jobs:hunter2@host", "redis://jobs:***@host"),
        ("redis://hunter2@host", "redis://***@host"),
        ("redis://hunter2:@host", "redis://***@host"),
        ("redis://:hunter2/x@host", "redis://:***@host"),
        ("redis://:x/hunter2@host", "redis://:***@host"),
        ("redis://:x#hunter2@host", "redis://:***@host"),
        ("redis://:x?hunter2@host", "redis://:***@host"),
        ("redis://:x@hunter2@host", "redis://:***@host"),
        ("redis://hunter2/x:y@host", "redis://:***@host"),
        ("redis://host/0?password=hunter2", "redis://host/0?***"),
        ("redis://:hunter2", "redis://***"),
        ("redis://user:hunter2", "redis://***"),
        ("redis://host#hunter2", "redis://***"),
        ("redis:/:hunter2@host", "***"),
        ("hunter2", "***"),
    ],
)
def test_the_password_of_a_url_is_not_shown(url: str, shown: str) -> None:
    assert mask_url(url) == shown
    settings = load_settings(redis_url=url)
    for text in (repr(settings), str(settings), f"{settings}", f"{[settings]}"):
        assert SECRET not in text
        assert shown in text
    assert settings.redis_url == url


def test_what_is_no_secret_is_shown() -> None:
    assert "redis_url=None" in repr(load_settings())
    assert "low_share=7" in repr(load_settings(low_share=7))
