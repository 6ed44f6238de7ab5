"""The examples of docs/prove.md and docs/deploy-guard.md do what these pages say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from liquid_background import Engine
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background_worker.prover import Prover, dry_runs_of
from tests.jobs.operating.desk import carry_out

DOCS = Path(__file__).parents[2] / "docs"
_ID = re.compile(r"[0-9a-f]{32}|\b[0-9a-f]{4}…")


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.S | re.M)
    return [text for of, text in found if of == language]


def told(page: str, command: str) -> list[str]:
    """Return the lines that a page shows below a command, without ids of jobs."""
    [block] = [text for text in blocks(page, "") if text.startswith(f"$ {command}")]
    return without_ids(block.splitlines()[1:])


def without_ids(lines: list[str]) -> list[str]:
    return [" ".join(_ID.sub("ID", line).split()) for line in lines]


def test_the_deploy_guard(project: Any) -> None:
    [page] = blocks("deploy-guard.md", "liquid")
    project.page("checkout", page)
    project.write("templates/partials/emails/welcome.liquid", "Hi {{ name }}")
    project.write("templates/partials/emails/receipt.liquid", "Order {{ order }}")
    project.good("render", "checkout")
    folder = project.folder / "templates/partials/emails"
    (folder / "welcome.liquid").rename(folder / "welcome_mail.liquid")
    (folder / "receipt.liquid").write_text("Order {{ order_id }}")
    project.page("checkout", "")
    result = project.run("check", "--against-store")
    assert result.code == 1
    assert without_ids(result.lines) == told("deploy-guard.md", "poscli check --against-store")


def test_a_proof(project: Any, capsys: Any) -> None:
    page, partial = blocks("prove.md", "liquid")
    project.page("shop", page)
    project.write("data.json", json.dumps({"numbers": [0, 1, 2]}))
    project.good("render", "shop", "--data", "data.json")
    project.good("worker", "--burst")
    project.write("templates/partials/mail.liquid", partial)
    [group] = [json.loads(line) for line in project.quick("failures", "list", "--format", "json").lines]
    result = project.good("failures", "prove", group["id"])
    assert without_ids(result.lines) == told("prove.md", "poscli failures prove")
    _run_in_python(project, blocks("prove.md", "python")[0])
    assert "3 of 3" in capsys.readouterr().out
    assert project.quick("operations", "list", "--format", "json").out.count('"kind": "retry"') == 1


def _run_in_python(project: Any, example: str) -> None:
    """Run an example, and what it has workers do."""
    engine = Engine(templates=project.folder / "templates", data_dir=project.data_dir)
    make = dry_runs_of(engine)
    assert make is not None
    prover = Prover(engine.settings, make)
    names: dict[str, Any] = {"engine": engine}
    text = example.replace("Engine()", "engine").replace("from liquid_background import Engine\n", "")
    before = text.index("for now")
    exec(text[:before], names)
    carry_out(Carrier(engine.store, engine.settings, prove=prover))
    exec(text[before:], names)
    prover.close()
