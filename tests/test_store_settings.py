"""Where the store is, as `read_store_settings` and as `Settings` say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background.errors import SettingsError
from liquid_background.settings import load_settings
from liquid_background.store_settings import read_store_settings

TABLE = """
[tool.liquid_background]
redis_url = "redis://table:6379/1"
data_dir = "from/table"
app = "table:engine"
"""


@pytest.mark.parametrize(
    "table", ["", TABLE, '[tool.liquid_background]\napp = "only:app"\n', "[project]\nname = 'x'\n"]
)
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"REDIS_URL": "redis://plain:6379/0"},
        {"REDIS_URL": "redis://plain:6379/0", "LIQUID_BACKGROUND_REDIS_URL": "redis://ours:6379/0"},
        {"REDIS_URL": "redis://plain:6379/0", "LIQUID_BACKGROUND_REDIS_URL": ""},
        {"LIQUID_BACKGROUND_DATA_DIR": "x/y", "LIQUID_BACKGROUND_APP": "shop:engine"},
        {"liquid_background_data_dir": "lower/case"},
        {"LIQUID_BACKGROUND_DATA_DIR": "", "LIQUID_BACKGROUND_APP": ""},
    ],
)
def test_both_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, variables: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(table)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    read, settings = read_store_settings(), load_settings()
    assert (read.redis_url, read.data_dir, read.app) == (settings.redis_url, settings.data_dir, settings.app)


def test_what_is_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[tool.liquid_background]\nredis_url = 5\n")
    with pytest.raises(SettingsError, match="setting redis_url: it must be text"):
        read_store_settings()
