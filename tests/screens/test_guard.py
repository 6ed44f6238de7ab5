"""Which requests another site may have made a browser ask: they are refused before anybody is asked who that is."""

from __future__ import annotations

from typing import Any

import pytest

from liquid_background.errors import SettingsError
from liquid_background.screens import Arrival, Refused
from liquid_background.screens.guard import Guard

HERE = "http://ops.example"


def arrival(method: str = "POST", path: str = "jobs", *, host: str = "ops.example", **rest: Any) -> Arrival:
    scheme = rest.pop("scheme", "http")
    query = rest.pop("query", "")
    headers = {name.replace("_", "-"): value for name, value in rest.items()}
    return Arrival(method=method, path=path, host=host, scheme=scheme, query=query, headers=headers)


def status(request: Arrival, trusted: list[str] | None = None) -> int:
    try:
        Guard(trusted).check(request)
    except Refused as refused:
        return refused.status
    return 200


@pytest.mark.parametrize("origin", [HERE, "http://ops.example:80", "HTTP://OPS.EXAMPLE"])
def test_a_form_of_its_own_is_taken(origin: str) -> None:
    assert status(arrival(origin=origin)) == 200
    assert status(arrival(origin=origin, sec_fetch_site="same-origin")) == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "https://ops.example", "http://ops.example:8080", "http://ops.example.evil.example"),
        *("http://evil.example", "http://ops.example@evil.example", "http://evil.example/http://ops.example"),
        *("http://ops.example/", "http://ops.example ", "ops.example", "http://", "http://ops.example, http://evil.x"),
        *("http://sub.ops.example", "http://ops.example.", "http://ops.example:", "http://ops.example:0x50"),
        *(
            "http://ops.example#",
            "http://ops.example?",
            "file://",
            "http://[ops.example",
            "http://ops.example:99999999",
        ),
        *("http://ops.example\n", "http://öps.example", "chrome-extension://abc"),
    ],
)
def test_a_form_of_another_origin_is_refused(origin: str) -> None:
    for site in ("", "same-origin", "none"):
        fetch = {"sec_fetch_site": site} if site else {}
        assert status(arrival(origin=origin, **fetch)) == 403


def test_a_form_without_an_origin_is_refused() -> None:
    assert status(arrival()) == 403
    assert status(arrival(referer=f"{HERE}/jobs")) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "odd", "same-origin, cross-site"])
def test_a_form_that_a_browser_says_is_anothers_is_refused(site: str) -> None:
    assert status(arrival(origin=HERE, sec_fetch_site=site)) == 403


def test_behind_a_proxy_only_the_given_addresses_count() -> None:
    trusted = ["https://ops.example", "https://ops.example:8443"]
    inside: dict[str, Any] = {"host": "10.0.0.7:8000"}
    assert status(arrival(origin="https://ops.example", **inside), trusted) == 200
    assert status(arrival(origin="https://OPS.example:443", **inside), trusted) == 200
    assert status(arrival(origin="https://ops.example:8443", **inside), trusted) == 200
    for other in ("http://10.0.0.7:8000", "http://ops.example", "https://ops.example:8444", "null", ""):
        assert status(arrival(origin=other, **inside), trusted) == 403
    assert status(arrival(origin=HERE), []) == 403


@pytest.mark.parametrize(
    "wrong",
    ["https://ops.example", *([each] for each in ("ops.example", "https://o.x/", "https://*.x", "null", 7, "*", ""))],
)
def test_a_trusted_origin_is_one(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="trusted_origins"):
        Guard(wrong)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "", "GET\n", "FOO"])
def test_other_methods_are_not_answered(method: str) -> None:
    with pytest.raises(Refused) as refused:
        Guard().check(arrival(method, origin=HERE))
    assert refused.value.status == 405
    assert dict(refused.value.headers) == {"allow": "GET, HEAD, POST"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_from_elsewhere_leads_to_a_screen_and_no_page_embeds_or_reads_one(method: str) -> None:
    assert status(arrival(method)) == 200
    for site in ("same-origin", "none"):
        assert status(arrival(method, sec_fetch_site=site, sec_fetch_mode="cors", sec_fetch_dest="empty")) == 200
    for site in ("cross-site", "same-site"):
        fetched = {"sec_fetch_site": site}
        assert status(arrival(method, **fetched, sec_fetch_mode="navigate", sec_fetch_dest="document")) == 200
        for mode, destination in (
            ("navigate", "iframe"),
            ("navigate", "frame"),
            ("navigate", "object"),
            ("navigate", "embed"),
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("cors", "empty"),
            ("cors", "document"),
        ):
            assert status(arrival(method, **fetched, sec_fetch_mode=mode, sec_fetch_dest=destination)) == 403
        assert status(arrival(method, **fetched)) == 403


@pytest.mark.parametrize("host", ["", "ops example", "ops.example/x", "a@b", "ops.example:x", "a, b", "[::1", "a:1:2"])
def test_a_host_is_one(host: str) -> None:
    assert status(arrival("GET", host=host)) == 400


@pytest.mark.parametrize("path", ["a\0b", "a\ud800", "a\nb", "a\x7f", "\x1b"])
def test_a_path_is_text(path: str) -> None:
    assert status(arrival("GET", path)) == 400


def test_an_address_has_a_length() -> None:
    assert status(arrival("GET", "x" * 3_000)) == 414
    assert status(arrival("GET", query="x" * 20_000)) == 414
