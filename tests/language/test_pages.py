"""Pages: front matter, layouts, where partials are looked up, and names that lead nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from liquid import ChoiceLoader
from liquid.exceptions import LiquidError

from liquid_background import Environment, PageNotFound
from liquid_background.language.pages import SiteLoader
from liquid_background.language.syntax import explain


def test_front_matter_is_not_printed_and_lines_stay(site: Any) -> None:
    site.write(
        {
            "pages/p": "---\nslug: p\nmetadata:\n  title: T\n---\n{{ page.metadata.title }}{{ context.page.slug }}\n{% nope %}"
        }
    )
    with pytest.raises(LiquidError) as raised:
        site.engine.render("p")
    assert raised.value.context()[0] == 7
    site.write(
        {
            "pages/p": "---\r\nslug: p\r\nmetadata:\r\n  title: T\r\n---\r\n{{ page.metadata.title }}{{ slug }}\n{% background %}{% endbackground %}"
        }
    )
    assert site.engine.render("p") == "T\n"
    assert (site.job.line, site.job.source_name) == (7, "pages_p_7")


@pytest.mark.parametrize("text", ["a --- b", "----\nx", "--- x\ny", "\n---\na: 1\n---\n"])
def test_what_is_not_front_matter_is_text(site: Any, text: str) -> None:
    assert site.render(text) == text


@pytest.mark.parametrize("matter", ["a: [", "- a\n- b", "just text", "a: b: c"])
def test_wrong_front_matter_is_an_error_that_names_the_page(site: Any, matter: str) -> None:
    with pytest.raises(LiquidError, match="front matter") as raised:
        site.render(f"---\n{matter}\n---\n")
    assert raised.value.template_name == "pages/page"


def test_front_matter_loads_plain_data_only(site: Any) -> None:
    with pytest.raises(LiquidError, match="front matter"):
        site.render("---\na: !!python/object/apply:os.getcwd []\n---\n")


def test_a_layout_wraps_the_page_and_its_jobs_go_along(site: Any) -> None:
    site.write(
        {
            "layouts/main": "<{{ content_for_layout }}>{{ page.slug }}{% background source_name: 'l' %}{% endbackground %}"
        }
    )
    assert (
        site.render("---\nlayout: main\nslug: s\n---\nbody{% background source_name: 'p' %}{% endbackground %}")
        == "<body>s"
    )
    assert sorted(job.source_name for job in site.jobs) == ["l", "p"]
    site.engine.store.client.flushall()
    site.write({"layouts/main": "{{ content_for_layout }}{% include 'nowhere' %}"})
    with pytest.raises(LiquidError):
        site.render("---\nlayout: main\n---\nbody{% background %}{% endbackground %}")
    assert site.jobs == []


def test_layouts_and_escaping(make_site: Any) -> None:
    site = make_site(autoescape=True)
    site.write({"layouts/main": "{{ content_for_layout }}"})
    assert site.render("---\nlayout: main\n---\n<b>{{ x }}</b>", {"x": "<i>"}) == "<b>&lt;i&gt;</b>"


def test_missing_pages_and_layouts(site: Any) -> None:
    site.write({"pages/checkout": "x"})
    with pytest.raises(PageNotFound, match="did you mean 'checkout'"):
        site.engine.render("check")
    with pytest.raises(PageNotFound) as raised:
        site.engine.render("x" * 5_000)
    assert len(str(raised.value)) < 300
    with pytest.raises(PageNotFound, match="layout 'none'"):
        site.render("---\nlayout: none\n---\n")


def test_where_templates_are_found(site: Any) -> None:
    site.write(
        {
            "pages/a": "{% include 'a' %}{% include 'dir/b' %}",
            "partials/a": "partial a",
            "partials/dir/b": " partial b",
            "pages/html.html.liquid": "html page",
        }
    )
    assert site.engine.render("a") == "partial a partial b"
    assert site.engine.render("html") == "html page"
    assert site.engine.environment.get_template("pages/html").render() == "html page"


def test_a_changed_file_is_read_again(site: Any) -> None:
    assert site.render("one") == "one"
    assert site.render("two!") == "two!"
    site.write({"partials/x": "1"})
    assert site.render("{% include 'x' %}") == "1"
    (site.root / "partials/x.liquid").unlink()
    with pytest.raises(LiquidError):
        site.engine.render("page")


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a\0b", "x" * 5000, "", ".", "..", "dir/../../secret", "link"]
)
def test_names_that_lead_out_of_the_site_are_not_found(site: Any, name: str) -> None:
    (site.root.parent / "secret.liquid").write_text("secret")
    site.write({"partials/ok": "ok"})
    (site.root / "partials/link.liquid").symlink_to(site.root.parent / "secret.liquid")
    with pytest.raises(LiquidError, match="not found") as raised:
        site.render("{% include name %}", {"name": name})
    assert str(site.root) not in str(raised.value)
    assert "secret" not in str(raised.value.message).replace(name, "")


def test_request_values_on_the_page(site: Any) -> None:
    source = "{{ params.q }}{{ context.params.q }}{{ context.current_user.id }}{{ session.s }}{{ headers.h }}{{ cookies.c }}{{ x }}"
    printed = site.render(
        source,
        {"x": 1},
        params={"q": "Q"},
        current_user={"id": 5},
        session={"s": "S"},
        headers={"h": "H"},
        cookies={"c": "C"},
    )
    assert printed == "QQ5SHC1"


def test_a_byte_order_mark_is_no_text(site: Any) -> None:
    site.write({"layouts/l": "<{{ content_for_layout }}>"})
    assert site.render("\ufeff---\nlayout: l\n---\nx") == "<x>"


class _Listing(SiteLoader):
    """Counts how often a folder is listed."""

    listed = 0

    def names(self, folder: str) -> list[str]:
        self.listed += 1
        return super().names(folder)


def test_a_near_name_is_looked_for_when_somebody_is_told(tmp_path: Path) -> None:
    for path, text in {"one/partials/price": "1", "two/partials/prices": "2"}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / f"{path}.liquid").write_text(text)
    one = _Listing(tmp_path / "one")
    both = Environment(loader=ChoiceLoader([one, SiteLoader(tmp_path / "two")]))
    assert both.from_string("{% include 'prices' %}").render() == "2"
    assert one.listed == 0  # the other site has it
    with pytest.raises(LiquidError, match="pricse") as raised:
        Environment(loader=one).from_string("{% include 'pricse' %}").render()
    assert "did you mean 'price'?" in explain(raised.value)
    assert one.listed == 1
