"""What `mend_files` writes: each mistake that it surely knows the end of, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final

import pytest

from liquid_background import Engine, Environment
from liquid_background.errors import TemplateNotWritten
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import Mending, check_files, files_under, mend_files
from liquid_background.testing import fake_jobs
from poscli.demo_site.app import TEMPLATES
from poscli.demo_site.app import engine as demo
from tests.campaigns import TIMES, fuzz, seeds

from .test_lint import BROKEN, CLEAN, FILES

MENDED: Final = [
    (
        "{% background source_name: 's' %}{{ user.name }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign user_name = user.name %}{{ user_name }}{% endbackground %}",
    ),
    (
        "{% background source_name: 's' %}{{ a['b c'].d | append: e }}{{ a['b c'].d }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign a_b_c_d = a['b c'].d %}{% assign e = e %}"
        "{{ a_b_c_d | append: e }}{{ a_b_c_d }}{% endbackground %}",
    ),
    (
        "{% background source_name: 's' -%}\r\n  {%- if a.b -%} x {%- endif %}\r\n{%- endbackground %}",
        "{% background source_name: 's' -%}\r\n  {% assign a_b = a.b %}{%- if a_b -%} x {%- endif %}\r\n"
        "{%- endbackground %}",
    ),
    (
        "<% background source_name: 's' %>{{ q.r }}<% endbackground %>",
        "<% background source_name: 's' %>{% assign q_r = q.r %}{{ q_r }}<% endbackground %>",
    ),
    (
        "{% liquid\r\n  background source_name: 's'\r\n    echo user.name\r\n  endbackground\r\n%}",
        "{% liquid\r\n  background source_name: 's'\r\n    assign user_name = user.name\r\n    echo user_name\r\n"
        "  endbackground\r\n%}",
    ),
    (  # white space in quotes is part of a name
        "{% background source_name: 's' %}{{ a\n  ['x  y'] . b }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign a_x_y_b = a\n  ['x  y'] . b %}{{ a_x_y_b }}{% endbackground %}",
    ),
    (
        "{% liquid\nbackground source_name: 's'\necho a.b\nendbackground\n%}",
        "{% liquid\nbackground source_name: 's'\nassign a_b = a.b\necho a_b\nendbackground\n%}",
    ),
    (  # what has the name already keeps it
        "{% background source_name: 's' %}{% assign a_b = 1 %}{{ a.b }}{{ a_b }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign a_b_2 = a.b %}{% assign a_b = 1 %}{{ a_b_2 }}{{ a_b }}"
        "{% endbackground %}",
    ),
    (
        "{% background source_name: 's' %}{% if late %}{% endif %}{% assign late = 1 %}{{ late }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign late = late %}{% if late %}{% endif %}{% assign late = 1 %}"
        "{{ late }}{% endbackground %}",
    ),
    (
        "{% background source_name: 's' %}{{ a[b.c] }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign a_2 = a[b.c] %}{{ a_2 }}{% endbackground %}",
    ),
    (
        "{% background source_name: 'o' %}{% background source_name: 'i' %}{{ a.b }}{% endbackground %}"
        "{% endbackground %}",
        "{% background source_name: 'o' %}{% background source_name: 'i' %}{% assign a_b = a.b %}{{ a_b }}"
        "{% endbackground %}{% endbackground %}",
    ),
    (
        "{% background source_name: 's', priority: high %}x{% endbackground %}",
        "{% background source_name: 's', priority: 'high' %}x{% endbackground %}",
    ),
    ("{% background nightly %}x{% endbackground %}", "{% background 'nightly' %}x{% endbackground %}"),
    (
        "{% background source_name: nightly, delay: 90m %}x{% endbackground %}",
        "{% background source_name: 'nightly', delay: 90 %}x{% endbackground %}",
    ),
    ("{% background _ = mail, source_name: 's' %}", "{% background _ = 'mail', source_name: 's' %}"),
    ("{% trigger_event paid %}{% log 1, type: info %}", "{% trigger_event 'paid' %}{% log 1, type: 'info' %}"),
    ("{% function x = mail %}{{ x }}", "{% function x = 'mail' %}{{ x }}"),
    (
        "{% assign n = 2 %}{% background source_name: 's', dealy: 2, max_attempt: n %}x{% endbackground %}",
        "{% assign n = 2 %}{% background source_name: 's', delay: 2, max_attempts: n %}x{% endbackground %}",
    ),
    (
        "{% background job_name: 's', queue: 'high', tries: 3 %}x{% endbackground %}",
        "{% background source_name: 's', priority: 'high', max_attempts: 3 %}x{% endbackground %}",
    ),
    (  # one finding behind another
        "{% background sorce_name: nightly %}{{ a | upcas }}{% endbackground %}",
        "{% background source_name: 'nightly' %}{% assign a = a %}{{ a | upcase }}{% endbackground %}",
    ),
    ("{{ a | apend: 'x' | upcase }}", "{{ a | append: 'x' | upcase }}"),
    (
        "---\nslugg: a\nformat: JSON\nmetadata:\n  a: yes\n  b: 010\n---\nx",
        "---\nslug: a\nformat: json\nmetadata:\n  a: 'yes'\n  b: '010'\n---\nx",
    ),
    (
        "{% if a %}x{% endfi %}{% try %}y{% catch e %}{% endtyr %}",
        "{% if a %}x{% endif %}{% try %}y{% catch e %}{% endtry %}",
    ),
    ("{% liquid\n if a\n echo b\n ednif\n%}", "{% liquid\n if a\n echo b\n endif\n%}"),
    (
        "{% if a = b %}{% elif c && d %}{% elseif e is f %}{% endif %}",
        "{% if a == b %}{% elsif c and d %}{% elsif e == f %}{% endif %}",
    ),
    ("{% if a = 1 and a = 2 %}{% endif %}", "{% if a == 1 and a == 2 %}{% endif %}"),
    ("{% include mail/new-one, a: b | append 'x' %}", "{% include 'mail/new-one', a: b | append: 'x' %}"),
    ("{{ a|append   'x', 'y' | apend: b }}", "{{ a|append:   'x', 'y' | append: b }}"),
    ("{% for x in y limit 3 %}{{ x }}{% endfor %}", "{% for x in y limit: 3 %}{{ x }}{% endfor %}"),
    (  # behind what cannot be parsed, more shows
        "{% background source_name: 's', dealy: 2 %}{% if user.name = 'x' %}{% endif %}{% endbackgroud %}",
        "{% background source_name: 's', delay: 2 %}{% assign user_name = user.name %}{% if user_name == 'x' %}"
        "{% endif %}{% endbackground %}",
    ),
    ("---\nlayuot: main\n---\n\u00e9{{ a | upcas }}", "---\nlayout: main\n---\n\u00e9{{ a | upcase }}"),
]

LEFT: Final = [
    "{% background source_name: 's' %}{{ params.q }}{{ a[session.b] }}{% endbackground %}",  # it is private
    "{% background source_name: 's' %}{% if user %}{% endif %}{% endbackground %}{{ user.name }}",  # may be a model
    "{% background source_name: 's' %}{% for x in items %}{{ x.y }}{% endfor %}{% endbackground %}",
    "{% background source_name: 's' %}{% for i in (1..2) %}{{ items[i] }}{% endfor %}{% endbackground %}",
    "{% background source_name: 's', dealy: 'soon' %}x{% endbackground %}",  # no delay
    "{% background source_name: 's', dealy: 1, delay: 2 %}x{% endbackground %}",
    "{% background source_name: 's', max_attempt: 1 %}{{ max_attempt }}{% endbackground %}",  # somebody reads it
    "{% background source_name: 's', retries: 2 %}x{% endbackground %}",  # one attempt more
    "{% background source_name: 's', queue: 'nightly' %}x{% endbackground %}",
    "{% background source_name: 's', delay: 10s %}x{% endbackground %}",  # no whole part of a minute
    "{% background source_name: 's', priority: rank %}x{% endbackground %}",
    "{% background source_name: nightly %}x{% endbackground %}{% assign nightly = 'a' %}",
    "{% background _ = nowhere, source_name: 's' %}{% trigger_event creatd %}{% function x = nowhere %}{{ x }}",
    "{% include 'mial' %}{{ a | shout }}{% graphql x = 'y' %}",
    "---\nslug: ~\ntitel: x\ncolour: red\nmethod: POTS\n---\n",
    "---\nslug: a\nslugg: b\n---\n",
    "{% if a || b %}{% endif %}{{ a || upcase }}",
    "{% if a and not b %}{% endif %}{{ b ? c }}{% switch a %}{% endswitch %}",
    "{% include nowhere/new %}{% if a %}x",
    "{% # check: ignore %}\n{% background source_name: 's', dealy: 2 %}x{% endbackground %}",
    "{% background source_name: 's' %}{% macro 'm' %}{{ a.b }}{% endmacro %}{% endbackground %}",  # blank there, too
]


def site(root: Path, source: str, encoding: str = "utf-8") -> Path:
    for name, text in {**FILES, "consumers/paid/mail": "x", "partials/mail/new-one": "{{ a }}"}.items():
        path = root / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    page = root / "pages/page.liquid"
    page.write_text(source, encoding=encoding, newline="")
    return page


def mend(root: Path, source: str, **options: Any) -> Mending:
    page = site(root, source, **options)
    return mend_files(Environment(loader=SiteLoader(root)), [page])


@pytest.mark.parametrize(("before", "after"), MENDED)
def test_a_mistake_is_mended(tmp_path: Path, before: str, after: str) -> None:
    (mended,) = mend(tmp_path, before).mended
    assert (mended.before, mended.after) == (before, after)
    page = site(tmp_path, after)
    environment = Environment(loader=SiteLoader(tmp_path))
    assert check_files(environment, [page]) == []
    assert mend_files(environment, [page]).mended == ()


@pytest.mark.parametrize("source", LEFT)
def test_what_is_not_certain_is_left(tmp_path: Path, source: str) -> None:
    mending = mend(tmp_path, source)
    assert mending.mended == ()
    assert [*mending.left] == check_files(Environment(loader=SiteLoader(tmp_path)), [tmp_path / "pages/page.liquid"])


@pytest.mark.parametrize("source", [*CLEAN, *(source for source, _ in BROKEN)])
def test_what_is_mended_is_gone_and_nothing_new_has_come(tmp_path: Path, source: str) -> None:
    page = site(tmp_path, source)
    environment = Environment(loader=SiteLoader(tmp_path))
    before = check_files(environment, [page])
    mending = mend_files(environment, [page])
    assert bool(mending.mended) == any(finding.edits for finding in before)
    assert not any(finding.edits for finding in mending.left)
    assert len(mending.left) == len(before) - sum(len(each.findings) for each in mending.mended)


def test_a_site_without_findings_stays_as_it_is() -> None:
    mending = mend_files(demo.environment, files_under(TEMPLATES), demo.settings.job_timeout_of)
    assert mending == Mending((), ())


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_keeps_its_mode_line_ends_and_mark(tmp_path: Path, mark: str, newline: str) -> None:
    page = site(tmp_path, f"{mark}---\nslugg: x\n---\n\u00e9{{{{ a | upcas }}}}\n".replace("\n", newline))
    page.chmod(0o640)
    environment = Environment(loader=SiteLoader(tmp_path))
    (mended,) = mend_files(environment, [page]).mended
    mended.write(environment)
    expected = f"{mark}---\nslug: x\n---\n\u00e9{{{{ a | upcase }}}}\n".replace("\n", newline)
    assert page.read_bytes() == expected.encode()
    assert page.stat().st_mode & 0o777 == 0o640
    assert {each.name for each in page.parent.iterdir()} == {"about.liquid", "page.liquid"}


def test_a_link_in_the_site_stays_one_and_what_leads_out_is_not_touched(tmp_path: Path) -> None:
    outside = tmp_path / "outside.liquid"
    outside.write_text("{{ a | upcas }}")
    root = tmp_path / "site"
    page = site(root, "{{ a | upcas }}")
    link, out = root / "pages/link.liquid", root / "pages/out.liquid"
    link.symlink_to("page.liquid")
    out.symlink_to(outside)
    environment = Environment(loader=SiteLoader(root))
    mending = mend_files(environment, [link, out, outside])
    (mended,) = mending.mended
    mended.write(environment)
    assert link.is_symlink()
    assert page.read_text() == "{{ a | upcase }}"
    assert outside.read_text() == "{{ a | upcas }}"
    assert [item.rule.name for item in mending.left] == ["not-a-template", "unknown-filter"]


def test_a_file_that_has_changed_since_or_has_become_a_link_is_not_written(tmp_path: Path) -> None:
    page = site(tmp_path, "{{ a | upcas }}")
    environment = Environment(loader=SiteLoader(tmp_path))
    (mended,) = mend_files(environment, [page]).mended
    page.write_text("{{ b | upcas }}")
    with pytest.raises(
        TemplateNotWritten, match=r"page.liquid: it has changed meanwhile; nothing was written: run again"
    ):
        mended.write(environment)
    assert page.read_text() == "{{ b | upcas }}"
    outside = tmp_path.parent / f"{tmp_path.name}.liquid"
    outside.write_text("{{ a | upcas }}")
    page.unlink()
    page.symlink_to(outside)
    with pytest.raises(TemplateNotWritten):
        mended.write(environment)
    assert outside.read_text() == "{{ a | upcas }}"


def test_more_than_are_told_are_mended(tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(300)]
    body = "".join(f"{{{{ {name}.b }}}}" for name in names)
    mending = mend(tmp_path, f"{{% background source_name: 's' %}}{body}{{% endbackground %}}")
    assert mending.left == ()
    assert sum(len(each.findings) for each in mending.mended) == 300


def test_what_makes_one_worse_is_left_and_the_others_are_mended(tmp_path: Path) -> None:
    mending = mend(tmp_path, "---\nslugg: a\nsslug: b\nlayuot: main\n---\n")
    (mended,) = mending.mended
    assert mended.after == "---\nslug: a\nsslug: b\nlayout: main\n---\n"
    assert [(item.rule.name, item.line) for item in mending.left] == [("unknown-key", 3)]


PATHS: Final = ["user.name", "user.address.city", "user['first name']", "total", "order.lines[0].sku", "flags.on"]
READS: Final = [
    "{{ PATH }}",
    "{{- PATH | upcase -}}",
    "{{ 'x' | append: PATH }}",
    "{% if PATH %}yes{% else %}no{% endif %}",
    "{% unless PATH == 'x' %}no{% endunless %}",
    "{% case PATH %}{% when 'Ann' %}Ann{% else %}other{% endcase %}",
    "{% echo PATH %}",
    "{% for i in (1..2) %}{{ i }}{{ PATH }}{% endfor %}",
    "{% liquid\n echo PATH\n if PATH\n echo 'y'\n endif %}",
    "{% capture c %}{{ PATH }}{% endcapture %}{{ c }}",
    "{% cycle PATH, 'b' %}",
    "{{ PATH }}{% assign total = 3 %}{{ total }}",
]
OPENERS: Final = [
    ("{% background source_name: 's' %}", "{% endbackground %}"),
    ("{%- background source_name: 's' -%}\n  ", "\n{%- endbackground -%}"),
    ("<% background source_name: 's' %>\r\n", "<% endbackground %>"),
]
VALUES: Final = {
    "user": {"name": "Ann", "address": {"city": "Rome"}, "first name": "A"},
    "order": {"lines": [{"sku": 7}]},
    "flags": {"on": True},
    "total": 12,
}


@fuzz
@pytest.mark.parametrize("seed", seeds(40))
def test_a_mended_job_prints_what_the_body_prints_in_the_page(tmp_path: Path, seed: int) -> None:
    """What the author meant is what the same body prints where it sees the page."""
    draw = random.Random(seed)
    body = " ".join(
        draw.choice(READS).replace("PATH", draw.choice(PATHS)) for _ in range(draw.randint(1, 4 if TIMES > 1 else 3))
    )
    opener, end = draw.choice(OPENERS)
    page = site(tmp_path, f"<p>\n{opener}{body}{end}</p>")
    engine = Engine(environment=Environment(loader=SiteLoader(tmp_path)), data_dir=tmp_path / "data")
    (mended,) = mend_files(engine.environment, [page]).mended
    mended.write(engine.environment)
    assert check_files(engine.environment, [page]) == []
    with fake_jobs(engine) as jobs:
        shown = engine.render("page", VALUES)
        meant = engine.render_string(body, VALUES)
        (job,) = jobs.run_all()
    assert shown == ("<p></p>" if "{%-" in opener else "<p>\n</p>")
    assert "".join(job.result.split()) == "".join(meant.split())
