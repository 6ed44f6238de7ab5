"""What pages read of Django's own objects: models with what a query added, pages of a paginator, forms, permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.contrib.auth.context_processors import PermWrapper
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.paginator import Paginator
from django.db.models import Count, F, Prefetch, Value
from django.db.models.functions import Length
from django.template.loader import render_to_string
from django.test import Client
from django.utils.functional import SimpleLazyObject
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from liquid import StrictUndefined
from liquid.exceptions import LiquidError

from liquid_background import Environment, HandOverError, NotExposed
from liquid_background.errors import CodeError
from liquid_background.testing import fake_jobs


def render(source: str, environment: Environment | None = None, **data: Any) -> str:
    return (environment or Environment(autoescape=True)).from_string(source).render(**data)


@pytest.fixture
def ada(databases: None) -> Iterator[User]:
    User.objects.all().delete()  # of other tests, which leave theirs
    user = User.objects.create_user("ada", "ada@example.com", "secret")
    user.groups.set([Group.objects.create(name=name) for name in ("cooks", "tasters")])
    yield user
    User.objects.all().delete()
    Group.objects.all().delete()


def test_the_key_of_a_model_is_read_and_not_listed(ada: User) -> None:
    assert render("{{ u.pk }}{{ l | map: 'pk' | join }}", u=ada, l=[ada]) == f"{ada.pk}{ada.pk}"
    assert render("{{ g | json }}", Environment(), g=Group(id=7, name="a")) == '{"id": 7, "name": "a"}'
    with pytest.raises(NotExposed, match=r"print one of its fields \(id, name\)"):
        render("{{ g }}", g=Group(id=7, name="a"))
    strict = Environment(undefined=StrictUndefined)
    assert render("{{ u.pk }}", strict, u=ada) == str(ada.pk)
    assert render("{{ p.pk }} {{ p.nothing }}", p=ContentType(id=3)) == "3 "
    with pytest.raises(NotExposed, match="p is a ContentType, of which pages read no 'name', but id, app_label, model"):
        render("{{ p.name }}", p=ContentType(id=3))


def test_a_key_that_looks_secret_has_no_second_name() -> None:
    token = Session(session_key="very secret")
    closed = Environment()
    closed.secret_names = ("session_key",)
    for name in ("pk", "session_key"):
        with pytest.raises(NotExposed, match=f"s is a Session, of which pages read no '{name}', but ") as raised:
            render(f"{{{{ s.{name} }}}}", closed, s=token)
        assert "very secret" not in str(raised.value)


def test_what_a_query_adds_is_read(ada: User) -> None:
    user = User.objects.annotate(
        teams=Count("groups"), long=Length("username"), price=Value(Decimal("1.25")), api_token=Value("x1")
    ).get()
    assert render("{{ u.teams }} {{ u.long }} {{ u.price }}[{{ u.nothing }}]", u=user) == "2 3 1.25[]"
    with pytest.raises(NotExposed, match="u is a User, of which pages read no 'api_token', but id, "):
        render("{{ u.api_token }}", u=user)
    rows = User.objects.annotate(teams=Count("groups"))
    source = "{% for u in rows %}{{ u.teams }}{% endfor %}{{ rows | map: 'teams' | join }}{{ rows | sum: 'teams' }}"
    assert render(source, rows=rows) == "222"
    fetched = User.objects.prefetch_related(Prefetch("groups", Group.objects.order_by("name"), to_attr="all_groups"))
    source = "{% for g in u.all_groups %}{{ g.name }} {% endfor %}{{ u.all_groups.size }}"
    assert render(source, u=fetched.get()) == "cooks tasters 2"
    assert "teams" not in render("{{ u | json }}", u=user)


def test_what_code_left_on_a_model_is_told_unless_it_is_a_value(ada: User) -> None:
    user: Any = ada
    user.shown, user.backend, user.before, user._own = "yes", "a.path", {"password": "x1"}, "x2"
    assert render("{{ u.shown }}[{{ u._own }}{{ u._password }}{{ u.__dict__ }}{{ u._state }}]", u=user) == "yes[]"
    with pytest.raises(NotExposed, match="u is a User, of which pages read no 'backend', but id, "):
        render("{{ u.backend }}", u=user)
    with pytest.raises(
        NotExposed, match="u is a User, whose 'before' is no value of a query: have the application list"
    ):
        render("{{ u.before.password }}", u=user)


def test_rows_of_values_are_read(ada: User) -> None:
    Group.objects.create(name="bakers")
    names = Group.objects.order_by("name")
    assert render("{% for r in rows %}{{ r.name }} {% endfor %}", rows=names.values("name")) == "bakers cooks tasters "
    joined = User.objects.order_by("groups__name").values("username", team=F("groups__name"))
    assert render("{{ rows.first.team }} {{ rows[1].team }} {{ rows.size }}", rows=joined) == "cooks tasters 2"
    pairs = names.values_list("name", Length("name"))
    assert render("{% for r in rows limit: 1 %}{{ r[0] }}{{ r[1] }}{% endfor %}", rows=pairs) == "bakers6"
    assert render("{{ rows.first.name }}", rows=names.values_list("name", named=True)) == "bakers"
    assert render("{{ rows | join: ' ' }}", rows=names.values_list("name", flat=True)) == "bakers cooks tasters"
    assert render("{{ all.names }}", all=Group.objects.aggregate(names=Count("name"))) == "3"


@pytest.fixture
def pages(ada: User) -> Paginator[Any]:
    Group.objects.create(name="bakers")
    return Paginator(Group.objects.order_by("name"), 2)


def test_a_page_is_a_list_that_knows_its_place(pages: Paginator[Any]) -> None:
    source = (
        "{% for g in page %}{{ g.name }} {% endfor %}{{ page.number }} {{ page.paginator.num_pages }} {{ page.has_next }}"
        " {{ page.has_previous }} {{ page.has_other_pages }} {{ page.start_index }}-{{ page.end_index }} {{ page.size }}"
        " {{ page.first.name }} {{ page[1].name }} {{ page.last.name }} {{ page | map: 'name' | join: ',' }} {{ page | size }}"
    )
    printed = "bakers cooks 1 2 true false true 1-2 2 bakers cooks cooks bakers,cooks 2"
    assert render(source, page=pages.page(1)) == printed
    assert render("{{ page.next_page_number }}", page=pages.page(1)) == "2"
    assert render("{% for g in page.object_list %}{{ g.name }}{% endfor %}", page=pages.page(2)) == "tasters"
    assert render("{{ page | json }}", Environment(), page=pages.page(2))[1:].startswith('{"id": ')
    assert render("{% for n in page limit: 1 %}{{ n }}{% endfor %}", page=Paginator([3, 4], 2).page(1)) == "3"
    assert render("{{ page.size }}{{ page.first }}", page=Paginator([], 2).page(1)) == "0"
    with pytest.raises(CodeError, match="EmptyPage"):
        render("{{ page.previous_page_number }}", page=pages.page(1))


def test_a_paginator_is_read(pages: Paginator[Any]) -> None:
    source = "{{ p.count }} {{ p.num_pages }} {{ p.per_page }}{% for n in p.page_range %} {{ n }}{% endfor %}"
    assert (
        render(source + "{% for page in p %} {{ page.number }}/{{ page.size }}{% endfor %}", p=pages)
        == "3 2 2 1 2 1/2 2/1"
    )


@pytest.mark.parametrize("name", ["get_page", "validate_number", "get_elided_page_range", "error_messages"])
def test_what_pages_do_not_read_of_a_paginator_says_so(pages: Paginator[Any], name: str) -> None:
    if not hasattr(pages, name):
        pytest.skip("this Django has none")
    with pytest.raises(NotExposed, match=f"^p is a Paginator, of which pages read no '{name}', but count, num_pages, "):
        render(f"{{{{ p.{name} }}}}", p=pages)
    for what in ("page", "page.paginator.object_list"):
        with pytest.raises(NotExposed, match="whose text no rule exposes"):
            render(f"{{{{ {what} }}}}", page=pages.page(1))


class Contact(forms.Form):
    email = forms.EmailField(help_text="<b>yours</b>", label="Your <mail>", max_length=40)
    password = forms.CharField(widget=forms.PasswordInput(render_value=False), initial="x1")
    pin = forms.CharField(widget=forms.PasswordInput, initial="x2")
    api_token = forms.CharField(initial="x3", required=False)
    colour = forms.ChoiceField(choices=[("r", "Red"), ("b", "Blue")], widget=forms.RadioSelect, required=False)
    hidden = forms.CharField(widget=forms.HiddenInput, required=False)
    first = forms.CharField(required=False)

    def clean(self) -> None:
        raise forms.ValidationError("all <wrong>")


SENT = {"email": "no<", "password": "hunter1", "pin": "hunter2", "api_token": "hunter3"}


def test_a_form_is_written_field_by_field() -> None:
    form = Contact(SENT)
    source = (
        "{% for field in form %}{{ field.name }}={{ field.value }} {% endfor %}{{ form.email.label }} {{ form.email.id_for_label }} "
        "{{ form.email.html_name }} {{ form.email.help_text }} {{ form.email.field['required'] }} {{ form.hidden.is_hidden }} "
        "{{ form.email.errors }}{{ form.email.errors.first }} {{ form.email.errors | join: ';' }} {{ form.email.errors.size }} "
        "{{ form.is_valid }} {{ form.is_bound }} {{ form.first.name }} {{ form | map: 'name' | join }}"
        "{% assign last = form | last %} {{ form | size }} {{ form.size }} {{ last.name }}"
    )
    printed = render(source, form=form)
    assert printed.startswith(
        "email=no&lt; password= pin= api_token= colour= hidden= first= Your &lt;mail&gt; id_email email "
    )
    assert "Enter a valid email address. Enter a valid email address. 1 false true first email password pin" in printed
    assert printed.endswith("hidden first 7 7 first")
    assert '<ul class="errorlist"' in printed
    for secret in ("hunter", "x1", "x2", "x3"):
        assert secret not in printed


def test_errors_of_a_form_are_read() -> None:
    form = Contact(SENT)
    assert "all &lt;wrong&gt;" in render("{{ form.non_field_errors }}", form=form)
    assert render("{% for error in form.non_field_errors %}{{ error }}{% endfor %}", form=form) == "all &lt;wrong&gt;"
    source = "{% for pair in form.errors %}{{ pair[0] }}: {{ pair[1][0] }} {% endfor %}{{ form.errors.size }}"
    assert render(source, form=form) == "email: Enter a valid email address. __all__: all &lt;wrong&gt; 2"
    assert render("{{ form.errors.email[0] }}[{{ form.errors.nope }}]", form=form) == "Enter a valid email address.[]"
    assert '<ul class="errorlist">' in render("{{ form.errors }}", form=form)
    assert render("{{ form.errors.as_text }}", form=form).startswith("* email")
    assert '"email": ["Enter' in render("{{ form.errors | json }}", Environment(), form=form)
    assert render("{% if form.errors.size == 0 %}fine{% endif %}", form=forms.Form({})) == "fine"


def test_a_choice_of_a_field_is_written_by_itself() -> None:
    source = (
        "{% for choice in form.colour %}{{ choice.choice_label }}{{ choice.id_for_label }} {{ choice.tag }}{% endfor %}"
    )
    printed = render(source, form=Contact())
    assert printed.startswith('Redid_colour_0 <input type="radio"')
    with pytest.raises(NotExposed, match="is a BoundWidget, of which pages read no 'data', but tag, choice_label"):
        render("{% for choice in form.colour %}{{ choice.data }}{% endfor %}", form=Contact())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(
            (f"form.{name}", "a Contact")
            for name in ("data", "files", "cleaned_data", "initial", "fields", "renderer", "clean")
        ),
        *((f"form.email.{name}", "a BoundField") for name in ("form", "data", "renderer", "get_context")),
        *((f"form.email.field.{name}", "an EmailField") for name in ("validators", "clean", "initial")),
        *((f"form.email.field.widget.{name}", "an EmailInput") for name in ("render", "template_name")),
        *((f"form.errors.{name}", "an ErrorDict") for name in ("as_data", "get_json_data", "renderer")),
        ("form.email.errors.as_data", "an ErrorList"),
    ],
)
def test_what_pages_do_not_read_of_a_form_says_so(path: str, kind: str) -> None:
    form = Contact(SENT)
    form.is_valid()
    *outer, name = path.split(".")[1:]
    found: Any = form
    for each in outer:
        found = form["email"] if each == "email" else getattr(found, each)
    if not hasattr(found, name):
        pytest.skip("this Django has none")
    with pytest.raises(NotExposed, match=f"is {kind}, of which pages read no '{name}', but "):
        render(f"{{{{ {path} }}}}", form=form)


@pytest.mark.parametrize(
    "path", ["form.nope", "form.__class__", "form._errors", "form.email.__dict__", "form.email._x"]
)
def test_what_is_not_there_or_pythons_own_is_undefined(path: str) -> None:
    assert render(f"[{{{{ {path} }}}}]", form=Contact(SENT)) == "[]"


@pytest.mark.parametrize("name", ["value", "initial", "as_hidden", "as_text", "as_textarea"])
@pytest.mark.parametrize("field", ["password", "pin", "api_token"])
def test_a_value_that_is_secret_is_left_out(field: str, name: str) -> None:
    for form in (Contact(SENT), Contact()):
        assert render(f"[{{{{ form.{field}.{name} }}}}]", form=form) == "[]"
        assert render(f"[{{{{ form | map: '{name}' | compact | join }}}}]", form=form).find("hunter") == -1
    assert render("{{ form.email.value }}{{ form.email.as_hidden }}", form=Contact(SENT)).startswith(
        "no&lt;<input type"
    )


def test_a_form_travels_and_is_written_as_json_nowhere() -> None:
    with pytest.raises(NotExposed, match="is a Contact, which is not shown as a whole"):
        render("{{ form | json }}", form=Contact(SENT))
    with pytest.raises(NotExposed, match="is a BoundField, which is not shown as a whole"):
        render("{{ form.email | json }}", form=Contact(SENT))
    with pytest.raises(HandOverError, match="cannot hand `form`"):
        render("{% background source_name: 'x' %}{% assign f = form %}{% endbackground %}", form=Contact(SENT))


@pytest.mark.filterwarnings("ignore:The .default.html. templates")  # of Django 4.2
def test_without_ready_rules_forms_are_read_where_they_are_listed() -> None:
    closed = Environment(ready_rules=False, autoescape=True)
    with pytest.raises(NotExposed, match="form is a Contact, which no rule exposes"):
        render("{{ form.email.value }}", closed, form=Contact(SENT))
    assert "<input" in render("{{ form }}", closed, form=Contact())
    closed.expose(Contact, "is_bound")
    assert render("{{ form.is_bound }}[{{ form.nothing }}]", closed, form=Contact()) == "false[]"
    with pytest.raises(NotExposed, match="form is a Contact, of which pages read no 'errors', but is_bound: "):
        render("{{ form.errors }}", closed, form=Contact())


def test_what_a_form_has_once_it_is_valid_is_told_before() -> None:
    for form in (Contact(), Contact(SENT)):
        with pytest.raises(NotExposed, match="form is a Contact, of which pages read no 'cleaned_data', but "):
            render("{{ form.cleaned_data.email }}", form=form)


def test_sets_of_forms_are_looped_over() -> None:
    kind = forms.formset_factory(Contact, extra=2)
    formset = kind({"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-email": "no"})
    source = (
        "{{ fs.management_form }}{% for form in fs %}{{ form.email.value }}{{ form.email.errors[0] }}{% endfor %}"
        "{{ fs.forms.size }}{{ fs.size }}{{ fs.total_form_count }}{{ fs.non_form_errors }}{{ fs.errors[0].email[0] }}"
    )
    printed = render(source, fs=formset)
    assert 'name="form-TOTAL_FORMS"' in printed
    assert "noEnter a valid email address.111" in printed
    with pytest.raises(NotExposed, match="of which pages read no 'cleaned_data', but forms"):
        render("{{ fs.cleaned_data }}", fs=formset)


class GroupForm(forms.ModelForm):
    class Meta:
        model = Group
        fields = ("name",)


def test_the_model_of_a_form_is_read(ada: User) -> None:
    assert render("{{ f.instance.pk }}{{ f.name.value }}", f=GroupForm(instance=Group(id=7, name="a"))) == "7a"
    with pytest.raises(NotExposed, match="f is a GroupForm, of which pages read no 'save'"):
        render("{{ f.save }}", f=GroupForm())
    assert render("[{{ f.instance }}]", f=Contact()) == "[]"


@pytest.fixture
def client(databases: None) -> Client:
    return Client()


def test_permissions_are_read_by_their_names_and_printed_nowhere(make_project: Callable[..., Any], ada: User) -> None:
    add = Permission.objects.get(codename="add_user")
    ada.user_permissions.add(add)
    make_project(
        {
            "p.liquid": "{{ perms.auth.add_user }}{{ perms.auth.delete_user }}{% if perms.auth %} some{% endif %}"
            "{% if perms.sessions %} more{% endif %}[{{ perms.auth._x }}]"
        }
    )
    made: dict[str, Any] = {"perms": PermWrapper(User.objects.get())}
    assert render_to_string("p.liquid", made) == "truefalse some[false]"
    assert render_to_string("p.liquid", {"perms": PermWrapper(AnonymousUser())}) == "falsefalse[false]"


@pytest.mark.parametrize(
    "source",
    [
        *("{{ perms }}", "{{ perms.auth }}", "{{ list }}", "{{ list | join }}", "{{ perms | append: 'x' }}", "{{ 'x' | append: perms.auth }}"),
        *("{% log perms %}", "{{ perms | json }}", "{% for p in perms %}{{ p }}{% endfor %}", "{% for p in perms.auth %}{{ p }}{% endfor %}"),
        *("{% echo perms | default: 'x' %}", "{{ perms | upcase }}", "{% cycle perms, perms %}", "{{ perms | size }}{{ perms | first }}"),
        "{% background source_name: 'x', p: perms %}{% endbackground %}",
    ],
)  # fmt: skip
def test_no_permission_is_shown_by_pythons_text(make_project: Callable[..., Any], ada: User, source: str) -> None:
    engine = make_project({"p.liquid": source})
    perms = PermWrapper(ada)
    with fake_jobs(engine):
        try:
            said = render_to_string("p.liquid", {"perms": perms, "list": [perms]})
        except LiquidError as error:
            said = str(error)
            assert "p:1" in said
    assert "ada" not in said
    assert "0x" not in said
    assert "PermWrapper(" not in said


def test_what_django_keeps_in_a_session_is_not_read(
    make_project: Callable[..., Any], client: Client, ada: User
) -> None:
    own = "[{{ session._auth_user_hash }}{{ session['_auth_user_id'] }}{{ session._csrftoken }}{{ session._messages }}]"
    source = "{% for pair in session %}{{ pair[0] }}={{ pair[1] }} {% endfor %}{{ session.size }}"
    make_project({"visits.liquid": f"{own}{source}[{{{{ context.session._auth_user_id }}}}]"})
    client.force_login(ada)
    assert client.session["_auth_user_hash"]
    assert client.get("/visits/").content.decode() == "[]visits=1 1[]"


def test_the_token_of_a_form_is_no_parameter(make_project: Callable[..., Any], client: Client) -> None:
    make_project(
        {
            "hello.liquid": "{{ params.a }}{{ request.POST.a }}[{{ params.csrfmiddlewaretoken }}{{ request.POST.csrfmiddlewaretoken }}]"
        }
    )
    assert client.post("/page/hello/", {"a": "1", "csrfmiddlewaretoken": "x"}).content.decode() == "11[]"


class Subscription(forms.Form):
    """A form as applications with translations have it."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"))


def test_lazy_texts_reach_a_job_and_json(make_project: Callable[..., Any]) -> None:
    data = {"form": Subscription(), "csrf_token": SimpleLazyObject(lambda: "t0k"), "labels": [format_lazy("{}!", "a")]}
    block = (
        "{% background source_name: 's', p: form.email.label, c: csrf_token %}"
        "{% assign l = form.email.label %}{% assign all = labels %}{{ l }} {{ p }} {{ c }} {{ all | json }}"
        "{% endbackground %}"
    )
    page = "{{ form.email.label | json }} {{ form.email.label.size }} {{ form.email.label | upcase }}"
    engine = make_project({"p.liquid": block + page})
    with fake_jobs(engine) as jobs:
        assert render_to_string("p.liquid", data) == "&#34;E-mail address&#34; 14 E-MAIL ADDRESS"
    (job,) = jobs.waiting
    assert job.parameters == {"p": "E-mail address", "c": "t0k"}
    assert jobs.run(job.id).result == "E-mail address E-mail address t0k [&#34;a!&#34;]"
