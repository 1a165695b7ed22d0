"""The stream of an earlier function is taken only where the content is the same: what changes is always seen."""

from __future__ import annotations

import functools
import sys
import types
import warnings
from collections import OrderedDict, deque
from typing import Any

import pytest
from freezes import frozen, kept, round_trip, rules
from hypothesis import given
from hypothesis import strategies as st

from snapagent.serializer import by_value
from snapagent.serializer.by_value import dump_by_value
from snapagent.serializer.freezing import pickler, time_limit
from snapagent.serializer.freezing.freeze import FreezeRules
from snapagent.serializer.freezing.pickler import Freezer
from snapagent.serializer.freezing.prune import Pruner


class General(Pruner):
    """Says that it may leave anything out, so that every function is stored anew."""

    leaves_out = True  # type: ignore[assignment]


def usual() -> Freezer:
    return Freezer(FreezeRules())


def anew(function: Any) -> bytes:
    return dump_by_value(function, General(FreezeRules(), (), {}))


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    by_value._streams.clear()
    monkeypatch.setattr(time_limit, "_CODE_SECONDS", float("inf"))


def is_remembered(function: Any) -> bool:
    """Whether the stream of an earlier function is taken, by storing it with no pickler of dill at hand."""
    stored = []
    original = by_value._dump
    by_value._dump = lambda *args: stored.append(args) or original(*args)  # type: ignore[assignment,func-returns-value]
    try:
        dump_by_value(function, usual())
    finally:
        by_value._dump = original
    return not stored


class Thing:
    def __init__(self, value: Any) -> None:
        self.value = value


class Hooked(Thing):
    asked = 0

    def __reduce__(self) -> Any:
        Hooked.asked += 1
        return Hooked, (self.value,)


class Items(list):  # type: ignore[type-arg]
    pass


def around(value: Any) -> Any:
    def inside(default: Any = value, *, named: Any = value) -> Any:
        """Says more."""
        return value, default, named

    return inside


def sharing(value: Any) -> tuple[Any, Any]:
    def get() -> Any:
        return value

    def put(new: Any) -> None:
        nonlocal value
        value = new

    return get, put


def counting(value: Any) -> Any:
    def down(number: int) -> Any:
        return value if number == 0 else down(number - 1)

    return down


@pytest.fixture(autouse=True)
def without_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may switch to one of them in the middle of a dump, which is noted."""
    monkeypatch.setattr(by_value, "count_other_threads", lambda: 0)


def with_globals(**names: Any) -> Any:
    space = {"__name__": __name__, **names}
    exec("def made(extra=0):\n    return value, extra", space)
    return space["made"]


def with_attribute(value: Any) -> Any:
    made = around(0)
    made.note = value
    return made


def lambdas(value: Any) -> Any:
    return lambda: (value, [value])


def wrapped(value: Any) -> Any:
    return functools.wraps(around(value))(lambda: value)


def method(value: Any) -> Any:
    thing = Thing(value)
    bound = types.MethodType(lambda self: self.value, thing)
    return lambda: bound()


atoms = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.sampled_from([..., len, int])
)
makers = st.sampled_from([around, sharing, counting, with_attribute, lambdas, wrapped, method])
things = st.sampled_from([Thing, Hooked, functools.partial(with_globals), OrderedDict, deque, Items])


def grown(inner: Any) -> Any:
    return (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.builds(lambda make, value: make(value), makers, inner)
        | st.builds(lambda value: [value, value], inner)
        | st.builds(Thing, inner)
        | st.builds(Hooked, inner)
        | st.builds(lambda value: with_globals(value=value), inner)
        | st.builds(lambda value: OrderedDict(a=value), inner)
        | st.builds(lambda value: Items([value]), inner)
        | st.builds(lambda value: deque([value]), inner)
    )


values = st.recursive(atoms, grown, max_leaves=8)


@given(makers, values, values)
def test_streams_are_those_of_the_general_way(make: Any, value: Any, other: Any) -> None:
    held = [value]
    made = make(held)
    for function in made if type(made) is tuple else (made,):
        for each in (value, other, value):
            held[0] = each
            assert dump_by_value(function, usual()) == anew(function)
            assert dump_by_value(function, usual()) == anew(function)  # with what is remembered by now


@given(values)
def test_names_and_notes_are_those_of_the_general_way(value: Any) -> None:
    import threading

    function = around([value, threading.Lock(), sharing(threading.Lock()), counting(threading.Lock())])
    first, second = frozen(function), frozen(function)
    by_value._streams.clear()
    general = General(FreezeRules(), (), {})
    data = general.freeze(function, "result")
    for one in (first, second):
        assert (one.data, one.notes, one.by_value) == (data, tuple(general.notes), tuple(general.by_value))
        assert one.packages == general.packages_seen()


def test_what_a_cell_holds_may_change() -> None:
    get, put = sharing(1)
    assert round_trip(get)() == 1
    put([2])
    assert round_trip(get)() == [2]
    get.__closure__[0].cell_contents.append(3)
    assert round_trip(get)() == [2, 3]
    put(get)
    again = round_trip(get)
    assert again() is again
    del get.__closure__[0].cell_contents
    with pytest.raises(NameError):
        round_trip(get)()


def test_functions_that_share_a_cell_share_it_afterwards() -> None:
    get, put = sharing(1)
    other_get, _ = sharing(1)
    together = (lambda pair: lambda: pair)((get, put))
    apart = (lambda pair: lambda: pair)((other_get, put))
    for pair, expected in ((together, "new"), (apart, 1), (together, "new")):
        one, two = round_trip(pair)()
        two("new")
        assert one() == expected


def test_all_that_belongs_to_a_function_may_change() -> None:
    function, items = around(0), [1]
    changes: list[tuple[str, Any]] = [
        ("__defaults__", (items,)),
        ("__kwdefaults__", {"named": items}),
        ("__name__", "other"),
        ("__qualname__", "test.<locals>.other"),
        ("__doc__", "Says less."),
        ("__annotations__", {"default": int}),
        ("note", items),
    ]
    for name, value in changes:
        assert is_remembered(function) or True
        setattr(function, name, value)
        assert getattr(round_trip(function), name) == value
        assert is_remembered(function)
        items.append(len(items))
        assert not is_remembered(function) or name in ("__name__", "__qualname__")
        assert round_trip(function).__defaults__ == (items,)
    del function.note
    assert not hasattr(round_trip(function), "note")


def test_another_code_is_another_function() -> None:
    def one() -> int:
        return 1

    def two() -> int:
        return 2

    assert (round_trip(one)(), is_remembered(one)) == (1, True)
    one.__code__ = two.__code__
    assert (round_trip(one)(), is_remembered(one)) == (2, True)


def test_an_object_inside_may_change() -> None:
    thing = Thing([1])
    function = lambdas(thing)
    assert (round_trip(function)()[0].value, is_remembered(function)) == ([1], True)
    thing.value.append(2)
    assert round_trip(function)()[0].value == [1, 2]
    thing.__class__ = Hooked
    assert type(round_trip(function)()[0]) is Hooked
    thing.extra = 1  # type: ignore[attr-defined]
    thing.__class__ = Thing
    assert round_trip(function)()[0].extra == 1


def test_globals_of_its_own_may_change() -> None:
    function = with_globals(value=[1])
    assert (round_trip(function)(), is_remembered(function)) == (([1], 0), True)
    function.__globals__["value"].append(2)
    assert round_trip(function)() == ([1, 2], 0)
    function.__globals__["more"] = 1
    assert not is_remembered(function)


def test_a_function_that_a_module_gets_or_loses_changes_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = around(1)
    outside = lambdas(inside)
    by_its_value = dump_by_value(outside, usual())
    monkeypatch.setattr(sys.modules[__name__], "held_for_a_while", inside, raising=False)
    assert b"held_for_a_while" in dump_by_value(outside, usual())
    monkeypatch.undo()
    assert dump_by_value(outside, usual()) == by_its_value


def test_a_function_that_a_module_holds_under_its_dotted_name_is_stored_by_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside = around(1)
    monkeypatch.setitem(globals(), inside.__qualname__, inside)
    outside = lambdas([inside])
    assert dump_by_value(outside, usual()) == anew(outside)
    assert round_trip(outside)()[0][0]() == (1, 1, 1)


def test_the_hooks_of_the_program_run_once_in_each_capture() -> None:
    function = lambdas(Hooked(1))
    Hooked.asked = 0
    for number in (1, 2, 3):
        frozen(function)
        assert Hooked.asked == number
    assert is_remembered(function)


class Changing:
    """Its hook changes what was stored before it."""

    def __init__(self, log: list[int]) -> None:
        self.log = log

    def __reduce__(self) -> Any:
        self.log.append(len(self.log))
        return Changing, ([],)


def test_a_content_that_changes_meanwhile_is_not_remembered() -> None:
    log: list[int] = []
    function = lambdas([log, Changing(log)])
    dump_by_value(function, usual())
    assert not by_value._streams


class Endless(list):  # type: ignore[type-arg]
    def __reduce_ex__(self, protocol: Any) -> Any:
        return Endless, (), None, iter(range(3))


def test_items_of_the_program_are_taken_from_their_iterator_once() -> None:
    function = lambdas(Endless())
    assert [round_trip(function)()[0] for _ in range(2)] == [[0, 1, 2]] * 2


def test_a_namespace_in_a_closure_goes_by_name() -> None:
    import shutil

    function = lambdas([vars(shutil)])
    assert (round_trip(function)()[0][0] is vars(shutil), is_remembered(function)) == (True, True)
    assert dump_by_value(function, usual()) == anew(function)


def test_a_function_whose_default_leads_back_to_it_is_left_out_without_a_warning() -> None:
    thing = Thing(None)

    def inside(default: Any = thing) -> Any:
        return default

    thing.value = inside
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        results = [frozen(inside), frozen(inside), frozen([inside, 1], rules(exclude=("result[1]",)))]
    assert not told
    for result in results:
        assert [note.reason for note in result.notes if note.type == "function"] == ["it refers to itself"]


def test_a_function_that_leads_back_to_itself_is_not_walked_again_nor_kept_alive() -> None:
    import gc
    import weakref

    hooked, thing = Hooked(1), Thing(None)

    def inside(first: Any = hooked, second: Any = thing) -> Any:
        return first, second

    thing.value = inside
    Hooked.asked = 0
    for _ in range(3):
        assert [note.reason for note in frozen(inside).notes] == ["it refers to itself"]
    assert Hooked.asked == 1
    watched = weakref.ref(inside)
    del inside, thing.value
    gc.collect()
    assert watched() is None


def test_a_function_that_held_one_that_leads_back_to_itself_is_stored_once_it_does_not() -> None:
    def inside(default: Any = None) -> Any:
        return default

    inside.__defaults__ = (inside,)
    held = [inside]
    function = lambdas(held)
    assert [note.reason for note in frozen(function).notes] == ["it refers to itself"]
    held[0] = 1  # type: ignore[call-overload]
    assert round_trip(function)()[0] == [1]


def test_a_class_is_not_hashed_before_dill_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Meta(type):
        def __hash__(cls) -> int:
            raise AssertionError("hashed")

    class Local(metaclass=Meta):
        pass

    def inside(default: Any = None) -> Any:
        return default

    inside.__defaults__ = (inside,)
    frozen(inside)  # so that there is a function to compare with
    monkeypatch.setattr(pickler, "dump_by_value", lambda code, leaves: b"stored")
    assert usual().code_of(Local) == b"stored"


def test_a_cell_or_a_default_of_a_function_inside_may_lead_back() -> None:
    def outside(make: Any = None) -> Any:
        return make

    def inside(default: int = 3) -> Any:
        return outside, default

    outside.__defaults__ = (inside,)
    again = kept(outside)
    assert again()()[0] is again
    assert kept(outside)()()[1] == 3
    assert dump_by_value(outside, usual()) == anew(outside)


def test_classes_are_stored_anew() -> None:
    class Local:
        number = 1

    function = lambdas(Local)
    assert round_trip(function)()[0].number == 1
    Local.number = 2
    assert round_trip(function)()[0].number == 2


def test_no_object_is_kept_alive() -> None:
    import gc
    import weakref

    thing = Thing([1])
    watched = weakref.ref(thing)
    frozen(lambdas(thing))
    frozen(lambdas(thing))
    del thing
    gc.collect()
    assert watched() is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from snapagent.serializer import repeated_code

    monkeypatch.setattr(repeated_code, "_MOST_BYTES", 50_000)
    for number in range(300):
        dump_by_value(lambdas("x" * number), usual())
        sizes = [len(content) + len(stream) for content, stream in by_value._streams.items()]
        assert sum(sizes) == by_value._streams._bytes <= 50_000
    dump_by_value(lambdas("x" * 60_000), usual())
    assert sum(map(len, by_value._streams)) < 50_000
