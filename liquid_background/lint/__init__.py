"""Checks of templates without running them: what would be blank, missing or wrong in a job."""

from liquid_background.lint.check import check_files, check_folder, files_under
from liquid_background.lint.edits import Edit
from liquid_background.lint.explained import Explained, explain_files
from liquid_background.lint.finding import RULES, Finding, Rule, Severity
from liquid_background.lint.mending import Mended, Mending, mend_files

__all__ = [
    "RULES",
    "Edit",
    "Explained",
    "Finding",
    "Mended",
    "Mending",
    "Rule",
    "Severity",
    "check_files",
    "check_folder",
    "explain_files",
    "files_under",
    "mend_files",
]
