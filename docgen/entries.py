"""What docs/api.md says of one name: its signature, its docstring, and for a class its members."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeGuard

import griffe

from docgen.markdown import code, table

_LONGEST_VALUE: Final = 100  # characters of a constant's value that is worth showing
_NOT_FOR_APPLICATIONS: Final[Mapping[str, frozenset[str]]] = {
    "Engine": frozenset(
        ("find", "function_job", "dispatch", "dispatch_each", "call_of", "send", "send_async", "perform")
    ),
    "Environment": frozenset(
        (
            *("setup_tags_and_filters", "error", "tokenizer", "parse_at", "new_collector", "consumers", "outermost"),
            *("outermost_async", "engine", "sink", "analyze_tags_from_string", "template_class", "context_class"),
            *("guarded_filters", "secret_names", "hands_over", "report", "exposure"),
        )
    ),
    "NotExposed": frozenset(("of",)),
    "Queue": frozenset(("send", "send_async", "store", "settings")),
    "FakeJobs": frozenset(("send", "send_async", "next_id", "start", "finish", "settings")),
    "Schedule": frozenset(("of", "of_template", "unless_taken", "digest", "former_name", "job_at")),
    "Settings": frozenset(("settings_customise_sources", "model_config")),
}
"""What tags, workers and queues use of a class that applications use, too."""

_OPTIONS: Final = "[Options](gadget.md#options) says what each is."
_SEE: Final[Mapping[str, str]] = {
    "Settings": "[Settings](settings.md) lists its fields.",
    "EnqueueOptions": _OPTIONS,
    "BulkOptions": _OPTIONS,
    "JobOptions": _OPTIONS,
    "TaskOptions": _OPTIONS,
}


def is_error(found: griffe.Object) -> bool:
    """Return whether a name is that of an error."""
    return isinstance(found, griffe.Class) and found.module.name in ("errors", "basic_errors")


def is_fixture(function: griffe.Function) -> bool:
    """Return whether a function is a fixture of pytest."""
    return any(str(decorator.value) == "pytest.fixture" for decorator in function.decorators)


def entry(found: griffe.Object, *, made_by_applications: bool = True) -> Iterator[str]:
    """Yield the paragraphs on one public name.

    Args:
        found: the name.
        made_by_applications: whether applications call a class themselves, so that its arguments concern them.

    Raises:
        LookupError: when it, or a public member of it, has no docstring.
    """
    yield f"### {found.name}\n"
    if isinstance(found, griffe.Class):
        yield from _class(found, made_by_applications=made_by_applications)
    elif isinstance(found, griffe.Function):
        if not is_fixture(found):
            yield from _signature(found, found.name)
        yield from _docstring(found)
    else:
        assert isinstance(found, griffe.Attribute)
        assert found.value is not None
        value = _value(found.value)
        shown = f" = {value}" if len(value) <= _LONGEST_VALUE else f": {found.annotation}"
        yield f"```python\n{found.name}{shown}\n```\n"
        yield from _docstring(found)


def _class(found: griffe.Class, *, made_by_applications: bool) -> Iterator[str]:
    values = [member for member in _members(found) if _is_value(member)]
    if found.bases and not isinstance(found.bases[0], str) and (is_error(found) or not values):
        yield f"Inherits from {', '.join(code(str(base)) for base in found.bases)}.\n"
    if made_by_applications and not is_error(found) and "dataclass" not in found.labels and "__init__" in found.members:
        yield from _signature(found["__init__"], found.name, returns=False)
    yield from _docstring(found, arguments=made_by_applications)
    if found.name in _SEE:
        yield f"{_SEE[found.name]}\n"
    if values and found.name != "Settings" and not is_error(found):
        rows = ((code(each.name), code(_type(found, each)), code(_default(each)), _comment(each)) for each in values)
        yield table(("name", "type", "default", "what it is"), rows)
    for member in _members(found):
        if not _is_value(member):
            yield f"#### {found.name}.{member.name}\n"
            if isinstance(member, griffe.Function):
                yield from _signature(member, member.name)
            else:
                yield f"`{member.name}: {member.annotation}`\n"
            yield from _docstring(member)


def _members(found: griffe.Class) -> Iterator[griffe.Function | griffe.Attribute]:
    """Yield what is public of a class, what it defines itself first."""
    hidden = _NOT_FOR_APPLICATIONS.get(found.name, frozenset())
    inherited = {name: member for name, member in found.inherited_members.items() if name not in found.members}
    for name, member in (dict(found.members) | inherited).items():
        target = member.final_target if isinstance(member, griffe.Alias) else member
        if not name.startswith("_") and name not in hidden and isinstance(target, griffe.Function | griffe.Attribute):
            yield target


def _is_value(member: griffe.Function | griffe.Attribute) -> TypeGuard[griffe.Attribute]:
    """Return whether a member is a field, an attribute or a constant: no method, and no property."""
    return isinstance(member, griffe.Attribute) and "property" not in member.labels


def _type(owner: griffe.Class, member: griffe.Attribute) -> str:
    """Return the type of an attribute, if need be that of the constructor's argument of the same name."""
    known: list[Any] = [member, *(base.members.get(member.name) for base in owner.mro())]
    initial = owner.all_members.get("__init__")
    if isinstance(initial, griffe.Function) and member.name in initial.parameters:
        known.append(initial.parameters[member.name])
    return next((str(each.annotation) for each in known if each is not None and each.annotation is not None), "")


def _default(member: griffe.Attribute) -> str:
    """Return what a field is when nothing is given; nothing of what a constructor computes."""
    is_computed = "class-attribute" not in member.labels or "field(" in str(member.value)
    return "" if is_computed or member.value is None else _value(member.value)


def _value(expression: str | griffe.Expr) -> str:
    """Return a value as it is written, and a constant's instead of its name."""
    if isinstance(expression, griffe.ExprName) and isinstance(expression.parent, griffe.Object):
        try:
            constant = expression.parent.modules_collection[expression.canonical_path]
            constant = constant.final_target if isinstance(constant, griffe.Alias) else constant
        except KeyError:
            return str(expression)
        if isinstance(constant, griffe.Attribute) and constant.value is not None:
            return _value(constant.value)
    return str(expression)


def _comment(member: griffe.Attribute) -> str:
    assert member.lineno is not None
    comments = _comments(Path(str(member.filepath)))
    return next((comments[line] for line in range(member.lineno, (member.endlineno or 0) + 1) if line in comments), "")


@cache
def _comments(path: Path) -> dict[int, str]:
    """Return the comments of a module, by their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _signature(function: griffe.Function, name: str, *, returns: bool = True) -> Iterator[str]:
    """Yield how a function is called, or with returns=False the class whose constructor it is."""
    kind = "class" if not returns else "async def" if "async" in function.labels else "def"
    before = "".join("@contextmanager\n" for each in function.decorators if str(each.value) == "contextmanager")
    shown = function.overloads or [function]
    lines = (f"{before}{kind} {name}({_parameters(each)}){_returns(each) if returns else ''}" for each in shown)
    yield "```python\n" + "\n".join(lines) + "\n```\n"


def _returns(function: griffe.Function) -> str:
    return f" -> {function.returns}" if function.returns is not None else ""


_MARKS: Final = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}


def _parameters(function: griffe.Function) -> str:
    parts: list[str] = []
    parameters = [each for each in function.parameters if each.name not in ("self", "cls")]
    for parameter in parameters:
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not any(part.startswith("*") for part in parts):
            parts.append("*")
        text = _MARKS.get(kind, "") if kind is not None else ""
        text += parameter.name if parameter.annotation is None else f"{parameter.name}: {parameter.annotation}"
        if parameter.default is not None and kind not in _MARKS:
            text += f" = {_value(parameter.default)}"
        parts.append(text)
    positional = [each for each in parameters if each.kind is griffe.ParameterKind.positional_only]
    if positional:
        parts.insert(len(positional), "/")
    return ", ".join(parts)


def _docstring(found: griffe.Object, *, arguments: bool = True) -> Iterator[str]:
    if found.docstring is None:
        raise LookupError(f"{found.path} is public and has no docstring: write one")
    for section in found.docstring.parsed:
        match section.kind:
            case griffe.DocstringSectionKind.text:
                yield f"{section.value}\n"
            case griffe.DocstringSectionKind.parameters if not arguments:
                pass
            case griffe.DocstringSectionKind.parameters | griffe.DocstringSectionKind.attributes:
                yield "".join(f"- `{item.name}`: {_line(item)}\n" for item in section.value)
            case griffe.DocstringSectionKind.raises:
                yield "Raises:\n\n" + "".join(f"- `{item.annotation}`: {_line(item)}\n" for item in section.value)
            case other:
                raise ValueError(f"{found.path}: the docstring has a section that docgen/api.py cannot show: {other}")


def _line(item: Any) -> str:
    return " ".join(item.description.split())
