"""The trace and the span that the program is in, where it uses OpenTelemetry.

Read in the caller, because the writer's thread is in no span. The library is met, never imported.
"""

from __future__ import annotations

from sys import modules

from ...core.signals import belongs_to_program

API = "opentelemetry.trace"


def current_span() -> tuple[int, int] | None:
    """(trace id, span id) of the current span; None where the program is in none."""
    try:
        context = modules[API].get_current_span().get_span_context()
        trace, span = context.trace_id, context.span_id
    except Exception as error:  # a span of the program's own class, or a library that is being imported
        if belongs_to_program(error):
            raise
        return None
    return (trace, span) if type(trace) is int and type(span) is int and trace > 0 else None
