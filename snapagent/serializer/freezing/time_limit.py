"""The processor time that freezing one call may take, looked at while the pickler runs.

Reading a thread's processor time is a system call. So the wall clock is read at each object that the pickler visits,
and the processor's only when the limit could have been reached by then: a thread cannot use more time than passes.
"""

from __future__ import annotations

from ...core.clock import perf_counter, process_time, thread_time
from .byte_limit import TooSlow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 2.0  # for one call, where no budget says less
SLOW = 0.005  # seconds: a type or function that took longer is remembered
SLOW_CODE = 0.001  # seconds: code that took longer is refused once code has taken all that it may
# What storing code by value may take in all, whatever the budget: seconds of processor time, and a share of that of the
# process besides. The tests of a web application define functions that hold the whole application, and each would be
# stored with it, in every call of a method of the application.
_CODE_SECONDS = 0.5
_CODE_SHARE = 0.1
_FIRST_LOOK = 0.001  # seconds: most calls are frozen by then
_MOST_REMEMBERED = 1000


def no_less() -> float:
    """The allowance of a process without a budget."""
    return SECONDS


class TimeLimit:
    """Raises TooSlow from `look` once this thread has used the seconds that `allowance` grants.

    `forgiven` are the seconds that do not count. `deadline` is a time of `perf_counter`, before which no look is
    needed. It is 0.0 until the first look, which begins to measure: values without objects need no clock.
    """

    __slots__ = ("_allowance", "_limit", "_since", "deadline", "forgiven")

    def __init__(self, allowance: Callable[[], float]) -> None:
        self._allowance = allowance
        self.restart()

    def restart(self) -> None:
        """Measure anew from the next look on."""
        self._limit = -1.0
        self._since = self.forgiven = self.deadline = 0.0

    def look(self) -> None:
        if self.deadline == 0.0:
            self.deadline = perf_counter() + _FIRST_LOOK
            return
        left = self.left()
        if left < 0.0:
            raise TooSlow
        self.deadline = perf_counter() + left

    def left(self) -> float:
        """The seconds that are left."""
        now = thread_time()
        if self._limit < 0.0:
            self._limit = self._allowance()
            self._since = now - _FIRST_LOOK
        return self._limit - (now - self._since)

    def lower(self, seconds: float) -> float:
        """Leave at most so many seconds from now on; the limit before, for `restore`."""
        left, before = self.left(), self._limit
        if seconds < left:
            self._limit -= left - seconds
            self.deadline = perf_counter() + seconds
        return before

    def restore(self, limit: float) -> None:
        """Take the limit back that `lower` returned. Raises TooSlow when that is used up too."""
        self._limit = limit
        self.look()

    def forgive(self, seconds: float) -> None:
        """Do not count seconds that were spent on what happens once in a process, such as loading a library."""
        self.forgiven += seconds
        self._since += seconds
        self.deadline += seconds


class SlowOnes(dict[object, float]):
    """Types and code whose objects took long to freeze the last time: seconds by type or code object."""

    def __init__(self) -> None:
        super().__init__()
        self._spent_on_code = 0.0
        self._waits: dict[object, tuple[int, int]] = {}  # by code: refusals that are left, and those between two tries

    def record_code(self, code: object, seconds: float, is_outermost: bool = True) -> None:
        """Record what storing this code took; `is_outermost` is False where it was a part of storing other code."""
        self.record(code, seconds, SLOW_CODE)
        if is_outermost:
            self._spent_on_code += seconds

    @property
    def have_spent_all(self) -> bool:
        """Whether code has taken as much processor time as it may until now."""
        spent = self._spent_on_code - _CODE_SECONDS
        return spent > 0.0 and spent > _CODE_SHARE * process_time()

    def refuses(self, code: object) -> bool:
        """Whether code that was slow is not to be tried now; after each try that was slow again, for twice as long.

        What took long the first time may be fast the next: caches are warm, or a stream is known.
        """
        if code not in self:
            return False
        left, length = self._waits.get(code, (1, 1))
        self._waits[code] = (left - 1, length) if left else (2 * length, 2 * length)
        return left > 0

    def record(self, one: object, seconds: float, slow: float = SLOW) -> None:
        if seconds < slow:
            self.pop(one, None)
            if self._waits:
                self._waits.pop(one, None)
            return
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
            self._waits.clear()
        self[one] = seconds
