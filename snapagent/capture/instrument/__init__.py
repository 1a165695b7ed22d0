"""Instruments a module: finds its targets and has their calls recorded. The only home of wrapt.

A function that only its module refers to is wrapped by wrapt, outermost, in every place where the module keeps it. A
function with other references (a registry that a decorator filled, a callback list, a default argument, an import in an
earlier module) keeps its identity and gets other code, which reaches every reference without a search for them.
`mode: inplace` swaps the code always.
"""

from __future__ import annotations

from .instrumenter import Instrumenter, instrument_value

__all__ = ["Instrumenter", "instrument_value"]
