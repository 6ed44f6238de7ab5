"""Ready rules for what Django gives to pages: models, paginators and forms. It is known by name, and never imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from numbers import Number
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from liquid_background.errors import NotExposed
from liquid_background.language.exposed.names import is_kind, is_open
from liquid_background.language.exposed.ready import MAX_ROWS, Rows
from liquid_background.language.exposed.rules import NoRule, Rule, reading
from liquid_background.language.exposed.told import Told, attributes
from liquid_background.wording import a

_MODEL: Final = ("django.db.models.base", "Model")
_USER: Final = ("django.contrib.auth.base_user", "AbstractBaseUser")
_NOBODY: Final = ("django.contrib.auth.models", "AnonymousUser")
_OF_USERS: Final = ("is_authenticated", "is_anonymous")  # properties that a page asks first
_OF_NOBODY: Final = ("id", "pk", "username", "is_active", "is_staff", "is_superuser", *_OF_USERS)
_SIGNED_IN_BY: Final = "backend"  # an attribute that Django sets when a user signs in: the path of a class
_VALUES: Final = (str, Number, Decimal, date, time, timedelta, UUID, type(None))


class Model(Rule):
    """A model: its own columns, its `pk`, and what a query has added to the object, which are no fields of the class.

    Args:
        kind: the class.
        secret: parts of names that look secret.
    """

    def __init__(self, kind: Any, secret: Sequence[str]) -> None:
        meta = kind._meta
        users = _OF_USERS if is_kind(kind, *_USER) else ()
        names = [name for name in (*(field.attname for field in meta.concrete_fields), *users) if is_open(name, secret)]
        super().__init__(kind.__name__, {name: attrgetter(name) for name in names})
        keys = getattr(meta, "pk_fields", None) or ([meta.pk] if meta.pk else [])
        self._shows_key = all(field.attname in names for field in keys)
        self._secret = secret

    def member(self, found: object, name: object) -> object:
        """Return a column, the key, or what was added: a value, or objects that were fetched beforehand.

        Raises:
            KeyError: when there is no such.
            NotExposed: when something else was added under the name.
        """
        if name == "pk" and self._shows_key:
            return reading(attrgetter("pk"), found)
        if isinstance(name, str) and name not in self.fields and self._is_added(found, name):
            added = vars(found)[name]
            if not _is_fetched(added):
                listed = f"have the application list what pages may read, expose({self.kind}, '{name}')"
                raise NotExposed(f"is {a(self.kind)}, whose '{name}' is no value of a query: {listed}")
            return added
        return super().member(found, name)

    def _is_added(self, found: object, name: str) -> bool:
        """Return whether an object, and not its class, has something, as `annotate` and `Prefetch` have it."""
        if name not in vars(found) or hasattr(type(found), name) or name == _SIGNED_IN_BY:
            return False
        return is_open(name, self._secret)


def _is_fetched(found: object) -> bool:
    if isinstance(found, list):
        return all(is_kind(type(each), *_MODEL) for each in found)
    return isinstance(found, _VALUES) or is_kind(type(found), *_MODEL)


def model_rule(kind: type, secret: Sequence[str]) -> Rule | None:
    """Return the rule for a model, or for the user that is nobody."""
    if is_kind(kind, *_MODEL):
        return Model(kind, secret)
    if is_kind(kind, *_NOBODY):
        names = [name for name in _OF_NOBODY if is_open(name, secret)]
        return Rule(kind.__name__, {name: attrgetter(name) for name in names})
    return None


_PAGE: Final = ("django.core.paginator", "Page")
_PAGINATOR: Final = ("django.core.paginator", "Paginator")
_AWAITED: Final = (("django.core.paginator", "AsyncPage"), ("django.core.paginator", "AsyncPaginator"))
_OF_PAGES: Final = attributes(
    *("number", "object_list", "paginator", "has_next", "has_previous", "has_other_pages"),
    *("next_page_number", "previous_page_number", "start_index", "end_index"),
)
_OF_PAGINATORS: Final = attributes(
    *("count", "num_pages", "per_page", "page_range", "orphans", "allow_empty_first_page", "object_list"),
)


def page_rule(kind: type) -> Rule | None:
    """Return the rule for a page of a paginator, which is a list of objects, or for a paginator, one of pages."""
    if is_kind(kind, *_PAGE):
        rows = Rows(kind)
        return Told(kind.__name__, _OF_PAGES, items=lambda page: rows.fetch(page.object_list))
    if is_kind(kind, *_PAGINATOR):
        return Told(kind.__name__, _OF_PAGINATORS, items=lambda pages: [*islice(pages, MAX_ROWS)])
    if any(is_kind(kind, *known) for known in _AWAITED):
        return NoRule(kind.__name__, text=False)  # pages await nothing of it: it is to be fetched before
    return None


_FORM: Final = ("django.forms.forms", "BaseForm")
_FORMS: Final = ("django.forms.formsets", "BaseFormSet")
_BOUND: Final = ("django.forms.boundfield", "BoundField")
_CHOICE: Final = ("django.forms.boundfield", "BoundWidget")
_FIELD: Final = ("django.forms.fields", "Field")
_WIDGET: Final = ("django.forms.widgets", "Widget")
_ERROR_LIST: Final = ("django.forms.utils", "ErrorList")
_ERROR_DICT: Final = ("django.forms.utils", "ErrorDict")
_VALIDATED: Final = "cleaned_data"
_AS: Final = ("as_p", "as_div", "as_table", "as_ul")
_OF_FORMS: Final = attributes(
    *("errors", "non_field_errors", "is_bound", "is_valid", "is_multipart", "has_changed", "changed_data"),
    *("hidden_fields", "visible_fields", "media", "prefix", "label_suffix", "instance", *_AS),
)
_OF_FORM_SETS: Final = attributes(
    *("forms", "initial_forms", "extra_forms", "empty_form", "management_form", "errors", "non_form_errors"),
    *("total_form_count", "initial_form_count", "total_error_count", "is_bound", "is_valid", "is_multipart"),
    *("has_changed", "media", "prefix", "can_delete", "can_order", "min_num", "max_num", *_AS),
)
_VALUES_OF_FIELDS: Final = ("value", "initial", "as_hidden", "as_text", "as_textarea")
_OF_BOUND: Final = attributes(
    *("name", "label", "help_text", "errors", "field", "html_name", "id_for_label", "auto_id", "is_hidden"),
    *("label_tag", "legend_tag", "css_classes", "widget_type", "use_fieldset", "subwidgets", "aria_describedby"),
    *("as_widget", "as_field_group", *_VALUES_OF_FIELDS),
)
_OF_CHOICES: Final = attributes("tag", "choice_label", "id_for_label")
_OF_FIELDS: Final = attributes(
    *("required", "disabled", "label", "help_text", "widget", "max_length", "min_length", "max_value", "min_value"),
)
_OF_WIDGETS: Final = attributes("input_type", "attrs", "is_hidden", "is_required", "needs_multipart_form")
_OF_ERRORS: Final = attributes("as_ul", "as_text", "as_json")


class Form(Told):
    """A form: its fields by their names, which count first, and what is about all of it. None of the values sent."""

    def member(self, found: Any, name: object) -> object:
        """Return a field as it is bound, or what is about the form."""
        if isinstance(name, str) and name in found.fields:
            return reading(lambda: found[name])
        if name == _VALIDATED:  # which a form has once it was asked whether it is valid
            raise NotExposed(self.why_unread(found, name))
        return super().member(found, name)


class BoundField(Told):
    """A field of a form, whose value is left out where it is a password, or its name looks secret."""

    def __init__(self, kind: str, secret: Sequence[str]) -> None:
        super().__init__(kind, _OF_BOUND, text=True, items=attrgetter("subwidgets"))
        self._secret = secret

    def member(self, found: Any, name: object) -> object:
        """Return what is about the field."""
        if name in _VALUES_OF_FIELDS and not self._shows_value(found):
            raise KeyError(name)
        return super().member(found, name)

    def _shows_value(self, found: Any) -> bool:
        return is_open(found.name, self._secret) and getattr(found.field.widget, "input_type", None) != "password"


class Errors(Told):
    """The errors of a field, or of a form by the names of its fields."""

    shows_itself = True

    def member(self, found: Any, name: object) -> object:
        """Return the errors of a field, or one of a list, or all of them as text."""
        if isinstance(found, dict) and name in found:
            return found[name]
        if name == "first" and isinstance(found, dict):
            return next(iter(found.items()))
        return super().member(found, name)

    def is_whole(self, found: object) -> bool:
        """Return whether pages read all that is in it, which they do."""
        return True

    def written(self, found: object) -> object:
        """Return what `json` writes."""
        return self.items(found)


_KINDS: Final[Sequence[tuple[tuple[str, str], Callable[[str, Sequence[str]], Rule]]]] = (
    (_FORM, lambda kind, _: Form(kind, _OF_FORMS, text=True, items=list)),
    (_FORMS, lambda kind, _: Told(kind, _OF_FORM_SETS, text=True, items=attrgetter("forms"))),
    (_BOUND, BoundField),
    (_CHOICE, lambda kind, _: Told(kind, _OF_CHOICES, text=True)),
    (_ERROR_LIST, lambda kind, _: Errors(kind, _OF_ERRORS, text=True, items=list)),
    (_ERROR_DICT, lambda kind, _: Errors(kind, _OF_ERRORS, text=True, items=lambda errors: errors)),
    (_FIELD, lambda kind, _: Told(kind, _OF_FIELDS)),
    (_WIDGET, lambda kind, _: Told(kind, _OF_WIDGETS)),
)


def form_rule(kind: type, secret: Sequence[str]) -> Rule | None:
    """Return the rule for a form, a set of forms, or a part of one."""
    return next((make(kind.__name__, secret) for known, make in _KINDS if is_kind(kind, *known)), None)
