"""`poscli check` knows the dialect: its tags, filters, options, and where its templates are."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import check_files

FINE = """{% theme_render_rc 'there' %}{% function x = 'modules/core/make' %}{% print x %}
{% graphql g = 'find', id: 1 | fetch: 'users' %}{% graphql g %}query{% endgraphql %}{% yield 'a' %}
{% background source_name: 'modules/core/create:paid', max_attempts: 0, q: x %}
  {% parse_json o %}{"q": {{ q }}}{% endparse_json %}{% hash_assign o['x'] = user.id %}{% export o, namespace: 'n' %}
{% endbackground %}"""
WRONG = """{% theme_render_rc 'nowhere' %}
{% graphql g = 'find', id: 1 | fetc: 'users' %}
{% background source_name: 'a', max_attempts: 10 %}{% parse_json o %}{{ user.id }}{% endparse_json %}{% endbackground %}
{% hash_asign o['x'] = 1 %}
"""


@pytest.mark.parametrize("source", [FINE, WRONG])
def test_what_it_finds(tmp_path: Path, source: str) -> None:
    files = {"pages/p": source, "app/lib/there": "", "modules/core/public/lib/make": ""}
    for name, text in files.items():
        file = tmp_path / f"{name}.liquid"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    environment = Environment(loader=SiteLoader(tmp_path), dialect="platformos")
    found = check_files(environment, [tmp_path / "pages/p.liquid"])
    told = [(finding.line, finding.rule.name) for finding in found]
    wrong = [(1, "missing-partial"), (2, "unknown-filter"), (3, "blank-variable"), (3, "option"), (4, "unknown-tag")]
    assert sorted(told) == ([] if source == FINE else wrong)
