"""Parsed sources that are kept: by their bytes too, whoever asks for them, and those that were used last."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liquid_background.errors import PageTimeout
from liquid_background.language.environment import Environment
from liquid_background.language.kept import (
    MAX_BODIES,
    MAX_BODY_WEIGHT,
    MAX_TEMPLATE_WEIGHT,
    MAX_TEMPLATES,
    KeptSources,
)
from liquid_background.language.pages.files import is_settled, signature_of
from liquid_background.language.template import Template
from tests.language.conftest import Site, block

KB = 1024
LARGE = "{% comment %}" + "x" * (200 * KB) + "{% endcomment %}"  # quick to parse and print; what counts is its size
MOST = 4 * 1024 * KB  # bytes of parsed templates, for tests that cannot parse as many as a site keeps


@pytest.fixture(autouse=True)
def _only_what_this_test_makes() -> None:
    """Leave what was there before to itself: `gc.collect` would look through all that a session keeps."""
    gc.freeze()


def _alive(site: Site) -> int:
    """Return the bytes of the site's partials that anything holds, whether a cache or not."""
    gc.collect()
    found = [each for each in gc.get_objects() if isinstance(each, Template) and each.env is site.engine.environment]
    return sum(each.weight for each in found)


def _partials(site: Site, count: int, text: str = LARGE) -> None:
    """Write partials, and wait until a change of them would show: what is younger is read again each time."""
    site.engine.environment.loader.cache.most = MOST  # type: ignore[attr-defined]
    site.write({f"partials/p{number}": text for number in range(count)})
    while not is_settled(signature_of(str(site.root / f"partials/p{count - 1}.liquid"))):
        time.sleep(0.01)


@pytest.mark.parametrize("tag", ["{% include params.n %}", "{% function x = params.n %}"])
def test_large_partials_are_kept_by_their_bytes(site: Site, tag: str) -> None:
    _partials(site, 40)
    site.write({"pages/x": tag})
    for number in range(40):
        site.engine.render("x", params={"n": f"p{number}"})
    assert 0 < site.engine.environment.loader.cache.weight <= MOST  # type: ignore[attr-defined]
    assert 0 < _alive(site) <= MOST


def test_a_loop_of_includes_keeps_no_more(site: Site) -> None:
    _partials(site, 40)
    site.render("{% for i in (0..39) %}{% assign n = 'p' | append: i %}{% include n %}{% endfor %}")
    assert 0 < _alive(site) <= MOST


def test_async_renders_keep_no_more(site: Site) -> None:
    _partials(site, 40)
    site.write({"pages/x": "{% include params.n %}"})

    async def renders() -> None:
        for _ in range(2):
            await asyncio.gather(*(site.engine.render_async("x", params={"n": f"p{number}"}) for number in range(40)))

    asyncio.run(renders())
    assert 0 < _alive(site) <= MOST


def test_renders_that_end_in_a_timeout_keep_no_more(make_site: Any) -> None:
    site = make_site(page_timeout=0.001)
    _partials(site, 40, "x" * (199 * KB) + "{% for i in (1..1000000) %}{% endfor %}")
    site.write({"pages/x": "{% include params.n %}"})
    for number in range(40):
        with pytest.raises(PageTimeout):
            site.engine.render("x", params={"n": f"p{number}"})
    assert 0 < site.engine.environment.loader.cache.weight <= MOST
    assert _alive(site) <= MOST


def test_pages_and_front_matter_count_too(site: Site) -> None:
    matter = "---\ntitle: " + "t" * (7 * KB) + "\n---\n"
    site.write({f"pages/p{number}": matter + "x" * (170 * KB) for number in range(40)})
    for number in range(40):
        site.engine.render(f"p{number}")
    kept = site.engine.environment.loader.cache  # type: ignore[attr-defined]
    assert 0 < len(kept) <= 40
    assert kept.weight > len(kept) * 15 * len(matter)
    assert kept.weight <= MAX_TEMPLATE_WEIGHT


def test_a_site_of_usual_size_is_kept_whole(site: Site) -> None:
    row = '<div class="item"><h2>{{ product.title | escape }}</h2><p>{{ product.price }}</p></div>\n'
    _partials(site, 600, row * 20)
    environment = site.engine.environment
    environment.loader.cache.most = MAX_TEMPLATE_WEIGHT  # type: ignore[attr-defined]
    assert environment.loader.cache.capacity == MAX_TEMPLATES  # type: ignore[attr-defined]
    first = [environment.get_template(f"p{number}", tag="include") for number in range(600)]
    assert first == [environment.get_template(f"p{number}", tag="include") for number in range(600)]


def test_what_is_used_stays(site: Site) -> None:
    _partials(site, 40)
    environment = site.engine.environment
    used = environment.get_template("p0", tag="include")
    for number in range(1, 40):
        environment.get_template(f"p{number}", tag="include")
        assert environment.get_template("p0", tag="include") is used


def test_a_file_that_changes_counts_once(site: Site) -> None:
    for number in range(30):
        _partials(site, 1, "x" * (200 * KB - number))
        site.engine.environment.get_template("p0", tag="include")
    kept = site.engine.environment.loader.cache  # type: ignore[attr-defined]
    assert len(kept) == 1
    assert kept.weight == next(iter(kept.values())).weight < 2 * 200 * KB + KB
    del kept[next(iter(kept))]
    assert (len(kept), kept.weight) == (0, 0)


def test_threads_share_it(site: Site) -> None:
    _partials(site, 40)
    environment = site.engine.environment

    def loads(start: int) -> None:
        for number in range(80):
            environment.get_template(f"p{(start + number) % 40}", tag="include")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(loads, range(0, 40, 5)))
    kept: KeptSources[str, Template] = environment.loader.cache  # type: ignore[attr-defined]
    assert kept.weight == sum(each.weight for each in kept.values()) <= MOST


def test_bodies_are_kept_by_their_bytes(site: Site) -> None:
    site.engine._executor._bodies.most = MOST
    for number in range(60):
        site.engine.store.client.flushall()
        site.render(block(f"{{% comment %}}{'x' * (60 * KB)}{{% endcomment %}}{number}"))
        assert site.perform(site.job).result == str(number)
    kept = site.engine._executor._bodies
    assert 0 < kept.weight == sum(body.weight for body in kept.values()) <= MOST


def test_the_lines_before_a_body_count(site: Site) -> None:
    for number in range(20):
        site.engine.store.client.flushall()
        site.render("\n" * (200 * KB) + block(str(number)))
        assert site.perform(site.job).result == str(number)
    kept = site.engine._executor._bodies
    assert 0 < len(kept) <= MAX_BODY_WEIGHT // (200 * KB)
    assert kept.weight > len(kept) * 200 * KB


def test_short_bodies_are_kept_by_their_number(site: Site) -> None:
    payload = {"partial": None, "source": "x", "template": "t", "column": 0, "parameters": {}, "handed_over": {}}
    for line in range(1, MAX_BODIES + 20):
        site.engine._executor._body({**payload, "line": line})
    assert len(site.engine._executor._bodies) == MAX_BODIES


@pytest.mark.parametrize(
    "source",
    [
        *(
            "{{a}}",
            "{{a[b[c[d[e]]]]}}",
            "{{a|b:1,c:2}}",
            "{%assign a=b%}",
            "{%include 'x',a:b,c:d%}",
            "{%if a%}{%endif%}",
        ),
        *("{% liquid\n" + "echo a\n" * 50 + "%}", "{%background%}{%assign a=b%}{%endbackground%}", "{{ä}}", "{{[a]}}"),
        *("{%case a%}" + "{%when 1%}" * 50 + "{%endcase%}", "{{a" + "[b]" * 50 + "}}", "{%cycle 1,2,3,4,5,6,7,8%}"),
        *("text " * 100 + "{{a}}", "{%include 'x'" + ",a:1" * 50 + "%}"),
    ],
)
def test_a_weight_is_about_what_a_template_takes(source: str) -> None:
    environment = Environment()
    environment.from_string(source)
    gc.collect()
    tracemalloc.start()
    template = environment.from_string(source * (2_000 // len(source)))
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken / 2 < template.weight < 3 * taken


def test_templates_of_markup_are_bounded_by_what_they_take(site: Site) -> None:
    _partials(site, 30, "{{a}}" * 1_000)  # 5 KB of source, which take 600 KB
    for number in range(30):
        site.engine.environment.get_template(f"p{number}", tag="include")
    assert 2 < len(site.engine.environment.loader.cache) < 15  # type: ignore[attr-defined]
