"""Flask: an engine for each application, pages that know their request, jobs in an application context."""

from liquid_background.extras import extra

with extra("flask"):
    from liquid_background.flask.dashboard import dashboard_blueprint
    from liquid_background.flask.extension import LiquidBackground
    from liquid_background.flask.installation import get_engine
    from liquid_background.flask.pages import render_liquid, render_liquid_async, render_liquid_string
    from liquid_background.flask.probes import probes_blueprint
    from liquid_background.screens import ACTIONS, Action, NotSignedIn

__all__ = [
    "LiquidBackground",
    "get_engine",
    "render_liquid",
    "render_liquid_async",
    "render_liquid_string",
    "dashboard_blueprint",
    "probes_blueprint",
    "ACTIONS",
    "Action",
    "NotSignedIn",
]
