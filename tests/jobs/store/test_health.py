"""What a server says about the safety of the jobs in it, and what it says of commands that it does not take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from redis.exceptions import ResponseError

from liquid_background import Engine
from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.queue.health import look
from liquid_background.jobs.queue.permitted import command_verdicts
from liquid_background.jobs.store import Store, asked, connect
from liquid_background.jobs.store.asking import Refusal
from liquid_background.jobs.store.health import SMALL_NODE, advice, server_verdicts, what_it_says
from liquid_background.jobs.store.probe import line_to, plain_place
from liquid_background.jobs.store.verdict import Severity, Verdict
from liquid_background.settings import load_settings

KEPT = ("--appendonly", "yes")
NOTHING_KEPT = "the store keeps nothing on disk, so a restart loses every job: set appendonly to yes"
RIGHTS = "its ACL rule must grant at least ~rq:* ~liquid_background:* +@all -@dangerous -@admin"


@pytest.fixture
def verdicts_of(start_server: Callable[..., Any]) -> Callable[..., tuple[Verdict, ...]]:
    """`verdicts_of("--save", "60 1", login="user:password@", first=…)` looks at a server that was started so."""

    def verdicts(
        *options: str, login: str = "", first: Callable[[Store], Any] | None = None, site: str = ""
    ) -> tuple[Verdict, ...]:
        store = connect(load_settings(redis_url=start_server(*options).url.replace("//", f"//{login}")))
        try:
            if first:
                first(store)
            with asked(store) as ask:
                return look(ask, site=site).verdicts
        finally:
            store.close()

    return verdicts


Verdicts = Callable[..., tuple[Verdict, ...]]


def test_the_embedded_store_is_healthy(store: Store) -> None:
    with asked(store) as ask:
        health = look(ask, store.socket.parent if store.socket else None)
    assert health.verdicts == ()
    assert health.server.keeps == "each change"
    assert "Valkey" in (health.server.name or "")


def test_the_embedded_store_gives_a_result_little_room_and_others_are_advised_to(
    store: Store, start_server: Callable[..., Any]
) -> None:
    with asked(store) as ask:
        assert what_it_says(ask).settings["stream-node-max-bytes"] == str(SMALL_NODE)
        assert advice(what_it_says(ask)) == []
    for size, told in (("4096", "4,096"), ("0", "4,096"), ("2kb", "2,048"), ("1024", None), ("64", None)):
        other = connect(load_settings(redis_url=start_server("--stream-node-max-bytes", size).url))
        with asked(other) as ask:
            said = [f"{verdict.found}: {verdict.remedy}" for verdict in advice(what_it_says(ask))]
        other.close()
        assert len(said) == (told is not None)
        assert told is None or said[0].startswith(f"each kept result takes {told} bytes of it and more (stream-node-")
        assert told is None or said[0].endswith(": set stream-node-max-bytes to 512")


@pytest.mark.parametrize(
    ("options", "user", "why"),
    [
        (("--rename-command", "CONFIG", ""), "", "the server does not know CONFIG"),
        (("--user", "me", "on", ">pw", "~*", "&*", "+@all", "-config"), "me:pw@", "this user may not run CONFIG"),
    ],
)
def test_where_config_may_not_be_read_the_advice_says_what_to_ask_for(
    options: tuple[str, ...], user: str, why: str, start_server: Callable[..., Any]
) -> None:
    other = connect(load_settings(redis_url=start_server(*options).url.replace("//", f"//{user}")))
    with asked(other) as ask:
        (said,) = advice(what_it_says(ask))
    other.close()
    assert said.found == (
        f"cannot tell how much room each kept result takes: {why}; it is 4 KB unless stream-node-max-bytes is 512"
    )
    assert "ask who runs it" in said.remedy


def test_a_store_without_aof_and_saves_keeps_nothing(verdicts_of: Verdicts) -> None:
    assert list(map(str, verdicts_of())) == [NOTHING_KEPT]
    assert verdicts_of(*KEPT) == ()


def test_a_store_that_only_saves_says_what_a_crash_loses(verdicts_of: Verdicts) -> None:
    def write(store: Store) -> None:
        for number in range(7):
            store.client.set(f"key{number}", "")

    (verdict,) = verdicts_of("--save", "3600 1 300 100 60 10000", first=write)
    assert (verdict.name, verdict.severity, verdict.remedy) == (
        "persistence",
        Severity.WARNING,
        "set appendonly to yes",
    )
    assert "(save 3600 1 300 100 60 10000)" in verdict.found
    assert "up to 3,600 s of work, 300 s once there are 100 changes, 60 s once there are 10,000" in verdict.found
    assert "7 changes are not saved now" in verdict.found
    (verdict,) = verdicts_of("--save", "3600 2 60 1", first=lambda store: store.client.set("key", ""))
    assert verdict.found.endswith("up to 60 s of work, 3,600 s once there are 2 changes; 1 change is not saved now")


def test_a_file_that_the_kernel_writes_when_it_likes_is_told(verdicts_of: Verdicts) -> None:
    (verdict,) = verdicts_of(*KEPT, "--appendfsync", "no")
    assert str(verdict).endswith("(appendfsync no), often 30 s later: set appendfsync to everysec")


def test_a_store_that_may_evict_is_told_with_its_policy(verdicts_of: Verdicts) -> None:
    (verdict,) = verdicts_of(*KEPT, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    assert "may throw jobs away when it reaches its 67,108,864 bytes (maxmemory-policy allkeys-lru)" in verdict.found
    assert verdicts_of(*KEPT, "--maxmemory-policy", "allkeys-lru") == ()  # without a limit nothing is evicted
    assert verdicts_of(*KEPT, "--maxmemory", "64mb") == ()


def _counted(store: Store) -> int:
    """Return the bytes that count against maxmemory: not what waits to be written to the append-only file."""
    memory = store.client.info("memory")
    count: int = memory["used_memory"] - memory["mem_not_counted_for_evict"]
    return count


@pytest.mark.parametrize(("percent", "is_told"), [(80, False), (93, True)])
def test_memory_that_fills_is_told_from_90_percent_on(verdicts_of: Verdicts, percent: int, is_told: bool) -> None:
    def fill(store: Store) -> None:
        limit = 64 * 1024 * 1024
        store.client.config_set("maxmemory", limit)
        pipeline = store.client.pipeline(transaction=False)
        while _counted(store) < limit * percent // 100 - 100_000:
            pipeline.rpush("rest", b"x" * 90_000).execute()

    verdicts = verdicts_of(*KEPT, first=fill)
    assert [verdict.name for verdict in verdicts] == ["memory"] * is_told
    if is_told:
        assert re.search(r"memory is 9[1-4] % full \(\d\d\.\d MB of maxmemory 64\.0 MB\)", verdicts[0].found)
        assert verdicts[0].remedy.startswith("raise maxmemory")


def test_without_a_maxmemory_the_host_s_memory_is_the_limit(store: Store) -> None:
    with asked(store) as ask:
        says = what_it_says(ask)
    host = says.number("total_system_memory")
    assert host > says.number("used_memory_rss") > 0
    nearly = replace(says, info={**says.info, "used_memory_rss": str(host * 19 // 20)})
    (verdict,) = server_verdicts(nearly)
    assert verdict.name == "memory"
    assert "95 % of its host's memory" in verdict.found or "94 % of its host's memory" in verdict.found


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"maxmemory": "1"}, "the store is out of memory and refused the write"),
        ({"min-replicas-to-write": "1"}, "the store has fewer replicas than its min-replicas-to-write asks for"),
    ],
)
def test_refused_writes_are_wrong(verdicts_of: Verdicts, config: dict[str, str], found: str) -> None:
    verdicts = verdicts_of(*KEPT, first=lambda store: [store.client.config_set(*item) for item in config.items()])
    (writes,) = [verdict for verdict in verdicts if verdict.name == "writes"]
    assert writes.severity is Severity.WRONG
    assert writes.found.startswith(found)
    assert verdicts[0] == writes, "the worst comes first"


def test_a_disk_that_takes_no_save_is_told_by_its_failure_and_the_refused_writes(
    verdicts_of: Verdicts, wait_until: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    def fail(store: Store) -> None:
        store.client.set("x", "1")
        folder.rmdir()
        store.client.bgsave()
        wait_until(lambda: store.client.info("persistence")["rdb_last_bgsave_status"] == "err")

    verdicts = {verdict.name: verdict for verdict in verdicts_of("--save", "60 1", "--dir", str(folder), first=fail)}
    assert verdicts.keys() == {"writes", "snapshots", "persistence"}
    assert verdicts["writes"].severity is Severity.WRONG
    assert "cannot save to its disk and refuses writes" in verdicts["writes"].found
    assert "its last background save failed" in verdicts["snapshots"].found
    assert "its disk is full, or it may not write to its folder" in verdicts["snapshots"].remedy


def test_a_replica_is_told(verdicts_of: Verdicts) -> None:
    verdicts = {verdict.name: verdict for verdict in verdicts_of("--replicaof", "127.0.0.1 1")}
    assert str(verdicts["role"]) == "the store is a replica, so it can take no jobs: use the URL of its primary"
    assert verdicts["writes"].severity is Severity.WRONG


def test_commands_that_are_renamed_or_disabled_are_named(verdicts_of: Verdicts) -> None:
    options = ("--rename-command", "HSET", "", "--rename-command", "XADD", "other", "--rename-command", "HELLO", "")
    (verdict,) = verdicts_of(*KEPT, *options)
    assert (verdict.name, verdict.severity) == ("commands", Severity.WRONG)
    assert verdict.found == "the store does not know HSET, XADD, which jobs need"
    assert "(rename-command)" in verdict.remedy


ON = ("--user", "jobs", "on", ">x")
OURS = ("~rq:*", "~liquid_background:*")


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ((*OURS, "+@all", "-zadd", "-smembers"), "this user may not run SMEMBERS, ZADD, which jobs need"),
        (("~rq:*", "+@all"), "this user may not use the keys liquid_background:*, which jobs need"),
        (
            ("~other:*", "+@all", "-eval"),
            "this user may not run EVAL nor use the keys rq:*, liquid_background:*, which jobs need",
        ),
    ],
)
def test_commands_and_keys_that_a_user_may_not_use_are_named(
    verdicts_of: Verdicts, rule: tuple[str, ...], found: str
) -> None:
    (verdict,) = [each for each in verdicts_of(*KEPT, *ON, *rule, login="jobs:x@") if each.name == "rights"]
    assert (verdict.severity, verdict.found, verdict.remedy) == (Severity.WRONG, found, RIGHTS)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (("~*", "+@all", "-rpush"), "this user may not run RPUSH, which jobs need"),
        (("%R~*", "+@all"), "this user may not use the keys rq:*, liquid_background:*, which jobs need"),
        (("~rq:*", "+@all"), "this user may not use the keys liquid_background:*, which jobs need"),
        (
            ("~*", "+@read", "+@connection"),
            "this user may not run EVAL, SETRANGE, EVALSHA, TIME, which jobs need",
        ),
    ],
)
@pytest.mark.parametrize("hidden", [("-multi",), ("+@all", "--rename-command", "MULTI", "")])
def test_rights_are_told_where_nothing_can_be_tried(
    verdicts_of: Verdicts, rule: tuple[str, ...], found: str, hidden: tuple[str, ...]
) -> None:
    rule = (*rule, "-multi") if hidden[0] == "-multi" else (*rule, *hidden[1:])
    (verdict,) = [each for each in verdicts_of(*KEPT, *ON, *rule, login="jobs:x@") if each.name == "rights"]
    assert (verdict.severity, verdict.found, verdict.remedy) == (Severity.WRONG, found, RIGHTS)


def test_commands_that_are_not_there_are_told_where_nothing_can_be_tried(verdicts_of: Verdicts) -> None:
    options = (*KEPT, *ON, *OURS, "+@all", "-multi", "--rename-command", "HSET", "")
    (commands,) = verdicts_of(*options, login="jobs:x@")
    assert commands.found == "the store does not know HSET, which jobs need"
    (commands,) = verdicts_of(*KEPT, "--rename-command", "MULTI", "", "--rename-command", "EVAL", "")
    assert commands.found == "the store does not know EVAL, which jobs need"


def test_nothing_is_wrong_without_a_multi_that_jobs_do_not_need(verdicts_of: Verdicts) -> None:
    assert verdicts_of(*KEPT, *ON, *OURS, "+@all", "-multi", login="jobs:x@") == ()
    assert verdicts_of(*KEPT, "--rename-command", "MULTI", "") == ()


def test_refused_writes_are_told_where_nothing_can_be_tried(verdicts_of: Verdicts) -> None:
    full = verdicts_of(
        *KEPT, "--rename-command", "MULTI", "", first=lambda store: store.client.config_set("maxmemory", 1)
    )
    assert [verdict.found for verdict in full if verdict.name == "writes"] == [
        "the store is out of memory and refused the write"
    ]


def test_one_kind_of_key_that_is_missing_in_a_rule_is_told(verdicts_of: Verdicts) -> None:
    rule = ("~rq:queue:*", "~rq:job:*", "~rq:w*", "~rq:queues", "~rq:results:*", "~rq:[dsfc]*", "~liquid_background:*")
    (verdict,) = verdicts_of(*KEPT, *ON, *rule, "+@all", login="jobs:x@")
    assert verdict.found == "this user may not use the keys rq:executions:*, rq:execution:*:*, which jobs need"


def _site_rule(site: str) -> list[str]:
    page = Path(__file__).parents[3].joinpath("docs/sites.md").read_text()
    [rule] = re.findall(r"^ACL SETUSER shop on >SECRET (.*)$", page, re.MULTILINE)
    return str(rule.replace("shop", site)).split()


def test_the_documented_rule_of_a_site_has_the_rights_that_its_jobs_need(verdicts_of: Verdicts) -> None:
    rule = _site_rule("shop")
    (verdict,) = verdicts_of(*KEPT, *ON, *rule, login="jobs:x@", site="shop")
    assert (verdict.name, verdict.severity) == ("server", Severity.UNKNOWN)
    assert verdicts_of(*KEPT, *ON, *rule, "+info", "+config|get", login="jobs:x@", site="shop") == ()
    others = verdicts_of(*KEPT, *ON, *rule, login="jobs:x@", site="blog")[0]
    assert (others.name, others.severity) == ("rights", Severity.WRONG)
    assert others.found == "this user may not use the keys rq:*:blog.*, liquid_background:blog.*, which jobs need"
    assert others.remedy == f"its ACL rule must grant at least {' '.join(_site_rule('blog'))} (see docs/sites.md)"
    unnamed = verdicts_of(*KEPT, *ON, *rule, login="jobs:x@")[0]
    assert "may not use the keys liquid_background:*, rq:queue:high, rq:queue:default, " in unnamed.found


def test_what_may_not_be_asked_is_said_to_be_unknown(verdicts_of: Verdicts) -> None:
    (verdict,) = verdicts_of("--user", "jobs", "on", ">x", "~*", "+@all", "-@dangerous", login="jobs:x@")
    assert verdict.severity is Severity.UNKNOWN
    assert "may not run INFO" in verdict.found
    (verdict,) = verdicts_of("--user", "jobs", "on", ">x", "~*", "+@all", "-config", login="jobs:x@")
    assert "its AOF is off and this user may not run CONFIG" in verdict.found
    assert verdict.remedy.startswith("grant it +config|get")
    (verdict,) = verdicts_of("--rename-command", "CONFIG", "")
    assert "its AOF is off and the server does not know CONFIG" in verdict.found
    assert "(rename-command)" in verdict.remedy
    assert "grant" not in verdict.remedy
    (verdict,) = verdicts_of(*KEPT, "--rename-command", "INFO", "")
    assert (verdict.name, verdict.severity) == ("server", Severity.UNKNOWN)
    assert verdict.found.endswith("the server does not know INFO")
    assert "(rename-command)" in verdict.remedy
    assert "grant" not in verdict.remedy
    names = {each.name: each for each in verdicts_of(*KEPT, "--rename-command", "SMEMBERS", "")}
    assert names["workers"].found == "cannot tell which workers run: the server does not know SMEMBERS"
    assert "grant" not in names["workers"].remedy
    assert verdicts_of(*KEPT, "--rename-command", "CONFIG", "") == ()


@pytest.mark.parametrize(("seconds", "word"), [(120.0, "ahead of"), (-120.0, "behind")])
def test_another_clock_is_told(store: Store, seconds: float, word: str) -> None:
    with asked(store) as ask:
        says = what_it_says(ask)
    assert says.clock is not None
    before, its_own, after = says.clock
    (verdict,) = server_verdicts(replace(says, clock=(before, its_own + seconds, after)))
    assert verdict.name == "clock"
    assert f"the store's clock is 120 s {word} this host's" in verdict.found


def test_a_look_changes_nothing(start_server: Any) -> None:
    store = connect(load_settings(redis_url=start_server(*KEPT).url))
    store.client.set("x", "1")
    before = store.client.info("persistence")["rdb_changes_since_last_save"]
    with asked(store) as ask:
        look(ask)
    assert store.client.info("persistence")["rdb_changes_since_last_save"] == before
    assert store.client.keys() == [b"x"]
    store.close()


def test_a_store_that_went_away_is_unavailable(start_server: Callable[..., Any]) -> None:
    server = start_server()
    engine = Engine(redis_url=server.url)
    with asked(engine.store) as ask:
        server.kill()
        with pytest.raises(StoreUnavailable):
            look(ask)
    (verdict,) = engine.health()
    assert (verdict.name, verdict.severity) == ("store", Severity.WRONG)
    assert "cannot be reached" in verdict.found
    assert verdict.remedy.startswith("start it")
    engine.store.close()


def test_a_store_that_is_busy_with_a_script_says_so_and_nothing_else(start_server: Callable[..., Any]) -> None:
    server = start_server(*KEPT, "--busy-reply-threshold", "10")
    place = plain_place(server.url)
    assert place is not None
    engine = Engine(redis_url=server.url)
    busy = Thread(target=_run_for_ever, args=(engine.store,))
    busy.start()
    try:
        with line_to(place, 20) as line:
            while not isinstance(line.ask(("GET", "x"))[0], Refusal):
                pass
            with pytest.raises(StoreUnavailable, match="is busy with a script that does not end"):
                look(line)
            line.ask(("SCRIPT", "KILL"))
    finally:
        busy.join(20)
    assert engine.health() == ()
    engine.store.close()


def _run_for_ever(store: Store) -> None:
    with pytest.raises(ResponseError, match="killed"):
        store.client.eval("while true do end", 0)


def test_a_database_that_there_is_not_is_told(start_server: Callable[..., Any]) -> None:
    url = start_server().url
    for number in ("99", "999999999999"):
        (verdict,) = Engine(redis_url=url.replace("/0", f"/{number}")).health()
        assert verdict.severity is Severity.WRONG
        assert "the number" in str(verdict)
        assert "LIQUID_BACKGROUND_REDIS_URL" in str(verdict)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("kind", ["Sentinel", "Redis Cluster"])
def test_what_the_server_is_comes_first_and_alone(
    start_server: Callable[..., Any], start_sentinels: Callable[..., Any], kind: str, number: int
) -> None:
    if kind == "Sentinel":
        url = f"redis://127.0.0.1:{start_sentinels().sentinel_ports[0]}/{number}"
    else:
        url = start_server("--cluster-enabled", "yes").url.replace("/0", f"/{number}")
    place = plain_place(url)
    assert place is not None
    with pytest.raises(StoreUnavailable, match=f"^the store at {url} is a {kind}"), line_to(place, 20) as line:
        look(line)


@pytest.mark.parametrize("knows_info", [True, False])
def test_a_server_that_is_too_old_is_told_first_and_alone(knows_info: bool) -> None:
    class Old:
        """What a server of version 6.0 answers."""

        url = "redis://old:6379/0"

        def ask(self, *commands: Any) -> list[Any]:
            return [self._answer(*command) for command in commands]

        def _answer(self, name: str, *_: object) -> Any:
            if name == "INFO" and knows_info:
                return b"# Server\r\nredis_version:6.0.16\r\nredis_mode:standalone\r\n"
            if name == "HELLO":
                return [b"server", b"redis", b"version", b"6.0.16", b"proto", 2, b"mode", b"standalone", b"modules", []]
            return Refusal(f"ERR unknown command '{name}'")

    with pytest.raises(StoreUnavailable, match=r"is Redis 6\.0\.16: 6\.2 or newer or Valkey is needed"):
        look(Old())


@pytest.mark.parametrize("absent", [[], ["HSET"]])
def test_what_a_server_before_7_does_not_tell_without_multi_is_unknown(absent: list[str]) -> None:
    class Before7:
        """What a server answers whose scripts have no words for rights."""

        url = "redis://old:6379/0"

        def ask(self, *commands: Any) -> list[Any]:
            return [self._answer(*command) for command in commands]

        def _answer(self, name: str, *words: object) -> Any:
            if name == "COMMAND":
                return [None if word in absent else [word] for word in words[1:]]
            told = {"MULTI": Refusal("NOPERM no permissions"), "EVALSHA": Refusal("NOSCRIPT none"), "EVAL": []}
            return told.get(name, 0)

    (verdict,) = command_verdicts(Before7())
    if absent:
        assert (verdict.name, verdict.found) == ("commands", "the store does not know HSET, which jobs need")
    else:
        assert (verdict.name, verdict.severity) == ("rights", Severity.UNKNOWN)
        assert str(verdict).endswith(
            "it does not let this user run MULTI: grant +multi and +discard, or ask who runs it"
        )
