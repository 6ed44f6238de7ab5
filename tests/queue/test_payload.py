"""Payloads are decoded in two parts, since a body comes many times; that must never say other than the whole says."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from liquid_background.errors import JobRefused
from liquid_background.job import FUNCTION, Job, _kept_head, decode_payload

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
    assert decode_payload(job.encode()) == job.payload()
    assert decode_payload(job.encode()) == job.payload()  # of what was kept the first time


def test_no_partial_s_name_is_kept(job: Any) -> None:
    before = _kept_head.cache_info().currsize
    job(source=None, partial="x" * 1_000_000).encode()
    assert _kept_head.cache_info().currsize == before
