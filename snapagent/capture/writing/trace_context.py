"""Notes with each captured call the trace that it belongs to, where the program has OpenTelemetry loaded."""

from __future__ import annotations

from sys import modules

from ...core.signals import belongs_to_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..recording.recorder import Pending

_LIBRARY = "opentelemetry.trace"


def noting_trace(submit: Callable[[Pending], bool]) -> Callable[[Pending], bool]:
    """`submit`, which runs in the caller at the end of the call, with the look at the trace before it."""

    def noted(pending: Pending) -> bool:
        if _LIBRARY in modules:
            _note(pending)
        return submit(pending)

    return noted


def _note(pending: Pending) -> None:
    """Set `trace` to the trace and span id of the current span, if there is one. Never imports the library."""
    try:
        context = modules[_LIBRARY].get_current_span().get_span_context()
        if context.trace_id:
            pending.trace = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    except Exception as error:  # a call is captured without its trace rather than not at all
        if belongs_to_program(error):
            raise
