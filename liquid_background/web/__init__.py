"""The pages over HTTP: an ASGI application around an engine, and a small server for it."""

from liquid_background.extras import extra

with extra("web"):
    from liquid_background.web.probes import probes_app
    from liquid_background.web.site.application import application
    from liquid_background.web.site.server import PAGE_PROCESSES, serve

__all__ = ["PAGE_PROCESSES", "application", "probes_app", "serve"]
