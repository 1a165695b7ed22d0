"""Carries the frame of tapes into threads and thread pools, where a context variable does not follow by itself.

A worker thread of a pool runs with no frame of its own: each job has that of the code that submitted it.
"""

from __future__ import annotations

from ..instrument.frames import drop_frame, hidden
from .frames import current, open_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MODULES = ("threading", "concurrent.futures.thread")


def carry(name: str, module: Any) -> Callable[[], None] | None:
    """Have a module of `MODULES` carry frames; returns the way back."""
    owner, attribute, make = (
        (module.Thread, "start", _start) if name == "threading" else (module.ThreadPoolExecutor, "submit", _submit)
    )
    original = vars(owner)[attribute]
    replacement = make(original)
    replacement.__doc__, replacement.__wrapped__ = original.__doc__, original
    replacement.__qualname__, replacement.__module__ = original.__qualname__, original.__module__
    setattr(owner, attribute, replacement)

    def restore() -> None:
        if vars(owner).get(attribute) is replacement:
            setattr(owner, attribute, original)

    return restore


def _start(original: Any) -> Any:
    def start(self: Any) -> Any:
        frame = current.get() if open_ else ()
        if frame:
            values = self.__dict__
            own = values.get("run", open_)  # `open_` where the instance has none

            def run() -> Any:
                if own is open_:
                    del values["run"]
                else:
                    values["run"] = own
                current.set(frame)
                return self.run()

            values["run"] = run
        return original(self)

    return hidden(start)


def _submit(original: Any) -> Any:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        frame = current.get() if open_ else ()
        if not frame:
            return original(self, fn, *args, **kwargs)

        def job(*args: Any, **kwargs: Any) -> Any:
            before = current.get()
            current.set(frame)
            try:
                return fn(*args, **kwargs)
            except BaseException as error:
                drop_frame(error)
                raise
            finally:
                current.set(before)

        current.set(())  # a worker that is started now serves others later
        try:
            return original(self, job, *args, **kwargs)
        finally:
            current.set(frame)

    return hidden(submit)
