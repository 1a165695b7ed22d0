"""The inert stand-ins that graphs of pickle streams are made of: what a stream calls or makes, as it describes it.

Each global of a stream becomes a *stand-in class*, made once per name. An unpickler then "calls" it or makes
"instances" of it, and that only records arguments, state and items.
"""

from __future__ import annotations

from _thread import _local
from collections.abc import Iterable

from ...placeholder import FINDS_MODEL, GO_BY_NAME, PARAMETRIZED, REBUILDS, SETS_ATTRIBUTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAKES_FUNCTION = "dill._dill:_create_function"  # (code, globals, name, defaults, closure, ...)

SETTERS = frozenset({"builtins:setattr", SETS_ATTRIBUTES, f"{REBUILDS}:set_query", f"{REBUILDS}:set_rule"})

_MAKES_CLASSES = frozenset(
    {
        "builtins:type",
        "cloudpickle.cloudpickle:_builtin_type",
        "cloudpickle.cloudpickle:_make_skeleton_class",
        "cloudpickle.cloudpickle:_make_skeleton_enum",
        "collections:namedtuple",
        "dill._dill:_create_namedtuple",
        "dill._dill:_create_type",
        "dill._dill:_load_type",
        "types:new_class",
    }
)
_MOST_NAMES = 10_000  # cached stand-in classes; beyond it the cache is cleared, which costs only time


class InertError(ValueError):
    """The stream cannot be decoded: it is broken, or has persistent ids or buffers outside of it."""


_bare: Any = object.__new__


class StandIn(type):
    """The type of stand-in classes. REDUCE calls the class, so it ends in `__call__`; NEWOBJ ends in `Inert.__new__`.

    The two are recorded differently (`called`), because `encode` must write the opcode that was read.
    """

    module: str
    qualname: str
    name: str  # `module:qualname`, as the stream spells it
    origin: Inert | None

    def __call__(cls, *args: object) -> Any:
        node = _bare(cls)
        node.args = args
        node.called = True
        return node


class Inert(metaclass=StandIn):
    """An object as a stream describes it. `type(node)` is the stand-in of its class, or of the callable that makes it.

    The fields are class attributes until a stream sets them: most objects have few.
    """

    module = ""
    qualname = ""
    name = ""
    origin = None  # of a class that the stream itself makes: the call that makes it
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    called = False  # by REDUCE; otherwise made by NEWOBJ
    callee: Any = None  # the callable, when it is itself the result of a call
    state: Any = None
    listed: list[Any] | None = None  # items that were appended
    pairs: dict[Any, Any] | None = None  # items that were set by key
    effects: list[Inert] | None = None  # calls made for their effect on this object, with the results dropped
    raw: bytes | None = None  # of a by-value node: the stream that its only argument was decoded from

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        node = object.__new__(cls)
        node.args = args
        if kwargs:
            node.kwargs = kwargs
        return node

    def __setstate__(self, state: object) -> None:
        if self.state is not None:
            raise InertError("an object gets a state twice")
        self.state = state

    def extend(self, items: Iterable[object]) -> None:
        self.listed = [*(self.listed or ()), *items]

    def append(self, item: object) -> None:
        self.extend((item,))

    def __setitem__(self, key: object, value: object) -> None:
        if self.pairs is None:
            self.pairs = {}
        self.pairs[key] = value

    def __call__(self, *args: object) -> Inert:
        node: Inert = StandIn.__call__(_Result, *args)
        node.callee = self
        return _listed(node)


class _Result(Inert):
    """The result of calling an object that is not a global."""

    qualname = name = "<call>"


# A stream can make a class (`type(name, bases, body)` in a by-value function), then instances of it, and then set
# attributes of the class. `Inert` nodes cannot be instantiated, so the result of such a call is again a stand-in class.
# Its `origin` is the node of the call; operations on the class are recorded there.
class MadeClass(StandIn):
    """The type of classes that the stream makes: operations on such a class are recorded at its origin."""

    @property
    def __setstate__(cls) -> Any:
        return _origin(cls).__setstate__

    @property
    def extend(cls) -> Any:
        return _origin(cls).extend

    @property
    def append(cls) -> Any:
        return _origin(cls).append

    def __setitem__(cls, key: object, value: object) -> None:
        _origin(cls)[key] = value


class _Maker(StandIn):
    """The type of stand-ins whose results are classes again."""

    def __call__(cls, *args: object) -> Any:
        names = [arg for arg in args if type(arg) is str]
        body = next((arg for arg in args if type(arg) is dict), {})
        module = body.get("__module__", "")
        return made_class(
            StandIn.__call__(cls, *args), module if type(module) is str else "", names[0] if names else cls.qualname
        )


class _Namer(StandIn):
    """The type of stand-ins for functions that give a class, function or module by a name, their last argument."""

    def __call__(cls, *args: object) -> Any:
        name = args[-1] if args else None
        if type(name) is not str:
            raise InertError("a global without a name")
        module, _, qualname = name.partition(":")
        return made_class(StandIn.__call__(cls, *args), module, qualname)


class _Setter(StandIn):
    """The type of stand-ins for functions that set attributes."""

    def __call__(cls, *args: object) -> Any:
        return _listed(StandIn.__call__(cls, *args))


class _Calls(_local):
    """What the stream that this thread reads in C has called so far."""

    listed: list[Inert] | None = None  # calls that may be made for their effect
    opened: list[bytes] | None = None  # by-value streams within it


calls = _Calls()


def _listed(call: Inert) -> Inert:
    if calls.listed is not None:
        calls.listed.append(call)
    return call


def made_class(origin: Any, module: str, qualname: str) -> StandIn:
    named = {"origin": origin, "module": module, "qualname": qualname, "name": f"{module}:{qualname}"}
    return type.__new__(MadeClass, "Made", (Inert,), named)


def _origin(cls: StandIn) -> Inert:
    origin = cls.origin
    if origin is None:
        raise InertError(f"{cls.name} itself is changed")
    return origin


kinds: dict[str, type[StandIn]] = {}  # the types of single stand-ins, by name
stand_ins: dict[tuple[str, str], StandIn] = {}
_makers: dict[tuple[str, str], StandIn] = {}


def stand_in(module: str, qualname: str) -> StandIn:
    """The stand-in class for a global; nothing is imported."""
    return stand_ins.get((module, qualname)) or new_stand_in(stand_ins, module, qualname)


def maker(module: str, qualname: str) -> StandIn:
    return _makers.get((module, qualname)) or new_stand_in(_makers, module, qualname)


def new_stand_in(known: dict[tuple[str, str], StandIn], module: str, qualname: str) -> StandIn:
    if type(module) is not str or type(qualname) is not str:
        raise InertError("a global without a name")
    kind = StandIn
    name = f"{module}:{qualname}"
    if name in kinds:
        kind = kinds[name]
    elif name in (*GO_BY_NAME, PARAMETRIZED, FINDS_MODEL):
        kind = _Namer
    elif name in SETTERS:
        kind = _Setter
    elif known is _makers or name in _MAKES_CLASSES:
        kind = _Maker
    made = type.__new__(kind, "StandIn", (Inert,), {"module": module, "qualname": qualname, "name": name})
    if len(known) >= _MOST_NAMES:
        known.clear()
    known[module, qualname] = made
    return made


def is_inert(value: object) -> bool:
    """Whether `value` is a stand-in, of an object or of a class."""
    return isinstance(value, (Inert, StandIn))
