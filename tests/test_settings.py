"""The settings as they are shown: no password of the store in `repr`, `str` or an error."""

from __future__ import annotations

import pytest

from liquid_background.settings import load_settings, mask_url

SECRET = "hunter2"


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
