"""python-liquid's static analysis sees a body as an isolated scope (issue: static analysis keeps working)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

SOURCE = """{% assign total = 5 %}
{% background source_name: name, id: order.id %}
  {% assign inside = user.email | upcase %}{{ inside }}{{ id }}
  {% include 'mail', t: total %}
{% endbackground %}
{% background source_name: 'two' %}{% assign second = user.name | downcase %}{% endbackground %}
{% background job = 'mail', t: other %}{{ job }}
"""


@pytest.mark.parametrize("way", ["sync", "async"])
def test_analyze(site: Any, way: str) -> None:
    site.write({"partials/mail": "{{ t }}{{ from_mail }}"})
    template = site.engine.environment.from_string(SOURCE, name="page")
    analysis = template.analyze() if way == "sync" else asyncio.run(template.analyze_async())
    assert set(analysis.globals) == {"name", "order", "user", "other", "from_mail"}
    assert {"total", "inside", "second", "job"} <= set(analysis.locals)
    assert set(analysis.filters) == {"upcase", "downcase"}
    assert len(analysis.tags["background"]) == 3
    assert len(analysis.tags["include"]) == 1


def test_analyze_tags(site: Any) -> None:
    environment = site.engine.environment
    analysis = environment.analyze_tags_from_string(SOURCE)
    assert not analysis.unclosed_tags
    assert not analysis.unknown_tags
    assert len(analysis.tags["background"]) == 3
    assert environment.analyze_tags_from_string("{% background %}{% background _ = 'x' %}").unclosed_tags.keys() == {
        "background"
    }
    assert environment.analyze_tags_from_string(
        "<% background %><% endbackground %>{% nope %}"
    ).unknown_tags.keys() == {"nope"}


def test_text_of_a_template(site: Any) -> None:
    assert "background" in str(site.engine.environment.from_string(SOURCE))
