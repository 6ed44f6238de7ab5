"""What the bodies of jobs need and an application has not: each body is parsed, and its partials are looked into."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from liquid import Node
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.exceptions import LiquidError, TemplateNotFoundError

from liquid_background.errors import FunctionNotFound
from liquid_background.language.environment import Environment
from liquid_background.language.plan import BodyWalk
from liquid_background.language.syntax import line_of, show, unfiltered, what_was_wrong
from liquid_background.language.tags import ActionNode
from liquid_background.lint.calls import Arguments, Call, call_of, nodes_in
from liquid_background.lint.lacks import Lack, Needed
from liquid_background.lint.nodes import filters_in
from liquid_background.lint.partials import shared
from liquid_background.lint.run import Run
from liquid_background.lint.signatures import filter_refusal, refusal
from liquid_background.nearest import nearest

_MOST_PARTIALS: Final = 1_000  # of one body that are looked into
_MOST_TOLD: Final = 20  # lacks of one body
_NAMED: Final = 3  # arguments that one names


class Functions(Protocol):
    """What knows the Python functions of an application."""

    def find(self, path: str) -> Callable[..., Any]:
        """Return the function that a job names, or raise FunctionNotFound."""

    @property
    def function_paths(self) -> Collection[str]:
        """The names by which jobs call the functions that are registered."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one body or partial needs itself."""

    lacks: tuple[Lack, ...]
    calls: tuple[Call, ...]


class Needs:
    """Looks into the bodies of jobs; what it has seen of a partial, it keeps.

    Args:
        environment: of the application, with its tags, filters and actions, and its loader.
        functions: that the application registered.
    """

    def __init__(self, environment: Environment, functions: Functions) -> None:
        self._environment = environment
        self._functions = functions
        self._run = Run(environment)
        self._walk = BodyWalk(environment, (), frozenset())
        self._arguments = Arguments(self._run)
        self._partials: dict[tuple[str, str], _Looked] = {}

    def lacks(self, payload: Mapping[str, Any]) -> tuple[Lack, ...]:
        """Return what a job needs and the application has not, the nearest to its body first.

        Args:
            payload: of the job, as it was checked.
        """
        if "function" in payload:
            return tuple(self._of_function(payload))
        template, line = payload["template"], payload["line"]
        if payload.get("partial") is not None:
            call = Call(payload["partial"], "background", frozenset(payload["parameters"]), shares=False, line=line)
            looked = _Looked(tuple(self._of_call(template, call, frozenset())), (call,))
        else:
            looked = self._body(payload)
        found = dict.fromkeys(looked.lacks)
        found.update(dict.fromkeys(self._beyond(looked.calls)))
        return tuple(found)[:_MOST_TOLD]

    def _body(self, payload: Mapping[str, Any]) -> _Looked:
        """Look into a body that a payload carries."""
        template = payload["template"]
        nodes, lacks = self._parsed(
            template, payload["source"], line=payload["line"], column=payload["column"], path=template
        )
        return self._look(template, nodes, lacks, self._known(nodes, payload["parameters"]))

    def _beyond(self, calls: Sequence[Call]) -> Iterator[Lack]:
        """Yield what the partials lack that are called, and those that they call."""
        seen, left = set[tuple[str, str]](), [*calls]
        while left and len(seen) < _MOST_PARTIALS:
            call = left.pop(0)
            if (call.name, call.tag) in seen:
                continue
            seen.add((call.name, call.tag))
            looked = self._partial(call)
            yield from looked.lacks
            left += looked.calls

    def _partial(self, call: Call) -> _Looked:
        key = (call.name, call.tag)
        if key not in self._partials:
            self._partials[key] = self._read(call)
        return self._partials[key]

    def _read(self, call: Call) -> _Looked:
        try:
            template = self._environment.get_template(call.name, tag=call.tag)
        except TemplateNotFoundError:  # of which its call tells
            return _Looked((), ())
        except LiquidError as error:
            return _Looked((self._of_error(call.name, error),), ())
        return self._look(call.name, template.nodes, (), None)

    def _parsed(self, template: str, source: str, **place: Any) -> tuple[Sequence[Node], tuple[Lack, ...]]:
        """Return the nodes of a body, and what cannot be parsed in it."""
        errors: list[LiquidError] = []
        nodes: Sequence[Node] = ()
        self._environment.report = errors.append
        try:
            nodes = self._environment.parse_at(source, **place).nodes
        except LiquidError as error:
            errors.append(error)
        finally:
            self._environment.report = None
        return nodes, tuple(self._of_error(template, error) for error in errors)

    def _of_error(self, template: str, error: LiquidError) -> Lack:
        message, token = what_was_wrong(error), error.token
        line = line_of(token) if token is not None and token.start_index >= 0 else 0
        said, _, fix = message.partition(": ")
        if said.startswith("unexpected tag '") and "nothing is open" not in fix and token is not None:
            return Lack(Needed.TAG, token.value, template, line, f"unknown tag {show(token.value)}", fix)
        return Lack(Needed.SYNTAX, "", template, line, message)

    def _known(self, nodes: Iterable[Node], parameters: Iterable[str]) -> frozenset[str]:
        """Return the names that a body gives a value, which a partial that it includes sees; one may be ANYTHING."""
        names = {*parameters}
        for node in nodes_in(self._walk, nodes):
            names.update(map(str, (*node.template_scope(), *node.block_scope())))
            partial = shared(node)
            if partial is not None:
                names |= self._run.partials.assigned(partial)
        return frozenset(names)

    def _look(
        self, template: str, nodes: Iterable[Node], lacks: tuple[Lack, ...], known: frozenset[str] | None
    ) -> _Looked:
        """Look into parsed nodes.

        Args:
            template: whose they are.
            nodes: they.
            lacks: what is known of them by now.
            known: names that an included partial sees there; None where that cannot be told.
        """
        found, calls = [*lacks], list[Call]()
        for node in nodes_in(self._walk, nodes):
            for expression in node.expressions():
                for item in filters_in(expression):
                    found += self._of_filter(template, item)
            if isinstance(node, ActionNode):
                found += self._of_action(template, node)
            call = call_of(node)
            if call is not None:
                calls.append(call)
                found += self._of_call(template, call, known if call.shares else frozenset())
        return _Looked(tuple(sorted(found, key=lambda lack: lack.line)), tuple(calls))

    def _of_filter(self, template: str, item: Any) -> Iterator[Lack]:
        known, line = self._environment.filters, line_of(item.token)
        if item.name not in known:
            yield Lack(
                Needed.FILTER,
                item.name,
                template,
                line,
                f"unknown filter {show(item.name)}",
                self._near(item.name, known),
            )
            return
        why = filter_refusal(item, known[item.name])
        if why:
            yield Lack(
                Needed.ARGUMENT, item.name, template, line, f"the filter {show(item.name)} takes other arguments: {why}"
            )

    def _of_action(self, template: str, node: ActionNode) -> Iterator[Lack]:
        action, actions, line = unfiltered(node.action), self._environment.actions, line_of(node.token)
        if not isinstance(action, StringLiteral):
            return
        name = action.value
        if name not in actions:
            message = f"no action {show(name)} is registered"
            yield Lack(Needed.ACTION, name, template, line, message, self._near(name, actions))
            return
        why = refusal(actions[name], 0, [argument.name for argument in node.arguments])
        if why:
            yield Lack(Needed.ARGUMENT, name, template, line, f"the action {show(name)} takes other arguments: {why}")

    def _of_call(self, template: str, call: Call, known: frozenset[str] | None) -> Iterator[Lack]:
        if not self._run.exists(call.name, call.tag):
            kind, names = (
                ("layout", self._run.layout_names) if call.tag == "extends" else ("partial", self._run.partial_names)
            )
            message = f"the {kind} {show(call.name)} is not there"
            fix = self._near(call.name, names)
            yield Lack(Needed.PARTIAL, call.name, template, call.line, message, fix)
        elif known is not None and call.tag != "extends":
            missing, unread = self._arguments.missing(call, known)
            if missing:
                message = f"the partial {show(call.name)} is not given {_listed(missing)}, which it reads"
                fix = f"it is given {_listed(unread)}, which it does not read any more" if unread else ""
                yield Lack(Needed.ARGUMENT, missing[0], template, call.line, message, fix)

    def _of_function(self, payload: Mapping[str, Any]) -> Iterator[Lack]:
        path, line = payload["function"], 0
        try:
            function = self._functions.find(path)
        except FunctionNotFound:
            message = f"no job function {show(path)} is registered"
            yield Lack(Needed.ACTION, path, path, line, message, self._near(path, self._functions.function_paths))
            return
        args, kwargs = payload["parameters"].get("args", []), payload["parameters"].get("kwargs", {})
        if not (isinstance(args, list) and isinstance(kwargs, dict)):  # nobody of ours writes that
            return
        why = refusal(function, len(args), kwargs)
        if why:
            yield Lack(Needed.ARGUMENT, path, path, line, f"the function {show(path)} takes other arguments: {why}")

    def _near(self, name: str, known: Iterable[str]) -> str:
        near = nearest(name, known)
        return f"did you mean {near!r}?" if near else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(show, names[:_NAMED])) + more
