"""What the check knows of NEVER_SHIP without running a template: values under their own names, and under others."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import Finding, Severity, check_files
from liquid_background.withheld import NeverShip

FILES = {
    "partials/sends": "{% background source_name: 'p' %}{% assign y = x %}{{ y }}{% endbackground %}",
    "partials/own": "{% background source_name: 'p', x: user.card %}{{ x }}{% endbackground %}",
    "partials/outer": "{% include 'sends' %}",
    "partials/circle": "{% include 'circle' %}{% include 'sends' %}",
}


def block(arguments: str, body: str = "") -> str:
    return f"{{% background source_name: 's', {arguments} %}}{body}{{% endbackground %}}"


def _findings(root: Path, source: str) -> list[Finding]:
    for name, text in {**FILES, "pages/page": source}.items():
        path = root / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = Environment(loader=SiteLoader(root))
    environment.never_ship = NeverShip(["user.card", "users.*.card", "pin"])
    found = check_files(environment, [root / "pages/page.liquid"])
    return [item for item in found if item.rule.name == "never-ship"]


KNOWN = [
    (block("c: user.card"), "`user.card` is never shipped, as NEVER_SHIP has user.card"),
    (block("c: user['card'] | upcase"), "is never shipped"),
    (block("pin: 1"), "`1`, which is `pin` here, is never shipped"),
    ("<% background source_name: 's', c: user.card %><% endbackground %>", "`user.card` is"),
    ("{% liquid\nbackground source_name: 's', c: user.card\nendbackground %}", "`user.card` is"),
    ("{% background _ = 'sends', x: user.card %}", "`user.card` is"),
    ("{% trigger_event 'e', x: user.card %}", "`user.card` is"),
    ("{% log user.card %}", "`user.card` is"),
    ("{% assign c = user.card %}" + block("c: c"), "`c`, which is `user.card` here, is never shipped"),
    ("{% assign b = user %}{% assign c = b.card %}" + block("c: c"), "`c`, which is `user.card` here,"),
    ("{% if a %}{% assign c = user.card %}{% endif %}" + block("c: c"), "`c`, which is `user.card` here,"),
    ("{% capture c %}x{% if y %}{{ user.card }}{% endif %}{% endcapture %}" + block("c: c"), "`c`, which is"),
    ("{% for u in users %}" + block("c: u.card") + "{% endfor %}", "`u.card`, which is `users[0].card` here,"),
    ("{% include 'sends', x: user.card %}", "`x`, which is `user.card` here, is never shipped, as NEVER_SHIP has"),
    ("{% render 'sends', x: user.card %}", "(sends:1)"),
    ("{% render 'sends' with user.card as x %}", "(sends:1)"),
    ("{% function r = 'sends', x: user.card %}", "(sends:1)"),
    ("{% assign x = user.card %}{% include 'outer' %}", "(sends:1)"),
    ("{% assign x = user.card %}{% include 'circle' %}", "(sends:1)"),
    (block("a: user.name", block("c: user.card")), "`user.card` is"),
    (block("c: user.card", "{% assign d = c %}"), "`user.card` is"),
]
UNKNOWN = [
    block("n: user.name"),
    block("c: user[key]"),
    "{{ user.card }}" + block("n: 1", "{{ user.card }}"),
    "{% assign c = user.card | slice: -4 %}" + block("c: c"),
    "{% assign c = user.card %}{% assign c = 1 %}" + block("c: c"),
    "{% assign c = user.card %}{% function c = 'sends' %}" + block("c: c"),
    "{% for u in users %}{% endfor %}" + block("c: u.card"),
    "{% include 'own' %}{% include name, x: user.card %}",
]


@pytest.mark.parametrize(("source", "said"), KNOWN)
def test_what_is_known_is_an_error_with_its_line(tmp_path: Path, source: str, said: str) -> None:
    (found,) = _findings(tmp_path, f"Hi\n{source}")
    assert said in found.message
    assert found.rule.severity is Severity.ERROR
    assert found.line >= 2


@pytest.mark.parametrize("source", UNKNOWN)
def test_what_is_not_known_is_not_told(tmp_path: Path, source: str) -> None:
    assert [item for item in _findings(tmp_path, source) if item.rule.severity is Severity.ERROR] == []


@pytest.mark.parametrize("source", [block("u: user"), block("a: 1", "{% assign u = user %}"), block("u: users")])
def test_what_may_be_inside_is_a_warning(tmp_path: Path, source: str) -> None:
    (found,) = _findings(tmp_path, source)
    assert "is refused where it holds what NEVER_SHIP has as user" in found.message
    assert found.rule.severity is Severity.WARNING


def test_each_tag_that_gives_it_to_a_partial_is_told(tmp_path: Path) -> None:
    source = "{% include 'sends', x: user.card %}\n{% include 'sends', x: user.card %}\n{% include 'sends', x: 1 %}"
    assert [item.line for item in _findings(tmp_path, source)] == [1, 2]


def test_partials_in_each_other_end(tmp_path: Path) -> None:
    deep = {f"partials/p{n}": f"{{% include 'p{n + 1}', x: x %}}" for n in range(300)}
    for name, text in deep.items():
        path = tmp_path / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert _findings(tmp_path, "{% include 'p0', x: user.card %}") == []
