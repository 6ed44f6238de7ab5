"""The checks of `poscli check`: each rule with a template that breaks it and one that does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from liquid import Mode

from liquid_background import Environment
from liquid_background.events import SYSTEM_EVENTS
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import RULES, Finding, check_files, files_under
from liquid_background.withheld import NeverShip

FILES = {
    "partials/mail": "{{ email }}{{ user_id }}",
    "partials/outer": "{% include 'mail' %}",
    "layouts/main": "{{ content_for_layout }}",
    "consumers/order.created/mail": "x",
    "pages/about": "---\nmethod: get\n---\n",
}


def findings(root: Path, source: str, **options: Any) -> list[Finding]:
    for name, text in {**FILES, "pages/page": source}.items():
        path = root / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = Environment(loader=SiteLoader(root), **options)
    environment.never_ship = NeverShip(["person.pin"])
    return check_files(environment, [root / "pages/page.liquid"])


def rules(root: Path, source: str, **options: Any) -> list[tuple[str, int]]:
    return [(item.rule.name, item.line) for item in findings(root, source, **options)]


def block(body: str, arguments: str = "") -> str:
    return f"{{% background source_name: 's', {arguments} %}}{body}{{% endbackground %}}"


CLEAN = [
    block("{% assign h = {'n': user.name, session: [user.id]} %}{{ h.n }}{% return [['news'], {status: h}] %}"),
    block("{% assign order.note = note %}{% assign items << 1 %}{{ order.note }}{{ items }}"),
    block("{% assign name = user.name %}{{ name }}"),
    block("{% include 'mail', email: user.email %}"),
    "{% assign last = person.pin | slice: -2 %}" + block("{{ last }}{% assign n = user.name %}{{ n }}", "last: last"),
    block("{{ a }}{% for x in list %}{{ x }}{{ forloop.index }}{% endfor %}", "a: 1, list: items"),
    block("{% if a %}{% assign b = 1 %}{% endif %}{{ b }}", "a: 1"),
    block("{% capture c %}x{% endcapture %}{{ c }}{{ 'now' | date: '%s' }}{{ now }}{{ today }}"),
    block("{% increment n %}{{ n }}"),
    block("{% try %}{% catch err %}{{ err.message }}{% endtry %}"),
    block("{% function x = 'mail', email: user.email %}{{ x }}"),
    block("{% include 'outer' %}", "email: user.email"),
    block("{% include name %}", "email: user.email, name: 'mail'"),
    block("{% raw %}{{ user.name }}{% endraw %}{% comment %}{{ user.name }}{% endcomment %}"),
    "{% extends 'main' %}",
    "{% background _ = 'mail', email: 1, source_name: 's' %}{% trigger_event 'order.created', id: order.id %}",
    "{{ user.name }}{{ params.q }}{% assign q = params.q %}" + block("{% assign q = q %}{{ q }}"),
    "---\nlayout: main\n---\n" + block("x"),
    "---\nschedule: '0 9 * * mon-fri'\n---\nx",
    "---\nschedule: {cron: '@daily', timezone: Europe/Berlin, priority: low, queue: nightly}\n---\nx",
    "---\nslug: about\nmethod: post\n---\nx",
    "---\nslug: '010'\nmetadata: {draft: false, n: 3, lang: 'no'}\nresponse_headers: {X-A: 1}\nformat: json\n---\nx",
    "---\nlayout: no\nslug: 2024\nmetadata: {when: '2024-02-20', version: 2024-02}\n---\nx",
    "---\nPhone: 12\nx",
    "{% if a %}{% elsif 'nowhere' %}{% include 'mail' %}{% endif %}",
    "{% liquid\n background source_name: 's', n: 1\n echo n\n endbackground %}",
    "{% for user in users %}" + block("{% assign i = forloop.index %}{{ i }}") + "{% endfor %}",
]

BROKEN = [
    ("{% background %}x{% endbackground %}", "no-source-name"),
    (block("x", "priority: rank"), "unquoted"),
    (block("{{ user.name }}"), "blank-variable"),
    (block("{% echo user.name %}"), "blank-variable"),
    (block("{% if user.admin %}{% endif %}"), "blank-variable"),
    (block("{% for x in items %}{{ x }}{% endfor %}"), "blank-variable"),
    (block("{% case user.kind %}{% when 1 %}{% endcase %}"), "blank-variable"),
    (block("{% assign late = 1 %}{{ early }}{% assign early = 1 %}"), "blank-variable"),
    (block("{{ forloop.index }}"), "blank-variable"),
    (block("{% liquid\n echo user.name %}"), "blank-variable"),
    (block("{{ params.q }}"), "request-in-job"),
    (block("{% assign x = context.current_user.id %}"), "request-in-job"),
    (block("{% include 'mail', email: session.email %}"), "request-in-job"),
    (block("{% assign pin = person.pin %}{{ pin }}"), "never-ship"),
    (block("{{ u }}", "u: person"), "never-ship"),
    ("{% log person.pin %}", "never-ship"),
    (block("x", "unused: 1"), "unused-parameter"),
    (block("{% include 'mail' %}", "unused: 1"), "unused-parameter"),
    (block("{{ max_attempt }}", "max_attempt: 3"), "misspelt-option"),
    (block("{% include 'nowhere' %}"), "missing-partial"),
    ("{% render 'nowhere' %}", "missing-partial"),
    ("{% function x = 'nowhere' %}", "missing-partial"),
    ("{% extends 'nowhere' %}", "missing-partial"),
    ("{% background _ = 'nowhere', source_name: 's' %}", "missing-partial"),
    ("---\nlayout: nowhere\n---\n", "missing-partial"),
    ("{% trigger_event 'order.creatd' %}", "missing-consumer"),
    ("{% trigger_event event: 'job.failed' %}", "reserved-event"),
    (block("x") + block("y"), "same-source-name"),
    (block("x", "delay: 70000"), "option"),
    (block("x", "priority: 'urgent'"), "option"),
    ("---\nschedule: daily\n---\n", "option"),
    ("---\nschedule: {cron: '@daily', start_at: '2024'}\n---\n", "option"),
    ("---\nschedule: {cron: '@daily', 1: 2}\n---\n", "option"),
    ("{% background source_name: 'a b' %}{% endbackground %}", "option"),
    ("{% graphql x = 'y' %}", "unknown-tag"),
    ("{{ x | upcas }}", "unknown-filter"),
    (block("{% assign x = y | upcas: z %}{{ x }}"), "unknown-filter"),
    ("{% if %}{% endif %}", "syntax"),
    ("{{ x", "syntax"),
    ("---\na: [\n---\n", "syntax"),
    (block("{% break %}"), "syntax"),
    ("---\nslug: &a x\n---\n", "syntax"),
    ("---\nslug: x\nHi", "syntax"),
    ("---\ntitle: x\n...\nHi", "syntax"),
    ("---\nslug: [a]\n---\n", "syntax"),
    ("---\nmethod: POTS\n---\n", "front-matter"),
    ("---\nformat: jason\n---\n", "front-matter"),
    ("---\nformat: JSON\n---\n", "front-matter"),
    ("---\nslug: a\nslug: b\n---\n", "front-matter"),
    ("---\nresponse_headers: x\n---\n", "front-matter"),
    ("---\nresponse_headers: {X-A: [1]}\n---\n", "front-matter"),
    ("---\nresponse_headers:\n  X-A: |\n    a\n    b\n---\n", "front-matter"),
    ("---\nresponse_headers: {X-A: ☃}\n---\n", "front-matter"),
    ("---\nresponse_headers: {Content-Length: 3}\n---\n", "front-matter"),
    ("---\nresponse_headers: {bad name: x}\n---\n", "front-matter"),
    ('---\nresponse_headers: {X-A: "a\\x01"}\n---\n', "front-matter"),
    ("\n  ---\nslug: x\n---\n", "front-matter"),
    ("---\nslugg: x\n---\n", "unknown-key"),
    ("---\ncolour: red\n---\n", "unknown-key"),
    ("---\nslug: no\n---\n", "doubtful-value"),
    ("---\nslug: 010\n---\n", "doubtful-value"),
    ("---\nslug: 1.10\n---\n", "doubtful-value"),
    ("---\nslug: ~\n---\n", "doubtful-value"),
    ("---\nmetadata: {wide: [yes]}\n---\n", "doubtful-value"),
    ("---\nmetadata:\n  when: 2024-02-30\n---\n", "doubtful-value"),
    ("---\nmetadata: {when: [2024-02-20 12:30:00]}\n---\n", "doubtful-value"),
    ("---\nslug: 2024-02-20\n---\n", "doubtful-value"),
    ("---\nslug: about\n---\n", "same-slug"),
    ("---\nslug: /about/\nmethod: GET\n---\n", "same-slug"),
    (
        block("{% include 'mail', email: order.email %}")
        + "{% background source_name: 't', delay: 1 %}{% include 'mail', email: order.email %}{% endbackground %}",
        "delay-for-order",
    ),
]


@pytest.mark.parametrize("source", CLEAN)
def test_nothing_is_found_in(tmp_path: Path, source: str) -> None:
    assert findings(tmp_path, source) == []


@pytest.mark.parametrize(("source", "rule"), BROKEN)
def test_one_thing_is_found_in(tmp_path: Path, source: str, rule: str) -> None:
    for mode in (Mode.STRICT, Mode.LAX):
        found = rules(tmp_path, f"\n{source}" if not source.startswith("---") else source, tolerance=mode)
        assert [name for name, _ in found] == [rule]
        assert found[0][1] >= (1 if source.startswith("---") else 2)


def test_every_rule_is_broken_by_a_test() -> None:
    of_folders = {"not-a-template", "unusable-folder", "same-name", "too-many"}
    assert {rule for _, rule in BROKEN} == set(RULES) - of_folders - {"more"}


def test_a_file_that_is_no_template_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "pages/d.liquid").mkdir(parents=True)
    os.mkfifo(tmp_path / "pages/fifo.liquid")
    (tmp_path / "pages/loop.liquid").symlink_to("loop.liquid")
    (tmp_path / "pages/.#p.liquid").symlink_to("me@host.1")
    (tmp_path / "pages/out.liquid").symlink_to(__file__)
    (tmp_path / "pages/up").symlink_to("..")
    (tmp_path / "pages/big.liquid").write_text("x" * 2_000_000)
    found = check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
    assert [(Path(item.path).name, item.rule.name, item.message) for item in found] == [
        (".#p.liquid", "not-a-template", "skipped: its name starts with a dot"),
        ("big.liquid", "syntax", "the file has 1954 KB; a template may have 256 KB"),
        ("d.liquid", "not-a-template", "a folder: templates in it are called d.liquid/…"),
        ("fifo.liquid", "not-a-template", "skipped: a named pipe"),
        ("loop.liquid", "not-a-template", "skipped: links in a circle"),
        ("out.liquid", "not-a-template", "skipped: a link that leads out of the site"),
        ("up", "not-a-template", "skipped: a link to a folder"),
    ]


def test_front_matter_is_checked_whatever_the_body_is(tmp_path: Path) -> None:
    assert rules(tmp_path, "---\nslugg: x\nmethod: POTS\n---\n{% if %}{% endif %}") == [
        ("unknown-key", 2),
        ("front-matter", 3),
        ("syntax", 5),
    ]
    (found, *_) = findings(tmp_path, "---\nslugg: x\n---\n")
    assert found.fix == "did you mean 'slug'?"


def test_two_files_of_one_name_are_an_error_at_the_one_that_is_never_read(tmp_path: Path) -> None:
    for ending in (".liquid", ".html.liquid"):
        path = tmp_path / f"pages/p{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (found,) = check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
    assert (Path(found.path).name, found.rule.name) == ("p.html.liquid", "same-slug")


@pytest.mark.parametrize("folder", ["partials", "layouts", "partials/a", "consumers/e"])
def test_a_file_of_another_ones_name_is_an_error_in_each_folder(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder
    path.mkdir(parents=True)
    for name in ("dbl.html.liquid", "dbl.liquid", "own.html.liquid", "piped.html.liquid"):
        (path / name).write_text("x")
    os.mkfifo(path / "piped.liquid")
    found = check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
    assert [(Path(item.path).name, item.rule.name, item.message) for item in found] == [
        ("dbl.html.liquid", "same-name", "this file is never read: dbl.liquid beside it has the same name"),
        ("piped.liquid", "not-a-template", "skipped: a named pipe"),
    ]


def test_a_page_that_others_answer_before_is_one_finding(tmp_path: Path) -> None:
    pages = {"same1": "slug: same", "same2": "slug: same", "postsame": "slug: same\nmethod: POST"}
    assert _conflicts(tmp_path, pages) == [
        ("same1", "pages/postsame answers POST /same before this page"),
        ("same2", "pages/postsame answers POST /same before this page, and so does 1 more"),
    ]


def test_many_pages_of_one_slug_are_one_finding_each(tmp_path: Path) -> None:
    found = dict(_conflicts(tmp_path, {f"p{number:02}": "slug: same" for number in range(20)}))
    assert len(found) == 19
    assert found["p19"] == "pages/p00 answers /same before this page, and so do 18 more"


def test_pages_of_one_slug_that_take_other_methods_do_not_count(tmp_path: Path) -> None:
    pages = {"a": "slug: s\nmethod: POST", "b": "slug: s\nmethod: PUT", "c": "slug: s\nmethod: PUT", "d": "slug: s"}
    assert _conflicts(tmp_path, pages) == [
        ("c", "pages/b answers PUT /s before this page"),
        ("d", "pages/a answers POST /s before this page, and so do 2 more"),
    ]


def _conflicts(root: Path, pages: dict[str, str]) -> list[tuple[str, str]]:
    (root / "pages").mkdir()
    for name, matter in pages.items():
        (root / f"pages/{name}.liquid").write_text(f"---\n{matter}\n---\n")
    found = check_files(Environment(loader=SiteLoader(root)), files_under(root))
    assert {item.rule.name for item in found} == {"same-slug"}
    return [(Path(item.path).stem, item.message) for item in found]


@pytest.mark.parametrize("name", [b"\xff", b"a\nb", b"x\x1b[2J", b"\xff.liquid"], ids=repr)
def test_a_folder_that_nobody_looks_into_for_its_name_is_one_finding(tmp_path: Path, name: bytes) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/pages/" + name))
    (folder / "deep").mkdir(parents=True)
    (folder / "p.liquid").write_text("x")
    (folder / "deep/p.liquid").write_text("x")
    (tmp_path / "pages/.git").mkdir()
    (tmp_path / "pages/.git/p.liquid").write_text("x")
    loader = SiteLoader(tmp_path)
    (found,) = check_files(Environment(loader=loader), files_under(tmp_path))
    why = "is not UTF-8" if b"\xff" in name else "holds a control character"
    assert (found.path, found.rule.name, found.message) == (str(folder), "not-a-template", f"skipped: its name {why}")
    assert loader.names("pages") == []


def test_a_folder_that_is_called_like_a_template_is_one_folder_more(tmp_path: Path) -> None:
    (tmp_path / "pages/d.liquid").mkdir(parents=True)
    (tmp_path / "pages/d.liquid/x.liquid").write_text("{% nope %}")
    loader = SiteLoader(tmp_path)
    found = check_files(Environment(loader=loader), files_under(tmp_path))
    assert [(Path(item.path).name, item.rule.name) for item in found] == [
        ("d.liquid", "not-a-template"),
        ("x.liquid", "unknown-tag"),
    ]
    assert loader.names("pages") == ["d.liquid/x"]


def test_a_fix_says_what_to_write(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, block("\n  {{ user.address.city }}"))
    assert (found.line, found.column) == (2, 5)
    assert found.fix == (
        "put {% assign user_address_city = user.address.city %} at the start of the block and use `user_address_city`"
    )
    (found,) = findings(tmp_path, "{% include 'mial' %}")
    assert found.fix == "did you mean 'mail'?"


def test_a_wrong_schedule_is_found_at_its_line(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, "---\nslug: x\nschedule:\n  cron: '61 * * * *'\n---\nx")
    assert (found.line, found.message[:60]) == (3, "the front matter's schedule is not kept: cron is '61 * * * *")


@pytest.mark.parametrize(
    ("matter", "rule"),
    [("schedule: yes", "option"), ("schedule: {cron: no}", "option"), ("method: no", "front-matter")],
)
def test_nobody_is_told_to_quote_what_is_wrong_in_quotes_too(tmp_path: Path, matter: str, rule: str) -> None:
    assert rules(tmp_path, f"---\n{matter}\n---\n") == [(rule, 2)]


def test_half_a_surrogate_pair_in_a_slug_is_called_that(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, '---\nslug: "\\ud800"\n---\n')
    assert found.message.endswith("it holds half of a surrogate pair, which is no character")


def test_many_findings_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    source = "{% nope %}\n{{ x | nope }}\n" + block("{{ a }}\n{{ b }}") + "\n{% include 'nowhere' %}"
    assert rules(tmp_path, source) == [
        ("unknown-tag", 1),
        ("unknown-filter", 2),
        ("blank-variable", 3),
        ("blank-variable", 4),
        ("missing-partial", 5),
    ]


def test_a_nested_block_is_checked_by_what_it_can_see(tmp_path: Path) -> None:
    inner = "{% background source_name: 'inner', a: mine %}{{ a }}{{ mine }}{% assign ok = mine %}{% endbackground %}"
    (found,) = findings(tmp_path, block("{% assign mine = 1 %}{{ mine }}" + inner))
    assert (found.rule.name, "`mine`" in found.message) == ("blank-variable", True)


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("{% # check: ignore blank-variable %}", 1),
        ("{%- # check: ignore -%}", 1),
        ("{% comment %} check: ignore blank-variable {% endcomment %}", 1),
        ("{% # check: ignore syntax, blank-variable %}", 1),
        ("{% # check: ignore syntax %}", 2),
        ("{% # check: ignore-file blank-variable %}", 0),
        ("{% # check: ignore-file %}", 0),
    ],
)
def test_a_comment_silences_a_rule(tmp_path: Path, comment: str, left: int) -> None:
    assert len(findings(tmp_path, comment + "\n" + block("{{ a }}\n\n{{ b }}"))) == left


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x.liquid"
    path.write_bytes(b"\xff\xfe")
    (found,) = check_files(Environment(), [path])
    assert found.rule.name == "syntax"


def test_templates_are_checked_with_the_applications_tags_and_filters(tmp_path: Path) -> None:
    environment = Environment(loader=SiteLoader(tmp_path))
    environment.add_filter("shout", str)
    path = tmp_path / "x.liquid"
    path.write_text("{{ 1 | shout }}")
    assert check_files(environment, [path]) == []


def test_what_an_included_partial_assigns_is_known(tmp_path: Path) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/setup.liquid").write_text("{% if x %}{% assign theme = 1 %}{% endif %}{% include 'more' %}")
    (tmp_path / "partials/more.liquid").write_text("{% capture skin %}{% endcapture %}{% include 'setup' %}")
    assert findings(tmp_path, block("{% include 'setup' %}{{ theme }}{{ skin }}")) == []
    assert rules(tmp_path, block("{% include 'setup' %}{{ other }}")) == [("blank-variable", 1)]
    assert findings(tmp_path, block("{% include any %}{{ other }}", "any: 'mail'")) == []


def test_a_consumers_front_matter_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "consumers/e/x.liquid"
    path.parent.mkdir(parents=True)
    path.write_text("---\nslug: x\nmax_attempts: 9\n---\n")
    (found,) = check_files(Environment(loader=SiteLoader(tmp_path)), [path])
    assert (found.rule.name, found.line) == ("option", 3)


@pytest.mark.parametrize("comment", ["# check: ignore blank-variable", "# check: ignore because it is old"])
def test_a_comment_line_of_a_liquid_tag_silences(tmp_path: Path, comment: str) -> None:
    source = f"{{% liquid\n  background source_name: 's'\n    {comment}\n    echo legacy\n  endbackground\n%}}"
    assert findings(tmp_path, source) == []


def test_a_fix_is_liquid_that_can_be_written(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, block("{{ user.a['b c'] }}"))
    assert "{% assign user_a_b_c = user.a['b c'] %}" in found.fix


UNREACHED = [
    "a?b=c",
    "'a#b'",
    "../x",
    "a/./b",
    "http://shop.example/x",
    "//shop.example/x",
    "caf%C3%A9",
    r"a\b",
    r'"a\0b"',
]


@pytest.mark.parametrize("slug", UNREACHED)
def test_a_slug_that_no_request_reaches_is_an_error(tmp_path: Path, slug: str) -> None:
    (found,) = findings(tmp_path, f"---\nslug: {slug}\n---\nx")
    assert (found.rule.name, found.line) == ("front-matter", 2)
    assert "no request reaches the slug" in found.message


@pytest.mark.parametrize("slug", ["a b", "/x//y/", "''", "", "/", "café", "a.b/c..d", "100%", "a+b&c=d", "~me"])
def test_a_slug_that_a_request_reaches_is_none(tmp_path: Path, slug: str) -> None:
    assert findings(tmp_path, f"---\nslug: {slug}\n---\nx") == []


@pytest.mark.parametrize(
    "name",
    ["Date", "server", "Proxy-Connection", "Status", "content_length", "Transfer_Encoding", "CONNECTION", "keep_alive"],
)
def test_a_header_of_the_server_s_own_is_an_error(tmp_path: Path, name: str) -> None:
    (finding,) = findings(tmp_path, f"---\nresponse_headers:\n  X-Own: a\n  {name}: 'b'\n---\n")
    assert (finding.line, finding.rule.name) == (4, "front-matter")
    assert finding.message == f"the header '{name}' is the server's own: take it out"


@pytest.mark.parametrize(
    "name",
    [
        "X-Accel-Redirect",
        "x_accel_buffering",
        "X-Sendfile",
        "X-LIGHTTPD-send-file",
        "X-LiteSpeed-Location",
        "X-Reproxy-File",
    ],
)
def test_a_header_that_has_a_server_in_front_send_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    (finding,) = findings(tmp_path, f"---\nresponse_headers:\n  X-Own: a\n  {name}: /etc/passwd\n---\n")
    assert (finding.line, finding.rule.name) == (4, "front-matter")
    assert finding.message.startswith(f"the header '{name}' would have a server in front send a file")


@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 * * * *", "*"])
def test_a_schedule_that_needs_quotes_is_told_so(tmp_path: Path, schedule: str) -> None:
    (finding,) = findings(tmp_path, f"---\nmetadata: {{a: b}}\nschedule: {schedule}\n---\n")
    assert finding.line == 3
    assert 'put the value in quotes, as in "* * * * *"' in finding.message


def test_a_layout_that_is_not_there_is_found_at_its_line(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, "---\nmetadata: {layout: x}\nlayout: nowhere\n---\nx")
    assert (found.rule.name, found.line, found.message) == ("missing-partial", 3, "the layout 'nowhere' is not there")


def test_a_block_that_is_never_closed_is_one_finding_at_its_line(tmp_path: Path) -> None:
    found = rules(tmp_path, "---\nslug: x\n---\n{% if a %}\n{% for b in c %}\n{% endif %}")
    assert found == [("syntax", 5)]  # that the if has no end follows from it
    assert rules(tmp_path, "{% if a %}{% else %}\n{% if b %}\n{% if c %}") == [("syntax", 3)]


@pytest.mark.parametrize("tag", ["include", "render", "function x =", "background j =", "extends"])
def test_no_fix_tells_to_write_a_file_that_cannot_be(tmp_path: Path, tag: str) -> None:
    folder = "layouts" if tag == "extends" else "partials"
    for name in ("/etc/passwd", "../../app.py", "a/../b", ".hidden", "", "a/.b", "a" * 300, "a/" * 3000 + "b"):
        found = findings(tmp_path, f"{{% {tag} '{name}' %}}")
        [missing] = [item for item in found if item.rule.name == "missing-partial"]
        assert missing.fix == f"no file can have that name: write the name of one in {folder}/"
        assert len(missing.message) < 150
    for name, file in (("cards/user", "cards/user"), ("a//b/", "a/b"), ("./c", "c"), ("d" * 60, "d" * 60)):
        found = findings(tmp_path, f"{{% {tag} '{name}' %}}")
        assert [item.fix for item in found if item.rule.name == "missing-partial"] == [f"write {folder}/{file}.liquid"]


@pytest.mark.parametrize("event", SYSTEM_EVENTS)
def test_a_consumer_of_an_event_of_the_system_is_found(tmp_path: Path, event: str) -> None:
    for folder in (event, f"{event}.ours"):
        file = tmp_path / "consumers" / folder / "mine.liquid"
        file.parent.mkdir(parents=True)
        file.write_text("x")
    (found,) = check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
    assert (found.rule.name, found.line) == ("reserved-event", 1)
    assert found.path.endswith(f"consumers/{event}/mine.liquid")


@pytest.mark.parametrize("event", ["/etc/x", "../x", "a b", ".x", ""])
def test_no_fix_names_a_folder_for_an_event_that_none_can_have(tmp_path: Path, event: str) -> None:
    (found,) = findings(tmp_path, f"{{% trigger_event '{event}' %}}")
    assert found.rule.name == "missing-consumer"
    assert "write consumers/" not in found.fix
    assert "name an event as a folder can be called" in found.fix


LONG = "a" * 200


@pytest.mark.parametrize(
    "source",
    [
        f"{{% include '{LONG}' %}}",
        f"{{% include '{'a' * 6000}' %}}",
        f"{{% trigger_event '{LONG}' %}}",
        f"{{{{ x | {LONG} }}}}",
        block(f"{{{{ {LONG} }}}}"),
        block(f"{{{{ params.{LONG} }}}}"),
        block("x", f"{LONG}: 1"),
        f"---\n{LONG}: 1\n---\n",
        f"---\nmetadata: {{a: 1}}\nlayout: {LONG}\n---\n",
        f"---\nslug: '{LONG}?'\n---\n",
        f"---\nslug: {'9' * 200}\n---\n",
    ],
)
def test_long_names_are_cut_in_messages_and_fixes(tmp_path: Path, source: str) -> None:
    found = findings(tmp_path, source)
    assert found
    for item in found:
        assert len(item.message) < 250
        assert "aaa" in item.message or "999" in item.message
        assert len(item.fix) < 150


def test_a_value_that_is_cut_keeps_its_quotes(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, f"---\nslug: {'9' * 200}\n---\n")
    shown = found.message.partition(" is text here")[0]
    assert shown.startswith("'999")
    assert shown.endswith("9…'")
    assert len(shown) <= 80


def test_partials_that_include_another_one_twice_are_looked_into_once(tmp_path: Path) -> None:
    for number in range(40):
        file = tmp_path / f"partials/p{number}.liquid"
        file.parent.mkdir(exist_ok=True)
        following = f"{{% include 'p{number + 1}' %}}" * 2
        file.write_text(following if number < 39 else "{% assign late = 1 %}{% include 'p0' %}")
    block = "{% background source_name: 'x' %}{% include 'p0' %}{{ late }}{% endbackground %}"
    assert [item.rule.name for item in findings(tmp_path, block)] == []


def test_more_consumers_of_an_event_than_get_it_are_one_finding(tmp_path: Path) -> None:
    folders = [tmp_path / "consumers/order/created", tmp_path / "consumers/few"]
    for folder, count in zip(folders, (101, 100), strict=True):
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"c{number}.liquid").write_text("x")
    (found,) = check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
    assert (found.path, found.rule.name) == (str(folders[0]), "too-many")
    assert found.message.startswith(
        "the event 'order/created' has 101 consumers; the 100 that have stood there longest"
    )
    assert check_files(Environment(loader=SiteLoader(tmp_path)), files_under(folders[1])) == []


@pytest.mark.parametrize(("count", "is_found"), [(100, False), (101, True)])
def test_more_schedules_than_are_kept_are_one_finding(tmp_path: Path, count: int, is_found: bool) -> None:
    for folder in ("partials", "layouts"):  # that of a layout means nothing
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"s{number}.liquid").write_text("---\nschedule: '@daily'\n---\n")
    found = [
        item
        for item in check_files(Environment(loader=SiteLoader(tmp_path)), files_under(tmp_path))
        if item.rule.name == "too-many"
    ]
    assert len(found) == is_found
    assert all(
        item.message.startswith("101 templates have a schedule in front matter; the 100 that ") for item in found
    )


def test_of_a_file_with_many_findings_the_errors_are_told_and_the_rest_is_counted(tmp_path: Path) -> None:
    warning = "{% background a: 1 %}{% endbackground %}\n"  # no source name, and a parameter that is not read
    found = findings(tmp_path, warning * 200 + "{% include 'missing' %}\n" * 30)
    assert len(found) == 101
    assert [item.line for item in found[:-1]] == sorted(item.line for item in found[:-1])
    assert sum(item.rule.name == "missing-partial" for item in found) == 30
    assert found[-1].rule.name == "more"
    assert found[-1].message == "and 330 more in this file, the first of them here: 330 warnings"


def test_a_hundred_findings_of_a_file_are_all_told(tmp_path: Path) -> None:
    assert {item.rule.name for item in findings(tmp_path, "{% include 'missing' %}\n" * 100)} == {"missing-partial"}
