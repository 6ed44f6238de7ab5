"""Running a job again with other values."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from liquid_background import Engine
from liquid_background.jobs.handover import encode
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.shop import EVIL, Shop

VALUES: dict[str, Any] = {
    "customer_id": 42,
    "name": "Zoë",
    "api_key": "s3cret-7",
    "user": {"id": 7, "password": "hunter22", "tags": ["a", "b"]},
    "price": encode(Decimal("1.50")),
}


def _fields(html: str) -> dict[str, str]:
    found = re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>([^<]*)</textarea>', html)
    return {unescape(name): unescape(value) for name, value in found}


def test_each_value_has_a_field_of_json_and_secrets_have_a_mask(shop: Shop, ask: Ask) -> None:
    [job] = shop.fail(parameters=VALUES, handed_over={"order.due": encode(date(2026, 1, 2))})
    fields = _fields(text_of(ask(f"jobs/{job.id}/edit")))
    assert fields["value:customer_id"] == "42"
    assert fields["value:name"] == '"Zoë"'
    assert fields["value:api_key"] == "[masked]"
    assert json.loads(fields["value:user"]) == {"id": 7, "password": "[masked]", "tags": ["a", "b"]}
    assert json.loads(fields["value:price"]) == encode(Decimal("1.50"))
    assert json.loads(fields["value:order.due"]) == encode(date(2026, 1, 2))


def test_a_new_job_runs_with_what_was_changed_and_the_secrets_as_they_were(
    shop: Shop, ask: Ask, engine: Engine
) -> None:
    [job] = shop.fail(parameters=VALUES, handed_over={"order.due": encode(date(2026, 1, 2))})
    form = _fields(text_of(ask(f"jobs/{job.id}/edit")))
    form["value:customer_id"] = " 43 "
    form["value:user"] = form["value:user"].replace("7", "8").replace('"b"', '"c"')
    form["value:price"] = form["value:price"].replace("1.50", "2.50")
    answer = ask(f"jobs/{job.id}/edit", form)
    new = engine.jobs.get(where(answer).partition("?")[0].rpartition("/")[2])
    assert new.edited_from == job.id
    assert new.parameters == {
        "customer_id": 43,
        "name": "Zoë",
        "api_key": "s3cret-7",
        "user": {"id": 8, "password": "hunter22", "tags": ["a", "c"]},
        "price": Decimal("2.50"),
    }
    assert new.handed_over == {"order.due": date(2026, 1, 2)}
    html = text_of(ask(where(answer).removeprefix("/ops/")))
    assert "runs again with other values" in html
    assert f'href="/ops/jobs/{job.id}"' in html
    assert ("ada", "edit") in shop.acts()


def test_a_secret_is_replaced_by_who_writes_another(shop: Shop, ask: Ask, engine: Engine) -> None:
    [job] = shop.fail(parameters=VALUES)
    form = _fields(text_of(ask(f"jobs/{job.id}/edit"))) | {"value:api_key": '"new"'}
    form["value:user"] = form["value:user"].replace("[masked]", "other")
    new = engine.jobs.get(where(ask(f"jobs/{job.id}/edit", form)).partition("?")[0].rpartition("/")[2])
    assert (new.parameters["api_key"], new.parameters["user"]["password"]) == ("new", "other")


def test_true_is_not_one(shop: Shop, ask: Ask, engine: Engine) -> None:
    [job] = shop.fail(parameters={"on": True})
    new = engine.jobs.get(where(ask(f"jobs/{job.id}/edit", {"value:on": "1"})).partition("?")[0].rpartition("/")[2])
    assert new.parameters["on"] is not True


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("customer_id", "fortythree", "not JSON, at line 1, column 1"),
        ("customer_id", "{", "not JSON"),
        ("customer_id", "[" * 100_000, "nested too deep"),
        ("customer_id", '"[masked]"', "cannot be moved"),
        ("user", '{"id": 8, "password": "[masked]"}', "cannot be moved"),
        ("price", '{"$decimal": "no"}', "value"),
        ("customer_id", "NaN", "not"),
        ("customer_id", "42", "Nothing was changed"),
        ("name", '"' + "x" * 200_000 + '"', "KB can travel"),
    ],
)
def test_what_cannot_be_is_told_and_the_form_stays_filled(
    shop: Shop, ask: Ask, field: str, written: str, told: str
) -> None:
    [job] = shop.fail(parameters=VALUES)
    form = _fields(text_of(ask(f"jobs/{job.id}/edit"))) | {f"value:{field}": written}
    answer = ask(f"jobs/{job.id}/edit", form)
    assert answer.status == 400
    assert told in unescape(text_of(answer))
    assert _fields(text_of(answer)) == form
    assert shop.engine.jobs.count() == 1


def test_readers_and_jobs_that_have_not_ended_are_refused(shop: Shop, ask: Ask, engine: Engine) -> None:
    [waiting] = shop.send(parameters={"a": 1})
    assert "can be run again when it has ended" in text_of(ask(f"jobs/{waiting}/edit"))
    assert ask(f"jobs/{waiting}/edit", {"value:a": "2"}).status == 409
    assert ask(f"jobs/{waiting}/edit", visitor=READER).status == 403
    assert ask(f"jobs/{waiting}/edit", {"value:a": "2"}, visitor=READER).status == 403
    assert ask("jobs/nothing/edit").status == 404
    assert engine.jobs.count() == 1


def test_hostile_values_stand_in_fields_as_json_that_is_seen(shop: Shop, ask: Ask, engine: Engine) -> None:
    [job] = shop.fail(parameters={EVIL: EVIL, "list": [EVIL], "n": 1})
    html = text_of(ask(f"jobs/{job.id}/edit"))
    assert "<img" not in html
    assert "</script><b>" not in html
    values = html.partition("<form")[2].replace(EVIL, "")
    assert r"\u202e" in values
    form = {f"value:{quote(EVIL)}": json.dumps(EVIL), "value:list": json.dumps([EVIL]), "value:n": "2"}
    new = engine.jobs.get(where(ask(f"jobs/{job.id}/edit", form)).partition("?")[0].rpartition("/")[2])
    assert new.parameters == {EVIL: EVIL, "list": [EVIL], "n": 2}
