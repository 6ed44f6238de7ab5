"""Checks of templates without running them: what would be blank, missing or wrong in a job."""

from liquid_background.lint.check import check_files, check_folder, files_under
from liquid_background.lint.explained import Explained, explain_files
from liquid_background.lint.finding import RULES, Finding, Rule, Severity

__all__ = [
    "RULES",
    "Explained",
    "Finding",
    "Rule",
    "Severity",
    "check_files",
    "check_folder",
    "explain_files",
    "files_under",
]
