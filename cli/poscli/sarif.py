"""What a check found, as SARIF 2.1.0: the format that code scanning services and editors take."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote_from_bytes

from liquid_background.jobs.log import printable_once
from liquid_background.lint import RULES, Edit, Finding, Severity
from poscli.annotations import in_repository

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_FINGERPRINT: Final = "poscliCheck/v1"


def sarif(found: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings of a check as a SARIF log of one run, with all rules, whether broken or not."""
    names = [*RULES]
    driver = {
        "name": "poscli check",
        "semanticVersion": version("liquid-background"),
        "rules": [_rule(name) for name in names],
    }
    results = [
        {**_result(item), "ruleIndex": names.index(item.rule.name), "partialFingerprints": {_FINGERPRINT: fingerprint}}
        for item, fingerprint in zip(found, _fingerprints(found), strict=True)
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that paths are from."}}},
        "invocations": [{"executionSuccessful": True}],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.says},
        "help": {"text": f"{rule.says} A comment silences it: {{% # check: ignore {name} %}}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(item: Finding) -> dict[str, Any]:
    region = {"startLine": item.line, "startColumn": item.column + 1}
    if item.width:
        region |= {"endLine": item.line, "endColumn": item.column + 1 + item.width}
    result: dict[str, Any] = {
        "ruleId": item.rule.name,
        "level": _LEVELS[item.rule.severity],
        "message": {"text": printable_once(f"{item.message}; {item.fix}" if item.fix else item.message)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(item.path), "region": region}}],
    }
    if item.edits:
        change = {"artifactLocation": _artifact(item.path), "replacements": [*map(_replacement, item.edits)]}
        result["fixes"] = [
            {"description": {"text": printable_once(item.fix or item.message)}, "artifactChanges": [change]}
        ]
    return result


def _replacement(edit: Edit) -> dict[str, Any]:
    region = {
        "startLine": edit.line,
        "startColumn": edit.column + 1,
        "endLine": edit.end_line,
        "endColumn": edit.end_column + 1,
    }
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _artifact(path: str) -> dict[str, str]:
    """Return where a file is, as a URI from the repository's root; of one outside, an absolute one."""
    place = in_repository(path)
    uri = quote_from_bytes(os.fsencode(place))
    return {"uri": f"file://{uri}"} if os.path.isabs(place) else {"uri": uri, "uriBaseId": _ROOT}


def _fingerprints(found: Iterable[Finding]) -> list[str]:
    """Return what tells findings apart when lines have moved: rule, file, what is said, and which one of such it is."""
    seen: Counter[tuple[str, str, str]] = Counter()
    made = []
    for item in found:
        key = (in_repository(item.path), *item.key[1:])
        seen[key] += 1
        text = "\0".join((*key, str(seen[key])))
        made.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return made
