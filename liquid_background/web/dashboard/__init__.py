"""The dashboard as an ASGI application: `app.mount("/jobs", dashboard(engine, authorize=…))`."""

from liquid_background.extras import extra
from liquid_background.screens import ACTIONS, Action, NotSignedIn

with extra("web"):
    from liquid_background.web.dashboard.application import dashboard

__all__ = ["dashboard", "ACTIONS", "Action", "NotSignedIn"]
