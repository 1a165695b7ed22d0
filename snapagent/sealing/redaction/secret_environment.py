"""The secrets of this process's own environment: wherever one of them turns up in a call, it is taken out.

A program reads its credentials from the environment and hands them on under any name; the environment says which
values they are.
"""

from __future__ import annotations

import os

from .equal_values import forms_of
from .names import SecretNames
from .surroundings import looks_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OUR_KEY = "SNAPAGENT_KEY"  # may hold several, with commas between them


class EnvironmentSecrets:
    """Values of variables with secret names, unless they are plain words."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._seen: dict[Any, Any] = {}
        self._values: frozenset[bytes] = frozenset()
        self._forms: tuple[bytes, ...] = ()

    def values(self) -> frozenset[bytes]:
        """The secrets as they are now."""
        self._look()
        return self._values

    def occur_in(self, streams: bytes) -> bool:
        """Whether one of them is in these bytes, in any spelling that is looked for."""
        self._look()
        return any(form in streams for form in self._forms)

    def _look(self) -> None:
        variables = getattr(os.environ, "_data", None)  # read at once: another thread may be changing it
        if type(variables) is not dict or variables == self._seen:
            return
        self._seen = variables.copy()
        found = set()
        for name, value in self._seen.items():
            name, value = os.fsdecode(name), os.fsdecode(value)
            if name == _OUR_KEY:
                found.update(value.split(","))
            elif self._names.rule(name) is not None:
                found.add(value)
        self._values = frozenset(os.fsencode(value) for value in found if looks_secret(value))
        self._forms = tuple(form for value in sorted(self._values) for form in forms_of(value))
