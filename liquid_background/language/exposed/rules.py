"""Rules: the fields of a class that pages may read, and where an application lists them."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable, Iterable, Mapping, MappingView, Sequence, Set
from operator import attrgetter
from typing import Any, Final, TypeVar, overload

from liquid_background.errors import CodeError, NotExposed, SettingsError
from liquid_background.language.exposed.inside import words_of
from liquid_background.language.exposed.listing import TEXT, advice, check_listed, has_address, is_missing
from liquid_background.language.exposed.unread import has, why_unread
from liquid_background.proxies import stood_for
from liquid_background.wording import a

_SWALLOWED: Final = (KeyError, TypeError, IndexError)  # what python-liquid and its filters take for "not there"

Class = TypeVar("Class", bound=type)
Read = Callable[[Any], object]


class Rule:
    """What pages may read of the objects of one class.

    Args:
        kind: the class, as messages name it.
        fields: what reads each field, by its name.
        text: whether an object may be printed itself.
    """

    is_list = False  # whether pages loop over it
    stands_for_items = False  # whether filters take it for its items, too
    shows_itself = False  # whether Python shows it in what holds it by something that is for people, too
    is_pure = False  # whether properties, and functions of an object, that it lists change nothing: previews call them

    def __init__(self, kind: str, fields: Mapping[str, Read], *, text: bool = False) -> None:
        self.kind = kind
        self.fields = fields
        self.text = text

    def names(self, _found: object) -> Iterable[str]:
        """Return the names of an object's fields."""
        return self.fields

    def member(self, found: object, name: object) -> object:
        """Return what a page finds under a name.

        Raises:
            KeyError: when the object has nothing of that name.
            NotExposed: when it has something that is not listed, there is no rule, or the object lacks what is listed.
            CodeError: for an error of the field's own that would be taken for a missing one.
        """
        read = self.fields.get(name) if isinstance(name, str) else None
        if read is None:
            raise self.unread(found, name)
        try:
            return reading(read, found)
        except AttributeError as error:
            if isinstance(read, attrgetter) and is_missing(error, found, name):
                set_it = "have the application set it, or list what it has"
                raise NotExposed(f"is {a(self.kind)} without the '{name}' that its rule lists: {set_it}") from None
            raise

    def unread(self, found: object, name: object) -> Exception:
        """Return what to raise where no field has a name: what the object has is told, even where it looks secret."""
        if not isinstance(name, str) or not has(found, name):
            return KeyError(name)
        return NotExposed(self.why_unread(found, name))

    def why_unread(self, found: object, name: str) -> str:
        """Return why pages do not read what an object has."""
        return why_unread(found, self.kind, name, self.names(found))

    def items(self, found: Any, most: int | None = None) -> Any:
        """Return what a loop goes through: of what has many, as many as are wanted."""
        return found

    def written(self, found: object) -> object:
        """Return what `json` writes of an object."""
        return {name: self.member(found, name) for name in self.names(found)}

    def is_whole(self, found: object) -> bool:
        """Return whether pages read all that is in an object: its text is, where it holds nothing."""
        return self.text and not isinstance(found, list | tuple | Mapping)

    def why_no_text(self, found: object) -> str:
        """Return why an object is not printed."""
        fields = ", ".join(self.fields)
        instead = f"print one of its fields ({fields})" if fields else "print what is in it"
        listed = "" if has_address(type(stood_for(found))) else f", or expose '{TEXT}' of it"
        return f"is {a(self.kind)}, whose text no rule exposes: {instead}{listed}"


class NoText(Rule):
    """Stands for the text of a class that has none: Python's own has an address in it, or is that of bytes.

    Args:
        kind: the class.
        why: what is to be done instead.
    """

    def __init__(self, kind: type, why: str) -> None:
        super().__init__(kind.__name__, {})
        self._why = why

    def why_no_text(self, found: object) -> str:
        """Return why an object is not printed."""
        return f"is {a(self.kind)}, which has no text for people: {self._why}"


class NoRule(Rule):
    """Stands for a class that no rule exposes."""

    def __init__(self, kind: str, *, text: bool, shows_itself: bool = False, secret: Sequence[str] = ()) -> None:
        super().__init__(kind, {}, text=text)
        self.shows_itself = shows_itself
        self._secret = secret

    def member(self, found: object, name: object) -> object:
        """Refuse it, but for the size of a set, or a mapping's keys."""
        if name == "size" and isinstance(found, MappingView | Set):
            return len(found)
        raise NotExposed(self.why(found, name))

    def why(self, found: object, name: object = None) -> str:
        """Return why nothing of it is read, and how it may be."""
        return f"is {a(self.kind)}, which no rule exposes: {advice(found, name, self._secret)}"

    def why_no_text(self, found: object) -> str:
        """Return why an object is not printed."""
        return self.why(found, TEXT)


class Defaults(Rule):
    """A mapping that makes what is missing as it is asked: a page that asks is told that it is missing."""

    is_list = True

    def member(self, found: Any, name: object) -> object:
        """Return what is under a key, or how many there are, or the first with its key."""
        if name in found:
            return found[name]
        if name == "size":
            return len(found)
        if name == "first" and found:
            return next(iter(found.items()))
        raise KeyError(name)

    def is_whole(self, found: object) -> bool:
        """Return whether pages read all that is in it, which they do."""
        return True


def reading(read: Callable[..., object], *given: object) -> Any:
    """Return what code of the application's returns; its own errors are not taken for a missing field."""
    try:
        return read(*given)
    except _SWALLOWED as error:
        said = words_of(error)
        kind = type(error).__name__
        raise CodeError(f"{kind}: {said}" if said else kind, token=None) from error
    except Exception as error:
        if getattr(error, "silent_variable_failure", False):  # Django's word for "there is none"
            raise KeyError from error
        if type(error).__name__ == "SynchronousOnlyOperation":
            message = "Django asks no database in async code: have the application fetch what the page reads"
            instead = "[row async for row in rows] or select_related, or render in a thread, sync_to_async(render)"
            raise CodeError(f"{message}, {instead}", token=None) from error
        raise


class Registry:
    """The rules that an application has listed, for all environments or for one."""

    def __init__(self) -> None:
        self.rules: dict[type, Rule] = {}
        self.version = 0

    def add(self, given: tuple[Any, ...], computed: Mapping[str, Read], *, pure: bool = False) -> Any:
        """Add a rule for a class, or return a decorator that does."""
        if given and isinstance(given[0], type):
            return self._add(given[0], given[1:], computed, pure)
        if given and not isinstance(given[0], str):
            raise SettingsError(f"expose takes a class, then each field by its name; it is given {given[0]!r:.80}")
        return lambda kind: self._add(kind, given, computed, pure)

    def _add(self, kind: type, names: tuple[Any, ...], computed: Mapping[str, Read], pure: bool) -> type:
        if not isinstance(kind, type):
            raise SettingsError(f"expose takes a class and names of its fields; it is given {kind!r:.80}")
        check_listed(kind, names, computed)
        fields: dict[str, Read] = {name: attrgetter(name) for name in names if name != TEXT}
        self.rules[kind] = Rule(kind.__name__, {**fields, **computed}, text=TEXT in names)
        self.rules[kind].is_pure = pure
        self.version += 1
        return kind

    def ranks(self, kind: type) -> Iterable[tuple[int, Rule]]:
        """Yield the rules for a class, each with how far it is from the class: base classes, then abstract ones."""
        for distance, base in enumerate(kind.__mro__):
            if base in self.rules:
                yield distance, self.rules[base]
        for base, rule in self.rules.items():
            if isinstance(base, ABCMeta) and base not in kind.__mro__ and _is_virtual(kind, base):
                yield len(kind.__mro__), rule


def _is_virtual(kind: type, base: type) -> bool:
    try:
        return issubclass(kind, base)
    except TypeError:  # a protocol that only instances can be asked about
        return False


REGISTERED: Final = Registry()
"""The rules of `expose`, which every environment knows."""


@overload
def expose(kind: Class, /, *fields: str, pure: bool = False, **computed: Callable[[Any], object]) -> Class: ...
@overload
def expose(*fields: str, pure: bool = False, **computed: Callable[[Any], object]) -> Callable[[Class], Class]: ...
def expose(*fields: Any, pure: bool = False, **computed: Callable[[Any], object]) -> Any:
    """Have pages read exactly these fields of a class: `@expose("name")` on it, or `expose(Customer, "name")`.

    The rule holds for its subclasses, too, until they have one of their own, and in every environment;
    `Environment.expose` is the same for one. Listed again, a class has the rule that came last.

    Args:
        fields: the class, unless this decorates it, then names of attributes or properties; "__str__" stands for the
            text of an object itself.
        pure: whether its properties and functions change nothing, so that previews call them, too; what an object
            holds by itself is read in any case.
        computed: functions of an object, by the names that pages know their results by.

    Raises:
        SettingsError: for a name that pages cannot read: a private one, that of a method, or one that no object has.
    """
    return REGISTERED.add(fields, computed, pure=pure)
