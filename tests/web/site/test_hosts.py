"""Which names a server on an address answers to."""

from __future__ import annotations

import pytest

from liquid_background.web.site.hosts import allowed_hosts, is_allowed


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_answers_to_its_names_and_the_given_one(address: str) -> None:
    allowed = allowed_hosts(address, ["shop.example"])
    assert allowed is not None
    for name in ("localhost:80", "127.0.0.1", "[::1]:1", f"[{address}]" if ":" in address else address, "SHOP.example"):
        assert is_allowed(name, allowed)
    for name in ("evil.example", "evil.example:127", "localhost:1:2", "", " ", "localhost evil.example"):
        assert not is_allowed(name, allowed)


def test_a_public_address_is_checked_when_names_are_given() -> None:
    assert allowed_hosts("0.0.0.0") is None
    assert allowed_hosts("192.0.2.1", ["shop.example"]) == {"shop.example"}
