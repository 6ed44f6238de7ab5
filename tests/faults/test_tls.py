"""Engines and workers over TLS; large calls and replies, cut connections, wrong certificates."""

from __future__ import annotations

import base64
import os
import random
import re
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from liquid_background import Engine
from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.job import Job, Outcome
from liquid_background.jobs.queue import Queue, keys, moves
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from liquid_background_worker import wire
from liquid_background_worker.channel import Channel
from tests import warm
from tests.faults.proxy import Proxy
from tests.worker.conftest import Bench, WorkerProcess
from tests.worker.stub_app import StubEngine

ONCE = [("SUCCESS", 1, True)]
Start = Callable[..., Any]


class Echo(StubEngine):
    """The application of this file's workers: a job's result is its parameter `text`, `times` over."""

    def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
        given = payload["parameters"]
        if given["do"] == "echo":
            return Outcome(result=given["text"] * given["times"])
        return super().perform(job_id, payload, attempt, max_attempts)


echo = Echo()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(params=["TLSv1_3"])
def proxy(request: pytest.FixtureRequest, start_server: Start, authority: trustme.CA) -> Iterator[Proxy]:
    context = _context(authority.issue_cert("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion[request.param]
    with closing(Proxy(start_server().port, context)) as made:
        yield made


@pytest.fixture
def url(proxy: Proxy, authority_file: Path) -> str:
    return f"{proxy.url}?ssl_ca_certs={authority_file}"


@pytest.fixture
def bench(proxy: Proxy, url: str, tmp_path: Path, wait_until: Any) -> Iterator[Bench]:
    """A bench whose workers connect over TLS; the test itself looks past the proxy, whatever that does."""
    store = connect(load_settings(redis_url=f"redis://127.0.0.1:{proxy._target}/0"))
    settings = load_settings(redis_url=url)
    made = Bench(store, settings, Queue(store, settings), tmp_path / "runs", wait_until)
    yield made
    made.close()
    store.close()


@pytest.fixture
def channel(bench: Bench) -> Iterator[Channel]:
    """A worker child's line to the store, connected in this process."""
    store = connect(bench.settings)
    made = Channel(store, 10.0, lambda _seconds: False)
    assert made.call(moves.remaining(keys.QUEUES)) == 0
    yield made
    made._wire.disconnect()
    store.close()


def _start(bench: Bench, **options: Any) -> WorkerProcess:
    return bench.start(app="tests.faults.test_tls:echo", **options)


def _wait_for_an_idle_child(bench: Bench) -> None:
    bench.wait_until(lambda: bench.store.client.info("clients")["blocked_clients"] == 1)


def _large(bench: Bench, count: int, times: int = 1) -> dict[str, Job]:
    """Return jobs, by their ids, with 90,000 characters that no compression makes much smaller."""
    texts = (base64.b64encode(random.Random(number).randbytes(67_500)).decode("ascii") for number in range(count))
    jobs = [bench.job("echo", given={"text": text, "times": times}) for text in texts]
    return {job.id: job for job in jobs}


def _send_large(bench: Bench, count: int, times: int = 1) -> dict[str, Job]:
    jobs = _large(bench, count, times)
    bench.queue.send(list(jobs.values()))
    return jobs


@pytest.mark.slow
def test_j10_a_worker_performs_jobs_of_90_kb_and_tells_their_results(bench: Bench) -> None:
    # The results of the first are nearly as long as one may be; behind them, batches grow to 64 jobs.
    jobs = _send_large(bench, 8, times=11) | _send_large(bench, 150)
    worker = _start(bench, lease=20)
    for job in jobs.values():
        assert bench.wait_for(job.id).result == job.parameters["text"] * job.parameters["times"]
    assert bench.stories() == dict.fromkeys(jobs, ONCE)
    assert worker.stop() == 0
    assert "waiting for the store" not in worker.text()


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [wire._CHUNK, 1000], ids=["as it is", "less than a record"])
@pytest.mark.parametrize("proxy", ["TLSv1_2", "TLSv1_3"], indirect=True)
def test_j10_a_batch_of_64_large_jobs_is_claimed_at_once(
    bench: Bench, channel: Channel, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With small chunks, most of a record is decrypted and waits where select does not see it.
    monkeypatch.setattr(wire, "_CHUNK", chunk)
    jobs = _send_large(bench, 64)
    claim = moves.Claim("token", 64, keys.QUEUES, bench.settings)
    reply = channel.call(claim.call)
    assert sum(len(value) for value in reply[2:] if isinstance(value, bytes)) > 4_000_000
    assert _texts(claim.opened(reply)) == {job_id: job.parameters["text"] for job_id, job in jobs.items()}


def _texts(batch: moves.Batch) -> dict[str, str]:
    return {job.id: job.payload["parameters"]["text"] for job in batch.jobs if isinstance(job, Claimed)}


@pytest.mark.slow
def test_j10_a_call_that_no_buffer_holds_leaves_while_a_large_reply_arrives(bench: Bench, channel: Channel) -> None:
    waiting = _send_large(bench, 64)
    more = _large(bench, 250)
    arguments: list[Any] = [bench.settings.log_limit, len(more), 0]
    for job in more.values():
        arguments += encode_job(job, bench.settings)
    claim = moves.Claim("token", 64, keys.QUEUES, bench.settings)
    replies: list[Any] = []
    channel.post(claim.call, replies.append)
    assert channel.call(("send", arguments)) == []
    assert _texts(claim.opened(replies[0])).keys() == waiting.keys()
    assert bench.queue.counts()[1].queued == len(more)


@pytest.mark.slow
def test_j10_a_reply_that_is_cut_off_in_the_middle_spoils_no_later_one(
    bench: Bench, channel: Channel, proxy: Proxy
) -> None:
    _send_large(bench, 64)
    proxy.lets_through = 1_000_000
    proxy.mode = "drop replies"
    claim = moves.Claim("cut", 64, keys.QUEUES, bench.settings)
    with ThreadPoolExecutor() as threads:
        reply = threads.submit(channel.call, claim.call)
        assert proxy.dropped.wait(10)
        proxy.mode = "pass"
        assert not claim.opened(reply.result(10)).jobs  # they are leased: a claim that is sent again finds none
    jobs = _send_large(bench, 64)
    claim = moves.Claim("next", 64, keys.QUEUES, bench.settings)
    assert _texts(claim.opened(channel.call(claim.call))).keys() == jobs.keys()


def test_j10_an_idle_child_is_woken_by_a_job_and_by_a_word_to_stop(bench: Bench, channel: Channel) -> None:
    wake_keys = [keys.wake(name) for name in (*keys.QUEUES, "a worker's own")]
    control, supervisor = os.pipe()
    try:
        with ThreadPoolExecutor() as threads:
            # Far longer than this test waits: only a token ends it.
            claim = moves.Claim("token", 64, keys.QUEUES, bench.settings, 60.0)
            reply = threads.submit(channel.block, wake_keys, 60.0, control, [claim.call])
            _wait_for_an_idle_child(bench)
            jobs = _send_large(bench, 64)
            assert _texts(claim.opened(reply.result(10))).keys() == jobs.keys()
            bench.store.client.delete(*wake_keys)  # those of the other jobs
            reply = threads.submit(channel.block, wake_keys, 60.0, control, [claim.call])
            _wait_for_an_idle_child(bench)
            os.write(supervisor, b"x")
            assert not claim.opened(reply.result(10)).jobs
    finally:
        os.close(control)
        os.close(supervisor)


def test_j10_a_worker_whose_connections_are_cut_connects_again(bench: Bench, proxy: Proxy, tmp_path: Path) -> None:
    worker = bench.start()
    _wait_for_an_idle_child(bench)
    proxy.cut()
    bench.wait_for(bench.send())
    go = tmp_path / "go"
    held = bench.send("wait_for", given={"until": str(go)})
    bench.wait_for_run(held)
    proxy.cut()
    go.touch()
    bench.wait_for(held)
    assert list(bench.stories().values()) == [ONCE, ONCE]
    assert len(bench.runs()) == 2
    assert worker.stop() == 0


def test_j10_an_engine_and_the_program_work_over_tls(url: str, tmp_path: Path) -> None:
    page = tmp_path / "templates" / "pages" / "hello.liquid"
    page.parent.mkdir(parents=True)
    text = "é" * 10_000
    page.write_text(f"{{% background source_name: 'hello' %}}{text}{{% endbackground %}}", "utf-8")
    engine = Engine(templates=tmp_path / "templates", redis_url=url)
    with closing(engine.store):
        engine.render("hello")
        environment = {**os.environ, "LIQUID_BACKGROUND_REDIS_URL": url}
        done = warm.run("poscli", "worker", "--burst", cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        (job,) = engine.jobs.list(status="completed")
        assert engine.jobs.get(job.id).result == text
        assert [entry.source_name for entry in engine.log.entries()] == ["hello"]


@pytest.fixture
def refuses(start_server: Start) -> Iterator[Callable[[trustme.LeafCert, Path], str]]:
    """`refuses(certificate, authority_file)`: what is said to a server that shows this certificate."""
    with ExitStack() as proxies:

        def message(certificate: trustme.LeafCert, authority_file: Path) -> str:
            proxy = proxies.enter_context(closing(Proxy(start_server().port, _context(certificate))))
            with pytest.raises(StoreUnavailable) as caught:
                connect(load_settings(redis_url=f"{proxy.url}?ssl_ca_certs={authority_file}"))
            assert "\n" not in str(caught.value)
            assert str(caught.value).startswith(f"the store at {proxy.url} shows a certificate that is not trusted (")
            return str(caught.value)

        yield message


def test_j10_a_certificate_that_is_not_trusted_is_refused_with_what_to_do(
    refuses: Callable[[trustme.LeafCert, Path], str], authority: trustme.CA, authority_file: Path
) -> None:
    message = refuses(trustme.CA().issue_cert("127.0.0.1"), authority_file)
    assert "name the file of its authority in LIQUID_BACKGROUND_REDIS_URL, as in rediss://" in message
    message = refuses(authority.issue_cert("store.example"), authority_file)
    assert "write the host in LIQUID_BACKGROUND_REDIS_URL as the certificate names it" in message
    of_2020 = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2021, 1, 1, tzinfo=UTC)}
    message = refuses(authority.issue_cert("127.0.0.1", **of_2020), authority_file)
    assert message.endswith("(certificate verify failed: certificate has expired): renew it")


def test_j10_a_worker_that_does_not_trust_the_store_ends_with_one_line(
    bench: Bench, proxy: Proxy, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    bench.settings = load_settings(redis_url=f"{proxy.url}?ssl_ca_certs={tmp_path}/other.pem")
    worker = bench.start()
    assert worker.process.wait(20) == 1
    (line,) = worker.text().splitlines()
    assert "certificate verify failed" in line


def test_j10_a_store_without_tls_may_be_why_nothing_answers(start_server: Start) -> None:
    url = f"rediss://127.0.0.1:{start_server().port}/0"
    with pytest.raises(StoreUnavailable, match="is it overloaded, the network down, or the store without TLS\\?"):
        connect(load_settings(redis_url=url), socket_timeout=0.3)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("ssl_ca_certs=/none/ca.pem", "ssl_ca_certs names no file"),
        ("ssl_cert_reqs=CERT_NONE", "ssl_cert_reqs must be required, optional or none"),
        ("ssl_validate_ocsp=true", "for rediss://, ssl_ca_certs, "),
    ],
)
def test_a_wrong_tls_option_of_the_url_is_named(option: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(reason)):
        connect(load_settings(redis_url=f"rediss://127.0.0.1:1?{option}"))
