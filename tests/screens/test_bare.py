"""Answers without a screen: a line, as text or as a page, with the headers of all."""

from __future__ import annotations

import pytest

from liquid_background import Engine
from liquid_background.errors import NotSignedIn
from liquid_background.screens import Arrival, Entrance, Refused, Screens
from tests.screens.desk import Read

ERRORS = [(Refused(403, "<b>no</b>"), 403), (NotSignedIn("<b>no</b>"), 401), (ValueError("<b>s3cret</b>"), 500)]


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=["refused", "not-signed-in", "error"])
def test_a_browser_gets_a_page_and_others_a_line(engine: Engine, error: Exception, status: int) -> None:
    entrance = Entrance(Screens(engine))
    for accept, kind in (("text/html,*/*;q=0.8", "html"), ("*/*", "plain"), ("", "plain")):
        arrival = Arrival(method="GET", path="/jobs", headers={"accept": accept})
        answer = entrance.dressed(arrival, entrance.turned_away(arrival, error))
        headers = dict(answer.headers)
        assert (answer.status, headers["content-type"]) == (status, f"text/{kind}; charset=utf-8")
        assert headers["content-security-policy"].startswith("default-src 'none'")
        text = answer.body.decode()
        assert "s3cret" not in text
        if kind == "html":
            assert f"({status})</title>" in text
            assert "<b>" not in text
            assert ("<b>no</b>" in Read(answer).text) is (status != 500)
        else:
            assert text.count("\n") == 1
