"""What really ran, as each run wrote it to a file of its own accord, held against the job log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from math import sqrt
from pathlib import Path

from liquid_background.job import LogEntry, LogStatus

EARLY = 0.002  # seconds by which two readings of the clock may differ
UNWRITTEN = 2.5
"""Seconds before a kill of the store whose steps may be gone. Under `appendfsync everysec` a server answers before it
writes while a sync of the disk hangs, for up to two seconds; the soak can be run with `--fsync always` to tell."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a body: when it began and was over, in which process, and whether it completed or failed by itself."""

    began: float
    pid: int
    over: float = 0.0
    ended: bool = False
    failed: bool = False

    @property
    def cut(self) -> bool:
        return not (self.ended or self.failed)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of a soak."""

    jobs: int
    runs: int
    kills: int
    stops: int
    store_kills: int
    store_troubles: int
    completed: int
    failed_with_reason: int
    lost: int
    unfinished: int
    completed_twice: int
    of_these_after_a_stop: int
    of_these_at_a_store_kill: int
    without_one_final_entry: int
    log_and_oracle_disagree: int
    early: int
    more_runs_than_attempts: int
    recoveries: int
    recovery_p50: float
    recovery_max: float

    @property
    def holds(self) -> bool:
        """Whether the worker kept its promises."""
        clean = not (self.lost or self.unfinished or self.more_runs_than_attempts)
        clean = clean and not (self.without_one_final_entry or self.log_and_oracle_disagree or self.early)
        inherent = self.of_these_after_a_stop + self.of_these_at_a_store_kill
        # One kill in a hundred; a run of some 200 kills can't tell that from two, so two standard deviations go on top.
        allowed = (self.kills + self.store_kills) / 100
        twice = self.completed_twice - inherent <= allowed + 2 * sqrt(allowed)
        # What is cut off while the store is full has to wait for its relief.
        quick = bool(self.store_troubles) or (self.recovery_p50 <= 4 and self.recovery_max <= 10)
        return clean and twice and quick

    def lines(self) -> list[str]:
        """Return the figures as lines of text."""
        return [f"{name.replace('_', ' '):26} {value:g}" for name, value in asdict(self).items()]


def read_runs(path: Path) -> Mapping[str, list[Run]]:
    """Return the runs of each job. A line is `B id pid time` (F when it failed, E at its end), written in one go."""
    began: dict[str, list[Run]] = defaultdict(list)
    for line in path.read_text().splitlines():
        kind, job_id, pid, at = line.split()
        runs = began[job_id]
        if kind == "B":
            runs.append(Run(float(at), int(pid)))
        else:
            index = max(index for index, run in enumerate(runs) if run.pid == int(pid) and run.cut)
            runs[index] = replace(runs[index], over=float(at), ended=kind == "E", failed=kind == "F")
    return began


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a soak did, and what came of it."""

    due: Mapping[str, float]  # when each job was due
    runs: Mapping[str, list[Run]]
    log: Iterable[LogEntry]
    kills: int  # how often a worker, or a child of one, was killed
    killed: Mapping[int, float]  # the processes that were, and when
    stops: Collection[int]
    """The processes that were stopped for longer than a lease. A body that is stopped in its middle goes on while the
    job runs elsewhere: it completes twice whatever a worker does, so these are told apart."""
    store_kills: Collection[float]  # when the store was killed
    attempts: int  # that each job had
    troubles: int = 0  # how often the store was full, or stood still
    places: Mapping[str, str] = field(default_factory=dict)
    """Where each job stands that waits or is claimed. One that has not ended and stands somewhere is unfinished; one
    that stands nowhere is lost."""


def judge(evidence: Evidence) -> Verdict:
    """Return what the runs and the log say together."""
    due, runs = evidence.due, evidence.runs
    twice = [found for found in runs.values() if sum(run.ended for run in found) > 1]
    finals: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in evidence.log:
        if entry.final:
            finals[entry.job_id].append(entry)
    done = {job_id for job_id in due if any(run.ended for run in runs.get(job_id, ()))}
    failed = {job_id for job_id in due if _failed(finals[job_id])}
    said_done = {job_id for job_id in due if any(entry.status is LogStatus.SUCCESS for entry in finals[job_id])}
    left = set(due) - done - failed
    ended = set(due) - (left & set(evidence.places))
    recoveries = sorted(_recoveries(runs, evidence.killed))
    return Verdict(
        jobs=len(due),
        runs=sum(len(found) for found in runs.values()),
        kills=evidence.kills,
        stops=len(evidence.stops),
        store_kills=len(evidence.store_kills),
        store_troubles=evidence.troubles,
        completed=len(done),
        failed_with_reason=len(failed - done),
        lost=len(left & ended),
        unfinished=len(set(due) - ended),
        completed_twice=len(twice),
        of_these_after_a_stop=sum(_was_stopped(found, evidence) for found in twice),
        of_these_at_a_store_kill=sum(
            _was_rolled_back(found, evidence) and not _was_stopped(found, evidence) for found in twice
        ),
        without_one_final_entry=sum(len(finals[job_id]) != 1 for job_id in ended),
        log_and_oracle_disagree=len(said_done - done),
        early=sum(any(run.began < at - EARLY for run in runs.get(job_id, ())) for job_id, at in due.items()),
        more_runs_than_attempts=sum(_of_its_own(found, evidence) > evidence.attempts for found in runs.values()),
        recoveries=len(recoveries),
        recovery_p50=recoveries[len(recoveries) // 2] if recoveries else 0.0,
        recovery_max=recoveries[-1] if recoveries else 0.0,
    )


def _of_its_own(found: Iterable[Run], evidence: Evidence) -> int:
    """Return how many runs ended by themselves: one that was cut off with its worker comes again, however often."""
    return sum(not run.cut for run in found if run.pid not in evidence.stops)


def _was_stopped(found: Iterable[Run], evidence: Evidence) -> bool:
    return any(run.pid in evidence.stops for run in found)


def _was_rolled_back(found: Iterable[Run], evidence: Evidence) -> bool:
    """Whether a run was over just before a kill of the store, in a process that lived on, and another came after it."""
    ended = sorted((run for run in found if run.ended), key=lambda run: run.over)
    return any(
        first.over < killed < again.began and killed - first.over < UNWRITTEN
        for first, again in pairwise(ended)
        for killed in evidence.store_kills
        if not 0 <= evidence.killed.get(first.pid, 0.0) - first.over < UNWRITTEN
    )


def _failed(finals: list[LogEntry]) -> bool:
    return any(entry.status in (LogStatus.FAILED, LogStatus.LOST) and entry.message for entry in finals)


def _recoveries(runs: Mapping[str, list[Run]], kills: Mapping[int, float]) -> Iterable[float]:
    """Yield the seconds from each kill in mid-run to the next run of the same job."""
    for found in runs.values():
        in_order = sorted(found, key=lambda run: run.began)
        for run, following in pairwise(in_order):
            killed = kills.get(run.pid)
            if run.cut and killed is not None and following.began > killed:
                yield following.began - killed
