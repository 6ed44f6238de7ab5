"""Which SQL statements are known to write nothing."""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`""", re.DOTALL)
_READS: Final = re.compile(
    r"""[\s(]* (?:
        (?: SELECT|WITH|VALUES|TABLE|SHOW|EXPLAIN|DESC|DESCRIBE|SET|USE|START|SAVE|SAVEPOINT|RELEASE|ROLLBACK )\b
      | BEGIN \s* (?: $ | (?: TRAN|WORK|DEFERRED|IMMEDIATE|EXCLUSIVE|ISOLATION|READ ) )  # and no block of a procedure's
      | PRAGMA \b (?! [^=]*= ) )""",
    re.IGNORECASE | re.VERBOSE,
)
_LOCKS: Final = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b", re.IGNORECASE)
_WRITES: Final = re.compile(r"(?<![.\w])(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b(?!\s*\()", re.IGNORECASE)


def only_reads(sql: str) -> bool:
    """Return whether a statement, or each of several, is known to write nothing but what a function in it writes."""
    bare = _LOCKS.sub(" ", _QUOTED.sub(" ", sql))
    return not _WRITES.search(bare) and all(_READS.match(each) for each in bare.split(";") if each.strip())
