"""The dashboard's screens, without a web framework: a request of plain values in, an answer of plain values out.

`liquid_background.web.dashboard` puts them into ASGI applications, `liquid_background.flask` and
`liquid_background.django` into theirs.
"""

from liquid_background.errors import NotSignedIn
from liquid_background.screens.access import ACTIONS, Action, Permission, Visitor
from liquid_background.screens.entrance import MAX_FORM, Entrance, Entrances, too_large
from liquid_background.screens.guard import Arrival
from liquid_background.screens.messages import Fields, Refused, ScreenAnswer, ScreenRequest
from liquid_background.screens.rendering import Live
from liquid_background.screens.routing import Screens

__all__ = [
    "ACTIONS",
    "Action",
    "NotSignedIn",
    "Permission",
    "Visitor",
    "Arrival",
    "Entrance",
    "Entrances",
    "Fields",
    "Live",
    "MAX_FORM",
    "Refused",
    "ScreenAnswer",
    "ScreenRequest",
    "Screens",
    "too_large",
]
