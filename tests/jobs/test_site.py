"""Sites that share a store: each has names of its own, and no move of one touches another's jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from liquid_background import Engine, background
from liquid_background.errors import DuplicateJob, JobNotFound, JobRefused
from liquid_background.job import Group, Outcome
from liquid_background.jobs.log import entries, follow, last_id, oldest_first
from liquid_background.jobs.queue import Queue, assembly, finishing, keys, moves, scripts
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch, Refused
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.overview import overview, site_names, workers
from liquid_background.jobs.queue.protocol import ELSEWHERE
from liquid_background.jobs.queue.waiting import groups, waiting
from liquid_background.jobs.site import is_of_another, own_name, priority_of, queue_name, site_of
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings, load_settings
from liquid_background.testing import fake_jobs
from tests.jobs.places import InMemory, InStore

QUEUES = ("high", "default", "low")


@background
def echo(text: str) -> str:
    """A job's function."""
    return text


@pytest.fixture
def engine_of(settings: Settings) -> Iterator[Any]:
    """`engine_of("shop")` is the engine of a site, all on one empty store."""
    with ExitStack() as stack:

        def make(site: str, **more: Any) -> Engine:
            engine = Engine(data_dir=settings.data_dir, site=site, **more)
            stack.enter_context(closing(engine.store))
            return engine

        yield make


def _claim(engine: Engine, most: int = 10) -> Batch:
    claim = moves.Claim(next(moves.tokens()), most, QUEUES, engine.settings)
    return claim.opened(scripts.run(engine.store, *claim.call))


def _names(store: Store) -> set[str]:
    return {key.decode() for key in store.client.keys("*")}


def _live(engine: Engine, job: Any) -> None:
    """Have each kind of key written that a worker's life leaves, or takes with it."""
    store, settings = engine.store, engine.settings
    worker = queue_name(settings.site, "host.1.0")
    registered = moves.Registration(name=worker, pid=1, host="h", address="", queues=QUEUES)
    scripts.run(store, *moves.register(registered, settings))
    group = Group("g", 1)
    engine.jobs.send([job(id=f"done-{settings.site}"), job(id=f"runs-{settings.site}", group=group)])
    engine.jobs.send([job(id=f"parked-{settings.site}", group=group), job(id=f"failed-{settings.site}")])
    batch = _claim(engine)
    running = [Running.of(claimed, batch.token, batch.queue) for claimed in batch.jobs if isinstance(claimed, Claimed)]
    assert [each.id.partition("-")[0] for each in running] == ["done", "runs", "failed"]
    for each in running:
        scripts.run(store, *moves.step(worker, settings, None, each))
    scripts.run(store, *moves.step(worker, settings, finishing.finish(running[0], Outcome(result="x"), settings)))
    scripts.run(store, *moves.step(worker, settings, finishing.finish(running[2], Outcome(error="no"), settings)))
    pulse = moves.Pulse(name=worker, completed=1, failed=1, seconds=0.5, job=running[1])
    scripts.run(store, *moves.beat([pulse], settings))
    waits = [job(id=f"{queue}-{settings.site}", priority=queue) for queue in QUEUES]
    engine.jobs.send([*waits, job(id=f"later-{settings.site}", delay=5)])
    engine.jobs.send([job(id=f"gone-{settings.site}", priority="low")])
    engine.jobs.cancel(f"gone-{settings.site}")
    nightly = job(id="nightly-4000000000", start_at=4e9, priority="low")
    scripts.run(store, *moves.schedule("nightly", "d", nightly, settings))
    scripts.run(store, *moves.tick(QUEUES, settings))


OWN = (
    "audit",
    "batch_jobs",
    "batches",
    "delayed:default",
    "delayed:low",
    "groups",
    "leases",
    "log",
    "parked:g:default",
    "schedules",
    "slots:g",
    "ticked",
)
FAILED = ("failed", "failed:of", "failed:names", "failed:name:mail", "failures", "failures:of:pages/x")
GROUPS = re.compile("liquid_background:(shop\\.)?(failed:group|failures:(about|hours)):[0-9a-f]{12}")
OF_QUEUES = {
    "": ("canceled:low", "deferred:default", "failed:default", "finished:default", "queue:default", "queue:high",
         "queue:low", "scheduled:default", "scheduled:low", "wip:default", "workers:default", "workers:high",
         "workers:low"),
    "shop": ("canceled:shop.low", "deferred:shop.default", "failed:shop.default", "finished:shop.default",
             "queue:shop.default", "queue:shop.high", "queue:shop.low", "scheduled:shop.default", "scheduled:shop.low",
             "wip:shop.default", "workers:shop.default", "workers:shop.high", "workers:shop.low"),
}  # fmt: skip
WAKES = ("wake:high", "wake:default", "wake:low")


@pytest.mark.parametrize("site", ["", "shop"])
def test_every_key_has_the_name_that_was_agreed_on(engine_of: Any, job: Any, store: Store, site: str) -> None:
    """Those without a site are what versions before have written: their jobs are run, and they run ours."""
    before, worker = ("shop.", "shop.host.1.0") if site else ("", "host.1.0")
    _live(engine_of(site), job)
    names = {name for name in _names(store) if not re.match("rq:(job|results|executions?):", name)}
    grouped = {name for name in names if GROUPS.fullmatch(name)}
    assert {name.startswith("liquid_background:shop.") for name in grouped} == {site == "shop"}
    names -= grouped
    own = {f"liquid_background:{before}{name}" for name in (*OWN, *WAKES, *FAILED)}
    shared = {"rq:queues", "rq:workers", f"rq:worker:{worker}", f"rq:worker:{worker}:executions"}
    assert names == own | shared | {f"rq:{name}" for name in OF_QUEUES[site]}
    assert store.client.smembers("rq:queues") == {f"rq:queue:{before}{queue}".encode() for queue in QUEUES}
    assert store.client.hget(f"rq:worker:{worker}", "queues") == ",".join(f"{before}{q}" for q in QUEUES).encode()
    assert store.client.hget(keys.job(f"high-{site}"), "origin") == f"{before}high".encode()


def test_two_sites_and_one_without_a_name_live_side_by_side(engine_of: Any, job: Any, store: Store) -> None:
    engines = [engine_of(site) for site in ("", "shop", "blog")]
    for engine in engines:
        _live(engine, job)
    for engine in engines:
        site = engine.settings.site
        mine = {record.id: record for record in engine.jobs.list(limit=100)}
        assert {name.partition("-")[2] for name in mine if not name.startswith("nightly")} == {site}
        assert sum(name.startswith("nightly") for name in mine) == 1  # each its own, of one name and time
        assert {record.priority for record in mine.values()} == set(QUEUES)
        counts = engine.jobs.counts()
        assert [(each.name, each.queued) for each in counts] == [("high", 1), ("default", 2), ("low", 1)]
        assert (counts[1].running, counts[1].failed, counts[1].completed, counts[1].scheduled) == (1, 1, 1, 1)
        seen = overview(engine.store, counts)
        assert [(each.queues, each.job_ids) for each in seen.workers] == [(QUEUES, (f"runs-{site}",))]
        assert all(seen.oldest.values())
        assert [(each.holding, each.waiting) for each in groups(engine.store)] == [(1, 1)]
        later, parked = engine.jobs.get(f"later-{site}"), engine.jobs.get(f"parked-{site}")
        waits = waiting(engine.store, [later, parked])
        assert waits[0].due_at is not None
        assert waits[1].parked
        told = [entry.job_id for entry in engine.log.entries()]
        assert told == [f"done-{site}", f"failed-{site}", f"gone-{site}"]
        last = last_id(store.client, site)
        assert [entry.job_id for entry in oldest_first(store.client, last, site=site)] == told
        assert next(follow(store.client, after="0-0", site=site)).job_id == f"done-{site}"
    assert site_names(store) == ("", "blog", "shop")


@pytest.mark.parametrize(("mine", "theirs"), [("shop", "blog"), ("shop", ""), ("", "shop"), ("a", "a-b")])
def test_a_job_of_another_site_is_not_found_by_its_id(engine_of: Any, job: Any, mine: str, theirs: str) -> None:
    here, there = engine_of(mine), engine_of(theirs)
    there.jobs.send([job(id="waits"), job(id="later", delay=5), job(id="failed", priority="high")])
    [claimed] = _claim(there).jobs
    assert isinstance(claimed, Claimed)
    scripts.run(there.store, *moves.refuse(Refused(b"failed", "no"), _claimed(there, b"failed"), "w", there.settings))
    before = _state(there.store)
    for job_id in ("waits", "later", "failed"):
        for act in (here.jobs.get, here.jobs.cancel, here.jobs.retry):
            with pytest.raises(JobNotFound, match=f"no job has the id '{job_id}'"):
                act(job_id)
        for move in ("cancel", "retry"):  # the moves themselves, whatever was looked at before
            assert scripts.run(here.store, move, [job_id, "100", *[""] * 11]) == b"missing"
    assert here.jobs.list() == []
    assert _state(there.store) == before


def _claimed(engine: Engine, job_id: bytes) -> Batch:
    token = engine.store.client.hget(keys.job(job_id.decode()), keys.TOKEN)
    assert token is not None
    return Batch(token.decode(), "high", (), None, 0.0)


def _state(store: Store) -> dict[bytes, Any]:
    client: Any = store.client
    readers = {
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
        b"string": client.get,
    }
    return {key: readers[client.type(key)](key) for key in client.keys("*")}


@pytest.mark.parametrize(("mine", "theirs"), [("shop", "blog"), ("shop", ""), ("", "shop")])
def test_a_job_of_another_site_that_is_put_here_is_refused_and_left_alone(
    engine_of: Any, job: Any, mine: str, theirs: str
) -> None:
    here, there = engine_of(mine), engine_of(theirs)
    client, before_mine = here.store.client, queue_name(mine, "")
    there.jobs.send([job(id=name) for name in ("queued", "due", "leased", "parked")])
    states = _state(there.store)
    client.rpush(keys.queue(f"{before_mine}default"), "queued", "queued")
    client.zadd(keys.scheduled(f"{before_mine}low"), {"due": 1})
    client.zadd(own_name(mine, keys.LEASES), {"leased": 1.5})
    client.rpush(own_name(mine, keys.parked("g", "low")), "parked")
    client.sadd(own_name(mine, keys.GROUPS), "g")
    for _ in range(2):
        assert _claim(here).jobs == ()
        assert scripts.run(here.store, *moves.tick(QUEUES, here.settings, trim=True))[:1] in ([0], [1])
    told = here.log.entries()
    assert sorted(entry.job_id for entry in told) == ["due", "leased", "queued", "queued"]
    queue = queue_name(theirs, "default")
    message = f"it is a job of another site, in whose queue {queue} it stays"
    assert {(entry.status, entry.message, entry.final) for entry in told} == {("REFUSED", message, False)}
    assert there.log.entries() == []
    now = _state(there.store)
    assert {key: now.get(key) for key in states} == states  # its record, its queue, its wake list
    assert sorted(each.id for each in _claim(there).jobs) == ["due", "leased", "parked", "queued"]  # type: ignore[type-var]


def test_a_job_without_a_status_of_another_site_is_left_alone(engine_of: Any, job: Any) -> None:
    here, there = engine_of("shop"), engine_of("blog")
    there.jobs.send([job(id="odd")])
    client = here.store.client
    client.hdel(keys.job("odd"), "status")
    before = client.hgetall(keys.job("odd"))
    client.rpush("rq:queue:shop.default", "odd")
    assert _claim(here).jobs == ()
    assert client.hgetall(keys.job("odd")) == before


def test_a_job_in_another_queue_of_its_own_site_goes_where_it_belongs(engine_of: Any, job: Any) -> None:
    shop = engine_of("shop")
    shop.jobs.send([job(id="j", priority="low")])
    shop.store.client.rpush("rq:queue:shop.high", shop.store.client.lpop("rq:queue:shop.low"))  # type: ignore[arg-type]
    assert _claim(shop).queue == "low"


@pytest.mark.parametrize(("mine", "theirs"), [("shop", "blog"), ("", "shop"), ("shop", "")])
def test_an_id_that_another_site_s_job_has_is_refused(engine_of: Any, job: Any, mine: str, theirs: str) -> None:
    here, there = engine_of(mine), engine_of(theirs)
    there.jobs.send([job(id="report")])
    before = _state(here.store)
    with pytest.raises(JobRefused, match=r"'report' was not sent, and no other: a job of another site has this id"):
        here.jobs.send([job(id="first"), job(id="report")])
    for on_duplicate in ("error", "ignore"):
        with pytest.raises(JobRefused, match="another site"):
            here.enqueue(echo, {"text": "hi"}, id="report", on_duplicate=on_duplicate)
    assert _state(here.store) == before
    with pytest.raises(DuplicateJob):
        there.enqueue(echo, {"text": "hi"}, id="report")


def test_a_job_that_makes_one_under_another_site_s_id_says_so_in_the_log(engine_of: Any, job: Any) -> None:
    here, there = engine_of("shop"), engine_of("blog")
    there.jobs.send([job(id="report")])
    here.jobs.send([job(id="maker")])
    hands = InStore(here)
    assert hands.take() == ("maker", 1)
    hands.finish(Outcome(jobs=(job(id="report"), job(id="other"))))
    assert [(e.job_id, e.status, e.message) for e in here.log.entries()] == [
        ("report", "REFUSED", ELSEWHERE),
        ("maker", "SUCCESS", ""),
    ]
    assert {record.id for record in here.jobs.list()} == {"maker", "other"}
    assert there.jobs.get("report").status == "pending"


def test_a_signature_of_one_site_is_none_for_another(engine_of: Any, job: Any) -> None:
    key = {"signing_key": "a-key-of-16-characters"}
    shop, blog = engine_of("shop", **key), engine_of("blog", **key)
    shop.jobs.send([job(id="j")])
    client = shop.store.client
    client.hset(keys.job("j"), "origin", "blog.default")
    client.rename("rq:queue:shop.default", "rq:queue:blog.default")
    [refused] = _claim(blog).jobs
    assert isinstance(refused, Refused)
    assert "signature" in refused.reason
    client.hset(keys.job("j"), "origin", "shop.default")
    client.hdel(keys.job("j"), keys.TOKEN)
    client.rpush("rq:queue:shop.default", "j")
    assert isinstance(_claim(shop).jobs[0], Claimed)


def test_schedules_of_one_name_are_each_site_s_own(engine_of: Any) -> None:
    engines = [engine_of(site) for site in ("", "shop", "blog")]
    for engine in engines:
        schedule = engine.schedule("0 0 1 1 *", echo, {"text": "x"}, name="yearly")
        moment = schedule.next_time(engine.store.time(0))
        for digest in ("old", "new"):  # a deployment: the time of the old one is taken back
            scripts.run(engine.store, *moves.schedule("yearly", digest, schedule.job_at(moment), engine.settings))
    ids = [[record.id for record in engine.jobs.list()] for engine in engines]
    assert ids == [[f"yearly-{moment}"], [f"yearly-{moment}-8d9001d"], [f"yearly-{moment}-def53e9"]]


ORIGINS = ["high", "default", "low", "shop.high", "shop.low", "blog.default", "a-b_C9.high", "emails", "shop.emails",
           "shop.high.low", ".high", "high.", "shop.High", "shöp.high", "shop high", "shop.high\n", "", "shop",
           "x.y.low", "liquid_background:shop.high"]  # fmt: skip


@pytest.mark.parametrize("site", ["", "shop", "high", "a-b_C9"])
def test_python_and_the_scripts_tell_sites_apart_alike(store: Store, site: str) -> None:
    parts = assembly.text("site", site) + assembly.text("elsewhere", site)
    body = parts + "return {own_queue(ARGV[1]) or '', is_of_another_site(ARGV[1]) and 1 or 0}"
    for origin in ORIGINS:
        own, another = store.client.eval(body, 0, origin)  # type: ignore[misc]
        assert ((own.decode() or None), bool(another)) == (priority_of(site, origin), is_of_another(site, origin)), (
            origin
        )
    assert site_of("shop.high") == "shop"
    assert site_of("high") == ""
    assert site_of("emails") is None


def test_a_foreign_queue_is_no_site_s(engine_of: Any, job: Any, store: Store) -> None:
    store.client.sadd("rq:queues", "rq:queue:emails", "rq:queue:shop.emails")
    assert site_names(store) == ()


def test_workers_of_other_sites_are_not_this_one_s(engine_of: Any) -> None:
    for site, name in (("", "h.1.0"), ("shop", "shop.h.1.0"), ("blog", "blog.h.1.0")):
        engine = engine_of(site)
        worker = moves.Registration(name=name, pid=1, host="h", address="", queues=("high", "low"))
        scripts.run(engine.store, *moves.register(worker, engine.settings))
    seen = {site: [worker.name for worker in workers(engine_of(site).store)] for site in ("", "shop", "none")}
    assert seen == {"": ["h.1.0"], "shop": ["shop.h.1.0"], "none": []}


def test_a_dead_worker_that_another_site_took_note_of_first_is_forgotten(engine_of: Any, store: Store) -> None:
    shop, blog = engine_of("shop"), engine_of("blog")

    def register(engine: Engine, name: str) -> None:
        worker = moves.Registration(name=name, pid=1, host="h", address="", queues=QUEUES)
        scripts.run(engine.store, *moves.register(worker, engine.settings))

    register(shop, "shop.h.1.0")
    store.client.delete("rq:worker:shop.h.1.0")
    register(blog, "blog.h.1.0")
    assert store.client.smembers("rq:workers") == {b"rq:worker:blog.h.1.0"}
    register(shop, "shop.h.2.0")
    assert [count.workers for count in shop.jobs.counts()] == [1, 1, 1]


def test_jobs_in_memory_are_of_their_site(job: Any) -> None:
    engine = Engine(redis_url="redis://127.0.0.1:1", site="shop")
    with fake_jobs(engine) as jobs:
        jobs.send([job(id="j", priority="high")])
        hands = InMemory(engine, jobs)
        assert hands.take() == ("j", 1)
        assert jobs.get("j").priority == "high"
        hands.finish(Outcome(result="x"))
        assert jobs.get("j").status == "completed"


def test_a_page_of_one_site_does_not_carry_another_s_jobs(engine_of: Any, tmp_path: Any) -> None:
    shop, blog = engine_of("shop"), engine_of("blog")

    @shop.action("both")
    def both() -> str:
        blog.enqueue(echo, {"text": "hi"})
        return ""

    shop.render_string("{% action 'both' %}{% background source_name: 'mail' %}x{% endbackground %}")
    assert [job.source_name for job in shop.jobs.list()] == ["mail"]
    assert [job.priority for job in blog.jobs.list()] == ["default"]


def test_the_store_knows_its_site(settings: Settings) -> None:
    for site in ("", "shop"):
        with closing(connect(load_settings(data_dir=settings.data_dir, site=site))) as store:
            assert store.site == site
            assert Queue(store, settings.model_copy(update={"site": site})).list() == []


def test_a_send_of_a_plain_job_names_its_site(engine_of: Any) -> None:
    engine = engine_of("shop")
    engine.render_string("{% background source_name: 'mail', priority: 'high' %}x{% endbackground %}")
    [record] = engine.jobs.list()
    assert engine.store.client.lrange("rq:queue:shop.high", 0, -1) == [record.id.encode()]
    assert entries(engine.store.client, site="shop") == []
