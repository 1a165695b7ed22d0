"""Classes that the tests of library types use; they have a module so that they can be named."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pydantic


@attrs.define
class Defined:
    x: int
    y: list[int] = attrs.Factory(list)


@attrs.frozen
class FrozenAttrs:
    x: int


class Model(pydantic.BaseModel):
    x: int
    inner: list[Any] | None = None
    when: dt.datetime = dt.datetime(2026, 1, 1)

    model_config = {"extra": "allow"}
