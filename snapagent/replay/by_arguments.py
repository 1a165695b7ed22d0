"""Whether a bundle is of a call with given arguments: told by the argument hash, without unpickling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..bundle import Header
from ..core.signature import Parameters, defaults_of
from ..errors import NotReplayableError
from .asked import Asked, excluded_types, freeze_asked, hash_of, seal_rules, settings_for
from .functions import find_function, unwrap


class ArgumentTest:
    """Asks headers for one set of arguments; the hash is made once for each signature that the headers show.

    `function` is the target where the caller has it; else it is looked for, since its default values count.
    """

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], function: Callable[..., Any] | None = None
    ) -> None:
        self._function = unwrap(function) if function is not None else None
        self._args = args
        self._kwargs = kwargs
        self._hashes: dict[object, str] = {}

    def __call__(self, header: Header) -> bool:
        excluded = excluded_types(header.notes)
        key = (header.target, header.parameters, tuple(excluded.items()))
        wanted = self._hashes.get(key)
        if wanted is None:
            wanted = self._hashes[key] = self._hash(header, excluded)
        return header.call_hash == wanted

    def _hash(self, header: Header, excluded: dict[str, str]) -> str:
        skip = 1 if header.kind in ("method", "classmethod") else 0
        parameters = Parameters(header.parameters[skip:])
        asked = Asked(header.target, parameters, self._defaults(header.target, parameters), self._args, self._kwargs)
        settings = settings_for(header.target)
        return hash_of(freeze_asked(asked, excluded, settings), seal_rules(settings), excluded)

    def _defaults(self, target: str, parameters: Parameters) -> Mapping[str, Any]:
        """The function's default values, those of `parameters`; none when the program is not here."""
        try:
            function: Any = self._function or find_function(target)
        except NotReplayableError:
            return {}
        if not hasattr(function, "__code__"):
            return {}
        names = {name for name, _ in parameters.items}
        return {name: value for name, value in defaults_of(function).items() if name in names}
