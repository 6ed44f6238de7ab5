"""A site of a test's own on the session's store: render, look at the jobs, perform them as a worker would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from liquid import Mode

from liquid_background import Engine, Environment
from liquid_background.job import JobRecord, JobStatus, Outcome
from liquid_background.jobs.queue.lookup import read_records
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.store import Store
from liquid_background.language.pages import SiteLoader
from liquid_background.settings import Settings
from tests.halves import BothHalves
from tests.language.drying import Dry


def block(body: str, arguments: str = "source_name: 's'") -> str:
    """Return a block as a page has it."""
    return f"{{% background {arguments} %}}{body}{{% endbackground %}}"


@dataclass
class Site:
    """A folder of templates and an engine on it."""

    root: Path
    engine: Engine
    outcomes: list[Outcome] = field(default_factory=list)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / (name if name.endswith(".liquid") else f"{name}.liquid")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))

    def render(self, source: str, data: Mapping[str, Any] | None = None, **request: Any) -> str:
        """Render text as the page `pages/page`, so that errors have a name to name."""
        self.write({"pages/page": source})
        return self.engine.render("page", data, **request)

    @property
    def jobs(self) -> list[JobRecord]:
        """The jobs in the store, in the order in which they were made: all of them wait, since no worker is there."""
        store = self.engine.store
        ids = [key.decode()[len("rq:job:") :] for key in store.client.scan_iter("rq:job:*", count=10_000)]
        if len(ids) > 1:
            return self.engine.jobs.list(JobStatus.PENDING, limit=10_000)[::-1]
        # `list` looks at each place where jobs may wait, one after the other: that is a third of a test's time.
        return [record for record in read_records(store, ids) if record.status is JobStatus.PENDING]

    @property
    def job(self) -> JobRecord:
        (job,) = self.jobs
        return job

    def perform(self, job: JobRecord) -> Outcome:
        """Perform one attempt of a job as it lies in the store."""
        data = self.engine.store.client.hget(f"rq:job:{job.id}", "data")
        outcome = self.engine.perform(job.id, decode_payload(data), 1, job.max_attempts)
        self.outcomes.append(outcome)
        return outcome

    def run(self, source: str, data: Mapping[str, Any] | None = None, **request: Any) -> str:
        """Render a page with one block; return what its body prints in a job, without the white space around it."""
        self.engine.store.client.flushall()
        self.render(source, data, **request)
        outcome = self.perform(self.job)
        assert outcome.error is None, outcome.error
        assert outcome.result is not None
        return outcome.result.strip()


@pytest.fixture
def make_site(tmp_path: Path, store: Store, settings: Settings) -> Callable[..., Site]:
    def make(mode: Mode = Mode.STRICT, **options: Any) -> Site:
        environment = Environment(loader=SiteLoader(tmp_path), tolerance=mode, **options)
        engine = BothHalves(environment=environment, settings=settings)
        engine._link._store = store  # connecting takes as long as most of what is tested here
        return Site(tmp_path, engine)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def dry(tmp_path: Path) -> Dry:
    environment = Environment(loader=SiteLoader(tmp_path))
    return Dry(tmp_path, Engine(environment=environment, redis_url="redis://127.0.0.1:1"))
