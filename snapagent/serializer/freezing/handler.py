"""What a handler is: it pickles the objects of one type. Also the handler of plain types.

A *handler* takes the running dump and the object. It returns a result of `Pickler.reducer_override`, or raises
`Unstorable`. Plain types need no handler: the C pickler reads their `__dict__`, and no code of the program runs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ...bundle import Note
    from .decisions import Decisions

    class Dump(Protocol):
        """The part of a running pickler that handlers need."""

        decisions: Decisions
        max_bytes: int
        packages: set[str]  # top-level packages of the classes and functions that the stream names
        chain_depth: dict[int, int]  # by id of an exception: links between it and the one that was met first

        @property
        def keeps_tracebacks(self) -> bool: ...

        @property
        def is_outcome(self) -> bool: ...

        def handler_of(self, value: object) -> Handler: ...

        def is_found(self, code: object, module: object, qualname: object) -> bool: ...

        def package_of(self, module: str) -> str: ...

        def reduce_once(self, value: Any) -> Any: ...

        def code_of(self, code: Any) -> bytes: ...

        def leave_out(self, value: object, kind: str, reason: str, detail: str = "") -> Any: ...

        def note(self, value: object, kind: str, reason: str, detail: str = "", below: str = "") -> Note: ...

    Handler = Callable[[Dump, Any], Any]


SINGLETONS = frozenset({type(Ellipsis), type(NotImplemented)})


def plain(dump: Dump, value: Any) -> Any:
    """Left to the C pickler. `reducer_override` compares with this function, so that plain types cost no call."""
    return NotImplemented
