"""Freezes and hashes live arguments as a bundle would hold them, redacted by the current rules."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..bundle import BOUND_KINDS, FUNCTION, PLAIN, Header, Note
from ..config.settings import Settings
from ..config.targets import Target
from ..core.paths import RESULT, PathPattern, parse_path
from ..core.records import Record
from ..core.signature import Parameters, defaults_of
from ..errors import NotReplayableError
from ..placeholder import EXCLUDED, PLACEHOLDER
from ..sealing.hashing.canonical import VERSION, argument_hash
from ..sealing.opened_call import OpenedCall
from ..sealing.raw_call import RawCall
from ..sealing.seal import SealRules
from ..serializer.freezing.freeze import FreezeRules, freeze_as_first, freeze_call, freeze_outcome
from ..serializer.inert.nodes import nodes_of
from ..serializer.inert.stand_ins import Inert
from .application import prepare
from .captures_dir import config_in_force
from .functions import find_function, unwrap

NOTHING = pickle.dumps(None)  # the outcome of a call that has not ended


class LiveCall(Record):
    """A function and the arguments of a call of it. `parameters` do not include the bound instance."""

    target: str  # module:qualname
    parameters: Parameters
    defaults: Mapping[str, Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def freeze_live_call(
    live: LiveCall, excluded: Iterable[str] = (), settings: Settings | None = None, as_first: bool = False
) -> RawCall:
    """The call as bytes, before it is made, without the values at the paths `excluded`. The outcome is empty.

    `as_first` freezes it as version 0.1.0 did, so that its hash is the one that a bundle of that version has.
    """
    settings = settings or settings_for(live.target)
    rules = FreezeRules(
        max_bytes=settings.max_bytes,
        exclude=tuple(patterns_of((*settings.exclude, *excluded))),
        exclude_types=settings.exclude_types,
    )
    if as_first:
        frozen = freeze_as_first((None, live.args, live.kwargs), live.parameters, rules)
        frozen_defaults = freeze_as_first(dict(live.defaults), RESULT, rules)
    else:
        frozen = freeze_call(None, live.args, live.kwargs, live.parameters, rules)
        frozen_defaults = freeze_outcome(dict(live.defaults), False, rules)
    defaults = frozen_defaults.data if live.defaults else None
    return RawCall(
        target=Target.parse(live.target),
        kind=FUNCTION,
        flavor=PLAIN,
        parameters=live.parameters,
        call=frozen.data,
        outcome=NOTHING,
        raised=False,
        started=0.0,
        duration=0.0,
        defaults=defaults,
        call_notes=frozen.notes,
        by_value=frozen.by_value,
        packages=frozen.packages,
    )


def hash_of(call: RawCall, rules: SealRules, types: Mapping[str, str] | None = None) -> str:
    """The argument hash of a frozen call without its instance (`h1:<hex>` or `h2:<hex>`), redacted leaves as one text.

    The outcome does not enter the hash, so the hash is known before the call is made. A placeholder is hashed by the
    type of the value that it replaces; `types` gives the types of excluded arguments by path, so that both calls have
    the same ones.
    """
    opened = OpenedCall(call.parameters, False, call.call, call.defaults)
    opened.redact(rules.redactor)
    bound = opened.bound()
    if any(note.kind == EXCLUDED for note in call.call_notes):
        _retype(bound, types or {})
    return argument_hash(bound).call_hash


def _retype(bound: Mapping[str, Any], types: Mapping[str, str]) -> None:
    for node in nodes_of(dict(bound)):
        if isinstance(node, Inert) and type(node).name == PLACEHOLDER and node.args[1] == EXCLUDED:
            path, kind, _, *rest = node.args
            node.args = (path, kind, types.get(path, ""), *rest)


def settings_for(target: str) -> Settings:
    """The settings of the config that a target has, the defaults when no rule names it."""
    return config_in_force().settings_for(target)


def seal_rules(settings: Settings, key: bytes = b"") -> SealRules:
    """The rules of redaction in the config. The key only affects pseudonyms, not hashes."""
    return SealRules.of(settings, key)


def excluded_types(notes: Iterable[Note]) -> dict[str, str]:
    """The paths and types of the arguments that a bundle excludes, to exclude them from a live call as well."""
    return {note.path: note.type for note in notes if note.kind == EXCLUDED}


def patterns_of(paths: Iterable[str]) -> Iterable[PathPattern]:
    """The paths as patterns, without those that were shortened for printing."""
    for path in paths:
        try:
            yield parse_path(path)
        except ValueError:  # a path that was shortened for printing: it matches nothing
            continue


class ArgumentFilter:
    """Tests headers for one set of arguments. The hash is computed once for each signature among the headers.

    `function` is the target, if the caller has it. Otherwise it is imported, since its default values enter the hash.
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
        if self._hash(key, header, excluded, as_first=False) == header.call_hash:
            return True
        is_first = header.call_hash.startswith(f"{VERSION}:")
        return is_first and self._hash(key, header, excluded, as_first=True) == header.call_hash

    def _hash(self, key: object, header: Header, excluded: dict[str, str], as_first: bool) -> str:
        known = self._hashes.get((key, as_first))
        if known is None:
            known = self._hashes[key, as_first] = self._computed(header, excluded, as_first)
        return known

    def _computed(self, header: Header, excluded: dict[str, str], as_first: bool) -> str:
        skip = 1 if header.kind in BOUND_KINDS else 0
        parameters = Parameters(header.parameters[skip:])
        live = LiveCall(header.target, parameters, self._defaults(header, parameters), self._args, self._kwargs)
        settings = settings_for(header.target)
        frozen = freeze_live_call(live, excluded, settings, as_first)
        return hash_of(frozen, seal_rules(settings), excluded)

    def _defaults(self, header: Header, parameters: Parameters) -> Mapping[str, Any]:
        """The default values of `parameters`; none when the program cannot be imported."""
        try:
            if self._function is None:
                prepare(header)
            function: Any = self._function or find_function(header.target)
        except NotReplayableError:
            return {}
        if not hasattr(function, "__code__"):
            return {}
        names = {name for name, _ in parameters.items}
        return {name: value for name, value in defaults_of(function).items() if name in names}
