"""Sites that share a store, as their people run them: pages, workers, logs and commands, each with its own SITE."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from tests import warm
from tests.cli.conftest import Project

_PAGE = """
{% background source_name: 'mail', priority: 'high' %}{% include 'work', kind: 'mail' %}{% endbackground %}
{% background source_name: 'soon', delay: 0.005 %}{% include 'work', kind: 'soon' %}{% endbackground %}
{% background source_name: 'flaky', max_attempts: 2, priority: 'low' %}{% include 'none' %}{% endbackground %}
{% background job = 'work', source_name: 'partial', kind: 'partial' %}
{% trigger_event 'order.created', order_id: 7 %}
"""


@pytest.fixture
def site_of(project: Project, tmp_path: Path) -> Callable[[str], Project]:
    """`site_of("shop")` is the folder of a site that shares the project's store; its partials say whose they are."""

    def make(name: str) -> Project:
        folder = tmp_path / (name or "unnamed")
        folder.mkdir()
        env = {**project.env, **({"LIQUID_BACKGROUND_SITE": name} if name else {})}
        site = replace(project, folder=folder, env=env)
        site.page("order", _PAGE)
        site.write("templates/partials/work.liquid", f"{{% log '{name} does ' | append: kind, type: 'told' %}}")
        site.write("templates/consumers/order.created/tell.liquid", f"{{% log '{name} does event', type: 'told' %}}")
        return site

    return make


def _told(site: Project, *options: str) -> list[str]:
    lines = site.good("logs", "--type", "told", "--format", "json", *options).lines
    return sorted(json.loads(line)["message"] for line in lines)


def _all(name: str) -> list[str]:
    return sorted(f"{name} does {kind}" for kind in ("mail", "soon", "partial", "event"))


def _rq(site: Project, *arguments: str, **env: str) -> str:
    url = site.good("store", "path", "--url").out.strip()
    done = warm.run("rq.cli", *arguments, cwd=site.folder, env={**os.environ, **site.env, "RQ_REDIS_URL": url, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_sites_with_the_same_names_drain_one_store_without_touching_each_other(site_of: Any, wait_until: Any) -> None:
    names = ("shop", "blog", "")
    sites = {name: site_of(name) for name in names}
    workers = [site.start("worker") for site in sites.values()]
    tail = sites["blog"].start("logs", "--tail")
    for _ in range(3):
        for site in sites.values():
            site.good("render", "order")
    for name, site in sites.items():
        wait_until(lambda site=site, name=name: _told(site) == sorted(_all(name) * 3))
        wait_until(lambda site=site: len(site.good("logs", "--source-name", "flaky").lines) == 6)
        jobs = [json.loads(line) for line in site.good("jobs", "list", "--format", "json").lines]
        assert len(jobs) == 15
        assert {job["status"] for job in jobs if job["source_name"] != "flaky"} == {"completed"}
        status = json.loads(site.good("status", "--format", "json").out)
        assert status["site"] == (name or None)
        assert [(queue, row["completed"], row["failed"]) for queue, row in status["queues"].items()] == [
            ("high", 3, 0),
            ("default", 9, 0),
            ("low", 0, 3),
        ]
        assert [worker["queues"] for worker in status["workers"]] == [["high", "default", "low"]]
    lines = [line for line in tail.lines() if " does " in line]
    assert sorted(line.rpartition(" - ")[2] for line in lines) == sorted(_all("blog") * 3)
    info = _rq(sites["shop"], "info", "--raw")
    for queue in ("shop.high", "blog.high", "high"):
        assert f"queue {queue} 0" in info
    failed = json.loads(sites["blog"].good("jobs", "list", "--status", "failed", "--format", "json").lines[0])["id"]
    for name in ("shop", ""):
        for command in ("retry", "cancel", "show"):
            refused = sites[name].run("jobs", command, failed)
            assert (refused.code, f"no job has the id '{failed}'" in refused.err) == (1, True)
    sites["blog"].good("jobs", "retry", failed)
    wait_until(lambda: len(sites["blog"].good("logs", "--source-name", "flaky").lines) == 8)
    assert len(sites["shop"].good("logs", "--source-name", "flaky").lines) == 6
    assert [worker.stop() for worker in workers] == [0, 0, 0]
    assert not [worker for worker in workers if "REFUSED" in worker.err.read_text()]


@pytest.mark.slow
def test_a_burst_ends_though_another_site_has_work(site_of: Any) -> None:
    shop, blog = site_of("shop"), site_of("blog")
    blog.good("render", "order")
    shop.good("worker", "--burst")
    shop.good("render", "order")
    shop.good("worker", "--burst")
    assert _told(blog) == []
    assert [job for job in _told(shop) if not job.startswith("shop ")] == []
    queues = json.loads(blog.good("status", "--format", "json").out)["queues"].values()
    assert sum(queue["queued"] + queue["scheduled"] for queue in queues) == 5


@pytest.mark.slow
def test_a_stock_worker_serves_the_queues_of_its_site(site_of: Any) -> None:
    shop, blog = site_of("shop"), site_of("blog")
    for site in (shop, blog):
        site.good("render", "order")
    _rq(shop, "worker", "--burst", "-S", "json", "shop.high", "shop.default")
    assert _told(shop) == sorted(set(_all("shop")) - {"shop does soon"})
    assert _told(blog) == []
    said = _rq(shop, "worker", "--burst", "-S", "json", "blog.high")  # which it was told by mistake
    assert "it is a job of another site, of queue blog.high: where SITE is 'shop', serve shop.high" in said
    assert _told(shop) == sorted(set(_all("shop")) - {"shop does soon"})


@pytest.mark.slow
def test_the_option_stands_before_the_command_and_behind_it(site_of: Any) -> None:
    site = site_of("")
    site.good("--site", "shop", "render", "order")
    site.good("render", "order", "--site", "shop")
    site.good("render", "order")

    def queued(*words: str) -> int:
        return json.loads(site.good(*words, "--format", "json").out)["queues"]["high"]["queued"]  # type: ignore[no-any-return]

    assert queued("status") == 1
    assert queued("--site", "shop", "status") == queued("status", "--site=shop") == 2
    assert queued("--site", "blog", "status", "--site", "shop") == 2  # the last one counts
    assert queued("status", "--site", "blog") == 0
    assert site.good("--site", "shop", "status").lines[0] == "site shop"
    site.good("--site", "shop", "worker", "--burst")
    assert len(_told(site, "--site", "shop")) == 2 * 4
    assert _told(site) == []


def test_the_pyproject_table_names_the_site(site_of: Any) -> None:
    site = site_of("")
    site.write("pyproject.toml", "[tool.liquid_background]\nsite = 'shop'\n")
    site.good("render", "order")
    assert site.good("status").lines[0] == "site shop"
    assert '"queued": 0' in json.dumps(json.loads(site.good("--site", "b", "status", "--format", "json").out)["queues"])


@pytest.mark.parametrize("name", ["a b", "", "a.b", "a:b", "ä", "x" * 41, "shop\n", "*", "../x"])
def test_a_name_that_is_none_is_refused(project: Project, name: str) -> None:
    for words in (("--site", name, "status"), ("status", "--site", name)):
        done = project.run(*words)
        assert (done.code, "1 to 40 letters, digits, - and _" in done.err, done.err.count("\n")) == (2, True, 1)
    if name:
        done = project.run("status", LIQUID_BACKGROUND_SITE=name)
        assert done.code == 1
        assert "setting site: " in done.err
        assert "is not 1 to 40 letters, digits, - and _" in done.err


def test_an_application_that_says_its_site_itself_is_not_another(project: Project) -> None:
    project.write("shop.py", "from liquid_background import Engine\nengine = Engine(site='shop')\nfree = Engine()\n")
    for command in ("doctor", "health", "status"):
        done = project.run("--site", "blog", command, "--app", "shop:engine")
        assert (done.code, done.out) == (2, ""), command
        assert "--site blog: the application says itself that its site is 'shop'" in done.err
    assert project.good("--site", "shop", "jobs", "list", "--app", "shop:engine").code == 0
    assert project.run("--site", "blog", "jobs", "list", "--app", "shop:engine").code == 2
    assert project.run("--site", "blog", "jobs", "list", "--app", "shop:free").code == 0


def test_completion_offers_the_sites_of_the_store(site_of: Any) -> None:
    site = site_of("shop")
    site.good("render", "order")
    asked = {"_POSCLI_COMPLETE": "bash_complete", "COMP_WORDS": "poscli --site s", "COMP_CWORD": "2"}
    assert site.good(**asked).lines == ["plain,shop"]
    asked |= {"COMP_WORDS": "poscli status --si", "COMP_CWORD": "2"}
    assert site.good(**asked).lines == ["plain,--site"]
    site.env.pop("LIQUID_BACKGROUND_SITE")
    asked |= {"COMP_WORDS": "poscli --site shop logs --source-name ma", "COMP_CWORD": "5"}
    assert "mail" not in site.good(**asked).out  # no job has run
    site.good("--site", "shop", "worker", "--burst")
    assert site.good(**asked).lines == ["plain,mail"]


@pytest.mark.slow
def test_a_user_with_the_rights_of_the_page_runs_its_site_and_touches_no_other(site_of: Any, start_server: Any) -> None:
    page = Path(__file__).parents[2].joinpath("docs/sites.md").read_text()
    [rule] = re.findall(r"^ACL SETUSER (.*)$", page, re.MULTILINE)
    server = start_server()
    with closing(Redis.from_url(server.url)) as admin:
        for name in ("shop", "blog"):
            words = rule.replace("shop", name).replace("SECRET", "secret").split()
            assert admin.execute_command("ACL", "SETUSER", *words) == b"OK"  # type: ignore[no-untyped-call]
    sites = {}
    for name in ("shop", "blog"):
        sites[name] = site_of(name)
        sites[name].env["REDIS_URL"] = server.url.replace("redis://", f"redis://{name}:secret@")
        sites[name].good("render", "order")
    shop = sites["shop"]
    shop.good("worker", "--burst")
    assert set(_all("shop")) - {"shop does soon"} <= set(_told(shop))
    assert _told(sites["blog"]) == []
    assert shop.good("status").lines[0] == "site shop"
    [failed] = [json.loads(line)["id"] for line in shop.good("jobs", "list", "--status=failed", "--format=json").lines]
    shop.good("jobs", "retry", failed)
    shop.good("jobs", "cancel", failed)
    assert shop.run("doctor").code == 0
    with closing(Redis.from_url(shop.env["REDIS_URL"])) as client:
        for command in (("LRANGE", "rq:queue:blog.high", 0, -1), ("XLEN", "liquid_background:blog.log")):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command)  # type: ignore[no-untyped-call]


def test_doctor_says_which_sites_are_on_the_store(site_of: Any) -> None:
    def told(site: Project, *options: str) -> str:
        [line] = [line for line in site.run(*options, "doctor").lines if line.split()[:2] == ["ok", "site"]]
        return line.split(maxsplit=2)[2]

    shop = site_of("shop")
    shop.good("render", "order")
    assert told(shop) == "shop; no other is seen on this store"
    assert told(shop, "--site", "blog") == "blog; on this store, too: shop"
    shop.env.pop("LIQUID_BACKGROUND_SITE")
    assert told(shop) == "none; on this store, too: shop"
    shop.good("render", "order")
    assert told(shop, "--site", "shop") == "shop; on this store, too: one without a name"


@pytest.mark.slow
def test_two_sites_without_a_name_are_told_apart(site_of: Any, wait_until: Any) -> None:
    shop, blog = site_of(""), site_of("blog")
    blog.env.pop("LIQUID_BACKGROUND_SITE")
    worker = shop.start("worker")
    wait_until(lambda: json.loads(shop.good("status", "--format", "json").out or "{}").get("workers"))
    warning = "two applications with no SITE share this store and run each other's jobs"
    fix = "give each a SITE of its own, such as LIQUID_BACKGROUND_SITE=shop"
    [line] = [line for line in blog.good("worker", "--burst").err.splitlines() if warning in line]
    assert str(blog.folder / "templates") in line
    assert str(shop.folder / "templates") in line
    assert line.endswith(fix)
    [line] = [line for line in blog.run("doctor").lines if warning in line]
    assert line.startswith("note")
    assert fix in line
    assert "no other is seen" not in blog.run("doctor").out
    assert warning not in shop.run("doctor").out
    assert warning not in shop.good("status").out
    second = blog.start("worker")
    wait_until(lambda: len(json.loads(shop.good("status", "--format", "json").out)["workers"]) == 2)
    assert warning in shop.good("status").out
    assert warning in shop.good("health").out
    verdicts = json.loads(blog.good("status", "--format", "json").out)["verdicts"]
    assert [verdict["fix"] for verdict in verdicts if warning in verdict["found"]] == [fix]
    second.stop()
    assert warning not in blog.good("worker", "--burst", "--site", "blog").err
    assert warning not in blog.run("doctor", "--site", "blog").out
    assert "site           blog" in blog.run("doctor", "--site", "blog").out
    worker.stop()
