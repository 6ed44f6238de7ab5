"""Every error that this project raises, under one root.

LiquidBackgroundError
├── SettingsError                 a setting is malformed or out of range
│   └── AppLoadError              the application that a setting names raises while it loads
├── NoApplication (also RuntimeError)  a web framework's application is needed and none is there, or it has no engine
├── StoreError                    the Redis or Valkey server
│   └── StoreUnavailable          cannot be reached, does not answer, or refused the write
│       └── StoreStartError       the embedded server cannot be started
├── FailureNotFound               no failure group has that id
├── PreviewStopped                a preview took too long, or too much memory, or its process died
├── NotSignedIn                   for the dashboard's `authorize` to raise: who asks is nobody yet, and may sign in
├── JobError                      one job
│   ├── JobNotFound               no record has that id
│   ├── DuplicateJob              a record already has that id
│   ├── JobNotAllowed             the job's state forbids the move
│   ├── JobRefused                the record is not one that a worker may run
│   ├── FilterError (also ValueError)  a filter of jobs says what no job can be, or cannot be read
│   ├── PauseError (also ValueError)  what is to be paused can be no queue, source name or group, or too much is paused
│   ├── OperationError (also ValueError)  an operation cannot be started, read or aborted, or there is none of that id
│   ├── FunctionNotFound          the Python function that a job names is not known where it runs
│   ├── EnqueueError              a Python call cannot be made a job: its function, arguments or options
│   │   └── TasksEnded (also RuntimeError)  … or it is a task of a request whose tasks were sent
│   ├── JobFailed                 the job whose result is waited for has failed
│   ├── JobCancelled              … or was taken back
│   └── ResultTimeout (also TimeoutError)  … or has not ended in the time that the caller gave it
├── NonRetryable                  for an application's code to raise: this job fails now, whatever retries it has
├── NotPlain (also ValueError)    a value is not plain data; the tag turns it into one of the next three
├── PageNotFound                  no page, partial or layout has that name
├── TemplateNotWritten            a template that was mended is not as it was when it was read, or cannot be written
├── LimitReached (also ResourceLimitError)  a render hit a limit; raised in every mode, caught by no `try`
│   └── PageTimeout               … of time
└── TagError (also LiquidError)   a tag in a template; follows the environment's tolerance mode
    ├── TagSyntaxError (also LiquidSyntaxError)
    │   └── NestedTooDeep (also LimitReached)  templates or their brackets go deeper than Python's stack
    ├── CodeError                 Python code that a template calls raised an error of its own
    ├── LayoutNotFound (also PageNotFound)  the layout that a page's front matter names
    ├── ArgumentError             an option or parameter has a wrong value
    ├── HandOverError             a page value cannot travel to a worker
    └── NotExposed                a page reads an object that no rule exposes

`JobTimeout` stands outside: it ends a job at its time limit and must not be caught by `except Exception`.
"""

from __future__ import annotations

from collections.abc import Sequence

from liquid import Token
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError

from liquid_background.basic_errors import (
    LiquidBackgroundError,
    SettingsError,
    StoreError,
    StoreStartError,
    StoreUnavailable,
)

__all__ = [
    "AppLoadError",
    "ArgumentError",
    "CodeError",
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
    "JobTimeout",
    "LayoutNotFound",
    "LimitReached",
    "LiquidBackgroundError",
    "NestedTooDeep",
    "NoApplication",
    "NonRetryable",
    "NotExposed",
    "NotPlain",
    "NotSignedIn",
    "OperationError",
    "PageNotFound",
    "PauseError",
    "PageTimeout",
    "PreviewStopped",
    "ResultTimeout",
    "SettingsError",
    "StoreError",
    "StoreStartError",
    "StoreUnavailable",
    "TagError",
    "TagSyntaxError",
    "TasksEnded",
    "TemplateNotWritten",
]


class AppLoadError(SettingsError):
    """Raised when the application's code raises while it is loaded; `__cause__` is its error.

    Attributes:
        frames: the lines of the application's own code that led there, the last one being where it happened.
    """

    def __init__(self, message: str, *, frames: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.frames = tuple(frames)


class NoApplication(LiquidBackgroundError, RuntimeError):
    """Raised outside of a web framework's application, and in one that no engine was set up for."""


class JobError(LiquidBackgroundError):
    """Raised for trouble with one job."""


class JobNotFound(JobError):
    """Raised when no record has the given job id (never enqueued, or expired)."""


class DuplicateJob(JobError):
    """Raised when a job id given by the caller already has a record."""


class JobNotAllowed(JobError):
    """Raised when a job's state forbids the move, such as retrying a job that is running."""


class JobRefused(JobError):
    """Raised when a record is not one that a worker may run: unknown function, version or shape."""


class ScheduleNotFound(JobError):
    """No schedule has that name."""


class FilterError(JobError, ValueError):
    """A filter of jobs says what no job can be, or cannot be read."""


class PauseError(JobError, ValueError):
    """Raised when what is to be paused can be no queue, source name or group, or too much is paused already."""


class OperationError(JobError, ValueError):
    """Raised when an operation cannot be started, read or aborted, or there is none of that id."""


class FailureNotFound(LiquidBackgroundError):
    """Raised when no failure group has the given id, or several begin with it."""


class PreviewStopped(LiquidBackgroundError):
    """Raised when a preview took longer, or more memory, than it may, or its process died."""


class NotSignedIn(LiquidBackgroundError):
    """Raised by the `authorize` of a dashboard's host for somebody who may sign in; the answer is a 401.

    Attributes:
        challenge: what has a browser ask for a name and a password, such as 'Basic realm="jobs"'.
        location: where to sign in; a browser that opens a page is sent there.
    """

    def __init__(self, message: str = "Sign in to see this.", *, challenge: str = "", location: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge
        self.location = location


class FunctionNotFound(JobError):
    """Raised when a worker does not know the function that a job names; a deployment may bring it, so it is retried."""


class EnqueueError(JobError):
    """Raised when a Python call cannot be made a job; says which function, argument or option is wrong."""


class TasksEnded(EnqueueError, RuntimeError):
    """Raised when a task is added to a request's tasks after those were sent: it would be lost."""


class JobFailed(JobError):
    """Raised by `Handle.result` when the job has failed; carries its error line."""


class JobCancelled(JobError):
    """Raised by `Handle.result` when the job was taken back before it completed."""


class ResultTimeout(JobError, TimeoutError):
    """Raised by `Handle.result` when the job has not ended in the given time; the job goes on."""


class NonRetryable(LiquidBackgroundError):
    """For an application's functions, tags and filters to raise when trying again cannot help."""


class NotPlain(LiquidBackgroundError, ValueError):
    """Raised when a value cannot be encoded or decoded; says which part is wrong, the caller adds where."""


class PageNotFound(LiquidBackgroundError):
    """Raised when no page, partial or layout has the given name."""


class TemplateNotWritten(LiquidBackgroundError):
    """Raised when the text of a template cannot be written over."""


class LimitReached(LiquidBackgroundError, ResourceLimitError):
    """Raised when a render hits a limit of time, size or number; says which, and where it is set."""


class PageTimeout(LimitReached):
    """Raised when a page takes longer than the setting page_timeout."""


class TagError(LiquidBackgroundError, LiquidError):
    """Raised for a tag in a template; carries python-liquid's token, so the message draws the caret."""


class TagSyntaxError(TagError, LiquidSyntaxError):
    """Raised when a tag cannot be parsed."""


class NestedTooDeep(TagSyntaxError, LimitReached):
    """Raised when Python's stack ends in parsing or rendering templates: which of the two is a matter of chance."""


class CodeError(TagError):
    """Raised when a filter, tag, property, action or loader that a page calls raises; `__cause__` is its error.

    It is of the class of that error, too.
    """


class LayoutNotFound(PageNotFound, TagError):
    """Raised when the layout that a page's front matter names is not there."""


class ArgumentError(TagError):
    """Raised when an option or a parameter has a wrong value."""


class HandOverError(TagError):
    """Raised when a page value that a body names cannot travel to a worker."""


class NotExposed(TagError):
    """Raised when a page reads or prints an object of which no rule of `expose` lists that; says how to list it.

    Args:
        why: what is wrong, such as "is a Customer, which no rule exposes".
        what: what the template calls the object.
        token: where the template does.
    """

    def __init__(
        self, why: str, *, what: object = "a value", token: Token | None = None, template_name: str | None = None
    ) -> None:
        super().__init__(f"{what} {why}", token=token, template_name=template_name)
        self.why = why

    def of(self, what: object, token: Token | None = None) -> NotExposed:
        """Return the error with the name that the template has for the object."""
        return NotExposed(self.why, what=what, token=token)


class JobTimeout(BaseException):
    """Raised inside a job at its time limit; a BaseException, so that no body can swallow it."""
