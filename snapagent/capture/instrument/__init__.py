"""Instrumenting a module: its targets are found, and calls of each reach a recorder. The only home of wrapt.

A function that only its module refers to is wrapped by wrapt, outermost, in every place where the module keeps it. One
that others refer to already (a registry that a decorator filled, a callback list, a default argument, an import in an
earlier module) keeps its identity: its code is swapped instead, which reaches every reference and needs no search for
them. `mode: inplace` asks for the latter always.
"""

from __future__ import annotations

from .instrumenter import Instrumenter, instrument_value

__all__ = ["Instrumenter", "instrument_value"]
