"""The dashboard's screens, without a web framework: a request of plain values in, an answer of plain values out.

`liquid_background.web.dashboard` puts them into ASGI applications, `liquid_background.flask` and
`liquid_background.django` into theirs.
"""

from liquid_background.screens.access import ACTIONS, Action, Permission, Visitor
from liquid_background.screens.messages import Fields, ScreenAnswer, ScreenRequest
from liquid_background.screens.routing import Screens

__all__ = ["ACTIONS", "Action", "Fields", "Permission", "ScreenAnswer", "ScreenRequest", "Screens", "Visitor"]
