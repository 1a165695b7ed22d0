"""Locks, events and semaphores: a bundle holds only how to make a new one, unlocked."""

from __future__ import annotations

import _thread
import threading

from ...core.type_facts import instance_dict, module_name, qualname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Making = tuple[Callable[..., Any], tuple[Any, ...]]

_LOCK_TYPE = type(_thread.allocate_lock())
_RLOCK_TYPES = frozenset({type(threading.RLock()), threading._RLock})
_SEMAPHORES = frozenset({threading.Semaphore, threading.BoundedSemaphore})
_BY_NAME = frozenset({"asyncio.locks.Lock", "asyncio.locks.Event", "asyncio.locks.Condition", "_queue.SimpleQueue"})


def maker(kind: type) -> Callable[[Any], Making] | None:
    """For a type whose objects come back fresh: what tells how to make a new one. None for other types."""
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
    return _by_name(kind)


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


def _by_name(kind: type) -> Callable[[Any], Making] | None:
    name = f"{module_name(kind)}.{qualname(kind)}"
    if name in _BY_NAME:
        return _of_type
    if name in ("asyncio.locks.Semaphore", "asyncio.locks.BoundedSemaphore"):
        return _async_semaphore
    return None


def _async_semaphore(value: object) -> Making:
    state = instance_dict(value) or {}
    free = state.get("_bound_value", state.get("_value"))
    return type(value), (max(free, 1) if type(free) is int else 1,)
