"""Dataclasses whose methods are made late, beside those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import btql
from btql.cli import late_methods
from btql.cli.late_methods import dataclass

Decorator = Callable[..., Any]
OPTIONS: list[dict[str, Any]] = [{}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True}]


def declared(decorator: Decorator, options: dict[str, Any]) -> Any:
    @decorator(**options)
    class Node:
        """A node."""

        __module__ = "btql"
        name: str
        size: int = 3
        children: list[int] = dataclasses.field(default_factory=list)
        place: int = dataclasses.field(kw_only=True, compare=False, repr=False, default=0)

        def doubled(self) -> int:
            return 2 * self.size

    return Node


def told(work: Callable[[], object]) -> object:
    """Return what comes of something: its value, or its error."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error), str(error)


@pytest.fixture(params=[0, 1, 1_000], ids=["real at once", "real the second time", "not real"])
def _calls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_methods, "CALLS_MAX", request.param)


@pytest.fixture(params=OPTIONS, ids=str)
def both(request: pytest.FixtureRequest, _calls: None) -> tuple[Any, Any]:
    return declared(dataclasses.dataclass, request.param), declared(dataclass, request.param)


USES: list[Callable[[Any], object]] = [
    lambda node: repr(node("a")),
    lambda node: node("a", place=1) == node("a", place=2),
    lambda node: node("a") == node("b"),
    lambda node: node("a") != ("a", 3, []),
    lambda node: node(),
    lambda node: node("a", 1, [], 4),
    lambda node: node(name="a", other=1),
    lambda node: repr(node(size=2, name="a")),
    lambda node: node("a", name="b"),
    lambda node: node("a", 1, [], place=4).place,
    lambda node: node("a", float("nan")) == node("a", float("nan")),
    lambda node: node("a").children is node("a").children,
    lambda node: type(node.size),
    lambda node: type(getattr(node, "children", None)),
    dataclasses.is_dataclass,
    lambda node: dataclasses.fields(node("a")) == dataclasses.fields(node),
    lambda node: hash(node("a")),
    lambda node: hash(node("a", 1, ())) == hash(node("a", 1, (), place=9)),
    lambda node: setattr(node("a"), "size", 1),
    lambda node: delattr(node("a"), "size"),
    lambda node: dataclasses.replace(node("a"), size=5).size,
    lambda node: dataclasses.asdict(node("a", children=[1])),
    lambda node: [(field.name, field.type, field.compare, field.kw_only) for field in dataclasses.fields(node)],
    lambda node: copy.copy(node("a", 8)).size,
    lambda node: copy.deepcopy(node("a", 8, [9])).children,
    lambda node: node("a").__reduce_ex__(2)[2],
    lambda node: node.__match_args__,
    lambda node: node("a").doubled(),
    lambda node: node.__doc__,
    lambda node: hasattr(node("a"), "__dict__"),
]


@pytest.mark.parametrize("use", USES)
def test_it_does_what_the_other_does(both: tuple[Any, Any], use: Callable[[Any], object]):
    known, late = both
    expected = told(lambda: use(known))

    assert told(lambda: use(late)) == expected
    assert told(lambda: use(late)) == expected, "now that its methods are made"


@pytest.mark.parametrize("options", OPTIONS)
def test_methods_are_made_once_they_were_called_often(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(late_methods, "CALLS_MAX", 2)
    node = declared(dataclass, options)
    before = {name: vars(node)[name] for name in ("__init__", "__repr__", "__eq__")}
    one, two = node("a"), node("a")

    assert vars(node)["__init__"] is before["__init__"]
    assert node("a") == one == two
    assert vars(node)["__init__"] is not before["__init__"]
    assert (vars(node)["__repr__"], vars(node)["__eq__"]) == (before["__repr__"], before["__eq__"])
    assert one == two
    assert vars(node)["__eq__"] is not before["__eq__"]


@pytest.mark.parametrize("options", OPTIONS)
def test_what_it_does_not_understand_is_made_as_ever(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    # Annotations are looked up in the module of the class.
    monkeypatch.setattr(btql, "ClassVar", ClassVar, raising=False)

    @dataclass(**options)
    class Counted:
        """A node that counts."""

        __module__ = "btql"
        made: ClassVar[int] = 0
        name: str = "a"

    @dataclass(**options)
    class Undocumented:
        __module__ = "btql"
        name: str = "a"

    @dataclass(**options)
    class Derived:
        """A node with a field that nobody gives."""

        __module__ = "btql"
        name: str
        length: int = dataclasses.field(init=False, default=7)

    assert [field.name for field in dataclasses.fields(Counted)] == ["name"]
    assert (Counted(), Counted.made) == (Counted("a"), 0)
    assert Undocumented.__doc__ == "Undocumented(name: 'str' = 'a')"
    assert (Derived("a").length, Derived("a") == Derived("a"), Derived("a") == Derived("b")) == (7, True, False)
    with pytest.raises(TypeError, match="length"):
        Derived("a", length=8)


def test_a_class_derived_from_one_and_one_with_methods_of_its_own():
    base = declared(dataclass, {"frozen": True})

    @dataclass(frozen=True)
    class More(base):
        __module__ = "btql"
        more: int = 1

    @dataclass(frozen=True)
    class Own:
        __module__ = "btql"
        value: int

        def __repr__(self) -> str:
            return "own"

    assert More("a", more=2) == More("a", more=2) != More("a")
    assert repr(Own(1)) == "own"


@pytest.mark.usefixtures("_calls")
@pytest.mark.parametrize("options", OPTIONS)
def test_what_a_class_does_with_its_fields_is_done(options: dict[str, Any]):
    @dataclass(**options)
    class _Checked:
        __module__ = "btql"
        value: int
        seen: list[int] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            assert self.value
            self.seen.append(self.value)

    assert [_Checked(value).seen for value in (1, 2, 3)] == [[1], [2], [3]]
    with pytest.raises(AssertionError):
        _Checked(0)
    assert dataclasses.replace(_Checked(4), value=5).seen == [4, 5]


def test_a_query_asks_for_them(tmp_path):
    """The methods of classes are real only where they were called often, whether they were called at all or not."""
    program = """
import os, sys
from btql.cli import main

def ended(code):
    from btql_grammar import tree
    late = [name for name in ("Query", "Pivot") if vars(tree)[name].__init__.__name__ == "initialise"]
    print(late, code)

os._exit = ended
sys.argv[1:] = ["query", "db", "SELECT 1 AS n", "-f", "csv"]
main()
"""
    with btql.connect(tmp_path / "db"):
        pass
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout.splitlines() == ["n", "1", "['Query', 'Pivot'] 0"]


def test_an_interrupt_stays_one(monkeypatch):
    """Python makes another error of what comes while a class is told its fields, so it is not told them."""
    node = declared(dataclass, {"frozen": True, "slots": True})

    def interrupted(_self: object, _owner: object, _name: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dataclasses.Field, "__set_name__", interrupted)
    assert node("a").size == 3
