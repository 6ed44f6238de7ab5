"""The examples of docs/preview.md run, and what the page shows of the demo site is what the command prints."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from liquid_background.preview import DEEPEST, MOST_JOBS, SECONDS
from liquid_background.preview.walking import LONGEST, MOST_EFFECTS
from poscli.program import program

PAGE = (Path(__file__).parents[2] / "docs" / "preview.md").read_text(encoding="utf-8")
SITE = {
    "pages/order": "{% background source_name: 'charge' %}{% assign t = order.total %}{% log order.id %}"
    "{% endbackground %}{% background source_name: 'thank', delay: 2.5, id: order.id %}"
    "Thank you for order {{ id }}{% endbackground %}",
    "pages/checkout": "{% assign reply = total | post_json: '/pay' %}paid as {{ reply.id }}",
}


def test_its_python_runs(tmp_path: Path) -> None:
    for name, text in SITE.items():
        path = tmp_path / f"{name}.liquid"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {"site": tmp_path}, "preview.md", None, 0)
    shown: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=shown.append)
    assert results.failed == 0, "".join(shown)
    assert results.attempted > 10


def test_what_it_shows_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_APP", "poscli.demo_site.app:engine")
    (command,) = re.findall(r"```sh\nposcli (.*)\n```", PAGE)
    (text,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert CliRunner().invoke(program, command.split(), prog_name="poscli").stdout == text


def test_its_limits_are_those_of_the_code() -> None:
    for most in (MOST_JOBS, DEEPEST, f"{SECONDS:g}", f"{MOST_EFFECTS:,}", f"{LONGEST:,}"):
        assert re.search(rf"^\| .* \| {most}( \(| \|)", PAGE, re.MULTILINE), most
