"""Payloads are decoded in two parts, since a body comes many times; that must never say other than the whole says."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from liquid_background.errors import JobRefused
from liquid_background.job import Group, Job, Priority, new_id
from liquid_background.jobs.queue.payload import (
    FUNCTION,
    _is_usual,
    _kept_head,
    _look_at_own,
    admit,
    adopt,
    check_payload,
    decode_json,
    decode_payload,
    encode_data,
    encode_payload,
    parent_of,
    payload_of,
)
from liquid_background.jobs.queue.records import encode_job
from liquid_background.settings import Settings

SEAM = ',"source_name":'

HEADS = (
    f'["{FUNCTION}",null,[{{"v":1,"template":"t","line":1,"column":0,"source":"x"',
    f'["{FUNCTION}",null,[{{"v":1,"template":"t","line":1,"column":0,"parameters":{{"a":1',
    f'["{FUNCTION}",null,[{{"v":1,"template":"t","line":1,"column":0,"source":"x',
    f'["{FUNCTION}",null,[[{{"v":1,"template":"t","line":1,"column":0,"source":"x"',
    '["os.system",null,[{"v":1',
    f'["{FUNCTION}",null,[{{',
)
RESTS = (
    f'{SEAM}"x","delay":0,"max_attempts":1,"parameters":{{}},"handed_over":{{}}',
    f'{SEAM}"y","source":"other"',
    f"{SEAM}[1",
)
ENDS = ("}],{}]", "}],{}", "", "}],{}] ", '}],{"a":1}]', "}}],{}]", "}]],{}]", '"}],{}]', "}],{}]}],{}]")
ODDITIES = ("", "}", "]", ',"b":{"c":[1]}', "{", '"', ",", " ", '\\"')


def read(data: bytes) -> dict[str, Any] | str:
    try:
        return decode_payload(data)
    except JobRefused as error:
        return str(error)


@pytest.mark.parametrize("head", HEADS)
def test_two_parts_say_what_the_whole_says(head: str) -> None:
    for parts in product([head], ODDITIES, RESTS, ODDITIES, ("", *RESTS), ENDS):
        text = "".join(parts)
        try:
            whole = json.dumps(json.loads(text))  # with other separators, so that there is no seam
        except ValueError:
            whole = text.replace(SEAM, f"{SEAM[:-1]} :")
        assert SEAM not in whole
        assert read(text.encode()) == read(whole.encode())


@pytest.mark.parametrize("source", ["", SEAM, f'{{{{ "a{SEAM}b" }}}}', '}],{}]"', "é\x00\ud800"])
def test_a_body_may_hold_anything(source: str) -> None:
    job = Job(source_name="x", template="t", line=1, source=source, parameters={"source_name": SEAM})
    assert decode_payload(encode_data(job)) == payload_of(job)
    assert decode_payload(encode_data(job)) == payload_of(job)  # of what was kept the first time


def test_no_partial_s_name_is_kept(job: Any) -> None:
    before = _kept_head.cache_info().currsize
    encode_data(job(source=None, partial="x" * 1_000_000))
    assert _kept_head.cache_info().currsize == before


PLAIN = {"v": "1", "source_name": '"x"', "template": '"t"', "line": "1", "column": "0", "source": '"hi"', "delay": "0"}
PLAIN |= {"max_attempts": "1", "parameters": "{}", "handed_over": "{}"}


def encoded(**fields: str) -> bytes:
    """Return the data of a record whose payload has these values, given as JSON text."""
    text = ",".join(f'"{name}":{value}' for name, value in {**PLAIN, **fields}.items())
    return f'["{FUNCTION}",null,[{{{text}}}],{{}}]'.encode()


DEEP = "[" * 600 + "]" * 600
NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000, "[" * 100_000 + "]" * 100_000]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", ["delay", "line", "v", "parameters", "source", "other"])
def test_what_is_no_number_is_refused_wherever_it_stands(name: str, value: str) -> None:
    for nested in (value, f'{{"a":[{value}]}}'):
        with pytest.raises(JobRefused):
            decode_payload(encoded(**{name: nested}))
    with pytest.raises(ValueError, match=r"JSON|float|deep|digits"):
        decode_json(value.encode())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("line", ["-1", str(2**31), "9" * 4_000, "1.0", "true", "null"]),
        ("column", ["-1", str(2**31), "9" * 4_000]),
        ("delay", ["-0.1", "65535.1", "1e300", "9" * 4_000, "true", '"1"']),
        ("max_attempts", ["0", "-1", "102", "9" * 4_000, "1.5"]),
        ("v", ["2", DEEP, '"x"', "null", "[1]", "9" * 4_000]),
        ("source_name", ["5", DEEP, '"\\u001b"', '""']),
    ],
)
def test_a_payload_s_values_are_within_their_ranges(name: str, values: list[str]) -> None:
    assert decode_payload(encoded())["line"] == 1
    for value in values:
        with pytest.raises(JobRefused) as refused:
            decode_payload(encoded(**{name: value}))
        assert len(str(refused.value)) < 300


def test_a_payload_that_came_another_way_is_bounded_too() -> None:
    payload = json.loads(encoded())[2][0]
    assert check_payload(payload) == payload
    for delay in (float("nan"), float("inf")):
        with pytest.raises(JobRefused, match="delay"):
            check_payload({**payload, "delay": delay})


OWN = {"source_name": "n", "delay": 0, "max_attempts": 1, "parameters": {}, "handed_over": {}}
FAMILY = {"generation": 1, "may_make": 2, "regain_parts": 3}
ODD = ("", "a", "a*", "a\n", "x" * 101, 0, 1, -1, 101, 102, 1.5, 65_536.0, 2**31, True, None, {}, [])


@pytest.mark.parametrize("family", [{}, FAMILY])
def test_what_is_usual_at_a_glance_is_so_field_by_field(family: dict[str, Any]) -> None:
    usual = {**OWN, **family}
    names = (*OWN, *FAMILY, "edited_from")
    given = [
        {**usual, name: value, other: odd} for name, other in product(names, names) for value in ODD for odd in ODD
    ]
    given += [{key: value for key, value in usual.items() if key not in left_out} for left_out in product(names, names)]
    for payload in filter(_is_usual, given):
        _look_at_own(payload)
    assert _is_usual(usual)


@pytest.mark.parametrize("function", [DEEP, '"os.system"', "5", '{"a":1}'])
def test_another_function_is_named_in_short(function: str) -> None:
    with pytest.raises(JobRefused, match="names the function") as refused:
        decode_payload(f"[{function},null,[{{}}],{{}}]".encode())
    assert len(str(refused.value)) < 200


BASE = Job(source_name="a", template="t", line=1, source="x", may_make=9)
OTHER: dict[str, Any] = {
    "source_name": "b", "template": "u", "line": 2, "column": 3, "source": "y", "partial": "p", "function": "m:f",
    "parameters": {"a": 1}, "handed_over": {"a": 1}, "priority": Priority.LOW, "delay": 1.0, "start_at": 1.0,
    "max_attempts": 2, "waits": (7.0,), "timeout": 7.0, "group": Group("g"), "generation": 1, "regain_parts": 2,
    "may_make": 8, "edited_from": "i", "id": "j", "parent": "k", "traceparent": "00-1-2-03",
}  # fmt: skip


def test_every_field_of_a_job_is_in_what_is_sent() -> None:
    assert {*OTHER} == {field.name for field in fields(Job) if field.init}
    base = replace(BASE, max_attempts=2)
    for name in OTHER.keys() - {"max_attempts"}:
        assert encode_job(replace(base, **{name: OTHER[name]}), Settings()) != encode_job(base, Settings()), name
    assert encode_job(base, Settings()) != encode_job(replace(BASE, id=base.id), Settings())


@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_job_that_is_adopted_says_by_whom_in_sixty_bytes(is_encoded: bool) -> None:
    job, maker = replace(BASE), new_id()
    before = len(encode_data(replace(BASE)))
    if is_encoded:
        encode_data(job)
    adopt(job, maker)
    admit(job, 1, 5)
    payload = decode_payload(encode_data(job))
    assert (parent_of(payload), payload["generation"]) == (maker, 1)
    adopted = replace(BASE)
    adopt(adopted, maker)
    assert len(encode_data(adopted)) - before <= 60
    assert encode_payload(payload) == encode_data(job)


@pytest.mark.parametrize("planted", [None, 7, "", "a b", "x" * 101, {"a": 1}])
def test_a_parent_that_is_no_id_is_none(planted: Any) -> None:
    assert parent_of({"parent": planted}) == ""


@pytest.mark.parametrize("name", sorted(OTHER.keys() - {"generation", "may_make", "regain_parts"}))
def test_a_job_that_is_admitted_twice_loses_no_field(name: str) -> None:
    """As the one next run among several jobs is."""
    plain = replace(BASE, **{name: OTHER[name]})
    job = replace(plain)
    encode_data(job)
    admit(job, 1, 5)
    admit(job, 2, 4, 3)
    assert decode_json(encode_data(job))[2][0] == {
        **payload_of(plain),
        "generation": 2,
        "may_make": 4,
        "regain_parts": 3,
    }


def test_the_limit_is_that_of_the_priority_unless_the_job_has_its_own() -> None:
    settings = Settings(job_timeout=60.0, job_timeout_high=10.0, job_timeout_low=3_600.0)
    for priority, seconds in (("high", 10), ("default", 60), ("low", 3_600)):
        made = Job(source_name="s", template="t", line=1, source="", priority=Priority(priority))
        assert encode_job(made, settings).timeout == seconds
        assert encode_job(replace(made, timeout=7.0), settings).timeout == 7


@pytest.mark.parametrize(
    "late", [b',"source":7', b',"v":2', b',"line":-1', b',"function":"os:system"', b',"unknown":1']
)
def test_what_stands_in_the_wrong_part_of_a_payload_is_checked_as_a_whole(late: bytes) -> None:
    data = encode_data(replace(BASE))
    told = data.removesuffix(b"}],{}]") + late + b"}],{}]"
    whole = json.loads(told)[2][0]
    try:
        expected: Any = check_payload(whole)
    except JobRefused as error:
        expected = str(error)
    try:
        found: Any = decode_payload(told)
    except JobRefused as error:
        found = str(error)
    assert found == expected
    assert isinstance(found, str) == (late != b',"unknown":1')
