"""Dataclasses whose methods are made when they have been called often.

``dataclass`` writes the source of up to six methods for every class and compiles it: more work than a short query has
for any of them. Such a query imports two hundred classes, calls methods of a third of them, and those a few times
each. Here a class gets methods that do the same and are not compiled, because they are the same function for all
classes: they go through the names of the fields. A class whose method is called more often than :data:`CALLS_MAX` gets
the real one, made by ``dataclass`` itself on a twin of the class with the same fields. So do calls that go through no
names here: of ``__repr__``, and those with wrong arguments, which raise what they always raise. What ``dataclasses``
tells of fields is found out when somebody asks. Only who asks for the signature of a class can tell, until then.

Only ``btql query`` does this, before it imports the rest, and only to btql's own classes. What it does not understand
(bases, methods of the class's own, other options, fields that nobody gives) is made as ever.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CALLS_MAX = 200
"""After so many calls a method has taken as long as it takes to compile the real one."""

_OPTIONS: list[dict[str, Any]] = [{}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True}]
"""Of the classes that this is for."""
_INIT, _REPR, _EQ, _HASH = "__init__", "__repr__", "__eq__", "__hash__"
_POST_INIT = "__post_init__"
_OWN = frozenset({_INIT, _REPR, _EQ, _HASH, "__setattr__", "__delattr__", "__getstate__", "__setstate__"})
_NO_FIELDS = ("ClassVar", "InitVar", "KW_ONLY")
"""What an annotation says that declares no field, or more than one."""
_dataclass = dataclasses.dataclass


def make_methods_late() -> None:
    """Have dataclasses of btql that are defined from now on make their methods late."""
    dataclasses.dataclass = cast("Any", dataclass)


def dataclass(cls: type[Any] | None = None, /, **options: Any) -> Any:  # noqa: ANN401 - like the original
    """Make a dataclass, as ``dataclasses.dataclass`` does."""
    if options not in _OPTIONS:
        return _dataclass(cls, **options)

    def made(cls: type[Any]) -> Any:  # noqa: ANN401 - a class
        return _late(cls, **options) if _is_understood(cls) else _dataclass(**options)(cls)

    return made if cls is None else made(cls)


def _is_understood(cls: type[Any]) -> bool:
    if cls.__bases__ != (object,) or not cls.__module__.startswith("btql") or not _OWN.isdisjoint(vars(cls)):
        return False
    types: list[object] = list(vars(cls).get("__annotations__", {}).values())
    declares_fields = all(isinstance(each, str) and not any(word in each for word in _NO_FIELDS) for each in types)
    said = [value for value in vars(cls).values() if isinstance(value, Field)]
    # Where there is no docstring, `dataclass` makes one, which nobody reads of a private class.
    has_text = cls.__doc__ is not None or cls.__name__.startswith("_")
    return declares_fields and has_text and all(each.init and each.hash is None for each in said)


def _late(cls: type[Any], *, frozen: bool = False, slots: bool = False) -> Any:  # noqa: ANN401 - a class
    fields = _Fields({name: vars(cls).get(name, MISSING) for name in vars(cls).get("__annotations__", {})})
    made = _with_slots(cls, fields.declared) if slots else _with_defaults(cls, fields.declared)
    made.__match_args__ = fields.positional  # type: ignore[misc]  # as for any class that is not known yet
    made.__dataclass_fields__ = _Told(made, fields, frozen=frozen)
    for name in (_INIT, _REPR, _EQ, _HASH):
        setattr(made, name, _stand_in(made, name, fields, frozen=frozen))
    if not frozen:
        made.__hash__ = None
        return made
    made.__setattr__ = _refuse_to_assign
    made.__delattr__ = _refuse_to_delete
    if slots:
        made.__getstate__ = _state
        made.__setstate__ = _set_state
    return made


def _with_slots(cls: type[Any], declared: Mapping[str, object]) -> Any:  # noqa: ANN401 - a class
    """Return a class like this one whose objects have nothing but fields; only a new class can have that."""
    without = {*declared, "__dict__", "__weakref__"}
    body = {name: value for name, value in vars(cls).items() if name not in without}
    made = type(cls.__name__, cls.__bases__, {**body, "__slots__": tuple(declared)})
    made.__qualname__ = cls.__qualname__
    return made


def _with_defaults(cls: type[Any], declared: Mapping[str, object]) -> Any:  # noqa: ANN401 - a class
    """Return the class, whose attributes are defaults of fields and not what was said of the fields."""
    for name, value in declared.items():
        if isinstance(value, Field):
            if value.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, value.default)
    return cls


class _Fields:
    """The fields of a class, as far as it takes to fill, compare and hash its objects."""

    def __init__(self, declared: Mapping[str, object]) -> None:
        self.declared = declared
        """What the class says of each: nothing, a default, or a ``field()``."""
        said = {name: value for name, value in declared.items() if isinstance(value, Field)}
        self.positional = tuple(name for name in declared if name not in said or said[name].kw_only is not True)
        self.compared: Sequence[str] = [name for name in declared if name not in said or said[name].compare]
        self._defaults = {name: said[name].default if name in said else value for name, value in declared.items()}
        self._factories = {name: each.default_factory for name, each in said.items()}

    def fill(self, target: object, values: Sequence[object], named: Mapping[str, object]) -> bool:
        """Set the fields of a new object; False where these are not the arguments for it."""
        given = dict(zip(self.positional, values, strict=False))
        if len(values) > len(self.positional) or not given.keys().isdisjoint(named):
            return False
        given |= named
        if not given.keys() <= self._defaults.keys():
            return False
        for name, default in self._defaults.items():
            value = given.get(name, default)
            if value is MISSING:
                factory = self._factories.get(name, MISSING)
                if factory is MISSING:
                    return False
                value = cast("Callable[[], object]", factory)()
            object.__setattr__(target, name, value)
        return True

    def values(self, target: object) -> tuple[object, ...]:
        """Return what of an object is compared and hashed."""
        return tuple([getattr(target, name) for name in self.compared])


class _Told:
    """The fields of a class as ``dataclasses`` tells them, found out when somebody asks."""

    def __init__(self, cls: type[Any], fields: _Fields, *, frozen: bool) -> None:
        self._cls = cls
        self._fields = fields
        self._frozen = frozen

    def __get__(self, _target: object, _owner: type[Any]) -> object:
        cls = self._cls
        twin = _dataclass(init=False, repr=False, eq=False, frozen=self._frozen)(_copy(cls, self._fields))
        # Whoever derives a dataclass from this one asks for both, in this order.
        cls.__dataclass_fields__ = twin.__dataclass_fields__
        cls.__dataclass_params__ = twin.__dataclass_params__
        return cls.__dataclass_fields__


def _stand_in(cls: type[Any], name: str, fields: _Fields, *, frozen: bool) -> Callable[..., Any]:
    """Return a method that does what the real one does, and has that one made when it is called often."""
    calls = 0
    has_post_init = _POST_INIT in vars(cls)

    def is_for_the_real_one() -> bool:
        nonlocal calls
        calls += 1
        return calls > CALLS_MAX

    def real(*arguments: object, **named: object) -> object:
        twin = _dataclass(init=name == _INIT, repr=name == _REPR, eq=name in {_EQ, _HASH}, frozen=frozen)(
            _copy(cls, fields)
        )
        for each in (_INIT, _REPR, _EQ, _HASH):
            if each in vars(twin):
                setattr(cls, each, vars(twin)[each])
        return getattr(cls, name)(*arguments, **named)

    def initialise(self: object, *values: object, **named: object) -> None:
        if is_for_the_real_one() or not fields.fill(self, values, named):
            real(self, *values, **named)
        elif has_post_init:
            cast("Any", self).__post_init__()

    def equal(self: object, other: object) -> object:
        if is_for_the_real_one():
            return real(self, other)
        return fields.values(self) == fields.values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> object:
        return real(self) if is_for_the_real_one() else hash(fields.values(self))

    methods: dict[str, Callable[..., Any]] = {_INIT: initialise, _REPR: real, _EQ: equal, _HASH: hashed}
    return methods[name]


def _copy(cls: type[Any], fields: _Fields) -> type[Any]:
    """Return a class that has the same fields, and nothing else that matters here."""
    body: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": "A copy."}
    if _POST_INIT in vars(cls):
        body[_POST_INIT] = vars(cls)[_POST_INIT]
    copy = type(cls.__name__, (), {**body, "__annotations__": vars(cls).get("__annotations__", {})})
    for name, value in fields.declared.items():
        if value is not MISSING:
            # Given to `type`, a field is told its name, and an interrupt in there becomes an error of another kind.
            setattr(copy, name, value)
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
