"""The dashboard as an ASGI application: `app.mount("/jobs", dashboard(engine, authorize=…))`."""

from liquid_background.extras import extra

with extra("web"):
    from liquid_background.web.dashboard.application import dashboard

__all__ = ["dashboard"]
