"""Values that need no rule: members of enumerations have a name and a value; what others have for Python is told."""

from __future__ import annotations

import asyncio
import datetime
import enum
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from liquid import Mode
from markupsafe import Markup

from liquid_background import HandOverError, NotExposed
from tests.django_project import set_up
from tests.language.conftest import block

set_up()


class Colour(enum.Enum):
    RED = 1
    BLUE = 2

    @property
    def tint(self) -> str:
        return "light"


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(str, enum.Enum):  # noqa: UP042  as older code has it, whose text differs
    OLD = "o"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Status(models.TextChoices):
    PAID = "paid", gettext_lazy("Has been paid")


class Grade(models.IntegerChoices):
    BEST = 1, "Best"


@pytest.mark.parametrize(
    ("member", "printed"),
    [
        (Colour.RED, "RED 1 Colour.RED"),
        (Size.SMALL, "SMALL s s"),
        (Level.HIGH, "HIGH 2 2"),
        (Mixed.OLD, "OLD o o"),
        (Right.READ, "READ 1 Right.READ"),
        (Right.READ | Right.WRITE, "READ|WRITE 3 Right.READ|WRITE"),
        (Status.PAID, "PAID paid paid"),
        (Grade.BEST, "BEST 1 1"),
    ],
)
def test_a_member_of_an_enumeration_has_a_name_and_a_value(site: Any, member: enum.Enum, printed: str) -> None:
    assert site.render("{{ m.name }} {{ m.value }} {{ m }}", {"m": member}) == printed
    keyed = (
        "{{ l | map: 'name' | join }} {{ l | map: 'value' | join }}{% assign f = l | find: 'name', m.name %} {{ f }}"
    )
    assert site.render(keyed, {"l": [member], "m": member}) == printed
    assert site.render("[{{ m._value_ }}{{ m.nothing }}{{ m.__class__ }}]", {"m": member}) == "[]"
    assert site.run(block("{{ n }} {{ v }}", "source_name: 's', n: m.name, v: m.value"), {"m": member}) == (
        " ".join(printed.split(" ")[:2])
    )


def test_a_choice_of_djangos_has_a_label(site: Any) -> None:
    data = {"s": Status.PAID, "g": Grade.BEST, "all": [Status.PAID], "c": Colour.RED}
    source = "{{ s.label }} {{ g.label }} {{ all | map: 'label' | join }}[{{ c.label }}]"
    assert site.render(source, data) == "Has been paid Best Has been paid[]"


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.LAX])
def test_what_else_a_member_has_is_told(make_site: Callable[..., Any], mode: Mode) -> None:
    site = make_site(mode)
    if mode is Mode.LAX:
        assert site.render("[{{ c.tint }}]", {"c": Colour.RED}) == "[]"
        return
    for name in ("tint", "BLUE"):
        with pytest.raises(NotExposed, match=f"^c is a Colour, of which pages read no '{name}', but name, value: "):
            site.render(f"{{{{ c.{name} }}}}", {"c": Colour.RED})
    site.engine.environment.expose(Colour, "tint", "name")
    assert site.render("{{ c.tint }}{{ c.name }}", {"c": Colour.RED}) == "lightRED"


def test_members_are_the_values_that_they_were(site: Any) -> None:
    """Filters, conditions, loops and jobs take a member that is a number or text as that."""
    data = {
        "n": [Level.HIGH, Level.LOW],
        "t": [Size.SMALL, Size.LARGE],
        "s": Size.SMALL,
        "v": Level.HIGH,
        "c": Colour.RED,
    }
    source = (
        "{{ n | sum }} {{ n | sort | join }} {{ t | sort | join }} {{ t | sort_natural | join }} {{ t | uniq | size }} "
        "{{ s | upcase }} {{ v | plus: 1 }} {% if s == 's' %}eq{% endif %} {% case v %}{% when 2 %}two{% endcase %} "
        "{{ t | json }} {{ c | json }} {% if s contains 's' %}in{% endif %} {{ s.size }} {{ n | sort_numeric | join }}"
    )
    assert site.render(source, data) == '3 1 2 l s l s 2 S 3 eq two ["s", "l"] 1 in 1 1 2'
    assert site.run(block("{% assign x = s %}{{ x }}{{ v }}", "source_name: 's', v: v"), data) == "s2"
    with pytest.raises(HandOverError, match=r"cannot hand `c` \(Colour\).*pages read these of it: name, value"):
        site.render(block("{% assign x = c %}{{ x }}"), data)


def test_without_ready_rules_a_member_says_so(make_site: Callable[..., Any]) -> None:
    site = make_site(ready_rules=False)
    assert site.render("{{ s }} {{ c }}", {"s": Size.SMALL, "c": Colour.RED}) == "s Colour.RED"
    for source in ("{{ c.name }}", "{{ c.tint }}"):
        with pytest.raises(NotExposed, match="c is a Colour, of which pages read no "):
            site.render(source, {"c": Colour.RED})


WHEN = datetime.datetime(2024, 1, 15, 14, 32, 45)
VALUES = [
    (WHEN, "year", r"write `\| date: '%Y'`, or have the application pass it by itself"),
    (WHEN, "isoformat", r"write `\| date: '"),
    (WHEN.date(), "day", r"write `\| date: '%d'`"),
    (WHEN.time(), "hour", "print it, or have the application pass that by itself"),
    (datetime.timedelta(days=2), "days", "print it, or have"),
    (zoneinfo.ZoneInfo("UTC"), "key", "print it, or have"),
    (datetime.UTC, "utcoffset", "print it, or have"),
    (Path("/a/b.txt"), "name", "print it, or have"),
    (Fraction(1, 2), "numerator", "print it, or have"),
    (Decimal("1.5"), "real", "print it, or have"),
    (1j, "real", "print it, or have"),
    (uuid.UUID(int=7), "hex", "print it, or have"),
    (b"abc", "decode", "print it, or have"),
]


@pytest.mark.parametrize(("value", "name", "advice"), VALUES, ids=[type(value).__name__ for value, *_ in VALUES])
def test_what_a_value_has_for_python_is_told(
    make_site: Callable[..., Any], value: object, name: str, advice: str
) -> None:
    site = make_site()
    why = rf" is an? {type(value).__name__}, of which pages read no '{name}': {advice}"
    for source in (
        f"\n{{{{ v.{name} }}}}",
        f"\n{{{{ v['{name}'].more }}}}",
        f"\n{{% background source_name: 's', x: v.{name} %}}{{% endbackground %}}",
    ):
        with pytest.raises(NotExposed, match=f"^v{why}") as raised:
            site.render(source, {"v": value})
        assert raised.value.context()[0] == 2
    with pytest.raises(NotExposed, match=f"^d.v{why}"):
        asyncio.run(site.engine.environment.from_string(f"{{{{ d.v.{name} }}}}").render_async(d={"v": value}))
    assert site.render("[{{ v.nothing }}{{ v._x }}{{ v.__class__ }}{{ v.first.x }}]", {"v": value}) in ("[]", "[97]")
    assert site.jobs == []
    assert make_site(Mode.LAX).render(f"[{{{{ v.{name} }}}}]", {"v": value}) == "[]"
    with pytest.warns(match=why):
        assert make_site(Mode.WARN).render(f"[{{{{ v.{name} }}}}]", {"v": value}) == "[]"


@pytest.mark.parametrize("tag", ["for", "tablerow"])
@pytest.mark.parametrize(
    "value",
    [Colour.RED, *(value for value, *_ in VALUES if type(value) not in (Decimal, bytes))],
    ids=lambda value: type(value).__name__,
)
def test_a_loop_over_a_value_says_so(site: Any, value: object, tag: str) -> None:
    with pytest.raises(NotExposed, match=rf"^v is an? {type(value).__name__}, which is no list to loop over"):
        site.render(f"{{% {tag} x in v %}}{{{{ x }}}}{{% end{tag} %}}", {"v": value})


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("text", "upper count"),
        (7, "real"),
        (1.5, "hex"),
        (True, "real"),
        ([1], "append index"),
        ((1,), "count"),
        ({"a": 1}, "items keys"),
        ({1}, "add"),
        (Markup("m"), "unescape"),
        (mark_safe("s"), "upper"),
        (None, "x"),
    ],
)
def test_plain_values_may_be_asked_for_anything(site: Any, value: object, names: str) -> None:
    for name in names.split():
        assert site.engine.environment.from_string(f"[{{{{ v.{name} }}}}]").render(v=value) == "[]"
    loop = "{% for x in v %}{% endfor %}"
    assert site.engine.environment.from_string(loop).render(v=value) == ""
    assert site.engine.environment.from_string(loop).render(v=Decimal(1)) == ""
