"""`clock`: nothing is wrapped. Every replay runs at the moment of the call, and the header has that moment."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Operation

operations: tuple[Operation, ...] = ()
