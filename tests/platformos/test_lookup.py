"""Where templates of platformOS are found: in folders of the application, and in those of its modules."""

from __future__ import annotations

from typing import Any

import pytest
from liquid.exceptions import TemplateNotFoundError


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("show", "partials/show"),
        ("show", "app/views/partials/show"),
        ("commands/create", "app/lib/commands/create"),
        ("lib/commands/create", "app/lib/commands/create"),
        ("lib/commands/create", "app/views/partials/lib/commands/create"),
        ("commands/create", "app/views/partials/lib/commands/create"),
        ("show", "views/partials/show"),
        ("commands/create", "lib/commands/create"),
        ("modules/core/commands/create", "modules/core/public/lib/commands/create"),
        ("modules/core/lib/commands/create", "modules/core/public/lib/commands/create"),
        ("modules/core/show", "modules/core/public/views/partials/show"),
        ("modules/core/show", "app/modules/core/public/views/partials/show"),
    ],
)
def test_tags_find_it(site: Any, name: str, file: str) -> None:
    site.write({file: "found {{ x }}{% return 'r' %}"})
    assert site.render(f"{{% include '{name}' %}}") == "found "
    assert site.render(f"{{% function y = '{name}' %}}{{{{ y }}}}") == "r"
    assert site.run(f"{{% background _ = '{name}', x: 1 %}}") == "found 1"


def test_the_application_has_its_own_instead_of_a_modules(site: Any) -> None:
    site.write({"modules/core/public/lib/x": "theirs", "app/modules/core/public/lib/x": "ours"})
    assert site.render("{% render 'modules/core/x' %}") == "ours"


def test_layouts_of_modules(site: Any) -> None:
    site.write({"modules/core/public/views/layouts/basic": "<{{ content_for_layout }}>"})
    assert site.render("---\nlayout: modules/core/basic\n---\nbody") == "<body>"


@pytest.mark.parametrize("name", ["modules/core", "modules/../x", "modules/core/../../secret", "../x", "modules//x"])
def test_what_is_elsewhere_is_not_found(site: Any, name: str) -> None:
    site.write({"secret": "s", "x": "s", "modules/core/private/x": "s", "modules/core/public/lib/y": "s"})
    with pytest.raises(TemplateNotFoundError):
        site.render(f"{{% render '{name}' %}}")


def test_standard_liquid_looks_in_partials_only(standard: Any) -> None:
    standard.write({"app/lib/x": "found"})
    with pytest.raises(TemplateNotFoundError):
        standard.render("{% render 'x' %}")


def test_a_new_file_is_found_before_an_older_one(site: Any) -> None:
    site.write({"app/views/partials/x": "older"})
    assert site.render("{% render 'x' %}") == "older"
    site.write({"app/lib/x": "newer"})
    assert site.render("{% render 'x' %}") == "newer"
