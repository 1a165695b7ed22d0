"""A slow reading of a stream that the C unpickler gave up on: finds out where, and goes on where a placeholder is why.

Python's own unpickler, step by step. A call that was handed a placeholder and failed gives a placeholder.
"""

from __future__ import annotations

import io
import pickle

from ...bundle import Note
from ...core.type_facts import is_class, type_name
from ...errors import PlaceholderError
from ...placeholder import UNSTORABLE, Placeholder, note_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar


class LoadingFailed(Exception):
    """The text says what could not be rebuilt, and why."""


def load_patiently(data: bytes, find: Callable[[str, str], Any]) -> Any:
    """The value of a stream. Raises LoadingFailed."""
    try:
        return _PatientUnpickler(io.BytesIO(data), find).load()
    except (KeyboardInterrupt, SystemExit, MemoryError, LoadingFailed):
        raise
    except BaseException as error:
        raise LoadingFailed(f"its bytes cannot be read ({_said(error)})") from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _PatientUnpickler(pickle._Unpickler):
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, file: io.BytesIO, find: Callable[[str, str], Any]) -> None:
        super().__init__(file)
        self._find = find

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._find(module, name)
        except (ImportError, AttributeError) as error:
            raise LoadingFailed(f"{module}:{name} cannot be found here ({_said(error)})") from error
        except pickle.UnpicklingError as error:
            raise LoadingFailed(str(error)) from error

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
        state, made = self.stack[-1], self.stack[-2]
        if type(made) is Placeholder:
            self.stack.pop()
            return
        self._changed(made, state, pickle._Unpickler.load_build)  # type: ignore[attr-defined]

    def load_appends(self) -> None:
        self._items(pickle._Unpickler.load_appends, 1)  # type: ignore[attr-defined]

    def load_setitems(self) -> None:
        self._items(pickle._Unpickler.load_setitems, 1)  # type: ignore[attr-defined]

    def load_additems(self) -> None:
        self._items(pickle._Unpickler.load_additems, 1)  # type: ignore[attr-defined]

    def load_append(self) -> None:
        made, item = self.stack[-2], self.stack[-1]
        if type(made) is Placeholder:
            self.stack.pop()
            return
        self._changed(made, item, pickle._Unpickler.load_append)  # type: ignore[attr-defined]

    def load_setitem(self) -> None:
        made = self.stack[-3]
        if type(made) is Placeholder:
            del self.stack[-2:]
            return
        self._changed(made, self.stack[-1], pickle._Unpickler.load_setitem)  # type: ignore[attr-defined]

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
            return callee.__new__(callee, *args, **(kwargs or {})) if new else callee(*args)
        except (KeyboardInterrupt, SystemExit, MemoryError, LoadingFailed):
            raise
        except BaseException as error:
            if hasattr(callee, "loads_code"):
                return Placeholder(Note("", UNSTORABLE, "code", f"it cannot be rebuilt here ({_said(error)})"))
            missing = next((arg for arg in args if type(arg) is Placeholder), None)
            if missing is not None or isinstance(error, PlaceholderError):
                return _in_its_place(missing, callee)
            raise LoadingFailed(f"{_name(callee, args)} could not be rebuilt ({_said(error)})") from error

    def _changed(self, made: Any, given: object, change: Callable[[Any], None]) -> None:
        try:
            change(self)
        except (KeyboardInterrupt, SystemExit, MemoryError, LoadingFailed):
            raise
        except BaseException as error:
            name = type_name(made if is_class(made) else type(made))
            raise LoadingFailed(f"{name} could not be rebuilt ({_said(error)})") from error

    def _items(self, change: Callable[[Any], None], below: int) -> None:
        made = self.metastack[-1][-1]  # type: ignore[attr-defined]
        if type(made) is Placeholder:
            self.pop_mark()
            return
        self._changed(made, None, change)


def _name(callee: Any, args: tuple[Any, ...]) -> str:
    if is_class(callee):
        return type_name(callee)
    if args and is_class(args[0]):
        return type_name(args[0])
    return f"{getattr(callee, '__module__', '?')}.{getattr(callee, '__qualname__', '?')}"


def _in_its_place(missing: Placeholder | None, callee: Any) -> Placeholder:
    """What stands for an object that cannot be rebuilt without another one that is missing."""
    path = note_of(missing).path if missing is not None else ""
    why = f"it is made from {path or 'a value'}, which is not in the bundle"
    return Placeholder(Note(path, UNSTORABLE, _name(callee, ()), why))
