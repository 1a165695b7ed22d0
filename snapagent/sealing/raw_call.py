"""A call as the recorder hands it over: bytes of its values, and the facts that its header names."""

from __future__ import annotations

from collections.abc import Mapping

from ..bundle import BOUND_KINDS, COMPLETE, Note
from ..config.targets import Target
from ..core.records import Record
from ..core.signature import Parameters


class RawCall(Record):
    """A call as the recorder froze it.

    `call` is the pickle of (instance or None, args, kwargs), `outcome` of the result or exception, `defaults` of
    {parameter: default}; `started` is seconds since 1970, `duration` seconds.
    """

    target: Target
    kind: str
    flavor: str
    parameters: Parameters
    call: bytes
    outcome: bytes
    raised: bool
    started: float
    duration: float
    defaults: bytes | None = None
    call_notes: tuple[Note, ...] = ()
    outcome_notes: tuple[Note, ...] = ()
    by_value: tuple[str, ...] = ()
    packages: frozenset[str] = frozenset()
    exception: str | None = None
    ended: str = COMPLETE
    serializer: str = "pickle"
    origin: Mapping[str, object] = {}

    @property
    def has_instance(self) -> bool:
        """Whether the first argument is the bound instance or class."""
        return self.kind in BOUND_KINDS
