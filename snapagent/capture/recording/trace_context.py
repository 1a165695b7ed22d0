"""Notes with a captured call the trace that it belongs to, where the program has OpenTelemetry loaded."""

from __future__ import annotations

from sys import modules

from ...core.signals import belongs_to_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .pending import Pending

TRACING = "opentelemetry.trace"  # the module: calls have a trace only once the program has loaded it


def note_trace(pending: Pending) -> None:
    """Set `trace` to the trace and span id of the current span, if there is one. Never imports the library."""
    try:
        context = modules[TRACING].get_current_span().get_span_context()
        if context.trace_id:
            pending.trace = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    except Exception as error:  # a call is captured without its trace rather than not at all
        if belongs_to_program(error):
            raise
