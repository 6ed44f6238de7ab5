"""NEVER_SHIP at tags: refused with its line, whatever is tolerated and however the template is rendered."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from liquid import Mode
from liquid.exceptions import LiquidError

from liquid_background import Engine, EnqueueError, HandOverError
from liquid_background.testing import fake_jobs
from tests.language.compiled.differ import at_once
from tests.language.conftest import block
from tests.python_jobs import shop

CARD = "4111 1111 1111 1111"
IBAN = "DE02 1203 0000 0000 2020 51"
PAGE: dict[str, Any] = {
    "user": {
        "name": "Ada",
        "card": CARD,
        "pin": 12,
        "cards": [{"number": 1}],
        "tel": 491701234567,
        "born": date(1990, 2, 3),
        "worth": Decimal("1234567.89"),
    },
    "users": [{"name": "Ada", "card": "4222 2222 2222 2222"}],
    "key": "card",
    "note": "nothing",
}
FILES = {
    "partials/shown": "{{ x }}",
    "partials/sends": "{% background source_name: 'p', to: x %}{{ to }}{% endbackground %}",
    "consumers/paid/mail": "{{ event.card }}{{ context.params.password }}{{ context.params.q }}",
}
SENT = "{% background source_name: 'before' %}x{% endbackground %}"

REFUSED = [
    # by its path: parameters, options, what a body hands over, in each form of the tag
    (block("", "source_name: 's', c: user.card"), "parameter 'c': `user.card`"),
    ("<% background source_name: 's', c: user.card %><% endbackground %>", "parameter 'c': `user.card`"),
    ("{% liquid\nbackground source_name: 's', c: user.card\nendbackground %}", "parameter 'c': `user.card`"),
    ("{% background _ = 'shown', x: user.card %}", "parameter 'x': `user.card`"),
    ("{% background source_name: user.card %}{% endbackground %}", "option 'source_name': `user.card`"),
    ("{% background user.card %}{% endbackground %}", "the name: `user.card`"),
    (block("{% assign c = user.card %}"), "the body: `user.card`"),
    (block("{% include 'shown', x: user.card %}"), "the body: `user.card`"),
    (block("{% action 'x', card: user.card %}"), "the body: `user.card`"),
    (block("{% log user.card %}"), "the body: `user.card`"),
    (block(block("{% assign c = user.card %}")), "the body: `user.card`"),
    (block(block("", "source_name: 'i', c: user.card")), "the body: `user.card`"),
    (block("{% trigger_event 'paid', card: user.card %}"), "the body: `user.card`"),
    # however the path is written
    (block("", "c: user['card']"), "`user.card`"),
    (block("", "c: user[key]"), "`user.card`"),
    (block("{% assign c = user[key] %}"), "`user.card`"),
    (block("", "c: user.card | default: 1 | upcase"), "`user.card`"),
    (block("", "c: note | append: user.card"), "`user.card`"),
    (block("", "c: user.cards[0].number"), "`user.cards[0].number`"),
    # by what is inside
    (block("", "u: user"), "`user.card`"),
    (block("{% assign u = user %}"), "`user.card`"),
    (block("", "u: {'x': [user]}"), "`user[0].card`|`user.card`"),
    (block("", "u: users"), "`users[0].card`"),
    (block("{% assign u = users[n] %}", "n: 0"), "`users[0].card`"),
    (block("", "user: users[0]"), "`users[0].card`"),
    (block("", "user: {'card': 1}"), "`user.card`"),
    # by what it is called where it goes
    (block("", "pin: 1"), "parameter 'pin': `pin`"),
    ("{% trigger_event 'paid', pin: note %}", "the event's 'pin': `event.pin`"),
    ("{% trigger_event 'paid', card: user.card %}", "the event's 'card': `user.card`"),
    ("{% trigger_event event: 'paid', user: user %}", "the event's 'user': `user.card`"),
    # lines of the log
    ("{% log user.card %}", "the line: `user.card`"),
    ("{% log user %}", "the line: `user.card`"),
    ("{% log note, type: user.card %}", "'type': `user.card`"),
    # recognised under another name
    ("{% assign c = user.card %}" + block("", "c: c"), "parameter 'c': `user.card`"),
    ("{% assign c = user.card %}" + block("{% assign d = c %}"), "the body: `user.card`"),
    ("{% capture c %}Card {{ user.card }}{% endcapture %}" + block("", "c: c"), "`user.card`"),
    ("{% assign c = user.card | append: '!' %}" + block("", "c: [note, c]"), "`user.card`"),
    ("{% assign c = user.tel %}" + block("", "c: c"), "`user.tel`"),
    ("{% assign c = user.tel | append: '' %}" + block("", "c: c"), "`user.tel`"),
    ("{% assign c = user.born %}" + block("", "c: c"), "parameter 'c': `user.born`"),
    ("{% capture c %}born {{ user.born }}{% endcapture %}{% log c %}", "the line: `user.born`"),
    ("{% assign u = user %}" + block("{% assign c = u.worth %}"), "the body: `user.worth`"),
    ("{% for u in users %}{% assign c = u.card %}" + block("", "c: c") + "{% endfor %}", "`users[0].card`"),
    ("{% include 'sends', x: user.card %}", "parameter 'to': `user.card`"),
    ("{% include 'sends' with user.card as x %}", "`user.card`"),
    ("{% render 'sends', x: user.card %}", "`user.card`"),
    ("{% function r = 'sends', x: user.card %}", "`user.card`"),
    ("{% macro m, x %}" + block("", "c: x") + "{% endmacro %}{% call m, x: user.card %}", "`user.card`"),
]
SHIPPED = [
    block("{% assign n = user.name %}{{ n }}", "a: user.name, b: note"),
    block("{{ user.card }}{% if user.card %}{% endif %}"),  # which is blank there
    block("{% assign card = 1 %}{% assign user = card %}{% assign c = user.card %}"),
    "{% assign last = user.card | slice: -4, 4 %}" + block("{{ last }}", "last: last"),
    block("", "n: users | map: 'name'"),
    block("{% assign c = nobody.card %}", "d: user.nothing.card"),
    "{% log user.name %}{% trigger_event 'paid', who: user.name %}",
    block("", f"written: 'Card {CARD}'"),  # by whoever wrote the template
]
PATTERNS = "user.card, users.card, cards.number, *.pin, user.tel, user.born, user.worth"


@pytest.fixture
def withholding(make_site: Callable[..., Any]) -> Callable[..., Any]:
    def make(mode: Mode = Mode.STRICT, patterns: str = PATTERNS, **options: Any) -> Any:
        site = make_site(mode, **options)
        site.engine.environment.never_ship = type(site.engine.environment.never_ship)(patterns.split(", "))
        site.write(FILES)
        return site

    return make


@pytest.mark.parametrize(("source", "said"), REFUSED)
def test_it_is_refused_with_its_place_and_nothing_is_sent(withholding: Any, source: str, said: str) -> None:
    site = withholding()
    with pytest.raises(HandOverError) as raised:
        site.render(f"{SENT}\n{source}", PAGE)
    message = str(raised.value.message)
    assert any(part in message for part in said.split("|")), message
    assert "NEVER_SHIP has " in message
    assert CARD not in str(raised.value)
    assert raised.value.template_name in ("pages/page", "partials/sends")
    assert raised.value.token.source.count("\n", 0, raised.value.token.start_index) >= ("sends" not in source)
    assert site.jobs == []


@pytest.mark.parametrize(("source", "said"), REFUSED[::4])
def test_compiled_templates_refuse_it_alike(withholding: Any, source: str, said: str) -> None:
    with at_once():
        test_it_is_refused_with_its_place_and_nothing_is_sent(withholding, source, said)


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.LAX])
@pytest.mark.parametrize(("source", "said"), REFUSED)
def test_where_errors_are_tolerated_nothing_of_it_is_sent(withholding: Any, source: str, said: str, mode: Mode) -> None:
    site = withholding(mode)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert site.render(f"{SENT}{source}", PAGE).strip() == ""
    assert [job.source_name for job in site.jobs] == ["before"]  # others of the page are
    assert bool(warned) == (mode is Mode.WARN)
    (line,) = {entry.message for entry in site.engine.log.entries()}
    assert line.startswith("nothing is sent of '")
    assert any(part in line for part in said.split("|"))
    assert CARD not in line


@pytest.mark.parametrize("source", SHIPPED)
def test_what_is_not_named_is_sent(withholding: Any, source: str) -> None:
    site = withholding()
    site.render(source, PAGE)
    (job,) = site.jobs
    assert CARD not in str(job) or "written" in source
    assert site.perform(job).error is None


def test_a_partial_form_that_is_not_sent_has_no_id(withholding: Any) -> None:
    site = withholding(Mode.LAX)
    assert site.render("{% background id = 'shown', x: user.card %}[{{ id }}]", PAGE).strip() == "[]"


def test_consumers_see_no_part_of_the_request_that_is_named(withholding: Any) -> None:
    site = withholding(patterns="*.password, current_user.mail, session")
    request: dict[str, Any] = {"params": {"password": "p", "q": "shoes"}, "session": {"a": 1}}
    site.render("{% trigger_event 'paid' %}", {}, **request, current_user={"id": 1, "mail": "a@b"})
    (job,) = site.jobs
    assert job.parameters["context"]["params"] == {"q": "shoes"}
    assert job.parameters["context"]["current_user"] == {"id": 1}
    assert job.parameters["context"]["session"] is None


def test_a_job_makes_none_with_it_either(withholding: Any) -> None:
    site = withholding(patterns="inner.pin")
    inner = block("", "source_name: 'i', c: inner")
    site.render(block("{% assign inner = {'pin': 1} %}" + inner), PAGE)
    outcome = site.perform(site.job)
    assert "`inner.pin` is never shipped" in outcome.error
    assert outcome.jobs == ()


class Row(NamedTuple):
    name: str
    iban: str


@dataclass
class Account:
    id: int
    iban: str
    asked: int = 0

    @property
    def balance(self) -> str:
        self.asked += 1
        return "not to be asked for"


def test_objects_are_known_by_what_they_hold_and_are_asked_nothing(withholding: Any) -> None:
    site = withholding(patterns="row.iban, account.iban, account.balance")
    data = {"row": Row("Ada", "1"), "account": Account(1, IBAN)}
    for source in (
        block("", "r: row"),
        block("", "c: account.iban"),
        "{% assign c = account.iban %}" + block("", "c: c"),
    ):
        with pytest.raises(HandOverError, match="is never shipped"):
            site.render(source, data)
    site.render(block("", "id: account.id"), data)
    assert data["account"].asked == 0  # type: ignore[attr-defined]


def test_a_request_with_many_names_hides_nothing_of_the_page(withholding: Any) -> None:
    site, params = withholding(), {f"p{number}": "x" for number in range(10_000)}
    site.write({"pages/p": "{% assign c = user.card %}" + block("", "c: c")})
    with pytest.raises(HandOverError, match=r"`user\.card` is never shipped"):
        site.engine.render("p", PAGE, params=params)


def test_values_without_end_are_refused_as_they_are_without_the_setting(withholding: Any) -> None:
    circle: list[Any] = [1]
    circle += [circle, circle]
    wide: Any = ["x"]
    for _ in range(40):
        wide = [wide, wide]
    for value in (circle, wide):
        for source in (block("", "c: v"), block("{% assign c = v %}"), "{% trigger_event 'paid', v: v %}"):
            with pytest.raises(LiquidError, match=r"takes? over|nested more"):
                withholding().render(source, {"v": value, "user": PAGE["user"]})
    withholding().render("{% log v %}", {"v": circle, "user": PAGE["user"]})
    site = withholding()
    site.render(
        "{% assign c = 1 %}" + block("", "c: c"), {"v": circle, "w": wide, "big": 10**6000, "user": {"card": 10**6000}}
    )
    assert len(site.jobs) == 1


@pytest.mark.parametrize("value", ["1234567", 1234567, 3.14159265358979, Decimal("12345.67"), True, None], ids=repr)
def test_a_value_that_may_be_another_one_by_chance_is_known_by_its_name_alone(withholding: Any, value: Any) -> None:
    site = withholding(patterns="user.secret")
    site.render("{% assign c = user.secret %}" + block("", "c: c"), {"user": {"secret": value}})
    assert site.job.parameters == {"c": value}


def test_python_calls_are_held_to_it_too() -> None:
    engine = Engine(never_ship="order.card,order_id.pin")
    for name, function in shop.engine.environment.actions.items():
        engine.action(name)(function)
    with fake_jobs(engine) as jobs:
        with pytest.raises(
            EnqueueError, match=r"notify: 'order_id\.pin' is never shipped, as NEVER_SHIP has order_id\.pin"
        ):
            engine.enqueue("notify", {"order_id": {"pin": 1}})
        engine.enqueue("notify", {"order_id": 7})
        assert len(jobs.enqueued) == 1


def test_a_page_whose_action_enqueues_it_sends_nothing(withholding: Any) -> None:
    site = withholding()
    engine = site.engine
    vars(engine)["_never_ship"] = engine.environment.never_ship

    @engine.action
    def sign_up(user: Any) -> None:
        engine.enqueue("shown", {"user": user})

    with pytest.raises(EnqueueError, match=r"'user\.card' is never shipped") as raised:
        site.render(f"{SENT}\n{{% action 'sign_up', user: user %}}", PAGE)
    assert raised.value.__notes__ == ["called from pages/page:2"]
    assert site.jobs == []


def test_the_setting_reaches_the_environment_and_leaves_with_the_engine() -> None:
    engine = Engine(never_ship="user.card")
    environment = engine.environment
    assert environment.never_ship.texts == ("user.card",)
    environment.detach()
    assert not environment.never_ship
