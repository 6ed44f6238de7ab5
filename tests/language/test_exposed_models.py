"""Models and rows of Django, SQLAlchemy and pydantic in templates, on real databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
import sqlalchemy
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from sqlalchemy import orm

from liquid_background import HandOverError, NotExposed
from liquid_background.errors import CodeError, LimitReached
from liquid_background.language.exposed import ready
from tests.django_project import set_up
from tests.language.conftest import block

set_up()


class Customer(models.Model):
    name = models.CharField(max_length=50)
    password = models.CharField(max_length=50, default="x1")

    class Meta:
        app_label = "shop"
        ordering = ("id",)

    def __deepcopy__(self, memo: object) -> Customer:
        return self  # a page is rendered twice, and Django's own way would look for this module in INSTALLED_APPS

    @property
    def upper(self) -> str:
        return str(self.name).upper()

    def __str__(self) -> str:
        return str(self.name)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        app_label = "shop"
        ordering = ("id",)

    def __deepcopy__(self, memo: object) -> Order:
        return self


class Profile(models.Model):
    customer = models.OneToOneField(Customer, on_delete=models.CASCADE)

    class Meta:
        app_label = "shop"


@pytest.fixture
def shop(make_site: Callable[..., Any]) -> Iterator[Any]:
    site = make_site()
    with connection.schema_editor() as editor:
        for model in (Customer, Order, Profile):
            editor.create_model(model)
    ada = Customer.objects.create(name="Ada")
    Customer.objects.create(name="Bo")
    for total in (5, 7):
        Order.objects.create(customer=ada, total=total)
    yield site
    with connection.schema_editor() as editor:
        for model in (Profile, Order, Customer):
            editor.delete_model(model)


def check_told(site: Any, data: dict[str, Any], **names: str) -> None:
    """Check that what objects have, and no rule lists, is told; names of it stand by those of the objects."""
    for root, listed in names.items():
        for name in listed.split():
            template = site.engine.environment.from_string(f"{{{{ {root}.{name} }}}}")
            with pytest.raises(NotExposed, match=rf"^{root} is an? \w+, of which pages read no '{name}'(, but|:) "):
                template.render(**data)


def test_a_model_shows_its_own_columns(shop: Any) -> None:
    order = Order.objects.get(total=7)
    source = "{{ o.id }} {{ o.total }} {{ o.customer_id }}[{{ o.nothing }}{{ o._meta }}]{{ o.pk }}"
    assert shop.render(source, {"o": order}) == "2 7.00 1[]2"
    assert (
        shop.run(block("{% assign t = o.total %}{{ t }}{{ id }}", "source_name: 's', id: o.id"), {"o": order})
        == "7.002"
    )
    assert shop.render("[{{ c.__class__ }}{{ c.mro }}]{{ c.name }}", {"c": order.customer}) == "[]Ada"
    check_told(shop, {"c": order.customer}, c="password orders upper delete save objects profile")
    check_told(shop, {"o": order}, o="customer objects")
    relation = (
        r"expose\(Order, 'customer', …\) lists all that they read, and what the relation leads to has its own rule"
    )
    for source in ("{{ o.customer.name }}", "{% background source_name: 'x', id: o.customer.id %}{% endbackground %}"):
        with pytest.raises(NotExposed, match=f"^o is an Order, of which .*, but id, customer_id, total: {relation}"):
            shop.render(source, {"o": order})
    with pytest.raises(NotExposed, match="what map is given is an Order, of which pages read no 'customer'"):
        shop.render("{{ all | map: 'customer' }}", {"all": [order]})
    for name in ("orders", "profile"):
        with pytest.raises(NotExposed, match="what the relation leads to has its own rule"):
            shop.render(f"{{{{ c.{name}.size }}}}", {"c": order.customer})
    with pytest.raises(
        NotExposed, match=r"c is a Customer, whose text no rule exposes: print one of its fields \(id, name\)"
    ):
        shop.render("{{ c }}", {"c": order.customer})


class Document(models.Model):
    file = models.FileField()
    picture = models.ImageField()

    class Meta:
        app_label = "shop"


def test_json_writes_a_file_of_a_model_as_its_name(site: Any) -> None:
    document = Document(id=1, file="a/b.txt")
    template = site.engine.environment.from_string("{{ d | json }}{{ all | json }}{{ d.file }}")
    written = '{"id": 1, "file": "a/b.txt", "picture": ""}'
    assert template.render(d=document, all=[document]) == f"{written}[{written}]a/b.txt"


def test_a_model_shows_what_is_listed_and_nothing_else(shop: Any) -> None:
    shop.engine.environment.expose(Customer, "name", "orders", "upper", "profile", "__str__")
    shop.engine.environment.expose(Order, "total", "customer")
    source = "{{ c }}{{ c.upper }}{{ c.orders.size }}{{ c.orders.first.total }}{{ c.orders.last.customer.name }}[{{ c.profile }}]"
    ada = Customer.objects.get(name="Ada")
    render = shop.engine.environment.from_string
    assert render(source).render(c=ada) == "AdaADA25.00Ada[]"
    assert render("{% for o in c.orders %}{{ o.total }} {% endfor %}").render(c=ada) == "5.00 7.00 "
    check_told(shop, {"c": ada, "o": ada.orders.first()}, c="id", o="id")


def test_the_user_of_a_request_is_one(make_site: Callable[..., Any]) -> None:
    """Django gives pages a lazy object that stands for the user, or nobody."""
    users = apps.get_app_config("auth").module.models  # type: ignore[union-attr]
    site = make_site()
    source = "{{ u.username }}{{ u.is_authenticated }}[{{ u.nothing }}{{ u._state }}]"
    render = site.engine.environment.from_string(source).render
    for user in (users.User(username="ada"), SimpleLazyObject(lambda: users.User(username="ada"))):
        assert render(u=user) == "adatrue[]"
        check_told(site, {"u": user}, u="password objects has_perm groups")
        with pytest.raises(NotExposed, match="u is a User, whose text no rule exposes"):
            site.engine.environment.from_string("{{ u }}").render(u=user)
        listed = site.engine.environment.from_string("{{ l | map: 'username' | join }}")
        assert listed.render(l=[user]) == "ada"
    assert render(u=SimpleLazyObject(users.AnonymousUser)) == "false[]"
    check_told(site, {"u": SimpleLazyObject(users.AnonymousUser)}, u="has_perm groups")
    assert site.engine.environment.from_string("[{{ u.pk }}{{ u.email }}]").render(u=users.AnonymousUser()) == "[]"


def test_what_a_query_has_for_python_is_told(shop: Any) -> None:
    everyone = Customer.objects.all()
    data = {"all": everyone, "c": Customer.objects, "raw": Customer.objects.raw("SELECT * FROM shop_customer")}
    check_told(shop, data, all="count exists values model", c="count filter all", raw="columns")
    with pytest.raises(
        NotExposed, match="is a QuerySet, of which pages read no 'count', but size, first, last, its rows"
    ):
        shop.render("{% background source_name: 'x', n: all.count %}{% endbackground %}", data)
    assert shop.engine.environment.from_string("[{{ all.nothing }}{{ all.name }}]").render(all=everyone) == "[]"


def test_query_sets_are_asked_for_what_a_page_takes(shop: Any) -> None:
    def queries(source: str, query: Any) -> tuple[str, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            text = shop.engine.environment.from_string(source).render(all=query)
        return text, [query["sql"] for query in captured]

    assert queries("", Customer.objects.all()) == ("", [])
    text, asked = queries(
        "{{ all.size }}{{ all.first.name }}{{ all[1].name }}{{ all.last.name }}", Customer.objects.all()
    )
    assert text == "2AdaBoBo"
    assert "COUNT" in asked[0]
    assert asked[1].endswith("LIMIT 1")
    for source in ("{% for c in all limit: 1 %}{{ c.name }}{% endfor %}", "{% for c in all %}{{ c.name }}{% endfor %}"):
        text, asked = queries(source, Customer.objects.all())
        assert text == "Ada" if "limit" in source else "AdaBo"
        (query,) = asked
        assert query.endswith(f"LIMIT {1 if 'limit' in source else ready.MAX_ROWS + 1}")
    assert (
        queries("{% for c in all limit: 1 offset: 1 %}{{ c.name }}{{ forloop.length }}{% endfor %}", Customer.objects)[
            0
        ]
        == "Bo1"
    )
    evaluated = Customer.objects.all()
    assert len(evaluated) == 2
    assert queries(
        "{{ all.size }}{% for c in all reversed %}{{ c.name }}{% endfor %}{{ all.first.name }}", evaluated
    ) == ("2BoAdaAda", [])


def test_filters_take_query_sets(shop: Any) -> None:
    source = (
        "{{ all | map: 'name' | join: ',' }} {{ all | where: 'name', 'Bo' | map: 'id' }} {{ all | size }} "
        "{% assign f = all | first %}{{ f.name }} {{ all | json }} {{ all | sort: 'name' | reverse | map: 'name' | join }} "
        "{{ values | map: 'name' | join }} {% for p in pairs %}{{ p[1] }}{% endfor %} {{ named[0].name }}"
        "{% tablerow c in all %}{{ c.name }}{% endtablerow %}{% if all contains bo and all.size == 2 %}has{% endif %}{% for x in none %}{% else %}none{% endfor %}{{ none.first }}"
    )
    everyone = Customer.objects.all()
    data = {
        "all": everyone,
        "bo": Customer.objects.get(name="Bo"),
        "values": everyone.values("name"),
        "pairs": everyone.values_list("id", "name"),
        "named": everyone.values_list("id", "name", named=True),
        "none": everyone.none(),
    }
    printed = shop.engine.environment.from_string(source).render(**data)
    assert printed.startswith(
        'Ada,Bo 2 2 Ada [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}] Bo Ada Ada Bo AdaBo Ada<tr'
    )
    assert printed.endswith("hasnone")
    with pytest.raises(NotExposed, match="all is a QuerySet, whose text no rule exposes"):
        shop.render("{{ all }}", data)
    with pytest.raises(HandOverError, match="cannot hand `all` "):
        shop.engine.environment.from_string(block("{% assign a = all %}")).render(**data)


def test_partials_loop_over_query_sets(shop: Any) -> None:
    shop.write({"partials/c": "{{ c.name }}{{ forloop.index }}"})
    source = "{% render 'c' for all as c %}"
    assert shop.engine.environment.from_string(source).render(all=Customer.objects.all()) == "Ada1Bo2"
    shop.write({"partials/d": "{{ d.name }}"})
    assert shop.engine.environment.from_string("{% include 'd' for all as d %}").render(all=Customer.objects) == "AdaBo"


def test_a_page_takes_so_many_rows(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "MAX_ROWS", 1)
    for source in ("{% for c in all %}{% endfor %}", "{{ all | map: 'name' }}", "{{ all.last }}", "{{ all | json }}"):
        with pytest.raises(LimitReached, match="the query of a QuerySet has over 1 rows"):
            shop.engine.environment.from_string(source).render(all=Customer.objects.all())
    assert shop.engine.environment.from_string("{{ all.size }}").render(all=Customer.objects.all()) == "2"


def test_a_raw_query_gives_no_more_rows_than_a_page_takes(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "MAX_ROWS", 50)
    counting = "with recursive c(n) as (select 1 union all select n + 1 from c where n < %s) select n as id, n as name"
    made: list[int] = []
    monkeypatch.setattr(Customer, "from_db", classmethod(lambda kind, *row: made.append(1) or kind(id=row[2][0])))

    def render(source: str, rows: int) -> str:
        made.clear()
        query = Customer.objects.raw(f"{counting}, 'x' as password from c", [rows])
        text: str = shop.engine.environment.from_string(source).render(all=query)
        return text

    for source in ("{{ all.first.id }}", "{% for c in all limit: 1 %}{{ c.id }}{% endfor %}", "{{ all[0].id }}"):
        assert render(source, 5_000) == "1"
        assert len(made) == 1
    for source in ("{{ all.size }}", "{{ all | size }}", "{{ all.last }}", "{{ all | map: 'id' }}"):
        with pytest.raises(LimitReached, match="the query of a RawQuerySet has over 50 rows"):
            render(source, 5_000)
        assert len(made) == 51
    assert render("{{ all.size }}{{ all.last.id }}{{ all | map: 'id' | join }}", 2) == "221 2"
    fetched = Customer.objects.raw("select * from shop_customer")
    assert len(list(fetched)) == 2
    with CaptureQueriesContext(connection) as asked:
        assert shop.engine.environment.from_string("{{ all.size }}").render(all=fetched) == "2"
    assert not asked.captured_queries


def test_an_async_page_takes_rows_that_were_fetched(shop: Any) -> None:
    source = "{% for c in all %}{{ c.name }}{% endfor %}"
    template = shop.engine.environment.from_string("\n" + source)
    rows = Customer.objects.all()
    with pytest.raises(CodeError, match=r"Django asks no database in async code: have the application") as raised:
        asyncio.run(template.render_async(all=rows))
    assert raised.value.context()[0] == 2
    assert len(rows) == 2
    assert asyncio.run(template.render_async(all=rows)) == "\nAdaBo"


@pytest.mark.parametrize("source", ["{{ all.size }}", "{{ all.first }}", "{{ all | size }}", "{{ all | map: 'name' }}"])
def test_an_async_page_that_would_query_says_so(shop: Any, source: str) -> None:
    with pytest.raises(CodeError, match="Django asks no database in async code"):
        asyncio.run(shop.engine.environment.from_string(source).render_async(all=Customer.objects.all()))


def test_a_page_that_async_code_renders_says_what_it_can_do(shop: Any) -> None:
    async def view() -> str:
        text: str = shop.engine.environment.from_string("{{ all.size }}").render(all=Customer.objects.all())
        return text

    with pytest.raises(
        CodeError, match=r"in async code: have .*, or render in a thread, sync_to_async\(render\)"
    ) as raised:
        asyncio.run(view())
    assert "render_async" not in str(raised.value)


def test_an_async_page_reads_relations_that_were_fetched(shop: Any) -> None:
    shop.engine.environment.expose(Order, "customer")
    template = shop.engine.environment.from_string("{{ o.customer.name }}")
    with pytest.raises(CodeError, match=r"Django asks no database in async code.*select_related"):
        asyncio.run(template.render_async(o=Order.objects.get(total=7)))
    fetched = Order.objects.select_related("customer").get(total=7)
    assert asyncio.run(template.render_async(o=fetched)) == "Ada"


def test_filters_ask_no_more_than_they_need(shop: Any) -> None:
    for source, printed, asked in (
        ("{{ all | size }}", "2", "COUNT"),
        ("{% assign f = all | first %}{{ f.name }}", "Ada", "LIMIT 1"),
        ("{{ all | slice: 0, 2 | map: 'name' | join }}", "Ada Bo", "LIMIT 2"),
        ("{{ all | slice: 1 | map: 'name' | join }}", "Bo", "LIMIT 2"),
        ("{{ all | slice: -1 | map: 'name' | join }}", "Bo", "LIMIT"),
        ("{{ none | first }}{{ none | last }}{{ none | size }}", "0", ""),
    ):
        with CaptureQueriesContext(connection) as captured:
            data = {"all": Customer.objects.all(), "none": Customer.objects.none()}
            assert shop.engine.environment.from_string(source).render(**data) == printed
        assert all(asked in query["sql"] for query in captured)
        assert len(captured) == (1 if asked else 0)


@pytest.mark.parametrize(
    "arguments",
    ["limit: 0", "limit: 1", "limit: 9", "offset: 1", "limit: 1 offset: 1", "offset: 9", "reversed limit: 1", ""],
)
def test_a_loop_takes_a_query_as_it_takes_a_list(shop: Any, arguments: str) -> None:
    source = f"{{% for c in all {arguments} %}}{{{{ c.name }}}}{{{{ forloop.length }}}}{{% else %}}none{{% endfor %}}"
    render = shop.engine.environment.from_string(source + "{% for c in all offset: continue %}{{ c.name }}{% endfor %}")
    everyone = Customer.objects.all()
    assert render.render(all=everyone) == render.render(all=list(everyone))


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    api_token: orm.Mapped[str] = orm.mapped_column(default="x1")
    books: orm.Mapped[list[Book]] = orm.relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    count: orm.Mapped[int]
    author_id: orm.Mapped[int] = orm.mapped_column(sqlalchemy.ForeignKey("author.id"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


@pytest.fixture
def session() -> Iterator[orm.Session]:
    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Author(name="Ada", books=[Book(count=3), Book(count=4)]))
        session.commit()
        yield session
    engine.dispose()


def test_mapped_objects_show_their_columns(site: Any, session: orm.Session) -> None:
    author = session.scalars(sqlalchemy.select(Author)).one()
    hidden = "[{{ a.nothing }}{{ a._sa_instance_state }}]"
    render = site.engine.environment.from_string("{{ a.id }}{{ a.name }}" + hidden).render
    assert render(a=author) == "1Ada[]"
    check_told(site, {"a": author}, a="books api_token metadata registry")
    with pytest.raises(
        NotExposed, match=r"expose\(Author, 'books', …\) lists .*what the relation leads to has its own"
    ):
        site.engine.environment.from_string("{{ a.books.size }}").render(a=author)
    with pytest.raises(NotExposed, match=r"expose\(Author, 'api_token', …\) lists all that they read\n"):
        site.engine.environment.from_string("{{ a.api_token }}").render(a=author)
    site.engine.environment.expose(Author, "name", "books")
    source = "{{ a.name }}{{ a.books.size }}{{ a.books | map: 'count' | join: ',' }}{% for b in a.books %}{{ b.count }}{% endfor %}"
    assert site.engine.environment.from_string(source).render(a=author) == "Ada23,434"
    session.expire_all()
    session.expunge_all()
    with pytest.raises(CodeError, match="DetachedInstanceError"):
        site.engine.environment.from_string("{{ a.name }}").render(a=author)


def test_rows_show_their_columns(site: Any, session: orm.Session) -> None:
    rows = session.execute(sqlalchemy.select(Book.id, Book.count, Author.name, Author).join(Author)).all()
    source = (
        "{% for r in rows %}{{ r.id }}{{ r.count }}{{ r.name }}{{ r[0] }}{{ r.size }}{{ r.Author.name }}[{{ r.nothing }}{{ r._mapping }}{{ r.keys }}]"
        "{% endfor %}{{ rows | map: 'count' | join: ',' }} {{ rows | where: 'count', 4 | size }}"
    )
    assert site.engine.environment.from_string(source).render(rows=rows) == "13Ada14Ada[]24Ada24Ada[]3,4 1"
    mapping = session.execute(sqlalchemy.select(Book.id)).mappings().all()
    assert site.render("{{ rows[1].id }}", {"rows": [dict(row) for row in mapping]}) == "2"
    assert site.engine.environment.from_string("{{ rows[1].id }}").render(rows=mapping) == "2"
    with pytest.raises(NotExposed, match="whose text no rule exposes"):
        site.engine.environment.from_string("{{ rows[0] }}").render(rows=rows)
    (secret,) = session.execute(sqlalchemy.select(Author.name, Author.api_token)).all()
    source = "{% for x in r %}{{ x }}{% endfor %}{{ r.name }}{{ r | last }}{{ r | json }}{{ d | json }}"
    assert site.engine.environment.from_string(source).render(r=secret, d={"r": secret}) == (
        'AdaAdaAda["Ada"]{"r": {"name": "Ada"}}'
    )
    check_told(site, {"r": secret}, r="api_token index")
    for path in ("r[1]", "r.last"):
        with pytest.raises(NotExposed, match="read no 'api_token', but name"):
            site.engine.environment.from_string(f"{{{{ {path} }}}}").render(r=secret)
    results = session.execute(sqlalchemy.select(Book.id))
    loop = site.engine.environment.from_string("{% for r in results %}{% endfor %}")
    with pytest.raises(NotExposed, match=r"results is a \w+, which no rule exposes, and no list"):
        loop.render(results=results)


def test_queries_of_sqlalchemy_are_asked_for_what_a_page_takes(
    site: Any, session: orm.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(source: str) -> str:
        text: str = site.engine.environment.from_string(source).render(q=session.query(Book))
        return text

    source = "{{ q.size }}{{ q | size }}{{ q.first.count }}{{ q[1].count }}{{ q | map: 'count' | join }}"
    assert render(source + "{% for b in q %}{{ b.count }}{% endfor %}") == "22343 434"
    with pytest.raises(NotExposed, match="q is a Query, whose text no rule exposes"):
        render("{{ q }}")
    with pytest.raises(NotExposed, match="what join is given is a Book"):
        render("{{ q | join }}")
    monkeypatch.setattr(ready, "MAX_ROWS", 1)
    for source in ("{{ q | join }}", "{% for b in q %}{% endfor %}", "{% if q contains 1 %}{% endif %}"):
        with pytest.raises(LimitReached, match="the query of a Query has over 1 rows"):
            render(source)
    assert render("{{ q.size }}{{ q.first.count }}") == "23"


class Address(pydantic.BaseModel):
    city: str


class User(pydantic.BaseModel):
    name: str
    address: Address
    secret: str = "x1"
    inner: str = pydantic.Field(default="x2", exclude=True)
    quiet: str = pydantic.Field(default="x3", repr=False)
    _own: str = "x4"

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.name.upper()


class Open(pydantic.BaseModel, extra="allow"):
    """A model that keeps what it is given beyond its fields."""


def test_pydantic_models_show_their_fields(make_site: Callable[..., Any]) -> None:
    user = User(name="Ada", address=Address(city="Paris"))
    site = make_site()
    hidden = "[{{ u._own }}{{ u.nothing }}]"
    assert site.render("{{ u.name }}{{ u.address.city }}" + hidden, {"u": user}) == "AdaParis[]"
    check_told(site, {"u": user}, u="secret inner quiet model_fields model_dump copy json shout")
    check_told(site, {"o": Open.model_validate({"nick": "A"})}, o="nick")
    assert site.render("[{{ o.nothing }}]", {"o": Open()}) == "[]"
    assert site.render("{{ u | json }}", {"u": user}) == '{"name": "Ada", "address": {"city": "Paris"}}'
    assert site.run(block("{% assign c = u.address.city %}{{ c }}"), {"u": user}) == "Paris"
    with pytest.raises(NotExposed, match="u is a User, whose text"):
        site.render("{{ u }}", {"u": user})
    closed = make_site(ready_rules=False)
    for source in ("{{ u }}", "{{ u.name }}"):
        with pytest.raises(NotExposed, match="u is a User, which no rule exposes"):
            closed.render(source, {"u": user})
    closed.engine.environment.expose(User, "shout")
    assert closed.render("{{ u.shout }}", {"u": user}) == "ADA"
    check_told(closed, {"u": user}, u="name")
