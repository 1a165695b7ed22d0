"""Remembers how code was stored: the form of each code object, and the streams of functions by their content.

A web framework makes the same lambda for each application object, and a test suite makes a thousand of these, each of
which is stored with every call of its methods.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

_MOST_FORMS = 1024  # what a program makes without end must not be kept alive
_MOST_BYTES = 4 * 1024 * 1024  # of contents and streams together

_forms: dict[int, tuple[CodeType, tuple[Any, ...]]] = {}  # by id of the code object


class _FormCatcher:
    """Stands for a pickler where a function of dill saves a code object, and keeps the form that it chose."""

    form: tuple[Any, ...]

    def save_reduce(self, *form: Any, obj: object) -> None:
        self.form = form


def form_of_code(code: CodeType, save: Callable[[Any, CodeType], None]) -> tuple[Any, ...]:
    """The arguments for `save_reduce`, by dill's function for code objects, which is called once for each.

    It changes the filters of `warnings` for a moment: each time, the program might print warnings again that it has
    printed, and it takes longer than the rest.
    """
    known = _forms.get(id(code))
    if known is None or known[0] is not code:
        catcher = _FormCatcher()
        save(catcher, code)
        if len(_forms) >= _MOST_FORMS:
            _forms.clear()
        known = _forms[id(code)] = code, catcher.form
    return known[1]


class Streams(dict[bytes, bytes]):
    """The streams of functions by their content. Only bytes are kept, no object of the program."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def remember(self, content: bytes, stream: bytes) -> None:
        size = len(content) + len(stream)
        if self._bytes + size > _MOST_BYTES:
            self.clear()
            self._bytes = 0
        if size <= _MOST_BYTES:
            self[content] = stream
            self._bytes += size
