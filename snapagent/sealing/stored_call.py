"""A bundle's call as it was before it was sealed, to be sealed again."""

from __future__ import annotations

from datetime import datetime

from ..bundle import Header
from ..config.targets import Target
from ..core.signature import Parameters
from .raw_call import RawCall


def raw_call_of(header: Header, call: bytes, outcome: bytes) -> RawCall:
    """The call of a bundle from its header and its inflated parts. Default values are not stored, and so left out."""
    return RawCall(
        target=Target.parse(header.target),
        kind=header.kind,
        flavor=header.flavor,
        parameters=Parameters(header.parameters),
        call=call,
        outcome=outcome,
        raised=header.outcome == "raised",
        started=started_at(header),
        duration=header.duration,
        by_value=header.by_value,
        exception=header.exception,
        ended=header.ended,
        serializer=header.parts[0].serializer,
    )


def started_at(header: Header) -> float:
    """When the call began, in seconds since 1970; 0 for a time that cannot be read."""
    try:
        return datetime.fromisoformat(header.timestamp).timestamp()
    except ValueError:
        return 0.0
