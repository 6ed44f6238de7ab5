"""Pages as responses, in the manner of Starlette's templates, rendered in threads: the event loop goes on meanwhile."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from anyio import from_thread
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from liquid_background.calling import coroutines_run_by
from liquid_background.engine import Engine
from liquid_background.fastapi.requests import engine_request, expose_requests, plain_request, rendering_for, url_for
from liquid_background.fastapi.threads import page_threads
from liquid_background.language.pages import find_page, page_headers

ContextProcessor: TypeAlias = Callable[[Request], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]


class LiquidTemplates:
    """Makes responses of an engine's pages; its templates have the filter `url_for`, unless they have their own.

    Args:
        engine: renders the pages and sends their jobs.
        context_processors: functions of the request, async or not, whose mappings every page has as variables. Those
            that a response is given come before them.
        on_loop: whether pages render on the event loop, which then waits for each, instead of in threads: for filters
            and objects of the application's own that are to be awaited (`filter_async`, `__getitem_async__`).
    """

    def __init__(
        self, engine: Engine, *, context_processors: Sequence[ContextProcessor] = (), on_loop: bool = False
    ) -> None:
        self.engine = engine
        self.context_processors = tuple(context_processors)
        self.on_loop = on_loop
        engine.environment.filters.setdefault("url_for", url_for)
        expose_requests(engine.environment)

    def TemplateResponse(  # noqa: N802, PLR0917  Starlette's name and order
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> LiquidResponse:
        """Return a response with a page, which is rendered when it is sent, or here and now when it is awaited.

        Args:
            request: what is answered.
            name: of a template in pages/, such as "checkout".
            context: the page's variables.
            status_code: of the response.
            headers: more of them; they come before those of the page's front matter.
            media_type: instead of what the page's `format` says.
            background: a task of Starlette's, for this process to run after the response.

        Raises:
            PageNotFound: when there is no such page.
            LiquidError: when it cannot be parsed, or its front matter has a header that cannot be sent.
            TypeError: when the request does not come first.
        """
        if not isinstance(request, Request) or not isinstance(name, str):
            raise TypeError(
                "TemplateResponse takes the request, then the page's name, then its variables, "
                f"TemplateResponse(request, 'page', {{…}}); it is given {type(request).__name__}, {type(name).__name__}"
            )
        return LiquidResponse(
            self,
            request,
            name,
            context,
            status_code=status_code,
            headers=headers,
            media_type=media_type,
            background=background,
        )


class LiquidResponse(Response):
    """A page as a response. Its jobs are sent when it is rendered, in one step; what it raises comes out of that.

    Args:
        templates: whose engine renders it.
        request: what is answered.
        name: of the page.
        context: the page's variables.
        status_code: of the response.
        headers: more of them.
        media_type: instead of what the page's `format` says.
        background: a task of Starlette's.
    """

    media_type = "text/html"

    def __init__(
        self,
        templates: LiquidTemplates,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        environment = templates.engine.environment
        self.template = find_page(environment, name)
        self.context = {"request": plain_request(request), **_shown(context or {})}
        own = dict(page_headers(environment.loader, name, self.template.front_matter))
        if media_type is not None:
            own.pop("content-type")
        own |= {key.lower(): value for key, value in (headers or {}).items()}
        super().__init__(None, status_code, own, media_type, background)
        del self.headers["content-length"]
        self._templates = templates
        self._request = request
        self._is_rendered = False

    def __await__(self) -> Generator[Any, Any, LiquidResponse]:
        """Render the page here: for its text, its errors, or what is open around it, such as a transaction.

        Raises:
            LiquidError: when the page cannot be rendered; then none of its jobs is sent.
            StoreUnavailable: when its jobs cannot be sent; see its `maybe_done`.
        """
        return self._rendered().__await__()

    async def _rendered(self) -> LiquidResponse:
        if not self._is_rendered:
            known: dict[str, Any] = {}
            for processor in self._templates.context_processors:
                returned = processor(self._request)
                known |= _shown(await returned if inspect.isawaitable(returned) else returned)
            self.context = known | self.context
            with rendering_for(self._request):
                text = await self._text()
            if self.status_code >= 200 and self.status_code not in (204, 304):  # those have no body
                # Its jobs are sent by now, so that half a surrogate pair must not make a failure of the page.
                self.body = text.encode("utf-8", "replace")
                self.headers.setdefault("content-length", str(len(self.body)))
            self._is_rendered = True
        return self

    async def _text(self) -> str:
        engine, request = self._templates.engine, engine_request(self._request)
        if self._templates.on_loop:
            return await engine.render_async(self.template, self.context, **request)
        render = partial(_render, partial(engine.render, self.template, self.context, **request))
        return await page_threads(engine).run(render)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render the page unless that was done, and send it, as ASGI says."""
        await self
        if "http.response.debug" in scope.get("extensions", {}):  # where a test client asks
            info = {"template": self.template, "context": self.context}
            await send({"type": "http.response.debug", "info": info})
        await super().__call__(scope, receive, send)


def _render(render: Callable[[], str]) -> str:
    """Render in a thread of anyio's; the application's loop, whose connections they use, runs async actions."""
    with coroutines_run_by(_run_in_loop):
        return render()


def _run_in_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    async def awaited() -> Any:
        return await coroutine

    return from_thread.run(awaited)


def _shown(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables with requests, which code for Jinja2 hands on, as plain values: those may be handed over."""
    return {
        name: plain_request(value) if isinstance(value, HTTPConnection) else value for name, value in variables.items()
    }
