"""Secrets taken out of inert graphs, before any byte of them is written.

What is found: values under names that secrets travel by (parameters, keys, attributes, closure cells, defaults),
values of types that never belong in a file, values that look like secrets, places that the user names, and then
whatever equals one of them, or contains it, anywhere else in the same call: in texts, bytes, keys, base64.

What is put there: for text and bytes a pseudonym of the same type, keyed, so that equal secrets stay equal and nothing
can be guessed from it; for anything else a placeholder. Notes say path and rule, never values.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from .bundle import Note
from .canonical_atoms import PSEUDONYM
from .canonical_types import PLACEHOLDER
from .graph_places import (
    NO_STEP,
    Entry,
    Place,
    Roots,
    entries,
    extended,
    keys_of,
    path_of,
    put,
    rekey,
    substitute,
    walk,
)
from .paths import PathPattern, parse_path
from .secret_names import LIKE, NAMED, SecretNames
from .secret_patterns import is_card_number, may_hold_secrets, secrets_in
from .secret_search import Needles
from .serializer.inert import BY_VALUE, Inert, StandIn, is_atom, stand_in, type_name
from .serializer.live_names import live_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REDACTED = "redacted"
SECRET_TYPES = frozenset(
    {
        "os:_Environ",
        "django.conf:LazySettings",
        "django.conf:Settings",
        "django.conf:UserSettingsHolder",
        "django.http.request:HttpRequest",
        "flask.config:Config",
        "flask.wrappers:Request",
        "http.cookiejar:CookieJar",
        "pydantic_settings.main:BaseSettings",
        "requests.models:PreparedRequest",
        "requests.models:Request",
        "requests.sessions:Session",
        "starlette.datastructures:Secret",
        "starlette.requests:Request",
        "werkzeug.wrappers.request:Request",
    }
)
_SHORTEST = 6  # characters of a secret that is looked for elsewhere
_LONG = 20  # characters: a text of so many is no plain word
_SMALLEST_CARD = 10**12
_BUILT_IN = frozenset({list, tuple, dict, set, frozenset})
_NEVER_SECRET = frozenset({type(None), bool})
_COUNTS = frozenset({int, float})  # under a name that is only like a secret's they are counts, and stay
_PLAIN_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Redactor:
    """The rules of one target, with the key that pseudonyms are made with.

    `added` and `allowed` hold names (`card`, normalised like the built-in ones) and paths (`**.card`, `rows[*].owner`).
    Raises ValueError when a path is none.
    """

    def __init__(self, added: Iterable[str] = (), allowed: Iterable[str] = (), key: bytes = b"") -> None:
        added_names, self._wanted = _split(added)
        allowed_names, self._spared = _split(allowed)
        self.names = SecretNames(added_names, allowed_names)
        self.has_paths = bool(self._wanted or self._spared)
        self._key = key

    def begin(self, streams: bytes) -> Redaction:
        """The redaction of one call: what is found in one of its parts is looked for in all. `streams` as above."""
        return Redaction(self, streams)

    def pseudonym(self, secret: bytes) -> str:
        mac = hmac.digest(self._key, b"snapagent pseudonym\0" + secret, "sha256")
        return f"{REDACTED}-{mac.hex()[:12]}"

    def is_clean(self, parts: Iterable[Roots], streams: bytes) -> bool:
        """Whether there is surely nothing to redact: quick, and most calls end here. `streams`: all their pickles."""
        if self._wanted or may_hold_secrets(streams, self.names):
            return False
        return not any(map(self._has_names, parts))

    def _has_names(self, roots: Roots) -> bool:
        innocent = self.names.innocent
        for label, value in zip(roots.labels, roots.values, strict=True):
            if label is not None and label not in innocent and self._is_secret(label, value):
                return True
        seen: set[int] = set()
        rest: list[Any] = list(roots.values)
        while rest:
            node = rest.pop()
            kind = type(node)
            if kind in _ATOMS:
                continue
            identity = id(node)
            if identity in seen:
                continue
            seen.add(identity)
            if kind is dict:
                if not innocent.issuperset(node) and any(self._is_secret(*pair) for pair in node.items()):
                    return True
                rest += node.values()
                if not _ATOMS.issuperset(map(type, node)):
                    rest += node
            elif kind in _BUILT_IN:
                if not _ATOMS.issuperset(map(type, node)):
                    rest += node
            elif self._object_has_names(node, rest):
                return True
        return False

    def _is_secret(self, name: object, value: object) -> bool:
        """Whether a value under this name is taken out, as far as can be said without its surroundings."""
        rule = self.names.rule(name)
        if rule is None or type(value) in _NEVER_SECRET:
            return False
        return rule == NAMED or type(value) not in _COUNTS

    def _object_has_names(self, node: Any, rest: list[Any]) -> bool:
        """Whether an object's type or fields say so; what it holds is added to `rest`."""
        if isinstance(node, StandIn):
            if node.origin is not None:
                rest.append(node.origin)
            return False
        cls: Any = type(node)
        if cls.origin is not None or node.effects is not None or cls.name == BY_VALUE:
            return True  # code by value: look closely
        known = live_names(cls)
        if cls.name in SECRET_TYPES or not SECRET_TYPES.isdisjoint(known.bases):
            return True
        if known.fields and any(self.names.rule(field) is not None for field in known.fields):
            return True
        rest += (node.args, node.state)
        if node.kwargs or node.listed or node.pairs or node.callee is not None:
            rest += (node.kwargs, node.listed, node.pairs, node.callee)
        return False

    def names_place(self, keys: list[object]) -> bool:
        """Whether a path that the user gave names this place."""
        return any(pattern.matches_keys(keys) for pattern in self._wanted)

    def spares_place(self, keys: list[object]) -> bool:
        return any(pattern.matches_keys(keys) for pattern in self._spared)


_ATOMS = frozenset({type(None), bool, int, float, str, bytes, bytearray})


def _split(rules: Iterable[str]) -> tuple[list[str], list[PathPattern]]:
    """Names, and paths: what has more than a name's letters in it."""
    names, paths = [], []
    for rule in rules:
        if _PLAIN_PATH.issuperset(rule):
            names.append(rule)
        else:
            paths.append(parse_path(rule))
    return names, paths


def is_secret_type(cls: StandIn) -> bool:
    """By its own name, and by its bases where the class is loaded."""
    return cls.name in SECRET_TYPES or not SECRET_TYPES.isdisjoint(live_names(cls).bases)


class Redaction:
    """One call being redacted: `look` at each of its parts, then `finish`; graphs are changed in place.

    `changed` holds the names of the parts that are not what they were, `notes` one note for each place.
    """

    def __init__(self, rules: Redactor, streams: bytes) -> None:
        self.changed: set[str] = set()
        self.notes: dict[str, list[Note]] = {}
        self._rules = rules
        self._streams = streams
        self._parts: dict[str, Roots] = {}
        self._secrets: dict[bytes, str] = {}
        self._needles = Needles({}, b"")

    def look(self, part: str, roots: Roots, patterns: bool = True) -> None:
        """Redact what is secret by name, type, place or look. `patterns` False: no value can look like a secret."""
        self._parts[part] = roots
        self.notes[part] = []
        replaced: dict[int, tuple[Any, Any]] = {}
        seen: set[tuple[int, str | None]] = set()
        rest = [Place(roots, None, ())]
        while rest:
            place = rest.pop()
            if (id(place.node), place.rule) not in seen:
                seen.add((id(place.node), place.rule))
                rest.extend(reversed(self._look_at(part, place, replaced, patterns)))
        substitute(roots, replaced)

    def finish(self) -> None:
        """Redact what equals, or contains, something that was redacted; then the graphs are ready to be encoded."""
        self._needles = Needles(self._secrets, self._streams)
        for part, roots in self._parts.items():
            if not self._needles.empty:
                replaced: dict[int, tuple[Any, Any]] = {}
                for place in walk(roots):
                    self._replace_equal(part, place, replaced)
                substitute(roots, replaced)
            if part in self.changed:
                _forget_streams_within(roots)
            self.notes[part] = [note.replace(path=self.scrub(note.path)) for note in self.notes[part]]

    def scrub(self, text: str) -> str:
        """A text about the call (a path, a detail) without the secrets that were found in it."""
        return text if self._needles.empty else self._needles.cleaned(text)

    def _look_at(self, part: str, place: Place, replaced: dict[int, tuple[Any, Any]], patterns: bool) -> list[Place]:
        """Redact what one container holds directly; returns the containers in it that are still to be looked at."""
        changes: dict[Any, Any] = {}
        below = []
        for entry in entries(place):
            child = entry.child
            kind = type(child)
            if kind in _NEVER_SECRET:
                continue
            rule, why = self._verdict(place, entry)
            if why and not (rule == LIKE and kind in _BUILT_IN):
                new = self._taken_out(part, place, entry, why, rule == LIKE)
            elif kind is str or kind is bytes:
                new = self._without_patterns(part, place, entry) if patterns else child
            elif kind is int and child > _SMALLEST_CARD and is_card_number(str(child)):
                new = self._taken_out(part, place, entry, "it looks like a card number", False)
            else:
                new = child
                if not is_atom(child) and not _is_placeholder(child):
                    below.append(Place(child, extended(place.link, entry.key), entry.labels, rule))
            if new is not child:
                changes[entry.slot] = new
        if changes:
            put(place, changes, replaced)
        if patterns and type(place.node) is dict:
            self._rekey(part, place, self._key_without_patterns, "a key looks like a secret")
        return below

    def _verdict(self, place: Place, entry: Entry) -> tuple[str | None, str]:
        """Whether what an entry holds is secret: how sure that is, and why; (None, "") when it is not."""
        rules = self._rules
        if entry.slot is None:
            return place.rule, ""
        rule = rules.names.rule(entry.label) if entry.label is not None else None
        why = f"the name {_shown(entry.label)} is secret" if rule else ""
        if not rule and place.rule:
            rule, why = place.rule, "it belongs to a secret"
        if not why and isinstance(entry.child, Inert) and is_secret_type(type(entry.child)):
            rule, why = NAMED, "its type holds secrets"
        if rules.has_paths and entry.key is not NO_STEP:
            keys = keys_of(extended(place.link, entry.key))
            if rules.spares_place(keys):
                return None, ""
            if not why and rules.names_place(keys):
                return NAMED, "the configuration names this place"
        return rule, why

    def _taken_out(self, part: str, place: Place, entry: Entry, why: str, unsure: bool) -> Any:
        """What stands for a secret."""
        child = entry.child
        kind = type(child)
        if kind in (str, bytes, bytearray):
            if not child or _is_pseudonym(child):
                return child
            new: Any = self._pseudonym(child)
            self._note(part, place, entry, kind.__name__, why)
            return new
        if kind in _COUNTS and unsure:
            return child
        if _is_placeholder(child):
            return child
        self._remember_all_in(child)
        self._note(part, place, entry, type_name(child), why)
        return placeholder(path_of(extended(place.link, entry.key)), type_name(child), why)

    def _without_patterns(self, part: str, place: Place, entry: Entry) -> Any:
        child = entry.child
        new, found = self._cleaned(child)
        if found:
            self._note(part, place, entry, type(child).__name__, f"it looks like a {', a '.join(found)}")
        return new

    def _key_without_patterns(self, key: Any) -> Any:
        return self._cleaned(key)[0] if type(key) is str or type(key) is bytes else key

    def _cleaned(self, value: Any) -> tuple[Any, list[str]]:
        """A text or bytes without what looks like a secret, and the rules that hit."""
        text = value if type(value) is str else value.decode("latin-1")
        found = secrets_in(text, self._rules.names) if len(text) >= _SHORTEST else []
        if not found:
            return value, []
        pieces, end = [], 0
        for begin, stop, _ in found:
            pieces += [text[end:begin], self._for_piece(text[begin:stop], type(value))]
            end = stop
        new = "".join([*pieces, text[end:]])
        return (new if type(value) is str else new.encode("latin-1")), sorted({rule for _, _, rule in found})

    def _for_piece(self, secret: str, kind: type) -> str:
        if _is_pseudonym(secret):
            return secret
        data = secret.encode("latin-1") if kind is bytes else secret.encode("utf-8", "surrogatepass")
        name = self._rules.pseudonym(data)
        if _looks_secret(secret):
            self._secrets[data] = name
        return name

    def _pseudonym(self, secret: str | bytes | bytearray) -> Any:
        data = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else bytes(secret)
        name = self._rules.pseudonym(data)
        if len(secret) >= _SHORTEST:
            self._secrets[data] = name
        return name if isinstance(secret, str) else type(secret)(name.encode())

    def _remember_all_in(self, value: Any) -> None:
        """Texts inside something that was taken out whole: those that look like secrets are looked for elsewhere."""
        if type(value) is int or type(value) is float:
            text = str(value).encode()
            if len(text) >= _SHORTEST:
                self._secrets[text] = self._rules.pseudonym(text)
            return
        roots = Roots()
        roots.add((), None, value)
        for place in walk(roots):
            for entry in entries(place):
                child = entry.child
                if isinstance(child, str | bytes):
                    text_of = child if isinstance(child, str) else child.decode("latin-1")
                    named = entry.label is not None and self._rules.names.rule(entry.label) is not None
                    if named or _looks_secret(text_of):
                        self._pseudonym(child)

    def _replace_equal(self, part: str, place: Place, replaced: dict[int, tuple[Any, Any]]) -> None:
        changes: dict[Any, Any] = {}
        for entry in entries(place):
            new = self._equal(entry.child)
            if new is not entry.child:
                changes[entry.slot] = new
                self._note(part, place, entry, type(entry.child).__name__, "it equals a redacted value")
        if changes:
            put(place, changes, replaced)
        if type(place.node) is dict:
            self._rekey(part, place, self._equal, "a key equals a redacted value")

    def _equal(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self._needles.cleaned(value)
        if kind is bytes or kind is bytearray:
            return self._needles.cleaned_bytes(value)
        if kind is int and self._needles.has_number(value):
            return placeholder("", "int", "it equals a redacted value")
        return value

    def _rekey(self, part: str, place: Place, change: Callable[[Any], Any], why: str) -> None:
        keys = {key: new for key in place.node if (new := change(key)) is not key}
        if keys:
            rekey(place.node, keys)
            self.changed.add(part)
            self.notes[part].append(Note(path_of(place.link), REDACTED, "key", why))

    def _note(self, part: str, place: Place, entry: Entry, type_name: str, why: str) -> None:
        self.changed.add(part)
        self.notes[part].append(Note(path_of(extended(place.link, entry.key)), REDACTED, type_name, why))


def _forget_streams_within(roots: Roots) -> None:
    for place in walk(roots):
        if isinstance(place.node, Inert) and place.node.raw is not None:
            place.node.raw = None  # what was decoded from it may have changed: it is encoded again


def placeholder(path: str, type_name: str, why: str) -> Inert:
    """The stand-in for a secret that has no pseudonym."""
    node: Inert = stand_in(*PLACEHOLDER.split(":"))(path, REDACTED, type_name, why, "")
    return node


def _is_placeholder(value: object) -> bool:
    return isinstance(value, Inert) and type(value).name == PLACEHOLDER


def _is_pseudonym(value: str | bytes | bytearray) -> bool:
    text = value if isinstance(value, str) else value.decode("latin-1")
    return PSEUDONYM.fullmatch(text) is not None


def _looks_secret(text: str) -> bool:
    """Not a plain word: only such texts are looked for elsewhere when nothing but their surroundings was secret."""
    if len(text) < _SHORTEST:
        return False
    mixed = text.lower() != text != text.upper() and not text.istitle()
    return mixed or len(text) >= _LONG or any(letter.isdigit() for letter in text)


def _shown(label: object) -> str:
    text = label.decode("latin-1") if isinstance(label, bytes) else str(label)
    return repr(text)
