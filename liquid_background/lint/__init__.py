"""Checks of templates without running them: what would be blank, missing or wrong in a job."""

from liquid_background.lint.behind import Behind
from liquid_background.lint.check import check_files, check_folder, files_under
from liquid_background.lint.explained import Explained, explain_files
from liquid_background.lint.finding import RULES, Finding, Rule, Severity
from liquid_background.lint.handing import Handing, Value, handings_of
from liquid_background.lint.partials import given_to

__all__ = [
    "RULES",
    "Behind",
    "Explained",
    "Finding",
    "Handing",
    "Rule",
    "Severity",
    "Value",
    "check_files",
    "check_folder",
    "explain_files",
    "files_under",
    "given_to",
    "handings_of",
]
