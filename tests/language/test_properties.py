"""Properties of generated bodies: a job prints what the page would have, and the request never travels."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liquid_background import Environment
from liquid_background.job import Job
from liquid_background.jobs.handover import decode, encode
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.language.executor import Executor
from tests.campaigns import TIMES, fuzz

ROOTS = ("alpha", "beta", "gamma")
REQUEST = ("params", "session", "cookies", "headers", "context", "request")
MARK = "secret-of-the-request"

names = st.sampled_from(ROOTS)
steps = st.sampled_from(
    ("", ".x", ".y.z", "[0]", "['x']", ".list[1]", ".missing", ".list.size", "[alpha]", ".list[beta.n]")
)
paths = st.builds(str.__add__, names, steps)
request_paths = st.builds(
    str.__add__, st.sampled_from(REQUEST), st.sampled_from(("", ".q", "['q']", "[alpha]", ".user.id"))
)
literals = st.sampled_from(("1", "2.5", "'text'", "true", "nil", '"q"', "(1..3)"))
filters = st.sampled_from(
    ("", " | upcase", " | append: 'x'", " | default: alpha.x", " | size", " | append: beta.y.z, ")
)


def expressions(path: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    values = st.one_of(path, literals)
    return st.builds(lambda value, tail: (value + tail).rstrip(", "), values, filters)


def bodies(path: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    value = expressions(path)
    text = st.sampled_from(
        (
            "text ",
            "\n",
            "é",
            "{ %",
            "<%= x %>",
            " \t",
            "{% raw %}{{ alpha }}{% endraw %}",
            "{%- comment -%}x{%- endcomment -%}",
        )
    )
    simple = st.one_of(
        text,
        st.builds(
            "{{% assign {} = {} %}}{{{{ {} }}}}".format, st.shared(names, key="n"), value, st.shared(names, key="n")
        ),
        st.builds("{{% assign v = {} %}}[{{{{ v }}}}]".format, value),
        st.builds("{{%- assign v = {} -%}} [{{{{- v -}}}}]".format, value),
        st.builds("{{% liquid\nassign v = {}\necho v\n%}}".format, value),
        st.builds("{{% include 'p', a: {} b: {} %}}".format, value, value),
        st.builds("{{% render 'p', a: {}, b: {}, %}}".format, value, value),
        st.builds("{{% function r = 'f', a: {} %}}{{{{ r }}}}".format, value),
    )

    def nest(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds(str.__add__, inner, inner),
            st.builds("{{% if true %}}{}{{% else %}}{}{{% endif %}}".format, inner, inner),
            st.builds("{{% for alpha in (1..2) %}}{}{{% endfor %}}".format, inner),
            st.builds("{{% capture c %}}{}{{% endcapture %}}{{{{ c }}}}".format, inner),
            st.builds("{{% try %}}{}{{% catch e %}}{{% endtry %}}".format, inner),
            st.builds("{{% case 1 %}}{{% when 1 %}}{}{{% endcase %}}".format, inner),
        )

    return st.recursive(simple, nest, max_leaves=8)


plain = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
values = st.fixed_dictionaries(
    {
        root: st.fixed_dictionaries(
            {"x": st.text("abc", max_size=3), "y": st.fixed_dictionaries({"z": st.integers(0, 9)}), "n": st.integers(0, 1),
             "list": st.just([10, 20, 30])}
        )
        for root in ROOTS
    }
)  # fmt: skip


class _Kept:
    """Keeps what renders send, encoded as it would lie in the store."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def send(self, jobs: Any, entries: Any) -> None:
        self.jobs = list(jobs)

    async def send_async(self, jobs: Any, entries: Any) -> None:
        self.send(jobs, entries)


class _Partials:
    """Two partials that print and return what they are given."""

    SOURCES = {"p": "<{{ a }}|{{ b }}>", "f": "{% return a %}"}  # noqa: RUF012


def _environment() -> Environment:
    from liquid import DictLoader

    return Environment(loader=DictLoader(_Partials.SOURCES))


ENVIRONMENT = _environment()
KEPT = _Kept()
ENVIRONMENT.sink = KEPT
EXECUTOR = Executor(ENVIRONMENT)

drawn = settings(max_examples=60 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))


def _made(body: str, data: dict[str, Any]) -> Job:
    KEPT.jobs = []
    opener, closer = (
        ("<% background %>", "<% endbackground %>") if len(body) % 2 else ("{% background %}", "{% endbackground %}")
    )
    ENVIRONMENT.from_string(f"line one\n {opener}{body}{closer}", name="page").render(**data)
    (job,) = KEPT.jobs
    return job


@fuzz
@drawn
@given(bodies(paths), values)
def test_a_job_prints_what_the_page_would_have_printed(body: str, data: dict[str, Any]) -> None:
    job = _made(body, data)
    assert job.source == body
    outcome = EXECUTOR.perform(job.id, decode_payload(encode_data(job)), 1, 1)
    assert outcome.error is None
    assert outcome.result == ENVIRONMENT.from_string(body).render(**data)


@fuzz
@drawn
@given(bodies(st.one_of(request_paths, paths)))
def test_nothing_of_the_request_is_ever_shipped(body: str) -> None:
    secret = {"q": MARK, "user": {"id": MARK}, "x": MARK}
    job = _made(body, {**{root: {"x": "ok", "list": [1, 2]} for root in ROOTS}, **dict.fromkeys(REQUEST, secret)})
    assert MARK not in encode_data(job).decode()
    outcome = EXECUTOR.perform(job.id, decode_payload(encode_data(job)), 1, 1)
    assert MARK not in (outcome.result or "")


@fuzz
@drawn
@given(plain)
def test_plain_values_come_back(value: Any) -> None:
    job = Job(source_name="x", template="t", line=1, source="", parameters={"value": encode(value)})
    assert decode(decode_payload(encode_data(job))["parameters"]["value"]) == value
