"""The tables that stand in pages: of rules, options, front matter and settings, each from what the program goes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from docgen.markdown import code, table
from liquid_background.allowed import choices_of, kind_of, range_of
from liquid_background.language.pages import KEYS
from liquid_background.language.syntax import OPTIONS
from liquid_background.lint import RULES
from liquid_background.python_jobs.options import JOB_OPTIONS, BulkOptions, EnqueueOptions, JobOptions, names_of
from liquid_background.settings import Settings

_CALLS: Final = {
    "`enqueue`": EnqueueOptions,
    "`enqueue_many`": BulkOptions,
    "`schedule` and front matter": JobOptions,
}
_PREFIX: Final = str(Settings.model_config.get("env_prefix"))


def rules() -> str:
    """Return the rules of `poscli check`."""
    rows = ((code(rule.name), str(rule.severity), rule.says) for rule in RULES.values())
    return table(("rule", "severity", "what it finds"), rows)


def options() -> str:
    """Return the options of the `background` tag, which front matter of consumers has, too."""
    rows = ((code(option.name), option.says, option.allowed, option.default) for option in OPTIONS.values())
    return table(("option", "what it is", "allowed", "default"), rows)


def job_options() -> str:
    """Return the options of Python jobs, and which calls take them."""
    rows = (
        (
            code(option.name),
            option.says,
            option.allowed,
            option.default,
            ", ".join(call for call, allowed in _CALLS.items() if option.name in names_of(allowed)),
        )
        for option in JOB_OPTIONS.values()
    )
    return table(("option", "what it is", "allowed", "default", "of"), rows)


def front_matter() -> str:
    """Return the names that mean something in front matter."""
    return table(("name", "of", "what it says"), ((code(key.name), key.of, key.says) for key in KEYS.values()))


def settings() -> str:
    """Return the settings."""
    rows = (
        (
            code(name.upper()),
            ", ".join(code(variable) for variable in _variables(name, field)),
            kind_of(field.annotation),
            _range(field),
            _default(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    )
    return table(("setting", "in the environment", "type", "range", "default", "what it is"), rows)


def _variables(name: str, field: FieldInfo) -> list[str]:
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [_PREFIX + name.upper()]


def _range(field: FieldInfo) -> str:
    return range_of(field) or ", ".join(code(choice) for choice in choices_of(field.annotation))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the machine's processors"
    return code(_text(field.default))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "rules": rules,
    "options": options,
    "job options": job_options,
    "front matter": front_matter,
    "settings": settings,
}
"""By the names that the markers in the pages give."""
