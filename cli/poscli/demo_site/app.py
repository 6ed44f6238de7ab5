"""The demo application: an engine whose templates send mails, save reports and call an HTTP service.

    poscli worker --app poscli.demo_site.app:engine

Settings of its own: DEMO_OUTBOX, the folder that mails and reports go to, and DEMO_API, the service's address.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from liquid_background import Engine
from poscli.demo_site.effects import Outbox, Service
from poscli.demo_site.mail_tag import SendMailTag

_HERE: Final = Path(__file__).parent
_IN_WHEEL: Final = _HERE / "templates"
TEMPLATES: Final = _IN_WHEEL if _IN_WHEEL.is_dir() else _HERE.parents[2] / "templates"
DEFAULT_API: Final = "http://127.0.0.1:8099"  # where `python -m poscli.demo_site.service` listens


def make_engine(outbox: Path, api: str) -> Engine:
    """Return an engine with the demo site's templates, tag, filters and sample data."""
    engine = Engine(templates=TEMPLATES)
    environment = engine.environment
    mails = Outbox(outbox)
    environment.add_tag(SendMailTag(environment, mails), preview=lambda arguments, text: "")  # it prints nothing
    environment.add_filter("save_report", mails.save_report)
    environment.add_filter("post_json", Service(api).post_json)
    # What pages find without --data. Jobs see none of it: a job has its parameters and what is handed over.
    environment.globals = json.loads((_HERE / "sample.json").read_text(encoding="utf-8"))
    return engine


engine = make_engine(Path(os.environ.get("DEMO_OUTBOX", "outbox")), os.environ.get("DEMO_API", DEFAULT_API))
