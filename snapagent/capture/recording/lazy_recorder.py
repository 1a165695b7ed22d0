"""The recorder of a target, made by the first call of the target.

Most functions of a large program are wrapped and never called. Until its first call, such a function has this object
and its test, in place of a recorder, a ledger, a gate and all that these hold: twenty objects fewer for each garbage
collection to visit.
"""

from __future__ import annotations

from types import FunctionType

from ...config.targets import Target
from ...core.signals import belongs_to_program
from ..host_guard import describe, log_once
from . import recorder as eager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...config.settings import Settings

    Make = Callable[[Target, FunctionType, str, str, Settings], eager.Recorder]

PLAIN = "plain"  # the flavor; for others, a recorder is made at once


class LazyRecorder:
    """A recorder of a plain function, which `make` makes when its test or any other part of it is needed.

    `admit` is the test that the wrapper makes first. The first time it makes the recorder, and takes over its code and
    what that needs, so that it is as fast from then on.
    """

    __slots__ = (
        "_code",
        "_function",
        "_is_taken_over",
        "_kind",
        "_made",
        "_make",
        "_module",
        "_qualname",
        "_settings",
        "admit",
    )

    def __init__(self, make: Make, target: Target, function: FunctionType, kind: str, settings: Settings) -> None:
        self._module, self._qualname = target.module, target.qualname
        self._make = make
        self._function = function
        self._code = function.__code__  # a function that is captured in place gets other code, with other parameters
        self._kind = kind
        self._settings = settings
        self._made: eager.Recorder | None = None
        self._is_taken_over = False
        self.admit = FunctionType(_FIRST_CODE, vars(eager), "admit")
        self.admit.__kwdefaults__ = {"recorder": self}

    @property
    def target(self) -> Target:
        return Target(self._module, self._qualname)

    @property
    def flavor(self) -> str:
        return PLAIN if self._made is None else self._made.flavor

    @flavor.setter
    def flavor(self, value: str) -> None:
        self.made().flavor = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made(), name)

    def made(self) -> eager.Recorder:
        """The recorder. Two threads may make one each, of which one stays; both count in the same ledger."""
        if self._made is None:
            made = self._make(self.target, self._original(), self._kind, PLAIN, self._settings)
            self._made = self._made or made
        return self._made

    def _original(self) -> FunctionType:
        function = self._function
        if function.__code__ is self._code:
            return function
        original = FunctionType(self._code, {}, function.__name__, function.__defaults__, function.__closure__)
        original.__kwdefaults__ = function.__kwdefaults__
        return original

    def first_call(self) -> bool:
        """Whether the first call of the target is captured. Raises only what is the program's own."""
        try:
            recorder = self.made()
            admit: Any = recorder.admit
            if not self._is_taken_over and admit.__globals__ is self.admit.__globals__:
                self._take_over(admit)
                recorder.admit = self.admit  # one object less
        except RecursionError:  # the program is near its limit
            return False
        except Exception as error:
            if belongs_to_program(error):
                raise
            log_once(f"could not instrument {self.target}", describe(error))
            return False
        is_admitted: bool = admit()
        return is_admitted

    def _take_over(self, admit: Any) -> None:
        """In this order: a thread or an audit hook may call it in between, and `_first` has no other defaults."""
        self._is_taken_over = True
        self.admit.__defaults__ = admit.__defaults__
        self.admit.__code__ = admit.__code__
        self.admit.__kwdefaults__ = None


def _first(*, recorder: LazyRecorder) -> bool:
    return recorder.first_call()


_FIRST_CODE = _first.__code__
