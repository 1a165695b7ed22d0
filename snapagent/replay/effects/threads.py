"""Carries a replay into the threads that the called function starts: new threads and jobs of thread pools."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


@contextmanager
def carried_into_threads(variables: tuple[ContextVar[Any], ...]) -> Iterator[None]:
    """Give threads and jobs that start meanwhile the present values of `variables`, and nothing else of the context."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_with_values(thread: threading.Thread) -> None:
        thread.run = _with_values(thread.run, variables)  # type: ignore[method-assign]
        start(thread)

    def submit_with_values(pool: ThreadPoolExecutor, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return submit(pool, _with_values(function, variables), *args, **kwargs)

    threading.Thread.start = start_with_values  # type: ignore[method-assign,assignment]
    ThreadPoolExecutor.submit = submit_with_values  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def _with_values(function: Callable[..., Any], variables: tuple[ContextVar[Any], ...]) -> Callable[..., Any]:
    values = [(variable, variable.get()) for variable in variables]

    def run(*args: Any, **kwargs: Any) -> Any:
        tokens = [(variable, variable.set(value)) for variable, value in values]
        try:
            return function(*args, **kwargs)
        finally:  # a pool's thread serves other jobs afterwards
            for variable, token in tokens:
                variable.reset(token)

    return run
