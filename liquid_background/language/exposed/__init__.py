"""Objects in templates: which fields of which classes pages read, and how they read them."""

from liquid_background.language.exposed.exposure import KNOWN, Exposing, Exposure, unviewed
from liquid_background.language.exposed.rules import REGISTERED, Registry, Rule, expose

__all__ = ["KNOWN", "REGISTERED", "Exposing", "Exposure", "Registry", "Rule", "expose", "unviewed"]
