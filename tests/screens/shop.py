"""A shop's jobs, brought to where they are by the moves of a worker."""

from __future__ import annotations

from liquid_background import Engine
from liquid_background.job import Job, JobRecord, LogEntry, Outcome, Priority
from tests.jobs.places import InStore

EVIL = "<img src=x onerror=alert(1)></script><b>\u202eabc\x1b[31m"
LONG = "y" * 100_000


class Shop:
    """What stands in the store of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.place = InStore(engine)

    def send(self, count: int = 1, **given: object) -> list[str]:
        """Enqueue jobs; return their ids."""
        fields = {"source_name": "mail", "template": "pages/x", "line": 3, "source": "one\n{{ two }}\nthree"}
        jobs = [Job(**{**fields, **given}) for _ in range(count)]  # type: ignore[arg-type]
        self.engine.jobs.send(jobs)
        return [job.id for job in jobs]

    def fail(self, error: str = "POST /mail: 503 (pages/x:4)", count: int = 1, **given: object) -> list[JobRecord]:
        """Enqueue jobs that fail; return them."""
        ids = self.send(count, priority=Priority.HIGH, **given)
        for _ in ids:
            assert self.place.take()
            self.place.finish(
                Outcome(error=error, raised="OSError", traceback=f"Traceback\nOSError: {error}", duration=12)
            )
        return [self.engine.jobs.get(job_id) for job_id in ids]

    def complete(self, result: object = "done", *lines: str, **given: object) -> JobRecord:
        """Enqueue a job that succeeds; return it."""
        [job_id] = self.send(priority=Priority.HIGH, **given)
        assert self.place.take()
        entries = tuple(LogEntry(job_id=job_id, source_name="mail", type="info", message=line) for line in lines)
        self.place.finish(Outcome(result=result, entries=entries))
        return self.engine.jobs.get(job_id)

    def acts(self) -> list[tuple[str, str]]:
        """Return who did what, of the audit."""
        return [(entry.by, entry.action) for entry in self.engine.audit.entries()]
