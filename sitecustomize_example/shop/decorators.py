"""Decorators of the shop's own: what every service function gets."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

log = logging.getLogger("shop")


def tidy_country(function: Callable[..., Result]) -> Callable[..., Result]:
    """The second argument, after the basket, is a country code: take it as people type it (" de", "At")."""

    @functools.wraps(function)
    def tidied(lines: Any, country: str = "DE", *args: Any, **kwargs: Any) -> Result:
        return function(lines, country.strip().upper(), *args, **kwargs)

    return tidied


def timed(function: Callable[..., Result]) -> Callable[..., Result]:
    """Log calls that took longer than half a second."""

    @functools.wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Result:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds = time.perf_counter() - start
            if seconds > 0.5:
                log.warning("%s took %.2f s", function.__qualname__, seconds)

    return measured
