"""The pages over HTTP: an ASGI application around an engine, and a small server for it."""

from liquid_background.extras import extra

with extra("web"):
    from liquid_background.web.server import PAGE_PROCESSES, serve
    from liquid_background.web.site import application

__all__ = ["PAGE_PROCESSES", "application", "serve"]
