"""Parsed sources that are kept: by their bytes too, whoever asks for them, and those that were used last."""

from __future__ import annotations

import asyncio
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liquid_background.errors import PageTimeout
from liquid_background.language.kept import (
    MAX_BODIES,
    MAX_BODY_BYTES,
    MAX_TEMPLATE_BYTES,
    MAX_TEMPLATES,
    KeptSources,
    size_of,
)
from liquid_background.language.pages.files import is_settled, signature_of
from liquid_background.language.template import Template
from tests.language.conftest import Site, block

KB = 1024
LARGE = "{% comment %}" + "x" * (200 * KB) + "{% endcomment %}"  # quick to parse and print; what counts is its size


def _alive(site: Site) -> int:
    """Return the bytes of the site's partials that anything holds, whether a cache or not."""
    gc.collect()
    found = [each for each in gc.get_objects() if isinstance(each, Template) and each.env is site.engine.environment]
    return sum(each.source_size for each in found)


def _partials(site: Site, count: int, text: str = LARGE) -> None:
    """Write partials, and wait until a change of them would show: what is younger is read again each time."""
    site.write({f"partials/p{number}": text for number in range(count)})
    while not is_settled(signature_of(str(site.root / f"partials/p{count - 1}.liquid"))):
        time.sleep(0.01)


@pytest.mark.parametrize("tag", ["{% include params.n %}", "{% function x = params.n %}"])
def test_large_partials_are_kept_by_their_bytes(site: Site, tag: str) -> None:
    _partials(site, 40)
    site.write({"pages/x": tag})
    for number in range(40):
        site.engine.render("x", params={"n": f"p{number}"})
    assert 0 < site.engine.environment.loader.cache.size <= MAX_TEMPLATE_BYTES  # type: ignore[attr-defined]
    assert 0 < _alive(site) <= MAX_TEMPLATE_BYTES


def test_a_loop_of_includes_keeps_no_more(site: Site) -> None:
    _partials(site, 40)
    site.render("{% for i in (0..39) %}{% assign n = 'p' | append: i %}{% include n %}{% endfor %}")
    assert 0 < _alive(site) <= MAX_TEMPLATE_BYTES


def test_async_renders_keep_no_more(site: Site) -> None:
    _partials(site, 40)
    site.write({"pages/x": "{% include params.n %}"})

    async def renders() -> None:
        for _ in range(2):
            await asyncio.gather(*(site.engine.render_async("x", params={"n": f"p{number}"}) for number in range(40)))

    asyncio.run(renders())
    assert 0 < _alive(site) <= MAX_TEMPLATE_BYTES


def test_renders_that_end_in_a_timeout_keep_no_more(make_site: Any) -> None:
    site = make_site(page_timeout=0.001)
    _partials(site, 40, "x" * (199 * KB) + "{% for i in (1..1000000) %}{% endfor %}")
    site.write({"pages/x": "{% include params.n %}"})
    for number in range(40):
        with pytest.raises(PageTimeout):
            site.engine.render("x", params={"n": f"p{number}"})
    assert 0 < site.engine.environment.loader.cache.size <= MAX_TEMPLATE_BYTES
    assert _alive(site) <= MAX_TEMPLATE_BYTES


def test_pages_and_front_matter_count_too(site: Site) -> None:
    matter = "---\ntitle: " + "t" * (15 * KB) + "\n---\n"
    site.write({f"pages/p{number}": matter + "x" * (170 * KB) for number in range(40)})
    for number in range(40):
        site.engine.render(f"p{number}")
    kept = site.engine.environment.loader.cache  # type: ignore[attr-defined]
    assert kept.size == len(kept) * size_of(matter + "x" * (170 * KB)) <= MAX_TEMPLATE_BYTES


def test_a_site_of_usual_size_is_kept_whole(site: Site) -> None:
    _partials(site, MAX_TEMPLATES - 1, "x" * (4 * KB))
    environment = site.engine.environment
    first = [environment.get_template(f"p{number}", tag="include") for number in range(MAX_TEMPLATES - 1)]
    assert first == [environment.get_template(f"p{number}", tag="include") for number in range(MAX_TEMPLATES - 1)]


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
    assert (len(kept), kept.size) == (1, 200 * KB - 29)
    del kept[next(iter(kept))]
    assert (len(kept), kept.size) == (0, 0)


def test_threads_share_it(site: Site) -> None:
    _partials(site, 40)
    environment = site.engine.environment

    def loads(start: int) -> None:
        for number in range(80):
            environment.get_template(f"p{(start + number) % 40}", tag="include")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(loads, range(0, 40, 5)))
    kept: KeptSources[str, Template] = environment.loader.cache  # type: ignore[attr-defined]
    assert kept.size == sum(each.source_size for each in kept.values()) <= MAX_TEMPLATE_BYTES


def test_bodies_are_kept_by_their_bytes(site: Site) -> None:
    for number in range(30):
        site.engine.store.client.flushall()
        site.render(block(f"{{% comment %}}{'x' * (60 * KB)}{{% endcomment %}}{number}"))
        assert site.perform(site.job).result == str(number)
    kept = site.engine._executor._bodies
    assert 0 < kept.size == sum(body.source_size for body in kept.values()) <= MAX_BODY_BYTES


def test_the_lines_before_a_body_count(site: Site) -> None:
    for number in range(20):
        site.engine.store.client.flushall()
        site.render("\n" * (200 * KB) + block(str(number)))
        assert site.perform(site.job).result == str(number)
    kept = site.engine._executor._bodies
    assert 0 < len(kept) <= MAX_BODY_BYTES // (200 * KB)


def test_short_bodies_are_kept_by_their_number(site: Site) -> None:
    payload = {"partial": None, "source": "x", "template": "t", "column": 0, "parameters": {}, "handed_over": {}}
    for line in range(1, MAX_BODIES + 20):
        site.engine._executor._body({**payload, "line": line})
    assert len(site.engine._executor._bodies) == MAX_BODIES
