"""What happens when a call or a count cannot be stored: the reason for the counts, the breakers, and one log line."""

from __future__ import annotations

from ...core.clock import monotonic
from ...core.signals import belongs_to_program
from ...store.failures import PERSISTENT, StoreFailure
from ..host_guard import describe, log_once
from ..recording.admission import BACKING_OFF, Breaker
from ..recording.recorder import INTERNAL_ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .watched_target import WatchedTarget

_FAILURES = 3  # failures of the disk in a row that open its breaker
_FUNCTION_FAILURES = 5  # the same for the breaker of one function


class FailureHandler:
    """The breakers of the disk and of the watched targets: they close gates when storing keeps failing."""

    def __init__(self, base_path: str, watched: Mapping[str, WatchedTarget]) -> None:
        self._base_path = base_path
        self._watched = watched
        self._breaker = Breaker(_FAILURES)
        self._unusable = ""  # why the breaker of the disk is open
        self._unusable_until = 0.0

    def check_usable(self) -> None:
        """Raises StoreFailure while the breaker of the disk is open."""
        if self._unusable and self._is_unusable():
            raise StoreFailure(self._unusable)

    def _is_unusable(self) -> bool:
        return monotonic() < self._unusable_until

    def succeeded(self, function: WatchedTarget) -> None:
        function.breaker = None
        self._breaker.succeeded()

    def count(self, function: WatchedTarget, error: Exception, number: int = 1) -> None:
        """Count `number` calls as failed because of `error`. Raises what is the program's own."""
        reason = self._reason(function, error)
        for _ in range(number):
            function.ledger.count_failed(reason)
            function.gate.refund()

    def _reason(self, function: WatchedTarget, error: Exception) -> str:
        raise_programs_own(error)
        if isinstance(error, StoreFailure):
            self._store_failed(error.reason)
            return error.reason
        log_once(f"could not store a call of {function.target}", describe(error))
        function.breaker = function.breaker or Breaker(_FUNCTION_FAILURES)
        pause = function.breaker.failed()
        if pause is not None and function.gate.closed is None:
            function.gate.close(BACKING_OFF, pause)
        return INTERNAL_ERROR

    def _store_failed(self, reason: str) -> None:
        """After `_FAILURES` in a row that will last (a full disk), close all gates for a while."""
        if self._is_unusable():
            return
        self.log(reason)
        pause = self._breaker.failed() if reason in PERSISTENT else None
        if pause is None:
            return
        self._unusable, self._unusable_until = reason, monotonic() + pause
        for function in list(self._watched.values()):
            if function.gate.closed is None:
                function.gate.close(reason, pause)

    def log(self, reason: str) -> None:
        log_once(f"could not write to {self._base_path}", reason, "'snapagent why' counts such calls")


def raise_programs_own(error: BaseException) -> None:
    """Raise `error` or its cause when a signal handler of the program raised it during a write in the caller."""
    for one in (error, error.__cause__):
        if one is not None and belongs_to_program(one):
            raise one
