"""How objects of a type are pickled: decided once per type, from the type alone, and cached."""

from __future__ import annotations

import sys
import types
from weakref import WeakKeyDictionary, WeakSet

from ...core.signals import belongs_to_program
from ...core.type_facts import (
    descends,
    find,
    is_exception_type,
    is_heap_type,
    module_name,
    mro,
    namespace,
    qualname,
    slots,
    type_name,
)
from ...placeholder import EXCLUDED, Placeholder
from ..enums import is_enum_class
from ..naming import is_named, lookup
from ..rebuild import QUERY_SET
from . import own_state
from .code_handlers import freeze_class, freeze_function, freeze_module
from .fresh_handlers import fresh, fresh_maker
from .handler import SINGLETONS, plain
from .iterator_forms import ONE_WAY
from .left_out_types import special
from .library_handlers import (
    DATACLASS_MARKS,
    NEWER,
    freeze_array,
    freeze_file,
    freeze_lazy_object,
    freeze_one_way,
    freeze_persistent,
    freeze_query_set,
)
from .method_handlers import freeze_method, freeze_wrapper
from .object_handlers import (
    freeze_by_hooks,
    freeze_container,
    freeze_enum_member,
    freeze_exception,
    freeze_nameless,
    freeze_nameless_enum_member,
    freeze_own_attributes,
    freeze_own_state,
    freeze_singleton_or_object,
    freeze_singleton_or_plain,
    freeze_without_hooks,
    left_out,
)
from .orm_forms import PERSISTENT
from .reduce import HOOKS, is_honest, is_made_without_arguments, note_slots
from .singletons import may_be_singleton
from .time_limit import SlowOnes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .handler import Handler


_MOST_TYPES = 4096  # cached types: the cache must not keep alive the types that a program makes without end
_METHODS = frozenset({types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType})


class Decisions(dict[type, "Handler"]):
    """Type -> handler, for one set of excluded types.

    `as_first` gives every value the form that version 0.1.0 gave it: for look-ups of calls that it stored.
    """

    __slots__ = ("_exclude_types", "_passing", "aliases", "as_first", "circular", "named", "slow")

    def __init__(self, exclude_types: tuple[str, ...], as_first: bool = False) -> None:
        super().__init__()
        self._exclude_types = exclude_types
        self.as_first = as_first
        # Of classes that no module holds: they are not kept alive, since the program may be done with them.
        self._passing: WeakKeyDictionary[type, Handler] = WeakKeyDictionary()
        self.named: dict[object, str] = {}  # classes and functions found under their names -> their package
        # Once something of `__main__` was named: how streams begin, so that it goes by its real name.
        self.aliases: tuple[bytes, tuple[str, ...]] | None = None
        self.slow = SlowOnes()
        # Functions with a default that leads back to them: finding that out again would take as long as storing them.
        self.circular: WeakSet[types.FunctionType] = WeakSet()

    def decide(self, value: object) -> Handler:
        """The handler for the type of `value`, which was not met before."""
        kind = type(value)
        known = self._passing.get(kind)
        if known is not None:
            return known
        note_slots(kind)
        handler = self._handler(kind)
        if not self.as_first and kind is not Placeholder and handler in (plain, freeze_by_hooks, freeze_nameless):
            handler = _by_own_state(kind) or handler
        if handler is plain and not _has_plain_form(value):
            handler = freeze_by_hooks
        if not self.as_first and not self._is_excluded(kind):
            handler = _newer(kind, handler)
        if is_heap_type(kind) and not is_named(kind, module_name(kind), qualname(kind)):
            self._passing[kind] = handler
            return handler
        if len(self) >= _MOST_TYPES:
            self.forget()
        self[kind] = handler
        return handler

    def forget_type(self, kind: type) -> None:
        """Have the handler of a type decided anew."""
        self.pop(kind, None)
        self._passing.pop(kind, None)

    def remember(self, code: object, package: str) -> None:
        """Cache that a class or function is found under its name."""
        if len(self.named) >= _MOST_TYPES:
            self.named.clear()
        self.named[code] = package

    def forget(self) -> None:
        """Empty the cache: a reloaded module may have put other objects under the same names."""
        self.clear()
        self._passing.clear()
        self.named.clear()

    def _handler(self, kind: type) -> Handler:
        if descends(kind, type):
            return freeze_class
        if kind is types.FunctionType:
            return freeze_function
        if kind in SINGLETONS:
            return plain
        if kind is Placeholder:
            return freeze_by_hooks
        if self._is_excluded(kind):
            return left_out(EXCLUDED, "its type is excluded")
        found = special(kind)
        if found is not None:
            return left_out(*found)
        return _by_shape(kind)

    def _is_excluded(self, kind: type) -> bool:
        order = mro(kind)
        for name in self._exclude_types:
            module, _, last = name.rpartition(".")
            if any(type_name(base) == name or lookup(module, last) is base for base in order):
                return True
        return False


def _by_shape(kind: type) -> Handler:
    if type_name(kind) in DATACLASS_MARKS:
        return DATACLASS_MARKS[type_name(kind)]
    if module_name(kind).startswith("snapagent.capture."):
        return freeze_wrapper
    making = fresh_maker(kind)
    if making is not None:
        return fresh(making)
    if descends(kind, types.ModuleType):
        return freeze_module
    if is_exception_type(kind):
        return freeze_exception
    if kind in _METHODS:
        return freeze_method
    names = {type_name(base) for base in mro(kind)}
    if "django.utils.functional.LazyObject" in names:
        return freeze_lazy_object
    if not names.isdisjoint(PERSISTENT):
        return freeze_persistent
    if QUERY_SET in names:
        return freeze_query_set
    if "numpy.ndarray" in names:
        return freeze_array
    if _is_plain(kind):
        return plain
    named = not is_heap_type(kind) or is_named(kind, module_name(kind), qualname(kind))
    if _ENUMS_GO_BY_NAME and is_enum_class(kind) and _home_of_reduce(kind) == "enum":
        return freeze_enum_member if named else freeze_nameless_enum_member
    return freeze_by_hooks if named else freeze_nameless


# The first releases of Python 3.11 pickle a member by its name, all others by its value: equal calls would have
# different hashes.
_ENUMS_GO_BY_NAME = sys.version_info[:2] == (3, 11) and sys.version_info < (3, 11, 7)


def _home_of_reduce(kind: type) -> str:
    """Where the `__reduce_ex__` of a type was defined."""
    _, hook = find(kind, "__reduce_ex__")
    return hook.__module__ if type(hook) is types.FunctionType else ""


# Of the standard library: their pickle forms are known to need nothing of the program.
_TRUSTED_NAMES = """
    collections.Counter collections.OrderedDict collections.defaultdict collections.deque datetime.date
    datetime.datetime datetime.time datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction
    pathlib.PosixPath pathlib.PurePosixPath pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.PosixPath
    pathlib._local.PurePosixPath uuid.UUID uuid.SafeUUID complex range slice
"""
_TRUSTED = frozenset(_TRUSTED_NAMES.split())


def _is_plain(kind: type) -> bool:
    """Whether pickling objects of this type cannot call code of the program, and the class can be named."""
    if type_name(kind) in _TRUSTED:
        return is_named(kind, module_name(kind), qualname(kind))
    for base in mro(kind):
        if base is object:
            continue
        values = namespace(base)
        if not is_heap_type(base) or any(hook in values for hook in HOOKS):
            return False
    if any(find(kind, name)[1] is not descriptor for name, descriptor in slots(kind).items()):
        return False  # a property in the place of a slot
    _, reads_dict = find(kind, "__dict__")
    if reads_dict is not None and type(reads_dict) is not types.GetSetDescriptorType:
        return False
    return is_honest(kind) and is_made_without_arguments(kind) and is_named(kind, module_name(kind), qualname(kind))


def _has_plain_form(value: object) -> bool:
    """Whether pickle's default form works: types of extension modules may have state that Python cannot see."""
    if type(value) in SINGLETONS or type_name(type(value)) in _TRUSTED:
        return True
    try:
        object.__reduce_ex__(value, 5)
    except Exception as error:
        if belongs_to_program(error):
            raise
        return False
    return True


_BY_WAY: dict[str, Handler] = {
    own_state.PAST_HOOKS: freeze_own_state,
    own_state.PAST_WAITING: freeze_own_attributes,
    own_state.WITHOUT_HOOKS: freeze_without_hooks,
    own_state.UNLESS_EMPTY: freeze_container,
}


def _by_own_state(kind: type) -> Handler | None:
    """The handler for objects that are taken by their own `__dict__` and slots; None for objects of other types."""
    way = own_state.way_of(kind)
    return None if way is None else _BY_WAY[way]


def _newer(kind: type, handler: Handler) -> Handler:
    """The handler for forms that version 0.1.0 did not have; `handler` itself where there is none."""
    for base in mro(kind):
        if type_name(base) in NEWER:
            return NEWER[type_name(base)]
    if kind in ONE_WAY:
        return freeze_one_way
    if type_name(kind) in ("_io.TextIOWrapper", "_io.BufferedReader"):
        return freeze_file
    if handler in (plain, freeze_by_hooks) and may_be_singleton(kind):
        return freeze_singleton_or_plain if handler is plain else freeze_singleton_or_object
    return handler
