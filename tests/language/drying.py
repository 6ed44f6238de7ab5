"""A site of templates that are run dry: an engine whose store nobody could reach, and code that must not be called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liquid_background import Engine
from liquid_background.job import Job
from liquid_background.jobs.queue.payload import payload_of
from liquid_background.language.dry import DryOutcome, DryRuns


class Called(BaseException):
    """Raised by what must not be called; no template catches it."""


def refuse(*_: Any, **__: Any) -> Any:
    raise Called


@dataclasses.dataclass
class Dry:
    """A site of templates by their names, whose engine has no store."""

    root: Path
    engine: Engine

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.root / f"{name.replace('__', '/')}.liquid"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def page(self, source: str, data: Mapping[str, Any] | None = None, **request: Any) -> DryOutcome:
        self.write(pages__page=source)
        return DryRuns(self.engine.environment, self.engine).render("page", data, **request)

    def job(self, source: str, **parameters: Any) -> DryOutcome:
        job = Job(source_name="s", template="pages/page", line=1, source=source, parameters=parameters)
        return DryRuns(self.engine.environment, self.engine).perform(payload_of(job), "j")


def messages(outcome: DryOutcome) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.entry.message, each.depends_on) for each in outcome.entries]
