"""Dataclasses whose methods are made when they are first called.

``dataclass`` writes the source of up to six methods for every class and compiles it. A short query imports two hundred
such classes and calls methods of a third of them; making them all took a fourth of its time. Here a class gets methods
that look alike. The first call has the real ones made, by ``dataclass`` itself, on a twin of the class with the same
fields, and puts them into the class. Only who asks for the signature of a class can tell, until then.

Only ``btql query`` does this, before it imports the rest, and only to btql's own classes. It uses what ``dataclasses``
documents. What it does not understand (bases, methods of the class's own, other options) is made as ever.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS: list[dict[str, Any]] = [{}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True}]
"""Of the classes that this is for."""
_INIT, _REPR, _EQ, _HASH = "__init__", "__repr__", "__eq__", "__hash__"
_OWN = frozenset(
    {_INIT, _REPR, _EQ, _HASH, "__post_init__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"}
)
_dataclass = dataclasses.dataclass


def make_methods_late() -> None:
    """Have dataclasses of btql that are defined from now on make their methods late."""
    dataclasses.dataclass = cast("Any", dataclass)


def dataclass(cls: type[Any] | None = None, /, **options: Any) -> Any:  # noqa: ANN401 - like the original
    """Make a dataclass, as ``dataclasses.dataclass`` does."""
    if options not in _OPTIONS:
        return _dataclass(cls, **options)

    def made(cls: type[Any]) -> Any:  # noqa: ANN401 - a class
        if cls.__bases__ != (object,) or not cls.__module__.startswith("btql") or not _OWN.isdisjoint(vars(cls)):
            return _dataclass(**options)(cls)
        return _late(cls, **options)

    return made if cls is None else made(cls)


def _late(cls: type[Any], *, frozen: bool = False, slots: bool = False) -> Any:  # noqa: ANN401 - a class
    made: Any = _dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    # Whoever derives a dataclass from this one asks it.
    made.__dataclass_params__.frozen = frozen
    for name in (_INIT, _REPR, _EQ, _HASH):
        setattr(made, name, _stand_in(made, name, frozen=frozen))
    if not frozen:
        made.__hash__ = None
        return made
    made.__setattr__ = _refuse_to_assign
    made.__delattr__ = _refuse_to_delete
    if slots:
        made.__getstate__ = _state
        made.__setstate__ = _set_state
    return made


def _stand_in(cls: type[Any], name: str, *, frozen: bool) -> Callable[..., Any]:
    """Return a method that has a method made, and calls it."""

    def method(self: object, *args: object, **named: object) -> object:
        twin = _dataclass(init=name == _INIT, repr=name == _REPR, eq=name in {_EQ, _HASH}, frozen=frozen)(_copy(cls))
        for each in (_INIT, _REPR, _EQ, _HASH):
            if each in vars(twin):
                setattr(cls, each, vars(twin)[each])
        return getattr(cls, name)(self, *args, **named)

    return method


def _copy(cls: type[Any]) -> type[Any]:
    """Return a class that has the same fields, and nothing else that matters here."""
    fields = dataclasses.fields(cls)
    body: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    copy = type(cls.__name__, (), {**body, "__annotations__": {field.name: field.type for field in fields}})
    for field in fields:
        # Given to `type`, a field is told its name, and an interrupt in there becomes an error of another kind.
        setattr(copy, field.name, field)
    return copy


def _refuse_to_assign(_self: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:  # noqa: ANN401 - any dataclass
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:  # noqa: ANN401 - any dataclass
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
