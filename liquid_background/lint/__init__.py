"""Checks of templates without running them: what would be blank, missing or wrong in a job."""

from liquid_background.lint.check import check_files, check_folder, files_under
from liquid_background.lint.edits import Edit
from liquid_background.lint.explained import Explained, explain_files
from liquid_background.lint.finding import RULES, Finding, Rule, Severity
from liquid_background.lint.lacks import Lack, Needed
from liquid_background.lint.mending import Mended, Mending, mend_files
from liquid_background.lint.stored import Lacking, StoreChecked, check_store

__all__ = [
    "RULES",
    "Edit",
    "Explained",
    "Finding",
    "Mended",
    "Mending",
    "Lack",
    "Lacking",
    "Needed",
    "Rule",
    "Severity",
    "StoreChecked",
    "check_files",
    "check_folder",
    "check_store",
    "explain_files",
    "files_under",
    "mend_files",
]
