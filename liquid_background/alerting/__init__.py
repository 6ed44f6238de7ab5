"""Alerts: templates that tell people of events of the system, kept apart from the site's, and how one is rendered."""

from liquid_background.alerting.folder import AlertFolder, AlertTemplate
from liquid_background.alerting.teller import HOOKS, Teller, sample_of, tells

__all__ = ["HOOKS", "AlertFolder", "AlertTemplate", "Teller", "sample_of", "tells"]
