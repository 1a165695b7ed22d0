"""Handlers of locks, events, barriers and queues: objects that are replaced by new ones at loading."""

from __future__ import annotations

import _thread
import threading

from ...core.type_facts import instance_dict, type_name
from ...placeholder import FRESH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .handler import Dump, Handler

    Making = tuple[Callable[..., Any], tuple[Any, ...]]


_LOCK_TYPE = type(_thread.allocate_lock())
_RLOCK_TYPES = frozenset({type(threading.RLock()), threading._RLock})
_SEMAPHORES = frozenset({threading.Semaphore, threading.BoundedSemaphore})
_FRESH_BY_NAME = frozenset(
    {"asyncio.locks.Lock", "asyncio.locks.Event", "asyncio.locks.Condition", "_queue.SimpleQueue"}
)


def fresh(making: Callable[[Any], Any]) -> Handler:
    """The handler for objects that `making` makes anew."""

    def make_anew(dump: Dump, value: Any) -> Any:
        dump.note(value, FRESH, "it is new and unlocked after loading")
        return making(value)

    return make_anew


def fresh_maker(kind: type) -> Callable[[Any], Making] | None:
    """For types whose objects are replaced by new ones at loading: the function that says how. None for others."""
    if kind is _LOCK_TYPE:
        return _lock
    if kind in _RLOCK_TYPES:
        return _rlock
    if kind is threading.Event:
        return _of_type
    if kind in _SEMAPHORES:
        return _semaphore
    if kind is threading.Condition:
        return _condition
    if kind is threading.Barrier:
        return _barrier
    return _fresh_by_name(kind)


def _lock(value: object) -> Making:
    return _thread.allocate_lock, ()


def _rlock(value: object) -> Making:
    return threading.RLock, ()


def _of_type(value: object) -> Making:
    return type(value), ()


def _semaphore(value: object) -> Making:
    state = instance_dict(value) or {}
    free = state.get("_initial_value", state.get("_value"))
    return type(value), (max(free, 1) if type(free) is int else 1,)


def _condition(value: object) -> Making:
    """With its own lock, which other objects may share."""
    lock = (instance_dict(value) or {}).get("_lock")
    return threading.Condition, (lock,) if lock is not None else ()


def _barrier(value: object) -> Making:
    parties = (instance_dict(value) or {}).get("_parties")
    return threading.Barrier, (parties if type(parties) is int else 1,)


def _fresh_by_name(kind: type) -> Callable[[Any], Making] | None:
    name = type_name(kind)
    if name in _FRESH_BY_NAME:
        return _of_type
    if name in ("asyncio.locks.Semaphore", "asyncio.locks.BoundedSemaphore"):
        return _async_semaphore
    return None


def _async_semaphore(value: object) -> Making:
    state = instance_dict(value) or {}
    free = state.get("_bound_value", state.get("_value"))
    return type(value), (max(free, 1) if type(free) is int else 1,)
