"""Checks of texts that are not saved: as if they were the files of the site."""

from __future__ import annotations

from pathlib import Path

import pytest
from liquid import ChoiceLoader, DictLoader

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import check_files, mend_files

BLOCK = "{% background source_name: 's', email: 1 %}{% include 'mail' %}{% endbackground %}"


def found(root: Path, buffers: dict[str, str], *files: str, environment: Environment | None = None) -> list[str]:
    """Return what is found in files, by default those of the buffers, as `name:line rule`."""
    (root / "pages").mkdir(exist_ok=True)
    environment = environment or Environment(loader=SiteLoader(root))
    loader = environment.loader
    texts = {root / f"{name}.liquid": text for name, text in buffers.items()}
    checked = [root / f"{name}.liquid" for name in files] or [*texts]
    findings = check_files(environment, checked, buffers=texts)
    assert environment.loader is loader
    return [f"{Path(item.path).relative_to(root).with_suffix('')}:{item.line} {item.rule.name}" for item in findings]


def write(root: Path, name: str, text: str) -> Path:
    path = root / f"{name}.liquid"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_text_is_checked_instead_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "pages/a", "{{ a | nope }}")
    assert found(tmp_path, {"pages/a": "\n\n{% nope %}"}) == ["pages/a:3 unknown-tag"]
    assert found(tmp_path, {}, "pages/a") == ["pages/a:1 unknown-filter"]
    assert path.read_text() == "{{ a | nope }}"


def test_a_partial_that_is_not_saved_is_what_others_include(tmp_path: Path) -> None:
    write(tmp_path, "pages/a", BLOCK)
    partial = write(tmp_path, "partials/mail", "nothing")
    assert found(tmp_path, {}, "pages/a") == ["pages/a:1 unused-parameter"]
    assert found(tmp_path, {"partials/mail": "{{ email }}"}, "pages/a") == []
    partial.unlink()
    assert found(tmp_path, {"partials/mail": "{{ email }}"}, "pages/a") == []
    assert found(tmp_path, {}, "pages/a") == ["pages/a:1 missing-partial"]


def test_what_an_environment_has_parsed_before_counts_neither_way(tmp_path: Path) -> None:
    environment = Environment(loader=SiteLoader(tmp_path))
    write(tmp_path, "pages/a", BLOCK)
    write(tmp_path, "partials/mail", "{{ email }}")
    environment.get_template("mail", tag="include")
    assert found(tmp_path, {"partials/mail": "x"}, "pages/a", environment=environment) == ["pages/a:1 unused-parameter"]
    assert environment.get_template("mail", tag="include").render(email="ann") == "ann"
    assert found(tmp_path, {}, "pages/a", environment=environment) == []


def test_pages_layouts_and_consumers_need_not_be_saved(tmp_path: Path) -> None:
    write(tmp_path, "pages/about", "x")
    page = "---\nslug: about\nlayout: main\n---\n{% trigger_event 'paid' %}{% include 'mial' %}"
    alone = ["pages/new:2 same-slug", "pages/new:3 missing-partial", "pages/new:5 missing-consumer"]
    assert found(tmp_path, {"pages/new": page}) == [*alone, "pages/new:5 missing-partial"]
    around = {"layouts/main": "{{ content_for_layout }}", "consumers/paid/mail": "x", "partials/mial": "x"}
    assert found(tmp_path, {"pages/new": page, **around}) == ["pages/new:2 same-slug"]
    assert found(tmp_path, {"pages/new": page, "pages/about": "---\nslug: us\n---\n", **around}) == []


def test_a_misspelt_partial_is_near_one_that_is_not_saved(tmp_path: Path) -> None:
    environment = Environment(loader=SiteLoader(tmp_path))
    texts = {tmp_path / "pages/a.liquid": "{% include 'mial' %}", tmp_path / "partials/mail.liquid": "x"}
    (finding,) = check_files(environment, [tmp_path / "pages/a.liquid"], buffers=texts)
    assert finding.fix == "did you mean 'mail'?"


def test_a_name_is_given_a_value_by_a_text_that_is_not_saved(tmp_path: Path) -> None:
    partial = "{% background source_name: kind, email: 1 %}{{ email }}{% endbackground %}"
    write(tmp_path, "pages/a", "{% assign kind = 'x' %}")
    assert found(tmp_path, {"partials/p": partial}) == []
    assert found(tmp_path, {"partials/p": partial, "pages/a": "x"}) == ["partials/p:1 unquoted"]


def test_a_file_is_known_through_links(tmp_path: Path) -> None:
    root = tmp_path / "site"
    write(root, "pages/a", BLOCK)
    write(root, "partials/real", "x")
    (root / "partials/mail.liquid").symlink_to("real.liquid")
    (tmp_path / "link").symlink_to("site")
    environment = Environment(loader=SiteLoader(tmp_path / "link"))
    texts = {root / "partials/real.liquid": "{{ email }}"}
    assert check_files(environment, [root / "pages/a.liquid"], buffers=texts) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\udcff", "the file is not UTF-8 text"),
        ("x" * 300_000, "the file has 293 KB; a template may have 256 KB"),
        ("---\nslug: [\n---\n", "the front matter is not YAML"),
    ],
)
def test_a_text_that_no_template_may_have_is_one_finding(tmp_path: Path, text: str, said: str) -> None:
    environment = Environment(loader=SiteLoader(tmp_path))
    page = tmp_path / "pages/a.liquid"
    (finding,) = check_files(environment, [page], buffers={page: text})
    assert finding.message.startswith(said)
    assert mend_files(environment, [page], buffers={page: text}).mended == ()


def test_of_several_sites_each_has_its_own(tmp_path: Path) -> None:
    loaders = [SiteLoader(tmp_path / "one"), SiteLoader(tmp_path / "two"), DictLoader({"mail": "{{ email }}"})]
    environment = Environment(loader=ChoiceLoader(loaders))
    page = write(tmp_path / "two", "pages/a", BLOCK)
    buffers = {tmp_path / "one/partials/mail.liquid": "x"}
    assert check_files(environment, [page]) == []
    assert [item.rule.name for item in check_files(environment, [page], buffers=buffers)] == ["unused-parameter"]
    assert environment.loader.loaders is loaders


def test_a_text_is_mended_without_its_file(tmp_path: Path) -> None:
    page = write(tmp_path, "pages/a", "saved")
    environment = Environment(loader=SiteLoader(tmp_path))
    (mended,) = mend_files(environment, [page], buffers={page: "{{ a | upcas }}"}).mended
    assert (mended.before, mended.after) == ("{{ a | upcas }}", "{{ a | upcase }}")
    new = tmp_path / "pages/new.liquid"
    (mended,) = mend_files(environment, [new], buffers={new: "{{ a | upcas }}"}).mended
    assert page.read_text() == "saved"
    assert not new.exists()
