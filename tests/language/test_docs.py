"""The examples of the template docs run."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import liquid
import pytest
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.job import JobRecord
from liquid_background.jobs.queue.payload import payload_of
from liquid_background.language.exposed import REGISTERED
from liquid_background.language.tags import HANDS_OVER
from liquid_background.lint import handings_of
from liquid_background.withheld import NeverShip

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("writing-background-blocks.md", "what-a-job-can-see.md", "lists-and-objects.md", "values.md")
EXAMPLE = re.compile(r"<!-- example: (\{.*?\}) -->\n```liquid\n(.*?)```", re.DOTALL)


def examples() -> list[Any]:
    found = []
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        for match in EXAMPLE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(json.loads(match[1]), match[2], id=f"{page}:{line}"))
    return found


def test_the_python_of_the_objects_page_runs() -> None:
    before = dict(REGISTERED.rules)
    blocks = re.findall(r"```pycon\n(.*?)```", (DOCS / "objects.md").read_text(encoding="utf-8"), re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {"__name__": "shop"}, "objects.md", None, 0)
    shown: list[str] = []
    try:
        results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=shown.append)
    finally:
        REGISTERED.rules = before
    assert results.failed == 0, "".join(shown)
    assert results.attempted > 10


class User:
    """An object that cannot travel."""


def _answering(answer: str) -> Callable[..., str]:
    """Return an action that answers with a text in which `{name}` stands for an argument."""

    def action(**given: Any) -> str:
        return answer.format(**given)

    return action


def test_every_liquid_block_is_an_example() -> None:
    blocks = sum((DOCS / page).read_text(encoding="utf-8").count("```liquid\n") for page in PAGES)
    assert len(examples()) == blocks


def test_each_tag_of_ours_is_told_of() -> None:
    added = {name for name in Environment().tags if not name.startswith("end")} - set(
        liquid.Environment(extra=True).tags
    )
    writing, seen = ((DOCS / page).read_text(encoding="utf-8") for page in PAGES[:2])
    assert {name for name in added if f"**`{name}`**" not in writing and f"{{% {name} " not in writing} == set()
    assert {name for name in HANDS_OVER if f"`{name}`" not in seen} == set()


@pytest.mark.parametrize(("example", "source"), examples())
def test_example(make_site: Callable[..., Any], example: dict[str, Any], source: str) -> None:
    site = make_site(liquid.Mode[example.get("mode", "STRICT")])
    for folder in ("partials", "consumers"):
        site.write({f"{folder}/{name}": text for name, text in example.get(folder, {}).items()})
    for name, answer in example.get("actions", {}).items():
        site.engine.environment.actions[name] = _answering(answer)
    if "never_ship" in example:
        site.engine.environment.never_ship = NeverShip(example["never_ship"])
    data = dict(example.get("data", {}))
    if "object" in example:
        data[example["object"]] = User()
    if "error" in example:
        with pytest.raises(LiquidError) as raised:
            site.render(source, data)
        assert example["error"] in str(raised.value.message)
        return
    page = site.render(source, data, params=example.get("params", {}))
    if "page" in example:
        assert page.strip() == example["page"]
    jobs = site.jobs
    _check_told(site, jobs)
    outcomes = [site.perform(job) for job in jobs]
    assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
    assert [" ".join(outcome.result.split()) for outcome in outcomes] == example["prints"]
    if "source_names" in example:
        assert [job.source_name for job in jobs] == example["source_names"]
    if "options" in example:
        assert {name: getattr(jobs[0], name) for name in example["options"]} == example["options"]
    if "handed_over" in example:
        assert jobs[0].handed_over == example["handed_over"]
    if "logs" in example:
        assert [entry.message for entry in outcomes[0].entries] == example["logs"]
    later = [job for outcome in outcomes for job in outcome.jobs]
    results = [site.engine.perform(job.id, payload_of(job), 1, 1).result for job in later]
    assert results == example.get("then", [])


def _check_told(site: Any, jobs: Sequence[JobRecord]) -> None:
    """Accept what `poscli check --values` tells of a site when it has all that its jobs were given."""
    told: dict[str, set[str]] = {}
    for handing in handings_of(site.engine.environment, [*site.root.rglob("*.liquid")]):
        kinds = told.setdefault(handing.name or "".join(handing.runs), set())
        kinds.update(f"{value.kind} {value.name}" for value in handing.values)
    known = set().union(*told.values())
    for job in jobs:
        given = told.get(job.source_name, known)
        assert {f"handed over {name}" for name in job.handed_over} <= given
        assert {f"parameter {name}" for name in job.parameters if name not in ("event", "context")} <= given
