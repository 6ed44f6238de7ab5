"""The work that every system does: a 15-line template rendered with the same values, and how far it has come.

Imported by the workers of all systems, ours too, each from its own venv; needs python-liquid only. Where BENCH_RENDERER
is `ours`, the peers render with our environment, whose templates are compiled.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from liquid import Environment

if os.environ.get("BENCH_RENDERER") == "ours":
    from liquid_background import Environment  # type: ignore[assignment]

BODY: Final = """\
{% assign total = 0 %}
{% for k in (1..12) %}
  {% assign total = total | plus: k %}
  {% if k == 4 %}half{% else %}-{% endif %}
{% endfor %}
Dear {{ who | upcase }},
order {{ n }} of {{ shop }} costs {{ total | times: 1.2 | round: 2 }}.
{% assign parts = "a,b,c" | split: "," %}
{% for p in parts %}{{ p | append: "!" }}{% endfor %}
{% case n %}
  {% when 1 %}the first
  {% else %}one of many
{% endcase %}
{{ items | join: ", " }}
Thanks.
"""
WHO: Final = "Ada Lovelace"
SHOP: Final = "The Engine Room"
ITEMS: Final = ["kettle", "teapot", "cup"]
SLOW: Final = 0.005  # seconds that a slow job waits

_PARSED = Environment().from_string(BODY)
_SLOT: Final = struct.Struct("<qqq")  # jobs done, first and last in ns of the monotonic clock
_SLOTS: Final = 1024  # by process id, whose last bits are to differ
_PICKUPS: Final = 4096
_SIZE: Final = _SLOT.size * _SLOTS + 8 + 8 * _PICKUPS


def render(n: int) -> str:
    """Render the template for one job."""
    return _PARSED.render(n=n, who=WHO, shop=SHOP, items=ITEMS)


class Progress:
    """Counters in a file that worker processes share: one slot a process, and the pick-up times."""

    def __init__(self, path: str | Path, *, fresh: bool = False) -> None:
        if fresh:
            Path(path).write_bytes(b"\0" * _SIZE)
        with Path(path).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        self._lock = Lock()
        self._owner = 0
        self._row = [0, 0, 0]

    def tick(self) -> None:
        """Count a job that this process has done."""
        now = time.monotonic_ns()
        with self._lock:  # Dramatiq's workers are threads
            if self._owner != os.getpid():
                self._owner = os.getpid()
                self._row = [0, now, now]
            self._row[0] += 1
            self._row[2] = now
            _SLOT.pack_into(self._memory, _SLOT.size * (self._owner % _SLOTS), *self._row)

    def picked_up(self, sent_ns: int) -> None:
        """Note how long a job waited, from the monotonic time at which it was sent."""
        base = _SLOT.size * _SLOTS
        (count,) = struct.unpack_from("<q", self._memory, base)
        struct.pack_into("<q", self._memory, base + 8 + 8 * (count % _PICKUPS), time.monotonic_ns() - sent_ns)
        struct.pack_into("<q", self._memory, base, count + 1)

    def done(self) -> int:
        """Return the jobs that all processes have done."""
        return sum(row[0] for row in self._rows())

    def seconds(self) -> float:
        """Return the seconds from the end of the first job to the end of the last."""
        rows = self._rows()
        return (max(row[2] for row in rows) - min(row[1] for row in rows)) / 1e9

    def pickups(self) -> list[float]:
        """Return the pick-up times in milliseconds."""
        base = _SLOT.size * _SLOTS
        (count,) = struct.unpack_from("<q", self._memory, base)
        return [ns / 1e6 for ns in struct.unpack_from(f"<{count}q", self._memory, base + 8)]

    def _rows(self) -> list[tuple[int, int, int]]:
        rows = [_SLOT.unpack_from(self._memory, _SLOT.size * slot) for slot in range(_SLOTS)]
        return [row for row in rows if row[0]]


def wait() -> None:
    """Do nothing for as long as a small request to another service takes."""
    time.sleep(SLOW)


def attempt(kind: str, n: int) -> object:
    """Do one job: `template`, `noop`, `slow`, or `pickup` with the time at which it was sent."""
    result: object = None
    if kind == "template":
        result = render(n)
    elif kind == "slow":
        wait()
    elif kind == "pickup":
        progress().picked_up(n)
    progress().tick()
    return result


@cache
def progress() -> Progress:
    """Return the counters in the file that the harness named."""
    return Progress(os.environ["BENCH_PROGRESS"])


if "BENCH_PROGRESS" in os.environ and Path(os.environ["BENCH_PROGRESS"]).exists():
    progress()  # before there are threads
