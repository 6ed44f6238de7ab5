"""The pictures in docs/: `make pictures` has a real worker fill a small shop, and takes one of each screen."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from liquid_background import Engine
from liquid_background.job import Group, Job, Priority
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.tally import Tally
from liquid_background.jobs.store import embedded
from tests.browser.conftest import APP, Shop, chromium, free_port

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
SIZE: Final = (1280, 800)
QUALITIES: Final = (80, 70, 60, 50, 40)  # of a JPEG: the best that is small enough
MOST: Final = 120_000  # bytes of a picture

CARD_DECLINED: Final = (
    "{% liquid\n  assign charge = amount | divided_by: installments\n  log charge\n%}Charged {{ charge }}"
)
CONTACT: Final = "{% assign group = customer_id | modulo: 4 %}{{ 12 | divided_by: group }} contacts"
ROUND: Final = "{% for i in (1..ROUNDS) %}{% assign n = i | times: 3 %}{% endfor %}"
KINDS: Final = {
    "send_receipt": ("pages/checkout", 18, "Dear {{ name }}, thank you for order {{ order_id }}.", 300),
    "sync_crm": ("pages/account", 41, "synced {{ customer_id }}", 9_000),
    "charge_card": ("pages/checkout", 31, CARD_DECLINED, 700),
    "resize_image": ("pages/product", 12, "{{ image }} at 3 sizes", 30_000),
    "nightly_report": ("pages/reports", 7, "{{ rows }} rows", 60_000),
}
"""The template, line, source and rounds of an attempt, by source name."""
HOURLY: Final = {"send_receipt": 210, "sync_crm": 150, "charge_card": 95, "resize_image": 60, "nightly_report": 2}
FAILING: Final = {"charge_card": 0.06, "sync_crm": 0.02, "resize_image": 0.01}
MORE: Final = """
engine.schedule("0 6 * * *", "pages/nightly", name="nightly_report", timezone="Europe/Berlin")
engine.schedule("*/15 * * * *", "pages/feeds", name="refresh_feeds")
engine.schedule("0 9 * * mon", "pages/digest", name="weekly_digest", timezone="Europe/Berlin")
"""
SCREENS: Final = ("jobs", "failures", "names", "queues", "schedules", "workers", "logs", "operations")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="shop-", dir="/tmp") as name, sync_playwright() as playwright:
        folder = Path(name)
        pages = folder / "templates" / "pages"
        pages.mkdir(parents=True)
        for page in ("nightly", "feeds", "digest"):
            (pages / f"{page}.liquid").write_text("{% log 'begun' %}", "utf-8")
        (folder / "app.py").write_text(APP + MORE, "utf-8")
        shop = Shop(folder, Engine(templates=folder / "templates", data_dir=folder / "store"), free_port())
        shop.start()
        worker = shop.start_worker()
        try:
            _fill(shop)
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            _take(shop, browser)
            browser.close()
        finally:
            worker.kill()  # its job has a while to go
            worker.wait()
            shop.stop()
            embedded.stop(folder / "store")


def _fill(shop: Shop) -> None:
    engine, chance = shop.engine, random.Random(7)
    _history(shop, chance)
    jobs = [_job(name, chance) for name in KINDS for _ in range(1 + HOURLY[name] // 3)]
    chance.shuffle(jobs)
    for each in jobs:
        engine.jobs.send([each])
    _wait(lambda: engine.jobs.count("completed") + engine.jobs.count("failed") >= len(jobs))
    engine.render_string("{% log 'Prices of the autumn sale are in' %}", {}, name="pages/prices")
    engine.operations.start("retry", Filter(status="failed", source_name="sync_crm"), by="grace")
    _wait(lambda: not any(each.ended is None for each in engine.operations.list()))
    engine.queues.pause(source_name="sync_crm", by="ada", reason="The CRM is down until 18:00")
    engine.jobs.send([_job("sync_crm", chance) for _ in range(14)])
    engine.jobs.send([_job("send_receipt", chance, delay=minutes) for minutes in (5.0, 30.0, 60.0)])
    slow = KINDS["resize_image"][2] + ROUND.replace("ROUNDS", "6000000")
    engine.jobs.send(
        [
            Job(
                source_name="resize_image",
                template="pages/product",
                line=12,
                source=slow,
                group=Group("images", 1),
                parameters={"image": f"lamp-{number}.jpg"},
            )
            for number in range(6)
        ]
    )
    _wait(lambda: engine.jobs.count("running") > 0)


def _job(name: str, chance: random.Random, delay: float = 0) -> Job:
    template, line, source, rounds = KINDS[name]
    fails = chance.random() < FAILING.get(name, 0) * 2
    given = {
        "send_receipt": {"order_id": chance.randrange(4000, 9000), "name": chance.choice(("Zoë", "Ken", "Mei", "Ola"))},
        "sync_crm": {"customer_id": chance.randrange(1, 900), "token": "secret"},
        "charge_card": {"amount": chance.randrange(5, 300), "installments": 0 if fails else 3, "card_token": "secret"},
        "resize_image": {"image": f"lamp-{chance.randrange(1, 60)}.jpg"},
        "nightly_report": {"rows": chance.randrange(1000, 90000)},
    }[name]
    if fails and name != "charge_card":
        source = "{% include 'crm/contact' %}" if name == "sync_crm" else "{{ image | resize: 'thumb' }}"
    return Job(
        source_name=name,
        template=template,
        line=line,
        source=ROUND.replace("ROUNDS", str(rounds)) + "\n" + source,
        parameters=given,
        delay=delay,
        priority={"charge_card": Priority.HIGH, "nightly_report": Priority.LOW}.get(name, Priority.DEFAULT),
    )


def _history(shop: Shop, chance: random.Random) -> None:
    """Write what workers have counted in the hours before."""
    hour = int(time.time() // 3600)
    for ago in range(1, 24):
        day = 0.35 + 0.65 * abs(12 - (hour - ago) % 24 % 23) / 12
        for name, usual in HOURLY.items():
            tally = Tally()
            for _ in range(int(usual * day * chance.uniform(0.8, 1.2))):
                tally.begin(int(chance.lognormvariate(4, 1)))
                failed = chance.random() < FAILING.get(name, 0) * (5 if ago == 7 else 1)
                tally.end("failed" if failed else "success", int(chance.lognormvariate(5, 0.8)))
            key = f"{keys.COUNTS}h:{hour - ago}"  # as earlier workers count: it is added to hours and days alike
            shop.engine.store.client.hset(key, name, json.dumps(tally.cell()))


def _take(shop: Shop, browser: Browser) -> None:
    FOLDER.mkdir(exist_ok=True)
    failed = shop.engine.jobs.list("failed", source_name="charge_card")[0].id
    group = shop.engine.failures.list(source_name="charge_card")[0].id
    paths = {name: name for name in SCREENS} | {
        "overview": "",
        "job": f"jobs/{failed}",
        "edit": f"jobs/{failed}/edit",
        "failure": f"failures/{group}",
        "overview-dark": "",
    }
    _shoot(shop, browser, paths)
    _shoot(shop, browser, {"proof": f"failures/{_prove(shop)}"})  # after the others, on which it would be seen


def _shoot(shop: Shop, browser: Browser, paths: Mapping[str, str]) -> None:
    for name, path in paths.items():
        dark = name.endswith("-dark")
        context = browser.new_context(
            viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="dark" if dark else "light"
        )
        page = context.new_page()
        page.goto(f"{shop.url}/{path}")
        page.wait_for_timeout(600)
        place = FOLDER / f"{name}.jpg"
        shots = (page.screenshot(type="jpeg", quality=quality) for quality in QUALITIES)
        place.write_bytes(next(shot for shot in shots if len(shot) < MOST))
        context.close()
        print(f"{place.name}: {place.stat().st_size:,} bytes", flush=True)


def _prove(shop: Shop) -> str:
    """Have jobs fail, mend that but for a few, and have them proven; return the failure group."""
    engine, name, body = shop.engine, "update_contact", "{% include 'crm/contact', customer_id: customer_id %}"
    jobs = [
        Job(source_name=name, template="pages/account", line=12, source=body, parameters={"customer_id": number})
        for number in range(101, 149)
    ]
    engine.jobs.send(jobs)
    _wait(lambda: engine.jobs.count("failed", name) == len(jobs))
    partial = shop.folder / "templates" / "partials" / "crm" / "contact.liquid"
    partial.parent.mkdir(parents=True)
    partial.write_text(CONTACT, "utf-8")
    [group] = engine.failures.list(source_name=name)
    engine.operations.start("prove", Filter(failure=group.id), by="ada")
    _wait(lambda: all(each.ended for each in engine.operations.list(1)))
    return group.id


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the shop's jobs do not come to their end")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
