"""Start a worker with the stub application, as `poscli worker` starts one with a real one."""

from __future__ import annotations

import json
import logging
import sys
import time

from liquid_background.errors import LiquidBackgroundError
from liquid_background.settings import load_settings
from liquid_background_worker import run

if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    options = json.loads(sys.argv[1])
    offset = options.pop("clock_offset", 0)
    if offset:
        real = time.time
        time.time = lambda: real() + offset
    queues = options.pop("queues", ("high", "default", "low"))
    burst = options.pop("burst", False)
    try:
        sys.exit(run(load_settings(**options), queues=queues, burst=burst))
    except LiquidBackgroundError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
