"""Loads, opcode by opcode, a stream that the C unpickler failed on: to name the object, or to go on past a placeholder.

A call that fails because one of its arguments is a placeholder returns a placeholder in its turn, so that the rest of
the bundle can be used. So does an object whose class has changed since: it lost a field, or an enum a member. Any other
failure ends the load with the name of the class.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from functools import partial

from ...bundle import Note
from ...core.type_facts import descends, find, is_class, type_name
from ...errors import PlaceholderError
from ...placeholder import CHANGED, UNSTORABLE, Placeholder, note_of
from ..naming import function_behind
from ..rebuild import new_of
from .object_state import restore_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar


_NO_LONGER_FITS = (TypeError, ValueError, AttributeError, LookupError)  # of a class that has changed


class LoadFailure(Exception):
    """An object could not be rebuilt; the text names it and the reason."""


def load_slowly(data: bytes, find: Callable[[str, str], Any], lost: list[Placeholder]) -> Any:
    """The value of a stream. `lost` gets what stands for objects whose classes have changed. Raises LoadFailure."""
    try:
        return _SlowUnpickler(io.BytesIO(data), find, lost).load()
    except (KeyboardInterrupt, SystemExit, MemoryError, LoadFailure):
        raise
    except BaseException as error:
        raise LoadFailure(f"its bytes cannot be read ({_described(error)})") from error


def identity(number: Any) -> int:
    """The identity of a loaded object, as `freezing.identities` writes it. Raises UnpicklingError for anything else."""
    if type(number) is not int:
        raise pickle.UnpicklingError("it has a persistent id")
    return number


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _SlowUnpickler(pickle._Unpickler):
    stack: list[Any]
    metastack: list[list[Any]]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    memo: dict[int, Any]

    def __init__(self, file: io.BytesIO, find: Callable[[str, str], Any], lost: list[Placeholder]) -> None:
        super().__init__(file)
        self._find = find
        self._lost = lost
        self._late: dict[int, tuple[Any, list[Any]]] = {}  # by id: a container, and its items

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._find(module, name)
        except (ImportError, AttributeError) as error:
            raise LoadFailure(f"{module}:{name} cannot be found here ({_described(error)})") from error
        except pickle.UnpicklingError as error:
            raise LoadFailure(str(error)) from error
        except Exception as error:  # of the module's own code
            raise LoadFailure(f"{module}:{name} cannot be imported here ({_described(error)})") from error

    def persistent_load(self, number: Any) -> int:
        return identity(number)

    # Each opcode that runs code of the program is overridden: REDUCE and NEWOBJ make objects, BUILD and the item
    # opcodes change them. The overrides leave the stack as Python's own unpickler would, also when a step is skipped
    # because its object became a placeholder. The unpickler calls methods by `dispatch`, so they are entered there.
    def load_reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._called(self.stack[-1], args)

    def load_newobj(self) -> None:
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._called(cls, args, new=True))

    def load_newobj_ex(self) -> None:
        kwargs = self.stack.pop()
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._called(cls, args, kwargs, new=True))

    def load_build(self) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        if type(made) is Placeholder:
            return
        problem = field_problem(made, state)
        if problem:
            self._replace(made, self._stand_in(type_name(type(made)), problem))
            return
        self._changed(made, lambda: restore_state(made, state))

    def load_appends(self) -> None:
        self._items(pickle._Unpickler.load_appends)  # type: ignore[attr-defined]

    def load_setitems(self) -> None:
        items = self.stack
        keys = items[::2]
        self._hashed(keys, list(zip(keys, items[1::2], strict=True)), pickle._Unpickler.load_setitems)  # type: ignore[attr-defined]

    def load_additems(self) -> None:
        self._hashed(self.stack, list(self.stack), pickle._Unpickler.load_additems)  # type: ignore[attr-defined]

    def load_append(self) -> None:
        made = self.stack[-2]
        if type(made) is Placeholder:
            self.stack.pop()
            return
        self._changed(made, lambda: pickle._Unpickler.load_append(self))  # type: ignore[attr-defined]

    def load_setitem(self) -> None:
        self.metastack.append(self.stack[:-2])
        self.stack = self.stack[-2:]
        self.load_setitems()

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.ADDITEMS[0]: load_additems,
    }

    def _called(self, callee: Any, args: Any, kwargs: dict[str, Any] | None = None, new: bool = False) -> Any:
        if type(callee) is Placeholder:
            return callee
        try:
            if new and not args and not kwargs:
                return new_of(callee)
            return callee.__new__(callee, *args, **(kwargs or {})) if new else callee(*args)
        except (KeyboardInterrupt, SystemExit, MemoryError, LoadFailure):
            raise
        except BaseException as error:
            if hasattr(callee, "loads_code"):
                return self._stand_in("code", _described(error), "it cannot be rebuilt here", UNSTORABLE)
            missing = next((arg for arg in args if type(arg) is Placeholder), None)
            if missing is not None or isinstance(error, PlaceholderError):
                return _placeholder_for(missing, callee)
            if isinstance(error, _NO_LONGER_FITS):
                return self._stand_in(_name(callee, args), _described(error))
            raise LoadFailure(f"{_name(callee, args)} could not be rebuilt ({_described(error)})") from error

    def _stand_in(self, name: str, why: str, what: str = "it could not be rebuilt", kind: str = CHANGED) -> Placeholder:
        self._lost.append(Placeholder(Note("", kind, name, f"{what} ({why})")))
        return self._lost[-1]

    def _replace(self, made: Any, stand_in: Placeholder) -> None:
        """Put a placeholder in the place of `made`, which is on top of the stack, and may be referred to later."""
        self.stack[-1] = stand_in
        for key, value in self.memo.items():
            if value is made:
                self.memo[key] = stand_in

    # An object in a cycle may be a member of a set, or a key, before it has the state that its `__hash__` needs. Such
    # members are kept, and the container is filled (again) when the whole graph is there.
    def _hashed(self, members: list[Any], items: list[Any], change: Callable[[Any], None]) -> None:
        made = self.metastack[-1][-1]
        if id(made) not in self._late and not any(_has_own_hash(member) for member in members):
            self._items(change)
            return
        self._late.setdefault(id(made), (made, []))[1].extend(items)
        if type(made) is Placeholder or not _may_be_refilled(made):
            self._late.pop(id(made))
            self._items(change)
            return
        try:
            change(self)
        except (KeyboardInterrupt, SystemExit, MemoryError, LoadFailure):
            raise
        except Exception:
            return  # the members are off the stack already

    def load(self) -> Any:
        value = super().load()
        for made, items in self._late.values():
            self._changed(made, partial(_refill, made, items))
        return value

    def _changed(self, made: Any, change: Callable[[], None]) -> None:
        try:
            change()
        except (KeyboardInterrupt, SystemExit, MemoryError, LoadFailure):
            raise
        except BaseException as error:
            name = type_name(made if is_class(made) else type(made))
            if isinstance(error, PlaceholderError):
                self._replace(made, _made_from(error.path, name))
                return
            if isinstance(error, _NO_LONGER_FITS):
                self._replace(made, self._stand_in(name, _described(error)))
                return
            raise LoadFailure(f"{name} could not be rebuilt ({_described(error)})") from error

    def _items(self, change: Callable[[Any], None]) -> None:
        made = self.metastack[-1][-1]
        if type(made) is Placeholder:
            self.pop_mark()
            return
        self._changed(made, lambda: change(self))


def _has_own_hash(value: object) -> bool:
    return function_behind(find(type(value), "__hash__")[1]) is not None


def _may_be_refilled(made: Any) -> bool:
    return any(descends(type(made), kind) for kind in (dict, set)) and not descends(type(made), OrderedDict)


def _refill(made: Any, items: list[Any]) -> None:
    """Fill a dict or set again, with all that it got while it was loaded and all that it has now."""
    if descends(type(made), set):
        present = list(set.__iter__(made))
        set.clear(made)
        set.update(made, items, present)
        return
    pairs = list(dict.items(made))
    dict.clear(made)
    for key, value in items:
        dict.__setitem__(made, key, value)
    for key, value in pairs:
        dict.setdefault(made, key, value)


def _name(callee: Any, args: tuple[Any, ...]) -> str:
    if is_class(callee):
        return type_name(callee)
    if args and is_class(args[0]):
        return type_name(args[0])
    if args and type(args[0]) is str and ":" in args[0]:
        return args[0]  # a value that is stored by its name
    return f"{getattr(callee, '__module__', '?')}.{getattr(callee, '__qualname__', '?')}"


def sets_fields_in_order(cls: type) -> bool:
    """Whether objects are stored as a list of the values of their fields: dataclasses that are frozen and have slots.

    Their `__setstate__` would set the wrong fields, and say nothing, when there are other fields now.
    """
    setter = find(cls, "__setstate__")[1]
    return getattr(setter, "__module__", None) == "dataclasses" and find(cls, "__dataclass_fields__")[0] is not None


def field_problem(made: Any, state: Any) -> str:
    """Why the stored values of such an object are not those of its fields of today; else empty."""
    if type(state) is not list or is_class(made) or not sets_fields_in_order(type(made)):
        return ""
    from dataclasses import fields

    today = len(fields(made))
    return "" if today == len(state) else f"it has {today} fields now, and had {len(state)}"


def _placeholder_for(missing: Placeholder | None, callee: Any) -> Placeholder:
    return _made_from(note_of(missing).path if missing is not None else "", _name(callee, ()))


def _made_from(path: str, name: str) -> Placeholder:
    """The placeholder for an object that cannot be rebuilt because another one, at `path`, is missing."""
    why = f"it is made from {path or 'a value'}, which is not in the bundle"
    return Placeholder(Note(path, UNSTORABLE, name, why))
