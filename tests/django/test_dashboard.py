"""The dashboard in Django: in the admin by its permissions, and elsewhere by a function of the project's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.module_loading import import_string

from liquid_background import Engine
from liquid_background.django import ACTIONS, NotSignedIn, dashboard_urls
from liquid_background.django.models import Job
from liquid_background.screens import MAX_FORM
from liquid_background.settings import Settings

ORIGIN = "http://testserver"
ADMIN = "/a%20b/admin/liquid_background/job/"
FORM = "application/x-www-form-urlencoded"

answers: dict[str, Any] = {}


def authorize(request: HttpRequest) -> Any:
    answer = answers["authorize"]
    if isinstance(answer, Exception):
        raise answer
    return answer


async def reader(request: HttpRequest) -> Any:
    return "read"


templates = {"workers": "<p>ours</p>"}
urlpatterns = [
    path("ops/", include(dashboard_urls(authorize=authorize, name=lambda request: "ada", templates=templates))),
    path("later/", include(dashboard_urls(authorize=reader))),
    path("of/<tenant>/ops/", include(dashboard_urls(authorize=authorize))),
    path("proxied/", include(dashboard_urls(authorize=authorize, trusted_origins=["https://ops.example"]))),
]


@pytest.fixture
def _admin() -> Iterator[None]:
    """Install the admin, which the project of the other tests does without."""
    with override_settings(INSTALLED_APPS=[*project.INSTALLED_APPS, "django.contrib.admin"]):
        site = AdminSite()
        site.register(Job, import_string("liquid_background.django.admin.JobAdmin"))  # which needs the admin there
        urls = ModuleType("urls")
        vars(urls)["urlpatterns"] = [path("a b/admin/", site.urls), *urlpatterns]
        with override_settings(ROOT_URLCONF=urls):
            yield


@pytest.fixture
def engine(_admin: None, make_project: Callable[..., Engine], databases: None) -> Engine:
    answers["authorize"] = ACTIONS
    return make_project()


def waiting_job(engine: Engine) -> str:
    engine.render_string("{% background source_name: 'mail', delay: 60 %}x{% endbackground %}")
    (job,) = engine.jobs.list()
    return job.id


def visitor(name: str, *permissions: str, **more: Any) -> Client:
    user = User.objects.create_user(name, **{"is_staff": True, **more})
    for each in permissions:
        user.user_permissions.add(Permission.objects.get(codename=each, content_type__app_label="liquid_background"))
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    return client


def post(client: Client, url: str, body: str = "", origin: str = ORIGIN, **headers: str) -> Any:
    return client.post(url, body, content_type=FORM, headers={"Origin": origin, **headers})


def test_the_admins_permissions_decide(engine: Engine) -> None:
    job = waiting_job(engine)
    cancel = f"{ADMIN}jobs/{job}/cancel"
    assert Client().get(ADMIN).headers["location"].startswith("/a%20b/admin/login/")
    assert post(Client(), cancel).status_code == 302
    for stranger in (visitor("none"), visitor("customer", "change_job", is_staff=False)):
        assert stranger.get(f"{ADMIN}jobs").status_code in (302, 403)
        assert post(stranger, cancel).status_code in (302, 403)
    rita = visitor("rita", "view_job")
    assert rita.get(f"{ADMIN}jobs").status_code == 200
    assert post(rita, cancel).status_code == 403
    assert engine.jobs.get(job).status == "pending"
    ada = visitor("ada", "change_job")
    assert ada.get(cancel).status_code == 405
    assert post(ada, cancel).status_code == 303
    assert [(entry.action, entry.by) for entry in engine.audit.entries()] == [("cancel", "ada")]
    root = visitor("root", is_superuser=True)
    assert post(root, f"{ADMIN}queues/pause", "kind=queue&name=low").status_code == 303


def test_links_in_the_admin_lead_into_the_admin(engine: Engine) -> None:
    page = visitor("vera", "view_job").get(ADMIN)
    links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page.content.decode())
    assert len(links) > 10
    assert [link for link in links if not link.startswith(ADMIN)] == []


def test_it_may_stand_below_what_the_address_says(engine: Engine) -> None:
    page = Client().get("/of/a%20b/ops/jobs")
    assert page.status_code == 200
    assert 'href="/of/a%20b/ops/failures"' in page.content.decode()


@pytest.mark.parametrize("url", [ADMIN, "/ops/"])
def test_another_sites_form_is_refused(engine: Engine, url: str) -> None:
    client = visitor(f"grace{url}", "change_job")
    cancel = f"{url}jobs/{waiting_job(engine)}/cancel"
    for origin in ("http://evil.example", "null", "https://testserver", ""):
        assert post(client, cancel, origin=origin).status_code == 403
    assert post(client, cancel, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(url, HTTP_HOST="evil.example").status_code == 400
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://ops.example"]):
        assert post(client, cancel, origin="https://other.example").status_code == 403
        assert post(client, cancel, origin="https://ops.example").status_code == 303


def test_it_is_closed_until_the_project_opens_it(engine: Engine) -> None:
    job = waiting_job(engine)
    with pytest.raises(TypeError, match="authorize"):
        dashboard_urls()  # type: ignore[call-arg]
    client = Client(enforce_csrf_checks=True)
    for answer, status in (
        (None, 403),
        (True, 500),
        (RuntimeError("secret"), 500),
        (NotSignedIn(challenge="Basic"), 401),
        (PermissionDenied(), 403),
        (PermissionDenied("not for you"), 403),
        (Http404("nothing here"), 404),
        ("read", 200),
    ):
        answers["authorize"] = answer
        page = client.get("/ops/jobs")
        assert page.status_code == status
        assert b"secret" not in page.content
        assert post(client, f"/ops/jobs/{job}/cancel").status_code == (403 if status == 200 else status)
    assert engine.jobs.get(job).status == "pending"
    assert client.get("/later/jobs").status_code == 200


def test_every_answer_has_the_headers_and_forms_their_limits(engine: Engine) -> None:
    client = Client()
    large = post(client, "/ops/jobs", "x=" + "y" * MAX_FORM)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1_000):
        larger = post(client, "/ops/jobs", "x=" + "y" * 2_000)
    many, other = post(client, "/ops/jobs", "x=y&" * 1_001), client.post("/ops/jobs", {"x": "y"}, HTTP_ORIGIN=ORIGIN)
    odd = [client.put("/ops/"), client.options("/ops/"), client.delete("/ops/jobs")]
    rest = [client.get("/ops/"), client.get("/ops/nothing"), client.get("/ops/%00"), client.head("/ops/jobs")]
    assert [each.status_code for each in (large, larger, many, other)] == [413, 413, 400, 415]
    assert [each.status_code for each in odd] == [405] * 3
    assert [each.status_code for each in rest] == [200, 404, 400, 200]
    for answer in (large, larger, many, other, *odd, *rest):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_arguments_of_the_projects_own(engine: Engine) -> None:
    client = Client()
    job = waiting_job(engine)
    assert b"<p>ours</p>" in client.get("/ops/workers").content
    assert post(client, f"/proxied/jobs/{job}/cancel").status_code == 403
    assert post(client, f"/proxied/jobs/{job}/cancel", origin="https://ops.example").status_code == 303
    assert [entry.by for entry in engine.audit.entries()] == ["dashboard"]  # a visitor without a name


PROJECT = """
import io
import sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["testserver"], ROOT_URLCONF="project", USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.contenttypes", "django.contrib.auth",
        "django.contrib.sessions", "django.contrib.messages", "liquid_background.django"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}],
    LIQUID_BACKGROUND={"DATA_DIR": sys.argv[1]},
)
django.setup()
assert not {"liquid_background.screens", "liquid_background.engine"} & set(sys.modules), "loaded for each command"
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import path

sys.modules["project"] = sys.modules[__name__]
urlpatterns = [path("admin/", admin.site.urls)]
call_command("migrate", verbosity=0)
call_command("makemigrations", "--check", verbosity=0)
call_command("check", "--fail-level", "WARNING", "--tag", "admin", "--tag", "models")
call_command("dumpdata", "--all", stdout=io.StringIO())
call_command("flush", "--no-input", verbosity=0)
names = sorted(Permission.objects.filter(content_type__app_label="liquid_background").values_list("name", flat=True))
assert names == ["Can change background job", "Can view background job"], names
user = User.objects.create_user("ada", is_staff=True)
client = Client()
client.force_login(user)
assert "ackground" not in client.get("/admin/").content.decode()
user.user_permissions.add(Permission.objects.get(codename="view_job"))
index = client.get("/admin/").content.decode()
assert '<a href="/admin/liquid_background/job/">Background jobs</a>' in index, index
assert "addlink" not in index
print(client.get("/admin/liquid_background/job/").status_code)
"""


def test_in_a_project_with_the_admin(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "project_of_admin.py").write_text(PROJECT)
    (tmp_path / "templates").mkdir()
    done = subprocess.run(
        [sys.executable, "project_of_admin.py", str(settings.data_dir)],
        cwd=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["200"], done.stderr
