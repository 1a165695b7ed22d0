"""`LiveEffect`: a call of a dependency while a tape is served."""

from __future__ import annotations

from typing import Any

from ...core.records import Record
from .dependencies import Dependency
from .handles import Handle


class LiveEffect(Record):
    """A call of a dependency as it is made: the live arguments and what they are matched by."""

    dependency: Dependency
    instance: Any
    args: tuple[Any, ...]  # without the bound instance, as the tape has them
    kwargs: dict[str, Any]
    raw_args: tuple[Any, ...]  # as the program passed them
    raw_kwargs: dict[str, Any]
    handle: Handle | None = None
