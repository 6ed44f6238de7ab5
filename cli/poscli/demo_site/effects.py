"""What the demo site's templates do to the world: files in an outbox, requests to a service."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from liquid.exceptions import FilterArgumentError

from liquid_background.wording import a

TIMEOUT = 5.0  # seconds that the service may take


class Outbox:
    """A folder of mails and reports. A file is named after what it is, so that a job that runs twice leaves one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, to: str, subject: str, text: str) -> Path:
        """Write a mail; ValueError when an address or a subject cannot stand in a header."""
        mail = EmailMessage()
        mail["From"] = "Shop <shop@shop.example>"
        mail["To"] = to
        mail["Subject"] = subject
        mail.set_content(text.strip() + "\n")
        return self._write(f"{_slug(to)}--{_slug(subject)}.eml", mail.as_bytes())

    def save_report(self, text: object, name: object) -> int:
        """Write a report and return its size in bytes; the filter `save_report`."""
        data = str(text).encode("utf-8")
        self._write(_slug(str(name)), data)
        return len(data)

    def _write(self, name: str, data: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(data)
        unfinished.replace(path)  # readers of the folder never see half a mail
        return path


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9@.-]+", "-", text).strip("-.")[:80]


class Service:
    """The HTTP service that the templates call."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def post_json(self, value: object, path: object) -> Any:
        """Send a value as JSON and return the reply; the filter `post_json`.

        Raises:
            FilterArgumentError: when the service cannot be reached or answers with an error, so that the job fails.
        """
        body = json.dumps(value, default=_plain).encode("utf-8")
        request = urllib.request.Request(f"{self.address}{path}", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise FilterArgumentError(f"POST {path}: {error.code} {error.reason}", token=None) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            message = f"POST {path}: no service at {self.address} ({reason}); 'poscli demo' starts one"
            raise FilterArgumentError(message, token=None) from None


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"cannot send {a(type(value).__name__)}")
