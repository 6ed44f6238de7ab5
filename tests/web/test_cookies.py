"""Pages of a site see none of a dashboard's cookies, neither as cookies nor in a header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.variables import parse_cookies
from liquid_background.web.cookies import without_dashboards

OWN = "poscli-gui-3fa9c2=s3cr3t"


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (OWN, {}),
        (f"a=1; {OWN}; b=2", {"a": "1", "b": "2"}),
        (f"a=1;{OWN};b=2", {"a": "1", "b": "2"}),
        (f"{OWN}; {OWN}", {}),
        (f'a="x; {OWN}"; b=2', {"a": '"x', "b": "2"}),
        (f"a=1, {OWN}", {}),
        (f"\t{OWN.upper()} ; b=2", {"b": "2"}),
        ("poscli-gui-", {}),
        (f"={OWN}; b=2", {"b": "2"}),
        ("session=abc; theme=dark", {"session": "abc", "theme": "dark"}),
    ],
)
def test_a_header_without_them(sent: str, left: dict[str, str]) -> None:
    rows = dict(without_dashboards([("accept", "text/html"), ("cookie", sent)]))
    assert "s3cr3t" not in str(rows).lower()
    assert parse_cookies(rows.get("cookie", "")) == left
    assert rows["accept"] == "text/html"
    assert ("cookie" in rows) == bool(left)


PAGE = "{{ cookies | json }}|{{ headers | json }}|{{ context.cookies | json }}|{{ context.headers | json }}"


def test_no_page_of_serve_can_print_them(serve: Callable[..., Any]) -> None:
    served = serve({"pages/index": PAGE})
    page = served.get("/", f"Cookie: theme=dark; {OWN}", f"Cookie: {OWN}").text
    assert "theme" in page
    assert "s3cr3t" not in page
    assert "poscli-gui" not in page
    assert "s3cr3t" not in served.get("/", f"Cookie: {OWN}").text
