"""Settings: a signing key that is none refuses, wherever it stands; no password of the store is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, Settings, SettingsError
from liquid_background.settings import load_settings
from liquid_background.urls import mask_url

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


UNREADABLE = [
    ("[tool.liquid_background]\nx = [", r":2: is not TOML: invalid value"),
    ("[tool.liquid_background]\nx = =", r":2:5: is not TOML: invalid value"),
    ("[tool\n", r":1:6: is not TOML: "),
    ("[tool.liquid_background]\nlease = 3\nlease = 4\n", r":3:10: is not TOML: cannot overwrite a value"),
    ("x = " + "9" * 5000, r"pyproject.toml: is not TOML: exceeds the limit"),
    ("x = 2024-02-30", r":1:5: is not TOML: invalid date"),
    ("x = " + "[" * 5000, r"is nested too deep|is not TOML"),
    ("tool = 3", r"pyproject.toml: tool is a number; settings are lines below \[tool.liquid_background\]"),
    ("[tool]\nliquid_background = 3", r"tool.liquid_background is a number; settings are lines below"),
    ("[tool]\nliquid_background = true", r"tool.liquid_background is a boolean; "),
    ("[tool]\nliquid_background = 'x'", r"tool.liquid_background is text; "),
    ("[tool]\nliquid_background = 2024-01-01", r"tool.liquid_background is a date; "),
    ("[[tool.liquid_background]]\nlease = 3", r"tool.liquid_background is a list; "),
]


@pytest.mark.parametrize(("text", "said"), UNREADABLE, ids=[text[:40] for text, _ in UNREADABLE])
def test_a_damaged_pyproject_is_told_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    Path("pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match=said) as raised:
        Engine()
    assert str(raised.value).startswith(str(tmp_path / "pyproject.toml"))
    assert "\n" not in str(raised.value)


def test_a_pyproject_that_is_no_utf_8_is_told_by_its_line() -> None:
    Path("pyproject.toml").write_bytes(b"# \n[tool.liquid_background]\napp = '\xff'\n")
    with pytest.raises(SettingsError, match=r"pyproject.toml:3: is not UTF-8 text; write it anew as UTF-8"):
        load_settings()
    Path("pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.liquid_background]\nlease = 4\n")
    assert load_settings().lease == 4


def test_what_stands_in_the_place_of_a_pyproject_is_told_and_never_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "pyproject.toml"
    for make, said in (
        (place.mkdir, "is a folder, and no file"),
        (lambda: os.mkfifo(place), "is a named pipe, and no file"),
        (lambda: place.symlink_to("pyproject.toml"), "is a link in a circle"),
        (lambda: place.symlink_to("nowhere"), "is a link that leads nowhere"),
        (lambda: place.symlink_to("/dev/null"), "is a device, and no file"),
    ):
        make()
        with pytest.raises(SettingsError, match=f"pyproject.toml {said}; settings are read from it: mend it, or take"):
            load_settings()
        place.rmdir() if place.is_dir() else place.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_pyproject_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch(0o000)
    with pytest.raises(SettingsError, match=r"pyproject.toml cannot be read: Permission denied; settings are read"):
        load_settings()


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("page_timout = 3", r":3: unknown setting 'page_timout' in .*; did you mean 'page_timeout'\?"),
        ("PAGE-TIMEOUT = 3", r":3: unknown setting 'PAGE-TIMEOUT' in .*; did you mean 'page_timeout'\?"),
        ("'leese' = 3", r":3: unknown setting 'leese' in .*; did you mean 'lease'\?"),
        ("zzz.x = 1", r":3: unknown setting 'zzz' in .*; settings are alert_cap, alert_window, alerts, app, "),
    ],
)
def test_an_unknown_setting_of_pyproject_is_an_error_with_its_line(line: str, advice: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.liquid_background]\nlease = 3\n{line}\n")
    with pytest.raises(SettingsError, match=advice) as raised:
        load_settings()
    assert "set it as" not in str(raised.value)


def test_an_unknown_argument_names_the_nearest_setting() -> None:
    with pytest.raises(SettingsError, match=r"unknown setting 'page_timout'; did you mean 'page_timeout'\?"):
        Engine(page_timout=3)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("LIQUID_BACKGROUND_PAGE_TIMOUT", r"did you mean LIQUID_BACKGROUND_PAGE_TIMEOUT\?"),
        ("liquid_background_leese", r"did you mean LIQUID_BACKGROUND_LEASE\?"),
        ("LIQUID_BACKGROUND_XYZ", "docs/settings.md lists the settings"),
    ],
)
def test_a_variable_that_is_no_setting_is_warned_of(monkeypatch: pytest.MonkeyPatch, name: str, advice: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.warns(UserWarning, match=f"the variable {name} is no setting and does nothing; {advice}"):
        load_settings()
    monkeypatch.setenv(name, "")
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    assert load_settings().redis_url == "redis://localhost"  # and no warning, which would be an error here


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("lease", "0.1", "'0.1' cannot be; it must be a number of seconds from 0.2 to 3,600"),
        ("lease", "soon", "'soon' cannot be; it must be a number of seconds from 0.2 to 3,600"),
        ("processes", "1.5", "'1.5' cannot be; it must be a whole number from 1 to 256"),
        ("ejs_tags", "maybe", "'maybe' cannot be; it must be true or false"),
        ("event_context", "cookies,hats", "'hats' cannot be; it must be a list of cookies, cookie, authorization"),
        ("retry_delays", "5,soon", "'soon' cannot be; it must be a list of numbers"),
        ("ejs_tags", "x" * 10_000, r"'x{78}… cannot be; it must be true or false"),
        ("app", "\udcff", "it must be UTF-8 text"),
        ("secret_names", "one,\udcff", "it must be UTF-8 text"),
    ],
)
def test_a_wrong_value_is_shown_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, said: str
) -> None:
    variable = f"LIQUID_BACKGROUND_{name.upper()}"
    monkeypatch.setenv(variable, given)
    with pytest.raises(SettingsError, match=rf"^setting {name}: {said} \(set it as an argument, {variable} or in"):
        load_settings()


@pytest.mark.parametrize("name", ["redis_url", "signing_key"])
@pytest.mark.parametrize("given", [f"{SECRET}\udcff{KEY}", 3, [3, SECRET], {SECRET: 1}])
def test_a_wrong_secret_is_not_shown(name: str, given: object) -> None:
    with pytest.raises(SettingsError, match=f"^setting {name}: ") as raised:
        load_settings(**{name: given})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Settings(retry_delay=5), r"unknown setting 'retry_delay'; did you mean 'retry_delays'\?"),
        (lambda: Settings.model_validate({"leese": 5}), r"unknown setting 'leese'; did you mean 'lease'\?"),
        (lambda: Settings.model_validate_json('{"leese": 5}'), r"unknown setting 'leese'; did you mean 'lease'\?"),
        (
            lambda: Settings(job_timeout="5m"),
            "setting job_timeout: '5m' cannot be; it must be a number of seconds over 0",
        ),
        (lambda: Settings(log_format="xml"), "setting log_format: 'xml' cannot be; it must be text or json"),
        (lambda: setattr(Settings(), "site", "b"), "setting site: settings do not change once they are made"),
    ],
    ids=["unknown", "mapping", "json", "kind", "choice", "frozen"],
)
def test_settings_that_are_made_by_hand_are_told_in_the_same_words(make: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make()
