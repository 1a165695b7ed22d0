"""Captured calls that wait to be written, by function, in the order of writing.

Each function gets its first bundle before any function gets its second, and those of small calls come before those of
large ones: a process that ends while much is queued has then shown something of nearly everything that it called. In a
web application, one call in ten takes as long as the nine others.
"""

from __future__ import annotations

from bisect import insort

from ...store.retention import Retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from ...config.settings import Settings
    from ...config.targets import Target
    from .watched_target import WatchedTarget

    class CapturedCall(Protocol):
        """A captured call: `started` is seconds since the epoch, `size` bytes."""

        @property
        def target(self) -> Target: ...
        @property
        def settings(self) -> Settings: ...
        @property
        def started(self) -> float: ...
        @property
        def size(self) -> int: ...
        @property
        def outcome_kind(self) -> str: ...


class Group:
    """Calls of one function that wait to be written, and what its retention has seen of them.

    Each call has its number in this process, by which file names of the same moment are ordered.
    """

    def __init__(self, function: WatchedTarget, *, is_alone: bool = False) -> None:
        """`is_alone`: of one call, which its caller writes without the writer's lock."""
        self.function = function
        self.is_alone = is_alone
        self.calls: list[tuple[CapturedCall, int]] = []
        # A call that retention would remove at once is counted as captured and never written.
        self.retention = None if function.keeps_all else Retention(function.rules)

    def in_order(self) -> list[tuple[CapturedCall, int]]:
        """The calls in the order of writing."""
        return sorted(self.calls, key=lambda one: (one[0].started, one[1]), reverse=self.function.newest_first)

    def split_first(self) -> Group:
        """A group of the call that is to be written first, which leaves this one."""
        first = Group(self.function)
        first.retention = self.retention
        first.calls = self.in_order()[:1]
        self.calls.remove(first.calls[0])
        return first


class Backlog:
    """The groups of calls that wait. `next_counter` numbers the calls of this process."""

    def __init__(self, watched: dict[str, WatchedTarget], next_counter: Callable[[], int]) -> None:
        self._watched = watched
        self._next_counter = next_counter
        self._groups: dict[str, Group] = {}  # by target
        # Targets of which this process has written nothing yet, with the size and number of their first call, both
        # negative: the smallest is the last.
        self._without_bundle: list[tuple[int, int, str]] = []

    def add(self, calls: Sequence[CapturedCall]) -> None:
        for call in calls:
            name, number = str(call.target), self._next_counter()
            group = self._groups.get(name)
            if group is None:
                group = self._groups[name] = Group(self._watched[name])
                if not group.function.has_bundle:
                    insort(self._without_bundle, (-call.size, -number, name))
            group.calls.append((call, number))

    def firsts(self) -> Iterator[Group]:
        """Take out the first call of each function that has no bundle, as a group; the small ones come first.

        More may be added meanwhile.
        """
        while self._without_bundle:
            name = self._without_bundle.pop()[2]
            group = self._groups.get(name)
            if group is not None and not group.function.has_bundle:
                first = group.split_first()
                if not group.calls:
                    del self._groups[name]
                yield first

    def groups(self) -> Iterator[Group]:
        """Take out one group after the other. More may be added meanwhile."""
        while self._groups:
            yield self._groups.pop(next(iter(self._groups)))

    def put_back(self, group: Group, rest: list[tuple[CapturedCall, int]]) -> None:
        """Add calls of a group again that could not be written now."""
        name = group.function.name
        waiting = self._groups.get(name)
        if rest and waiting is not None:
            waiting.calls += rest
        elif rest:
            group.calls = rest
            self._groups[name] = group
