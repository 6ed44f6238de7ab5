"""Background jobs for Liquid templates. The names here are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.engine import Engine
    from liquid_background.errors import (
        ArgumentError,
        DuplicateJob,
        EnqueueError,
        FailureNotFound,
        FilterError,
        FunctionNotFound,
        HandOverError,
        JobCancelled,
        JobError,
        JobFailed,
        JobNotAllowed,
        JobNotFound,
        JobRefused,
        LimitReached,
        LiquidBackgroundError,
        NonRetryable,
        NotExposed,
        OperationError,
        PageNotFound,
        PauseError,
        PreviewStopped,
        ResultTimeout,
        ScheduleNotFound,
        SettingsError,
        StoreStartError,
        StoreUnavailable,
        TagError,
        TagSyntaxError,
        TasksEnded,
        TemplateNotWritten,
    )
    from liquid_background.hooks import Attempt, Failure
    from liquid_background.job import JobRecord, JobStatus, LogEntry, LogStatus, Priority
    from liquid_background.jobs.filter import Filter
    from liquid_background.jobs.operating.failuregroup import FailureGroup, ShownFailure, Silence
    from liquid_background.jobs.queue.bounds import Bounds
    from liquid_background.jobs.queue.probing import Probe
    from liquid_background.jobs.store.verdict import Severity, Verdict
    from liquid_background.language.environment import Environment
    from liquid_background.language.exposed import expose
    from liquid_background.language.syntax import parse_arguments
    from liquid_background.preview.values import Preview, PreviewedJob, PreviewedRun
    from liquid_background.python_jobs import RetryPolicy
    from liquid_background.rapidai import background
    from liquid_background.settings import Settings

_HOMES = {
    "Bounds": "jobs.queue.bounds",
    "Engine": "engine",
    "Environment": "language.environment",
    "Filter": "jobs.filter",
    "Probe": "jobs.queue.probing",
    "RetryPolicy": "python_jobs",
    "Settings": "settings",
    "background": "rapidai",
    "expose": "language.exposed",
    "parse_arguments": "language.syntax",
    **dict.fromkeys(("Attempt", "Failure"), "hooks"),
    **dict.fromkeys(("JobRecord", "JobStatus", "LogEntry", "LogStatus", "Priority"), "job"),
    **dict.fromkeys(("FailureGroup", "ShownFailure", "Silence"), "jobs.operating.failuregroup"),
    **dict.fromkeys(("Severity", "Verdict"), "jobs.store.verdict"),
    **dict.fromkeys(("Preview", "PreviewedJob", "PreviewedRun"), "preview.values"),
    **dict.fromkeys(
        (
            "ArgumentError",
            "DuplicateJob",
            "EnqueueError",
            "FailureNotFound",
            "FilterError",
            "FunctionNotFound",
            "HandOverError",
            "JobCancelled",
            "JobError",
            "JobFailed",
            "JobNotAllowed",
            "JobNotFound",
            "JobRefused",
            "LimitReached",
            "LiquidBackgroundError",
            "NonRetryable",
            "NotExposed",
            "OperationError",
            "PageNotFound",
            "PauseError",
            "PreviewStopped",
            "ResultTimeout",
            "ScheduleNotFound",
            "SettingsError",
            "StoreStartError",
            "StoreUnavailable",
            "TagError",
            "TagSyntaxError",
            "TasksEnded",
            "TemplateNotWritten",
        ),
        "errors",
    ),
}

__all__ = [
    # engine
    "Engine",
    "Environment",
    "Filter",
    "Settings",
    "expose",
    "parse_arguments",
    # previews
    "Preview",
    "PreviewedJob",
    "PreviewedRun",
    # Python jobs
    "RetryPolicy",
    "background",
    # hooks
    "Attempt",
    "Failure",
    # jobs and log
    "JobRecord",
    "JobStatus",
    "LogEntry",
    "LogStatus",
    "Priority",
    # failures
    "FailureGroup",
    "ShownFailure",
    "Silence",
    # health
    "Bounds",
    "Probe",
    "Severity",
    "Verdict",
    # errors
    "ArgumentError",
    "DuplicateJob",
    "EnqueueError",
    "FailureNotFound",
    "FilterError",
    "FunctionNotFound",
    "HandOverError",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "JobNotAllowed",
    "JobNotFound",
    "JobRefused",
    "LimitReached",
    "LiquidBackgroundError",
    "NonRetryable",
    "NotExposed",
    "OperationError",
    "PageNotFound",
    "PauseError",
    "PreviewStopped",
    "ResultTimeout",
    "ScheduleNotFound",
    "SettingsError",
    "StoreStartError",
    "StoreUnavailable",
    "TagError",
    "TagSyntaxError",
    "TasksEnded",
    "TemplateNotWritten",
]

__getattr__ = lazy_attributes(__name__, _HOMES)
