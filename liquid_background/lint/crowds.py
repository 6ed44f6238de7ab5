"""The check of what a site has too much of: consumers of one event, and schedules in front matter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from liquid_background.language.limits import MAX_SCHEDULES
from liquid_background.lint.finding import RULES, Finding
from liquid_background.lint.run import Run
from liquid_background.python_jobs import too_many_schedules


def check_crowds(run: Run, files: Sequence[Path]) -> Iterator[Finding]:
    """Yield one finding for each event, and one for all schedules, of which there are more than are kept.

    Args:
        run: the check, with the number of schedules that it came by.
        files: which were checked.
    """
    folders = {os.path.abspath(file.parent): str(file.parent) for file in files}
    crowds = [crowd for site in run.sites for crowd in site.crowds()] if folders else []
    for crowd in crowds:
        if crowd.folder in folders:
            yield Finding(folders[crowd.folder], 1, 0, RULES["too-many"], str(crowd), "remove or join some")
    if run.scheduled > MAX_SCHEDULES:
        place = str(run.sites[0].root)
        yield Finding(place, 1, 0, RULES["too-many"], too_many_schedules(run.scheduled), "remove some")
