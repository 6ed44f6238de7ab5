"""Jobs at the times of a cron expression: when the next one is due, and the job of that time."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from croniter import croniter
from liquid.exceptions import LiquidError

from liquid_background.errors import EnqueueError
from liquid_background.job import MAX_ATTEMPTS, Group, Job, Priority
from liquid_background.jobs.queue.payload import encode_data
from liquid_background.language.environment import Environment
from liquid_background.language.limits import MAX_SCHEDULES
from liquid_background.language.pages import PAGES, PARTIALS, SiteLoader, key_token
from liquid_background.language.syntax import line_of, show
from liquid_background.nearest import nearest
from liquid_background.python_jobs.building import build_partial, source_name_of
from liquid_background.python_jobs.options import JobOptions, names_of, read_options
from liquid_background.python_jobs.retries import RetryPolicy

logger = logging.getLogger(__name__)

_FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
_EACH_HOUR: Final = "@hourly"  # the only short form that has more than one time a day
_LONGEST_CRON: Final = 256  # characters; each repeated value costs every worker time, and 60 minutes are 169
_LONGEST_NAME: Final = 80  # characters, so that a job's id has room for its time
_DIGEST_LENGTH: Final = 16
_DIGEST: Final = re.compile(rf"-[0-9a-f]{{{_DIGEST_LENGTH}}}\Z")
_LONGEST_GROUP: Final = 100 - _DIGEST_LENGTH - 1  # characters of a group's name before the digest
_MOST_RETRIES: Final = MAX_ATTEMPTS - 1  # that front matter may ask for: as many as a tag may
_PLAIN_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_NAME - len('pages_')}}}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is enqueued at each time of a cron expression: once, whoever asks."""

    name: str  # the same in each process: by it the store knows which time is enqueued already
    cron: str
    timezone: str
    job: Job  # what is enqueued, but for its id and time
    former_name: str = ""  # what earlier versions called it, so that a time is not enqueued under both names

    @classmethod
    def of(cls, job: Job, cron: str, timezone: str, name: str | None) -> Schedule:
        """Return the schedule of a job that the program declares.

        Raises:
            EnqueueError: when the name is not one.
        """
        made = source_name_of(str(name or job.source_name))[-_LONGEST_NAME:]
        if name is not None and made != name:
            raise EnqueueError(f"schedule name {name!r} is not 1 to {_LONGEST_NAME} letters, digits, - and _")
        if name is None and job.partial is not None and job.source_name == source_name_of(job.partial):
            return cls.of_template(job.partial, job, cron, timezone)
        return cls(made, cron, timezone, job)

    @classmethod
    def of_template(cls, template: str, job: Job, cron: str, timezone: str) -> Schedule:
        """Return the schedule of a partial or page, under a name that no other one has."""
        name, former = exact_name(template), source_name_of(job.source_name)[-_LONGEST_NAME:]
        return cls(name, cron, timezone, job, former if former != name else "")

    def unless_taken(self, names: Container[str]) -> Schedule:
        """Return the schedule without its former name when another one has that now."""
        return replace(self, former_name="") if self.former_name in names else self

    @property
    def digest(self) -> str:
        """What tells this definition from an earlier one of the same name."""
        job, group = self.job, self.job.group
        # These words stand in the store, and workers of the version before compare them.
        limit = group and f"ConcurrencyGroup(name={group.name!r}, max_concurrency={group.max_concurrency!r})"
        parts = (self.cron, self.timezone, job.priority, str(limit), repr(job.timeout), repr(job.max_attempts))
        return hashlib.sha256("\0".join(parts).encode() + encode_data(job)).hexdigest()[:16]

    def next_time(self, now: float) -> int:
        """Return the first time after `now`; both in seconds since 1970."""
        zone = ZoneInfo(self.timezone)
        times = croniter(self.cron, datetime.fromtimestamp(now, zone))
        moment: datetime = times.get_next(datetime)
        # In the hour that the clocks repeat in autumn, a time of day comes once, as it does for cron.
        while moment.fold and not _is_each_hour(self.cron):
            moment = times.get_next(datetime)
        return int(moment.timestamp())

    def previous_times(self, now: float, most: int) -> list[int]:
        """Return the last times that are not after `now`, newest first; all in seconds since 1970."""
        zone = ZoneInfo(self.timezone)
        times = croniter(self.cron, datetime.fromtimestamp(now + 1, zone))
        found: list[int] = []
        for _ in range(2 * most):  # of an hour that the clocks repeat, only the first counts
            moment: float = times.get_prev(float)
            if not self.local_time(moment).fold or _is_each_hour(self.cron):
                found.append(int(moment))
        return found[:most]

    def local_time(self, moment: float) -> datetime:
        """Return a time, in seconds since 1970, in the schedule's time zone."""
        return datetime.fromtimestamp(moment, ZoneInfo(self.timezone))

    def job_at(self, moment: int) -> Job:
        """Return the job of one time."""
        return replace(self.job, id=f"{self.name}-{moment}", start_at=float(moment))


def exact_name(template: str) -> str:
    """Return the name of a template's schedule: its path, which no other template's name can be.

    A partial at the top and a page at the top are called as they were; others get the digest of their path, since `_`
    stands for the slash, too. A template that is called as if it had one gets its own as well.
    """
    plain = source_name_of(template)
    page = template.removeprefix("pages/")
    is_page = page != template
    own = page if is_page else template
    is_plain = _PLAIN_NAME.fullmatch(own) and plain == (f"pages_{own}" if is_page else own)
    if is_plain and (is_page or not own.startswith("pages_")) and not _DIGEST.search(plain):
        return plain
    digest = hashlib.sha256(template.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{plain[-(_LONGEST_NAME - _DIGEST_LENGTH - 1) :]}-{digest}"


def _is_each_hour(cron: str) -> bool:
    return cron.lower() == _EACH_HOUR if cron.startswith("@") else "*" in cron.split()[1]


def check_cron(cron: object, timezone: object) -> None:
    """Accept a cron expression and a time zone.

    Raises:
        EnqueueError: saying what is wrong with them.
    """
    allowed = "five fields such as '0 9 * * mon-fri', or @hourly, @daily, @weekly, @monthly, @yearly"
    if cron is None:
        raise EnqueueError(f"cron is missing; it must be {allowed}")
    if not isinstance(cron, str) or (not cron.startswith("@") and len(cron.split()) != len(_FIELDS)):
        raise EnqueueError(f"cron is {show(cron)}; it must be {allowed}")
    if len(cron) > _LONGEST_CRON:
        raise EnqueueError(f"cron is {show(cron)}: it takes over {_LONGEST_CRON} characters; write ranges and steps")
    if not cron.startswith("@") and {"r", "h"} & {part[:1].lower() for part in cron.split()}:
        raise EnqueueError(f"cron is {show(cron)}: each process would work out other times for R and H; give numbers")
    try:
        zone = ZoneInfo(str(timezone))
    except (KeyError, ValueError, OSError) as error:
        raise EnqueueError(f"timezone is {show(timezone)}; it must be an IANA name such as 'Europe/Berlin'") from error
    try:
        croniter(cron, datetime.now(zone)).get_next(datetime)
    except (ValueError, KeyError) as error:
        message = f"cron is {show(cron)}, which names no time{_wrong_field(cron)}; it must be {allowed}"
        raise EnqueueError(message) from error


def _wrong_field(cron: str) -> str:
    """Return which field of a cron expression is wrong; "" when that is none of them alone."""
    for at, (field, given) in enumerate(zip(_FIELDS, cron.split(), strict=False)):
        alone = ["*"] * len(_FIELDS)
        alone[at] = given
        if not croniter.is_valid(" ".join(alone)):
            return f" (its {field} is {show(given)})" if not cron.startswith("@") else ""
    return ""


def front_matter_schedules(
    env: Environment, default: RetryPolicy, longest: Callable[[str], float]
) -> Iterator[Schedule]:
    """Yield the schedules that partials and pages carry in their front matter.

    `schedule` is a cron expression, or a mapping with `cron`, and `timezone` and options of `engine.schedule`. A wrong
    one is logged and left out: a mistake in one template must not keep a worker from running the jobs of the others.
    Of over MAX_SCHEDULES, wrong ones included, the files that changed first are kept, so that one that is added takes
    no other one's place; the others are left out in one line.

    Args:
        env: whose loader finds the templates.
        default: the retry policy of one that gives none.
        longest: returns the seconds of an attempt that one of a priority may ask for.
    """
    front_matters = getattr(env.loader, "front_matters", None)
    found = front_matters() if front_matters is not None else ()
    given = {template: matter["schedule"] for template, matter in found if matter.get("schedule") is not None}
    kept = list(given)
    if len(given) > MAX_SCHEDULES:
        first = {*sorted(given, key=getattr(env.loader, "changed_at", lambda _: 0))[:MAX_SCHEDULES]}
        kept = [template for template in given if template in first]
        logger.error("%s", too_many_schedules(len(given)))
    for template in kept:
        try:
            yield read_schedule(template, given[template], default, longest)
        except EnqueueError as error:
            place = _place(env, template)
            logger.error("%s: the front matter's schedule is not kept: %s", place, error)


def too_many_schedules(count: int) -> str:
    """Return what to say of a site with more schedules in front matter than are kept."""
    return (
        f"{count:,} templates have a schedule in front matter; the {MAX_SCHEDULES} that have stood there longest are "
        f"kept, the other {count - MAX_SCHEDULES:,} are not; the limit is fixed, and the setting "
        "FRONT_MATTER_SCHEDULES turns all off"
    )


def _place(env: Environment, template: str) -> str:
    """Return the file and line of a schedule, as far as they can still be told."""
    name = template if template.startswith(f"{PAGES}/") else f"{PARTIALS}/{template}"
    if not isinstance(env.loader, SiteLoader):
        return name
    try:
        token = key_token(env.loader.text(template, "background"), name, "schedule")
    except LiquidError:  # it has gone or changed meanwhile
        return name
    return f"{name}:{line_of(token)}" if token is not None else name


def read_schedule(template: str, given: Any, default: RetryPolicy, longest: Callable[[str], float]) -> Schedule:
    """Return what the `schedule` in the front matter of a partial or page means.

    An author may ask for no more retries than a tag may and no more time than the operator gives, and has groups of the
    file's own: the program and all files share one store and its workers.

    Raises:
        EnqueueError: saying what is wrong with it.
    """
    values: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"cron": given}
    cron, timezone = values.pop("cron", None), values.pop("timezone", "UTC")
    check_cron(cron, timezone)
    _check_bounds(values, longest)
    policy = replace(default, count=min(default.count, _MOST_RETRIES))
    fields = dict(read_options(values, policy, JobOptions).fields)
    if "group" in fields:
        fields["group"] = _own_group(template, fields["group"])
    return Schedule.of_template(template, build_partial(template, {}, fields), cron, timezone)


def _check_bounds(values: Mapping[str, Any], longest: Callable[[str], float]) -> None:
    """Refuse what front matter may not say, though the program may.

    Raises:
        EnqueueError: naming the option, its value and what front matter may say.
    """
    names = names_of(JobOptions)
    for name in values:
        if name not in names:
            near = nearest(str(name).lower(), [*names, "cron", "timezone"])
            advice = f"did you mean {near!r}?" if near else f"options are cron, timezone, {', '.join(names)}"
            raise EnqueueError(f"unknown option {show(name)}: {advice}")
    retries, timeout = values.get("retries"), values.get("timeout")
    if retries is not None and not (isinstance(retries, int) and 0 <= retries <= _MOST_RETRIES):
        allowed = f"in front matter it must be a number from 0 to {_MOST_RETRIES}"
        raise EnqueueError(f"retries is {show(retries)}; {allowed}")
    asked = str(values.get("priority")).lower()
    most = longest(asked if asked in {*Priority} else Priority.DEFAULT)
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout <= most):
        allowed = f"in front matter it must be over 0 and at most {most:g} seconds, the setting JOB_TIMEOUT"
        raise EnqueueError(f"timeout is {show(timeout)}; {allowed}")


def _own_group(template: str, group: Group) -> Group:
    """Return a group under a name that neither the program nor another template can have by its own."""
    digest = hashlib.sha256(f"{template}\0{group.name}".encode()).hexdigest()[:_DIGEST_LENGTH]
    return replace(group, name=f"{source_name_of(f'{template}_{group.name}')[-_LONGEST_GROUP:]}-{digest}")
