"""Checks of templates without running them: what would be blank, missing or wrong in a job."""

from liquid_background.lint.behind import Behind
from liquid_background.lint.check import check_files, check_folder, files_under
from liquid_background.lint.edits import Edit
from liquid_background.lint.explained import Explained, explain_files
from liquid_background.lint.finding import RULES, Finding, Rule, Severity
from liquid_background.lint.handing import Handing, Value, handings_of
from liquid_background.lint.lacks import Lack, Needed
from liquid_background.lint.mending import Mended, Mending, mend_files
from liquid_background.lint.partials import given_to
from liquid_background.lint.stored import Lacking, StoreChecked, check_store

__all__ = [
    "RULES",
    "Behind",
    "Edit",
    "Explained",
    "Finding",
    "Handing",
    "Mended",
    "Mending",
    "Lack",
    "Lacking",
    "Needed",
    "Rule",
    "Severity",
    "StoreChecked",
    "Value",
    "check_files",
    "check_folder",
    "check_store",
    "explain_files",
    "files_under",
    "given_to",
    "handings_of",
    "mend_files",
]
