"""Objects are frozen and loaded by their own `__dict__` and slots: no hook of theirs runs too early, or for nothing.

C3, C15 and A10 of the list of faults that real programs showed.
"""

from __future__ import annotations

import collections
import pickle
import sys
import threading
from typing import Any

import pytest
import requests
from freezes import frozen, kept, notes_by_path, rules
from recording import instrumented
from sealing_support import sealed

from snapagent.placeholder import Placeholder
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw


class Reference:
    """As pypdf's IndirectObject: what it does not know it asks the object that it refers to."""

    def __init__(self, target: object) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


def test_an_object_that_delegates_is_loaded_without_being_asked() -> None:
    loaded = kept([Reference("text")])[0]

    assert type(loaded) is Reference and loaded.target == "text" and loaded.upper() == "TEXT"


class Answering:
    """It has an answer to every question, `__setstate__` too."""

    def __init__(self) -> None:
        self.name = "one"

    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def test_an_object_that_answers_every_question_gets_its_state() -> None:
    assert vars(kept(Answering())) == {"name": "one"}


class SlottedReference:
    __slots__ = ("asked", "target")
    names: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        SlottedReference.names.append(name)
        return getattr(self.target, name)


def test_empty_slots_are_not_looked_for_elsewhere() -> None:
    """`self` before its `__init__` has run."""
    half_made = SlottedReference()
    SlottedReference.names.clear()

    loaded = kept(half_made)

    assert SlottedReference.names == []
    loaded.target = "text"
    assert loaded.upper() == "TEXT"


def test_filled_slots_come_back() -> None:
    reference = SlottedReference()
    reference.target = "text"

    assert kept(reference).upper() == "TEXT"


class Unchangeable:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("it cannot be changed")


def test_slots_are_set_past_a_setter_of_the_class() -> None:
    assert kept(Unchangeable("one")).name == "one"


class Reducing:
    """Its pickle hook needs the attributes that `__init__` sets."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __reduce__(self) -> Any:
        return Reducing, (self.size,)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_self_before_its_init_can_be_initialized_after_loading() -> None:
    half_made = object.__new__(Reducing)

    loaded = kept([half_made])[0]
    loaded.__init__(3)

    assert kept(loaded).size == 3


class Decorating:
    """As SQLAlchemy's TypeDecorator: `__getattr__` remembers what the class has where `__init__` has not run."""

    impl: Any = "of the class"

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self.impl = "of the object"

    def __reduce__(self) -> Any:
        return Decorating, (self.protocol,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.remembered = self.impl
        return 0


def test_no_hook_runs_on_self_before_its_init_where_it_would_ask_for_what_is_not_there() -> None:
    half_made = object.__new__(Decorating)

    loaded = kept([half_made])[0]

    assert vars(half_made) == vars(loaded) == {}
    half_made.__init__(5)
    assert vars(kept(half_made)) == {"protocol": 5, "impl": "of the object"}


class Client(requests.Session):
    """Its base is a type that is left out."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base


def test_self_of_a_type_that_is_left_out_is_kept_before_its_init() -> None:
    client = kept([Client.__new__(Client)])[0]
    client.__init__("http://shop.test")

    assert client.base == "http://shop.test"
    assert type(thaw(frozen(client).data)) is Placeholder


class classproperty:
    """Without a function it makes something else."""

    def __new__(cls, function: Any = None) -> Any:
        return object.__new__(cls) if function is not None else (lambda function: cls(function))

    def __init__(self, function: Any) -> None:
        self.function = function


def test_an_object_whose_class_makes_something_else_without_arguments_is_kept() -> None:
    loaded = kept([classproperty(len)])[0]

    assert type(loaded) is classproperty and loaded.function is len


class Team:
    """In a cycle through a set, with a hash that needs its state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rivals: set[Team] = set()
        self.points: dict[Team, int] = {}

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Team) and other.name == self.name


def test_sets_and_keys_in_a_cycle_are_filled_when_their_members_are_there() -> None:
    one, other = Team("one"), Team("other")
    one.rivals |= {other, one}
    other.rivals.add(one)
    one.points = {other: 3, one: 2, Team("third"): 1}

    loaded = kept(one)

    assert {team.name for team in loaded.rivals} == {"one", "other"}
    assert loaded in loaded.rivals and Team("other") in loaded.rivals
    assert [(team.name, points) for team, points in loaded.points.items()] == [("other", 3), ("one", 2), ("third", 1)]
    assert loaded.points[loaded] == 2 and loaded.points[Team("third")] == 1


class Promise:
    """It forgets how to make its value once it has made it."""

    def __init__(self, make: Any) -> None:
        object.__setattr__(self, "make", make)

    def now(self) -> Any:
        made = object.__getattribute__(self, "make")()
        object.__delattr__(self, "make")
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now(), name)

    def __reduce__(self) -> Any:
        return self.now().__reduce__()


class ClassPromise(Promise):
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return self.now().__class__


class SlottedPromise:
    __slots__ = ("_made", "_make")

    def __init__(self, make: Any) -> None:
        self._make = make

    def _evaluated(self) -> Any:
        make = self._make
        del self._make
        self._made = make()
        return self._made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._evaluated(), name)

    def __reduce__(self) -> Any:
        return dict, (self._evaluated(),)

    def now(self) -> Any:
        return self._evaluated()


class EveryPromise:
    """It answers every attribute for its value."""

    def __init__(self, make: Any) -> None:
        object.__setattr__(self, "make", make)

    def now(self) -> Any:
        return Promise.now(self)  # type: ignore[arg-type]

    def __getattribute__(self, name: str) -> Any:
        return getattr(EveryPromise.now(self), name)


@pytest.mark.parametrize("kind", [Promise, ClassPromise, SlottedPromise, EveryPromise])
def test_a_lazy_proxy_of_a_class_that_has_no_name_is_not_forced(kind: Any) -> None:
    """Its class is stored by value, or costs the object."""
    promise = type("Nameless", (kind,), {"__slots__": ()})(dict)

    frozen([promise, promise])

    assert kind.now(promise) == {}, "it can still be evaluated"


@pytest.mark.parametrize("kind", [Promise, ClassPromise, SlottedPromise])
def test_a_lazy_proxy_is_not_forced(kind: Any) -> None:
    promise = kind(dict)

    data = frozen([promise, promise]).data
    one, again = thaw(data)

    assert promise.now() == {}, "it can still be evaluated"
    assert type(one) is kind and one is again and one.now() == {}
    assert encode(decode(data))


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
@pytest.mark.parametrize("kind", [Promise, ClassPromise, SlottedPromise])
def test_a_lazy_proxy_whose_own_methods_are_captured_is_not_forced(kind: Any, mode: str) -> None:
    nothing_cached = rules(exclude_types=(f"of.{mode}",))
    with instrumented(sys.modules[__name__], f"{__name__}:{kind.__name__}.**", mode=mode):
        promise = kind(dict)

        frozen([promise, promise], nothing_cached)

        assert promise.now() == {}, "it can still be evaluated"


def test_a_lazy_proxy_among_arguments_has_a_place_in_header_and_hash() -> None:
    def label(promise: object) -> str: ...  # type: ignore[empty-body]

    stored = sealed(label, Promise(dict), result="kept")

    assert stored.header.hash.startswith("h2:")
    assert stored.header.previews["promise"].startswith("Promise(make=")


def test_an_excluded_type_is_left_out_whatever_form_it_has() -> None:
    result = frozen([Promise(dict)], rules(exclude_types=("test_loading_without_hooks.Promise",)))

    assert notes_by_path(result)["result[0]"].kind == "excluded"
    assert type(thaw(result.data)[0]) is Placeholder


class StatePromise(Promise):
    """It answers and gives its state by one method, which evaluates it."""

    def __getattr__(self, name: str) -> Any:
        return self.evaluated()[name]

    def __getstate__(self) -> Any:
        return self.evaluated()

    def evaluated(self) -> Any:
        return self.now()

    __reduce__ = object.__reduce__


def test_a_proxy_that_is_evaluated_for_its_state_is_not_forced() -> None:
    promise = StatePromise(dict)

    (loaded,) = kept([promise])

    assert promise.now() == {} and loaded.now() == {}


LOCK = threading.Lock()


class Guarded:
    def __init__(self) -> None:
        self.number = 1
        self.lock = threading.Lock()

    def __getstate__(self) -> Any:
        with self.lock:
            return {"number": self.number}

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("its own attributes were stored")


class GuardedByMethod(Guarded):
    def __getstate__(self) -> Any:
        return self.snapshot()

    def snapshot(self) -> Any:
        self.lock.acquire()
        self.lock.release()
        return {"number": self.number}


class GuardedByModule(Guarded):
    def __reduce__(self) -> Any:
        with LOCK:
            return GuardedByModule, ()


@pytest.mark.parametrize("kind", [Guarded, GuardedByMethod, GuardedByModule])
def test_a_lock_that_the_caller_holds_is_not_waited_for(kind: Any) -> None:
    service = kind()

    with service.lock, LOCK:
        loaded = thaw(frozen(service).data)

    assert type(loaded) is kind and loaded.number == 1 and not loaded.lock.locked()


class GuardedList(list[Any]):
    def __iter__(self) -> Any:
        with LOCK:
            return iter(list(list.__iter__(self)))


class GuardedDict(dict[Any, Any]):
    def items(self) -> Any:
        with LOCK:
            return dict.items(self)


class GuardedSet(set[Any]):
    def __iter__(self) -> Any:
        with LOCK:
            return set.__iter__(self)


class GuardedState(dict[Any, Any]):
    def __init__(self, items: Any) -> None:
        super().__init__(items)
        self.number = 1

    def __reduce__(self) -> Any:
        with LOCK:
            return GuardedState, (dict(self),)

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("its own attributes were stored")


def test_a_container_with_hooks_that_wait_is_read_past_them() -> None:
    with LOCK:
        loaded = kept(GuardedState({"a": 1}))

    assert type(loaded) is GuardedState and loaded == {"a": 1} and loaded.number == 1


@pytest.mark.parametrize("value", [GuardedList("ab"), GuardedDict(a=1), GuardedSet("a")])
def test_a_container_does_not_wait_for_a_lock_that_the_caller_holds(value: Any) -> None:
    expected = pickle.dumps(value, 5)

    with LOCK:
        data = frozen(value).data

    assert data == expected and thaw(data) == value


class LazyList(list[Any]):
    def __init__(self, make: Any) -> None:
        self.make = make

    def filled(self) -> Any:
        if self.make is not None:
            make, self.make = self.make, None
            self.extend(make())
        return self

    def __iter__(self) -> Any:
        return list.__iter__(self.filled())


class LazySet(set[Any]):
    def __init__(self, make: Any) -> None:
        self.make = make

    def __iter__(self) -> Any:
        self.update(self.make())
        return set.__iter__(self)


class LazyDict(dict[str, Any]):
    __slots__ = ("make",)

    def __init__(self, make: Any) -> None:
        self.make = make

    def items(self) -> Any:
        self.update(self.make())
        return dict.items(self)


class LazyOrderedDict(collections.OrderedDict[str, Any]):
    def items(self) -> Any:
        self["filled"] = 1
        return super().items()


class LazyDefaultDict(collections.defaultdict[str, Any]):
    def items(self) -> Any:
        self["filled"] = 1
        return super().items()


class LazyDeque(collections.deque[Any]):
    def __iter__(self) -> Any:
        self.append("filled")
        return super().__iter__()


def _attributed(value: Any) -> Any:
    value.name = "lazy"
    return value


@pytest.mark.parametrize(
    ("lazy", "size"),
    [
        (LazyOrderedDict(), dict.__len__),
        (_attributed(LazyOrderedDict()), dict.__len__),
        (LazyDefaultDict(), dict.__len__),
        (LazyDefaultDict(list), dict.__len__),
        (LazyDeque(), collections.deque.__len__),
        (_attributed(LazyDeque((), 4)), collections.deque.__len__),
    ],
)
def test_a_container_of_collections_that_fills_itself_is_not_filled(lazy: Any, size: Any) -> None:
    (loaded,) = kept([lazy])

    assert size(lazy) == size(loaded) == 0 and type(loaded) is type(lazy)
    assert vars(loaded) == vars(lazy)
    for name in ("default_factory", "maxlen"):
        assert getattr(loaded, name, None) == getattr(lazy, name, None)


class CountedOrderedDict(collections.OrderedDict[str, Any]):
    def items(self) -> Any:
        return super().items()


class CountedDeque(collections.deque[Any]):
    def __iter__(self) -> Any:
        return super().__iter__()


@pytest.mark.parametrize(
    "value",
    [
        CountedOrderedDict(),
        CountedOrderedDict(a=1),
        _attributed(CountedOrderedDict()),
        CountedDeque(),
        CountedDeque([1], 3),
        CountedDeque((), 3),
        _attributed(CountedDeque()),
    ],
)
def test_a_container_of_collections_is_stored_as_pickle_stores_it(value: Any) -> None:
    assert frozen(value).data == pickle.dumps(value, 5)


@pytest.mark.parametrize("kind", [LazyList, LazySet, LazyDict])
def test_a_container_that_fills_itself_is_not_filled(kind: Any) -> None:
    lazy = kind(dict)

    (loaded,) = kept([lazy])

    assert type(loaded) is kind and kind.__base__.__len__(loaded) == 0 and loaded.make is dict
    assert lazy.make is dict


def test_a_container_that_has_filled_itself_is_kept() -> None:
    lazy = LazyList(lambda: [1, 2])
    assert len(list(lazy)) == 2

    loaded = kept(lazy)

    assert list.__len__(loaded) == 2 and loaded.make is None


def test_an_empty_container_with_nothing_to_come_has_its_usual_form() -> None:
    empty = LazyList(None)

    assert frozen(empty).data == pickle.dumps(empty, 5)


class Dispatch:
    """As SQLAlchemy's: it has `__getattr__` and `__reduce__`, and stands for nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made_by_reduce = False

    def __getattr__(self, name: str) -> Any:
        if name in self.listeners:
            return self.listeners[name]
        raise AttributeError(name)

    def __reduce__(self) -> Any:
        return make_dispatch, (self.name,)


def make_dispatch(name: str) -> Dispatch:
    made = Dispatch(name)
    made.made_by_reduce = True
    return made


def test_the_pickle_hook_of_a_class_that_stands_for_nothing_else_runs() -> None:
    assert kept(Dispatch("one")).made_by_reduce
