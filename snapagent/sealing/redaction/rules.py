"""The redaction rules of a target: secret names and paths, pseudonyms, and a fast test for calls without secrets."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from ...core.paths import PathPattern, parse_path
from ...placeholder import BY_VALUE
from ...serializer.inert.class_facts import ClassFacts, class_facts
from ...serializer.inert.nodes import ATOM_TYPES
from ...serializer.inert.stand_ins import StandIn
from ...serializer.inert.walk import Roots
from ..described import class_of, makes_own_objects
from .equal_values import EnvironmentSecrets
from .looks import could_be_secret
from .names import WHOLE, SecretNames
from .patterns import holds_card_number, may_hold_secrets
from .requests import is_request_type, may_hold_request
from .surroundings import MOST_IN_PAIR, WITH_PARTS, is_never_secret, is_secret_type, pair_label, secret_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..forms import Form, FormedCall

BUILT_IN = frozenset({list, tuple, dict, set, frozenset})
NEVER_SECRET = frozenset({type(None), bool})
LEAVES = frozenset({str, bytes, bytearray, int})  # the types of values that a name decides over
_NO_NAMES = ATOM_TYPES - {str, bytes}  # the types of keys that are no names
_MOST_CLASSES = 10_000
_MOST_FORMS = 2000
_SEQUENCES = frozenset({list, tuple})
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Redactor:
    """The rules of one target, with the key that pseudonyms are made with.

    `added` and `allowed` hold names (`card`, normalised like the built-in ones) and paths (`**.card`, `rows[*].owner`).
    """

    def __init__(self, added: Iterable[str] = (), allowed: Iterable[str] = (), key: bytes = b"") -> None:
        added_names, self._added_paths = _split(added)
        allowed_names, self._allowed_paths = _split(allowed)
        self.names = SecretNames(added_names, allowed_names)
        self.has_paths = bool(self._added_paths or self._allowed_paths)
        self._harmless: dict[StandIn, ClassFacts] = {}  # classes with no secret in their names and fields
        self._clean_forms: dict[Form, bool] = {}
        self.environment = EnvironmentSecrets(self.names)
        self._key = key

    def pseudonym(self, secret: bytes) -> str:
        mac = hmac.digest(self._key, b"snapagent pseudonym\0" + secret, "sha256")
        return f"redacted-{mac.hex()[:12]}"

    # Most calls are clean, so these are fast. They may find something in a call without secrets, and they find it
    # in each call with secrets.
    def are_clean(self, streams: bytes) -> bool:
        """Whether these pickles certainly have nothing in them that is redacted for itself."""
        if self._added_paths or may_hold_secrets(streams, self.names) or self.environment.occur_in(streams):
            return False
        return not may_hold_request(streams)

    def is_clean_call(self, call: FormedCall) -> bool:
        """Whether nothing in it is redacted for itself or for its name, the secrets of the environment aside."""
        if not self._is_clean_form(call.form):
            roots = Roots((), (*call.form.parameters, None), call.values)
            return self.are_clean(b"\n".join(call.streams)) and not self.have_names([roots])
        letters = call.letters
        if "\\" in letters:  # what is escaped hides the name of a secret
            return self.are_clean(b"\n".join(call.streams))
        if letters and may_hold_secrets(letters.encode(), self.names):
            return False
        frozen, outcome = call.streams
        return not (holds_card_number(frozen) or holds_card_number(outcome))

    def _is_clean_form(self, form: Form) -> bool:
        """Whether in no call of this form a name is redacted, or makes a value secret."""
        is_clean = self._clean_forms.get(form)
        if is_clean is None:
            names = "\n".join(form.names).encode()
            is_clean = self._clean_forms[form] = not (
                self._added_paths
                or form.may_hold_pairs
                or any(self.names.rule(name) is not None for name in form.names)
                or may_hold_secrets(names, self.names)
                or may_hold_request(names)
            )
            if len(self._clean_forms) > _MOST_FORMS:
                self._clean_forms.clear()
        return is_clean

    def have_names(self, parts: Iterable[Roots]) -> bool:
        """Whether a name in these graphs may make a value secret."""
        harmless = self.names.harmless
        seen: set[int] = set()
        rest: list[Any] = []
        judged: set[StandIn] = set()  # classes of objects that hold no secret by their class
        for roots in parts:
            if not harmless.issuperset(roots.labels) and any(map(self._is_secret, roots.labels, roots.values)):
                return True
            rest += roots.values
        while rest:
            node = rest.pop()
            kind = type(node)
            if kind in ATOM_TYPES:
                continue
            identity = id(node)
            if identity in seen:
                continue
            seen.add(identity)
            if kind is dict:
                if (
                    not harmless.issuperset(node)
                    and not _NO_NAMES.issuperset(map(type, node))
                    and any(map(self._is_secret, node, node.values()))
                ):
                    return True
                if not ATOM_TYPES.issuperset(map(type, node.values())):
                    rest += node.values()
                if not ATOM_TYPES.issuperset(map(type, node)):
                    rest += node
            elif kind in BUILT_IN:
                if 2 <= len(node) <= MOST_IN_PAIR and kind in _SEQUENCES and pair_label(node, self.names) is not None:
                    return True
                if not ATOM_TYPES.issuperset(map(type, node)):
                    rest += node
            elif kind in judged:
                if node.effects is not None:
                    return True
                rest += node.__dict__.values()
            elif self._object_has_names(node, rest, judged):
                return True
        return False

    def _is_secret(self, name: object, value: object) -> bool:
        """Whether a value under this name, or one inside it, may be redacted because of the name."""
        rule = self.names.rule(name)
        if rule is None or value is None:
            return False
        if rule == WHOLE:
            return True
        kind = type(value)
        if kind in LEAVES:
            return could_be_secret(rule, value)
        return kind not in NEVER_SECRET and kind is not float and not is_never_secret(value)

    def _object_has_names(self, node: Any, rest: list[Any], judged: set[StandIn]) -> bool:
        """Whether an object's type or fields are secret; its parts are added to `rest`.

        Its class is added to `judged` where all other objects of the class have the same answer, but for their parts.
        """
        if isinstance(node, StandIn):
            if node.origin is not None:
                rest.append(node.origin)
            return False
        cls: Any = type(node)
        if cls.origin is not None or node.effects is not None or cls.name == BY_VALUE:
            return True  # code by value: only `Redaction` reads it
        cls = class_of(node)
        known = class_facts(cls)
        if self._harmless.get(cls) is not known:
            if (
                is_secret_type(cls)
                or is_request_type(node)
                or any(self.names.rule(field) is not None for field in known.fields)
            ):
                return True
            self._remember_harmless(cls, known)
        if cls.qualname in WITH_PARTS:
            if secret_part(node, self.names) is not None:
                return True
        elif isinstance(node, cls) and makes_own_objects(cls):
            judged.add(cls)
        rest += node.__dict__.values()
        return False

    def _remember_harmless(self, cls: StandIn, known: ClassFacts) -> None:
        if len(self._harmless) >= _MOST_CLASSES:
            self._harmless.clear()
        self._harmless[cls] = known

    def names_place(self, keys: list[object]) -> bool:
        """Whether a configured path matches this place."""
        return any(pattern.matches_keys(keys) for pattern in self._added_paths)

    def allows_place(self, keys: list[object]) -> bool:
        return any(pattern.matches_keys(keys) for pattern in self._allowed_paths)


def _split(rules: Iterable[str]) -> tuple[list[str], list[PathPattern]]:
    """Names and paths: a rule with other characters than those of a name is a path, if it can be parsed as one."""
    names, paths = [], []
    for rule in rules:
        try:
            if not _NAME_LETTERS.issuperset(rule):
                paths.append(parse_path(rule))
                continue
        except ValueError:
            pass  # such as a header's name with a space: redacting too much is better than losing the call
        names.append(rule)
    return names, paths
