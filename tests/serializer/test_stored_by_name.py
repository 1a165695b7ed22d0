"""What a module or class holds under a name is stored by that name: cheaply, for every Python, as the very same object.

C4, C5, C10 and A4 of the list of faults that real programs showed.
"""

from __future__ import annotations

import enum
import functools
import json
import sys
import textwrap
import types
import xml.dom.minidom
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import held
import pytest
from freezes import frozen, kept
from sealing_support import sealed

from snapagent.placeholder import Placeholder
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw

ORDER = vars(held.Order)
NAMED: dict[str, Any] = {
    "a closure of a module": held.add_three,
    "a decorated function": held.double,
    "the function behind a decorator": held.double.__wrapped__,  # type: ignore[attr-defined]
    "the function behind two decorators": held.triple.__wrapped__.__wrapped__,  # type: ignore[attr-defined]
    "the function behind a cache": held.cached.__wrapped__,
    "a lambda of a class": held.Order.by_size,
    "a getter": ORDER["total"].fget,
    "a setter": ORDER["total"].fset,
    "a decorated class method": ORDER["empty"].__func__,
    "the function of a class method": ORDER["empty"].__func__.__wrapped__,
    "a decorated static method": held.Order.unit,
    "the function of a static method": held.Order.unit.__wrapped__,  # type: ignore[attr-defined]
    "the function of a cached property": ORDER["label"].func,
    "a private method": ORDER["_Order__hidden"],
    "a decorated method of a nested class": held.Order.Line.price,
    "a class under another name": held.Pair,
    "a module": json,
    "a module of a package": xml.dom.minidom,
    "a singleton": held.FLATE,
    "a singleton with slots": held.SLOTTED,
    "a text of a type of its own": held.NAME,
    "a sentinel": held.MISSING,
    "a sentinel of a nameless class": held.NAMELESS,
    "a singleton of a class": held.Level.HIGH,
}


@pytest.mark.parametrize("value", NAMED.values(), ids=NAMED)
def test_the_very_same_object_comes_back(value: Any) -> None:
    result = frozen([value, {"again": value}])
    one, again = thaw(result.data)

    assert result.by_value == () and result.notes == ()
    assert one is value and again["again"] is value


@pytest.mark.parametrize("value", NAMED.values(), ids=NAMED)
def test_its_stream_is_read_and_written_without_loading_it(value: Any) -> None:
    data = frozen([value, value]).data

    one, again = thaw(encode(decode(data)))

    assert one is value and again is value


def test_instances_of_a_class_under_another_name_come_back() -> None:
    loaded = kept([held.Pair(1, 2)])[0]

    assert type(loaded) is held.Pair and loaded == (1, 2)


def test_a_bound_method_whose_function_has_a_name_that_is_no_attribute_is_kept() -> None:
    """As werkzeug's Rule has it."""
    order = held.Order(4)
    function = types.FunctionType((lambda self, x: (self.size, x)).__code__, {"__name__": "held"}, "<builder:'/info'>")
    order.build = types.MethodType(function, order)  # type: ignore[attr-defined]

    loaded = kept(order)

    assert loaded.build(5) == (4, 5) and loaded.build.__self__ is loaded


def test_a_bound_private_method_is_kept() -> None:
    assert kept(held.Order(4).bound_to_hidden())() == "hidden 4"


def test_a_bound_method_that_is_an_attribute_keeps_its_form() -> None:
    assert b"bind_method" not in frozen(REGISTERED.append).data
    assert b"bind_method" not in frozen(held.Order(1).bound_to_hidden).data


REGISTERED: list[int] = []


def test_a_singleton_that_has_changed_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    data = frozen([held.FLATE, held.SLOTTED]).data
    monkeypatch.setattr(held.FLATE, "name", "other")
    monkeypatch.setattr(held.SLOTTED, "name", "other")

    flate, slotted = thaw(data)

    assert (flate.name, slotted.name) == ("flate", "one")
    assert flate is not held.FLATE and slotted is not held.SLOTTED


def test_a_singleton_that_is_gone_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    data = frozen([held.NAME, held.FLATE]).data
    monkeypatch.delattr(held, "NAME")
    monkeypatch.delattr(held, "FLATE")

    name, flate = thaw(data)

    assert type(name) is held.Name and name == "/FlateDecode" and flate.name == "flate"


def test_an_object_of_a_nameless_class_with_attributes_is_stored_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held.NAMELESS, "size", 3, raising=False)
    loaded = thaw(frozen(held.NAMELESS).data)
    assert loaded is not held.NAMELESS and loaded.size == 3
    monkeypatch.undo()
    assert thaw(frozen(type(held.NAMELESS)()).data) is not held.NAMELESS
    assert thaw(frozen(held.NAMELESS).data) is held.NAMELESS


def test_a_module_level_object_that_can_change_in_place_is_stored_with_its_state() -> None:
    held.REGISTRY.rows.append(1)
    data = frozen(held.REGISTRY).data
    held.REGISTRY.rows.clear()

    loaded = thaw(data)

    assert loaded is not held.REGISTRY and loaded.rows == [1]


def test_another_object_of_a_singletons_class_is_stored_by_its_state() -> None:
    assert kept(held.Filter("lzw")).name == "lzw"


def test_a_module_that_cannot_be_imported_is_left_out() -> None:
    assert type(thaw(frozen(types.ModuleType("made_by_hand")).data)) is Placeholder


def test_a_name_that_has_been_given_to_another_value_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    function = held.add_three
    assert thaw(frozen(function).data) is function
    monkeypatch.setattr(held, "add_three", held.adder(4))

    assert thaw(frozen(function).data)(1) == 4


def hash_of(function: Any, value: object) -> str:
    return sealed(function, value).header.hash


def echo(value: object, other: object = None) -> object:
    return value


@pytest.mark.parametrize(
    "value", [held.double.__wrapped__, held.add_three, json, held.Pair], ids=["function", "closure", "module", "class"]
)
def test_a_call_with_a_value_by_name_has_a_hash_of_the_second_version(value: Any) -> None:
    assert hash_of(echo, value).startswith("h2:")


@pytest.mark.parametrize("value", [held.FLATE, held.SLOTTED, held.NAME, held.MISSING, held.Filter("flate")])
def test_a_call_with_a_singleton_keeps_its_hash(value: Any) -> None:
    assert hash_of(echo, value).startswith("h1:")


def test_a_singleton_has_the_hash_of_an_object_with_its_state() -> None:
    assert hash_of(echo, held.FLATE) == hash_of(echo, held.Filter("flate"))
    assert hash_of(echo, held.SLOTTED) == hash_of(echo, held.Slotted("one"))
    assert hash_of(echo, held.NAME) == hash_of(echo, held.Name("/FlateDecode"))


def test_a_function_under_a_secret_name_is_still_found() -> None:
    def handle(password: object) -> None: ...

    assert sealed(handle, held.double).args == (held.double,)


def test_different_modules_have_different_hashes() -> None:
    assert hash_of(echo, json) != hash_of(echo, sys)


# -- closures that no module holds -------------------------------------------------------------------------------------


@pytest.fixture
def views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with a large registry, and a decorator that does not use it."""
    (tmp_path / "index_of_views.py").write_text("def page(request): return request\n")
    source = """
        import functools
        class Unit:
            def __init__(self, i): self.i = i; self.f = lambda: i
        REG = {i: Unit(i) for i in range(3000)}
        def decorate(function):
            @functools.wraps(function)
            def view(request): return function(request)
            return view
    """
    (tmp_path / "views_with_registry.py").write_text(textwrap.dedent(source))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__("views_with_registry")
    for name in ("views_with_registry", "index_of_views"):
        sys.modules.pop(name, None)


def test_a_closure_does_not_drag_the_globals_of_its_module_along(views: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = __import__("index_of_views").page
    view = views.decorate(page)

    met: list[object] = []
    monkeypatch.setattr(views.Unit, "__reduce__", lambda self: met.append(self))

    result = frozen(view)

    assert len(result.data) < 2000 and b"REG" not in result.data and met == []
    loaded = thaw(result.data)
    assert loaded(5) == 5
    assert loaded.__globals__ is vars(views)
    assert (loaded.__module__, loaded.__wrapped__) == ("index_of_views", page)


def test_a_module_that_was_replaced_is_not_entered_by_value(views: Any) -> None:
    view = views.decorate(__import__("index_of_views").page)
    del sys.modules["views_with_registry"]

    result = frozen(view)

    assert type(thaw(result.data)) is Placeholder and b"REG" not in result.data


def test_recursive_closures_whose_module_is_another_one_are_kept(views: Any) -> None:
    def count(n: int) -> int:
        return n and 1 + again(n - 1)

    again = functools.wraps(held.double)(count)

    assert thaw(frozen([count, again]).data)[0](3) == 3


@pytest.mark.parametrize("base", [object, enum.Enum, dict], ids=["plain", "enum", "dict"])
def test_a_class_first_met_before_its_module_holds_it_goes_by_name_later(
    base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decorator that registers a class, and calls captured functions with it, runs before the name is bound."""
    body = f"class Late(__base):\n    {'A = 1' if base is enum.Enum else 'pass'}\n    def name(self): return 3\n"
    names = {"__base": base, "__name__": held.__name__}
    exec(body, names)
    late: Any = names["Late"]
    value = late(1) if base is enum.Enum else late()
    first = frozen(value)

    monkeypatch.setattr(held, "Late", late, raising=False)
    later, method = frozen(value), frozen(value.name)

    assert f"{held.__name__}.Late" in first.by_value
    assert later.by_value == ()
    assert type(thaw(later.data)) is late
    assert method.notes == ()
    assert thaw(method.data)() == 3


def test_builtin_functions_go_by_name_unless_the_program_says_how_they_are_pickled() -> None:
    import copyreg
    import math
    import operator

    functions = [
        value
        for module in (__import__("builtins"), math, operator)
        for value in vars(module).values()
        if type(value) is types.BuiltinFunctionType and value.__self__ is sys.modules.get(value.__module__)
    ]
    assert len(functions) > 80
    assert all(one is other for one, other in zip(kept(functions), functions, strict=True))
    copyreg.pickle(types.BuiltinFunctionType, lambda function: (str, (function.__name__,)))  # type: ignore[arg-type]
    try:
        assert kept([len, operator.add]) == ["len", "add"]
    finally:
        del copyreg.dispatch_table[types.BuiltinFunctionType]
