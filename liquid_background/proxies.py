"""Lazy texts and proxies: what each stands for, which Python tells by another way than its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import methodcaller
from typing import Any, Final
from weakref import CallableProxyType, ProxyType

_WEAK: Final = (ProxyType, CallableProxyType)
_DEEPEST: Final = 10  # proxies in each other


def _of_lazy_object(found: Any) -> object:
    _ = found.__class__  # which has it made, if nobody has asked for it yet
    return found._wrapped


def _of_local_proxy(found: Any) -> object:
    try:
        return found._get_current_object()
    except RuntimeError:
        return found  # outside of a request it stands for nothing


_KNOWN: Final[Mapping[tuple[str, str], Callable[[Any], object]]] = {  # by name, so that no library is imported
    ("django.utils.functional", "Promise"): methodcaller("_proxy____cast"),  # as Django's own code asks it
    ("django.utils.functional", "LazyObject"): _of_lazy_object,
    ("werkzeug.local", "LocalProxy"): _of_local_proxy,
}
_COPIES: Final = (str, int, float)
_ABSENT: Final = object()


def _is_proxy(kind: type) -> bool:
    return kind in _WEAK or any(
        "__class__" in vars(base) or (base.__module__, base.__name__) in _KNOWN
        for base in kind.__mro__
        if base is not object
    )


is_proxy: Final[Callable[[type], bool]] = lru_cache(maxsize=1_000)(_is_proxy)
"""Tells whether objects of a class stand for one of another class, and say which when they are asked."""


def stood_for(found: Any) -> Any:
    """Return what a lazy text or proxy stands for; anything else, and a proxy that does not tell, as it is."""
    for _ in range(_DEEPEST):
        if not is_proxy(type(found)):
            return found
        inner = _asked(found)
        if inner is found:
            return found
        found = inner
    return found


def _asked(found: Any) -> Any:
    kind: Any = type(found)
    reader = _reader(kind)
    if reader is not None:
        return reader(found)
    wrapped = _ABSENT if kind in _WEAK else getattr(found, "__wrapped__", _ABSENT)  # as wrapt has it
    return _copied(found) if wrapped is _ABSENT else wrapped


@lru_cache(maxsize=1_000)
def _reader(kind: type) -> Callable[[Any], object] | None:
    names = [(base.__module__, base.__name__) for base in kind.__mro__]
    return next((_KNOWN[name] for name in names if name in _KNOWN), None)


def _copied(found: Any) -> Any:
    """Return a text, number, list or mapping like the one that a proxy stands for; another proxy as it is."""
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, list | tuple):
        return [*found]
    if found.__class__ is bool:
        return bool(found)
    kind = next((kind for kind in _COPIES if isinstance(found, kind)), None)
    return found if kind is None else kind(found)
