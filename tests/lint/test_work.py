"""What a check costs: what many places of many files ask is looked up once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from liquid import BoundTemplate, Node

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.language.plan import BodyWalk
from liquid_background.lint import Finding, check_files, files_under


def written(root: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        path = root / f"{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return files_under(root)


def blocks(count: int, body: str, arguments: str = "q: 1") -> str:
    return "".join(
        f"{{% background source_name: 's{number}', {arguments} %}}{body}{{% endbackground %}}"
        for number in range(count)
    )


def messages(found: list[Finding]) -> Counter[str]:
    return Counter(item.rule.name for item in found)


class Counting(Environment):
    """Counts how often each partial is asked for."""

    def __init__(self, **options: Any) -> None:
        self.asked: Counter[str] = Counter()
        super().__init__(**options)

    def get_template(self, name: str, **options: Any) -> BoundTemplate:
        self.asked[name] += 1
        return super().get_template(name, **options)


def test_a_partial_is_looked_into_once_however_many_blocks_include_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = written(
        tmp_path,
        {
            "partials/big": "{% assign g = 1 %}" * 50 + "{% include 'inner' %}",
            "partials/inner": "{% assign h = q %}",
            "pages/a": blocks(40, "{% include 'big' %}{{ g }}{{ h }}{{ z }}"),
            "pages/b": "{% background source_name: 'b', q: 1 %}{% include 'big' %}{% endbackground %}",
        },
    )
    looks: Counter[str] = Counter()
    children = BodyWalk.children

    def counted(self: BodyWalk, node: Node) -> Iterator[Node]:
        looks[node.token.source] += 1
        return children(self, node)

    monkeypatch.setattr(BodyWalk, "children", counted)
    environment = Counting(loader=SiteLoader(tmp_path))
    found = check_files(environment, files)
    assert messages(found) == {"blank-variable": 40}
    assert environment.asked == {"big": 1, "inner": 1}
    assert max(count for source, count in looks.items() if source.startswith("{% assign g")) < 51 * 4


def test_partials_that_include_each_other_assign_and_read_for_each_other(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        {
            "partials/a": "{% include 'b' %}{% assign from_a = 1 %}",
            "partials/b": "{% include 'a' %}{% assign from_b = q %}",
            "pages/p": blocks(1, "{% include 'a' %}{{ from_a }}{{ from_b }}")
            + blocks(1, "{% include 'b' %}{{ from_a }}"),
        },
    )
    assert messages(check_files(Environment(loader=SiteLoader(tmp_path)), files)) == {"same-source-name": 1}


def test_of_partials_that_include_hundreds_it_is_not_told_what_they_do(tmp_path: Path) -> None:
    web = {f"partials/n{number}": f"{{% include 'n{number + 1}' %}}" for number in range(150)}
    files = written(tmp_path, {**web, "partials/n150": "x", "pages/p": blocks(1, "{% include 'n0' %}{{ z }}")})
    assert check_files(Environment(loader=SiteLoader(tmp_path)), files) == []
    assert messages(
        check_files(
            Environment(loader=SiteLoader(tmp_path)),
            written(tmp_path, {"pages/p": blocks(1, "{% include 'n140' %}{{ z }}")}),
        )
    ) == {"blank-variable": 1, "unused-parameter": 1}


def test_missing_partials_are_looked_for_in_one_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: Counter[str] = Counter()
    names = SiteLoader.names

    def counted(self: SiteLoader, folder: str) -> list[str]:
        listed[folder] += 1
        return names(self, folder)

    monkeypatch.setattr(SiteLoader, "names", counted)
    missing = "".join(f"{{% include 'welcom{number}' %}}" for number in range(30))
    files = written(tmp_path, {"partials/welcome": "x", "pages/p": missing + "{% include 'welcom' %}"})
    found = check_files(Environment(loader=SiteLoader(tmp_path)), files)
    assert found[-1].fix == "did you mean 'welcome'?"
    assert listed["partials"] == 1
