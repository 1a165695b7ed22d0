"""Live arguments as a bundle would hold them: frozen, redacted by today's rules, and hashed."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..bundle import BOUND_KINDS, FUNCTION, PLAIN, Header, Note
from ..config.settings import Settings
from ..config.targets import Target
from ..core.paths import PathPattern, parse_path
from ..core.records import Record
from ..core.signature import Parameters, defaults_of
from ..errors import NotReplayableError
from ..placeholder import EXCLUDED
from ..sealing.hashing.canonical import argument_hash
from ..sealing.hashing.objects import PLACEHOLDER
from ..sealing.opened_call import OpenedCall
from ..sealing.seal import RawCall, SealRules
from ..serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome
from ..serializer.inert.decode import Inert, nodes_of
from .captures_dir import config_in_force
from .functions import find_function, unwrap

NOTHING = pickle.dumps(None)  # the outcome of a call that has not ended


class Asked(Record):
    """A call that somebody makes or asks for. `parameters` do not include the bound instance."""

    target: str  # module:qualname
    parameters: Parameters
    defaults: Mapping[str, Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def freeze_asked(asked: Asked, excluded: Iterable[str] = (), settings: Settings | None = None) -> RawCall:
    """The call as bytes, before it is made; places at the paths `excluded` are left out. The outcome is empty."""
    settings = settings or settings_for(asked.target)
    rules = FreezeRules(
        max_bytes=settings.max_bytes,
        exclude=tuple(_patterns((*settings.exclude, *excluded))),
        exclude_types=settings.exclude_types,
    )
    frozen = freeze_call(None, asked.args, asked.kwargs, asked.parameters, rules)
    defaults = freeze_outcome(dict(asked.defaults), False, rules).data if asked.defaults else None
    return RawCall(
        target=Target.parse(asked.target),
        kind=FUNCTION,
        flavor=PLAIN,
        parameters=asked.parameters,
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
    """The argument hash of a frozen call without its instance, redacted leaves as one constant: `h1:<hex>`.

    The outcome has no say in it, so that the hash can be known before there is one. `types` says by path what type
    an excluded argument is taken for (any other: none at all), since a placeholder is hashed by its type.
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
    config = config_in_force()
    return config.target_set().rule_for(Target.parse(target)) or config.defaults


def seal_rules(settings: Settings, key: bytes = b"") -> SealRules:
    """Redaction as the config wants it; the key matters for pseudonyms only, not for hashes."""
    return SealRules.of(settings, key)


def excluded_types(notes: Iterable[Note]) -> dict[str, str]:
    """Where a bundle left arguments out on purpose, and their types: a call that is compared does the same."""
    return {note.path: note.type for note in notes if note.kind == EXCLUDED}


def _patterns(paths: Iterable[str]) -> Iterable[PathPattern]:
    for path in paths:
        try:
            yield parse_path(path)
        except ValueError:  # a printed path that was shortened: it names nothing
            continue


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
        skip = 1 if header.kind in BOUND_KINDS else 0
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
