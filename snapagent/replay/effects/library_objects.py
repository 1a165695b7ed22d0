"""Working objects of libraries in the place of placeholders: a session, a connection, a client.

The preset of the library makes them. What they ask of the outside is served, like anything else that the library does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ...core.type_facts import type_name as dotted_name
from ...dependencies.presets import LibraryObject, load_objects
from ...dependencies.tape import RETURNED, StoredEffect
from ...errors import SnapagentError
from ...serializer.thawing.load import thaw
from .stand_ins import find_class


class LibraryObjects:
    """The objects that the presets of one tape can make. `words` are those of the tape and the config."""

    def __init__(self, words: Iterable[str], effects: Mapping[int, StoredEffect]) -> None:
        self._presets = [_Preset(word, effects) for word in words]

    def make(self, type_name: str) -> Any:
        """An object of this class (dotted, or `module:qualname`), None where no preset makes one."""
        name = type_name.replace(":", ".")
        kind = find_class(type_name)
        names = {name, *(f"{name[:at]}.*" for at, letter in enumerate(name) if letter == ".")}
        if kind is not None:
            names.update(map(dotted_name, kind.__mro__))
        for preset in self._presets:
            for one in preset.objects:
                if names.intersection(one.names):
                    made = one.make(kind, name, preset.calls)
                    if made is not None:
                        return made
        return None


class _Preset:
    def __init__(self, word: str, effects: Mapping[int, StoredEffect]) -> None:
        self._effects = [effect for effect in effects.values() if effect.preset == word]
        self.objects: tuple[LibraryObject, ...] = load_objects(word)

    @cached_property
    def calls(self) -> list[tuple[dict[str, Any], Any]]:
        """The stored arguments and result of each call that returned and can be loaded."""
        found = []
        for effect in self._effects:
            if effect.outcome != RETURNED or effect.call is None or effect.result is None:
                continue
            try:
                found.append((thaw(effect.call)[2], thaw(effect.result)))
            except SnapagentError:
                continue
        return found
