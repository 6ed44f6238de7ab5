"""How an application registers its hooks with an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from liquid_background.errors import SettingsError
from liquid_background.events import SYSTEM_EVENTS
from liquid_background.hooks.hooks import Hook, Hooks
from liquid_background.nearest import nearest

H = TypeVar("H", bound=Callable[..., Any])


class Hooked:
    """The part of an engine that registers an application's hooks; each method is a decorator and a call."""

    def __init__(self) -> None:
        self.hooks: Hooks = Hooks()

    @overload
    def around_job(self, hook: H, /) -> H: ...
    @overload
    def around_job(self, *, required: bool = False) -> Callable[[H], H]: ...
    def around_job(self, hook: Any = None, *, required: bool = False) -> Any:
        """Have each attempt of a job run inside a context manager, in the process and thread that perform it.

        An error of the attempt is raised inside it as it was raised; one that it swallows fails the attempt all the
        same. Of several, the one that was registered first is the outermost.

        Args:
            hook: a function of the `Attempt` that yields once, or that returns a context manager.
            required: whether what it raises fails the attempt, as for a transaction whose commit fails. Otherwise that
                is reported, and the attempt goes on.

        Raises:
            SettingsError: when it is async, or does not take one argument.
        """
        if hook is None:
            return lambda given: self._around(given, required)
        return self._around(hook, required)

    def _around(self, hook: H, required: bool) -> H:
        self.hooks.register(Hook("around_job", hook, required), "the job")
        return hook

    def around_page(self, hook: H) -> H:
        """Have each render of a page run inside a context manager: a function of the template's name that yields once.

        An error of the page is raised inside it, and comes out of the render whatever it does with it. What it raises
        itself is reported, and the page goes on.

        Raises:
            SettingsError: when it is async, or does not take one argument.
        """
        self.hooks.register(Hook("around_page", hook), "the template's name")
        return hook

    def on_failure(self, hook: H) -> H:
        """Have a function called with the `Failure` when a job has failed for good, by the process that performed it.

        It is not called for a job whose process died, which had nobody left to call it: its log has those.
        """
        self.hooks.register(Hook("on_failure", hook), "the failure")
        return hook

    def on_event(self, name: str) -> Callable[[H], H]:
        """Have a function called with the `Event` when a worker tells of something: `@engine.on_event("job.failed")`.

        It is called beside the templates of alerts, as often as these: once a cause and window; see docs/alerts.md.
        What it raises is logged, and costs no job and no other alert.

        Args:
            name: of an event of the system, such as job.failed, queue.late or store.trouble. What templates trigger are
                events of the site, for its consumers.

        Raises:
            SettingsError: when no event of the system has that name, or the function does not take one argument.
        """
        if name not in SYSTEM_EVENTS:
            near = nearest(str(name), SYSTEM_EVENTS)
            hint = f"did you mean {near!r}?" if near else f"events are {', '.join(SYSTEM_EVENTS)}"
            raise SettingsError(f"on_event: {name!r} is no event of the system; {hint}")

        def registered(hook: H) -> H:
            self.hooks.register(Hook("on_event", hook, of=name), "the event")
            return hook

        return registered

    def on_worker_start(self, hook: H) -> H:
        """Have a function called once in each worker, when it has loaded the application and has no children yet."""
        self.hooks.register(Hook("on_worker_start", hook))
        return hook

    def on_child_start(self, hook: H) -> H:
        """Have a function called in each process that performs jobs, before its first: the place to connect."""
        self.hooks.register(Hook("on_child_start", hook))
        return hook

    def on_child_stop(self, hook: H) -> H:
        """Have a function called in each child of a worker that ends of its own accord, after its last job."""
        self.hooks.register(Hook("on_child_stop", hook))
        return hook

    def send_when(self, hook: H) -> H:
        """Have a function decide when the jobs that pages and Python code make are sent, as after a commit.

        It is called with a function `send`, which it calls now or has called later; what is never sent is lost, and is
        sent as a whole or not at all. What it raises reaches the caller of `render` or `enqueue`. Jobs that a job
        makes are not its business: they are sent with that job's end.

        Raises:
            SettingsError: when there is one already.
        """
        self.hooks.register(Hook("send_when", hook), "send")
        return hook
