"""Objects in templates: which fields of which classes pages read, and how they read them."""

from liquid_background.language.exposed.exposing import Exposing
from liquid_background.language.exposed.exposure import KNOWN, PLAIN, Exposure
from liquid_background.language.exposed.inside import TURNING, words_of
from liquid_background.language.exposed.loops import as_items
from liquid_background.language.exposed.rules import REGISTERED, Registry, Rule, expose
from liquid_background.language.exposed.values import check_read
from liquid_background.language.exposed.view import unviewed
from liquid_background.language.exposed.written import NoForm, fault_in

__all__ = [
    "KNOWN",
    "PLAIN",
    "REGISTERED",
    "TURNING",
    "Exposing",
    "Exposure",
    "NoForm",
    "Registry",
    "Rule",
    "as_items",
    "check_read",
    "expose",
    "fault_in",
    "unviewed",
    "words_of",
]
