"""`Effect`: one recorded call of a dependency, as tests read it. Every access to a stored value unpickles it again."""

from __future__ import annotations

from typing import Any

from ...core.records import Record
from ...core.signature import Parameters
from ...dependencies.tape import HANDLE, RAISED, STORED, StoredEffect, UndecodableEffect
from ...errors import BundleLoadError, OutcomeError
from ...placeholder import UNSTORABLE, restore_placeholder
from ...serializer.thawing.load import thaw

_AGAIN = "capture the call again"


class Effect(Record):
    """One effect of a bundle; `target` is the function below which it was recorded."""

    index: int
    target: str
    stored: StoredEffect | UndecodableEffect

    @property
    def dependency(self) -> str:
        """`module:qualname` of the callable; empty for an effect whose bytes are damaged."""
        return self.stored.dependency if isinstance(self.stored, StoredEffect) else ""

    @property
    def role(self) -> str:
        """`read` or `write`."""
        return self._intact.role

    @property
    def receiver(self) -> str | None:
        """The object that it was called on: a path of the target's arguments, `effect 4`, or None."""
        return self._intact.receiver

    @property
    def path(self) -> tuple[str, ...]:
        """The functions between the target and the dependency, the caller of the dependency first."""
        return self._intact.path

    @property
    def outcome(self) -> str:
        """`returned`, `raised`, or `pending`: it had not ended when the target returned."""
        return self._intact.outcome

    @property
    def arguments(self) -> dict[str, Any]:
        """What was passed, by parameter name, without the bound instance."""
        effect = self._intact
        _, args, kwargs = self._load(effect.call)
        return Parameters(effect.parameters).bind(args, kwargs)

    @property
    def result(self) -> Any:
        """The returned value, a placeholder for a handle. Raises OutcomeError when it raised or never ended."""
        effect = self._intact
        if effect.outcome == RAISED:
            raise OutcomeError(f"{effect.dependency} (effects[{self.index}])", effect.exception or "an exception")
        if effect.is_argument is not None:
            return self.arguments.get(effect.is_argument)
        if effect.result is None:
            reason = "only calls on it are recorded" if effect.kept == HANDLE else f"its result is {effect.kept}"
            return restore_placeholder(f"effects[{self.index}].result", UNSTORABLE, effect.result_type, reason)
        return self._load(effect.result)

    @property
    def exception(self) -> BaseException | None:
        """The exception that it raised, None when it returned."""
        effect = self._intact
        if effect.outcome != RAISED or effect.kept != STORED:
            return None
        value = self._load(effect.result)
        return value[1] if isinstance(value, tuple) else value  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        if isinstance(self.stored, UndecodableEffect):
            return f"<effect {self.index}: {self.stored.reason}>"
        return f"<effect {self.index}: {self.role} {self.dependency} {self.outcome}>"

    @property
    def _intact(self) -> StoredEffect:
        if isinstance(self.stored, UndecodableEffect):
            raise BundleLoadError(f"effects[{self.index}] of {self.target}", self.stored.reason, _AGAIN)
        return self.stored

    def _load(self, data: bytes | None) -> Any:
        return thaw(data or b"N.", target=f"effects[{self.index}] of {self.target}")
