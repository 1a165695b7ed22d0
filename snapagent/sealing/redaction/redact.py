"""Redacts secrets in inert graphs, before any byte of them is written.

Redacted are: texts, bytes and some numbers under secret names (parameters, keys, attributes, closure cells, defaults)
if they could be secrets, values of types that hold secrets, values that look like secrets under any name, and what the
configuration names, whatever it is. Then what equals or contains one of these anywhere else in the same call is
redacted too, if it looks like a secret by itself: texts, bytes, keys, base64. A name never decides over a container or
an object: the values in them are judged one by one.

A text or bytes is replaced by a pseudonym of the same type, made with a key: equal secrets stay equal, and nobody can
guess a secret from it. Other values are replaced by placeholders. Notes have the path and the rule, never the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ...bundle import Note
from ...placeholder import BY_VALUE, REDACTED
from ...serializer.inert.nodes import is_atom
from ...serializer.inert.stand_ins import Inert
from ...serializer.inert.walk import (
    NO_STEP,
    Item,
    Place,
    Roots,
    extended,
    items_of,
    keys_of,
    path_of,
    put,
    rekey,
    substitute,
    walk,
)
from ..hashing.arrays import packed_in
from .body_lengths import BodyLengths
from .equal_values import SecretSearch
from .http_texts import is_body
from .looks import could_be_secret
from .names import WHOLE, inherited
from .patterns import is_card_number, secrets_in
from .placeholders import is_placeholder, placeholder, type_shown
from .pseudonyms import Pseudonyms, is_pseudonym
from .request_texts import RequestTexts
from .requests import COOKIES, REQUEST, RequestNames, context_of
from .rules import BUILT_IN, LEAVES, Redactor
from .surroundings import (
    is_code,
    is_never_secret,
    is_secret_type,
    is_text,
    pair_label,
    rule_inside,
    secret_part,
    texts_packed_in,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORTEST = 6  # characters of a secret that is searched for elsewhere in the call
_SMALLEST_CARD, _LARGEST_CARD = 10**12, 10**19
_ALLOWED = "allowed"  # a place that `redact_allow` names: no rule applies to it, all rules to the values below it
_EQUAL = "it equals a redacted value"
_OPENS_STREAM = BY_VALUE.rpartition(":")[2].encode()  # in the pickle of a value that has a stream within it
_NO_SEARCH = SecretSearch({}, b"", {})
_PAIRS = frozenset({list, tuple})
_TEXTS = frozenset({str, bytes, bytearray})


class Redaction:
    """The redaction of one call: `redact_part` for each part, then `finish`. The graphs are changed in place.

    `known` are secrets that may be in it, known from elsewhere. `changed` has the names of the parts that were changed,
    `notes` by part one note for each place.
    """

    def __init__(self, rules: Redactor, streams: bytes, known: Iterable[bytes] = ()) -> None:
        self.changed: set[str] = set()
        self.notes: dict[str, list[Note]] = {}
        self._rules = rules
        self._streams = streams
        self._parts: dict[str, Roots] = {}
        self._pseudonyms = Pseudonyms(rules, rules.environment.values().union(known))
        self._search = _NO_SEARCH
        self._request = RequestTexts(RequestNames(rules.names), self._pseudonyms)
        self._lengths = BodyLengths()

    # A container is visited once for each rule that it inherits: one that is shared by a secret name and a harmless one
    # must lose its values under the secret name too. Tuples and frozensets are replaced only after the walk, because a
    # new one changes the identity that the containers around it, and `seen`, refer to.
    def redact_part(self, part: str, roots: Roots) -> None:
        """Redact values that are secret by name, type, path or pattern."""
        self._parts[part] = roots
        self.notes[part] = []
        replaced: dict[int, tuple[Any, Any]] = {}
        seen: set[tuple[int, str | None, str | None]] = set()
        rest = [Place(roots, None, ())]
        while rest:
            place = rest.pop()
            if (id(place.node), place.rule, place.context) not in seen:
                seen.add((id(place.node), place.rule, place.context))
                self._lengths.met(place.node)
                rest.extend(reversed(self._redact_container(part, place, replaced)))
        substitute(roots, replaced)

    def finish(self) -> None:
        """Redact values that equal, or contain, a redacted one. Afterwards the graphs can be encoded.

        This needs the secrets of all parts: a result may repeat a secret argument.
        """
        self._search = SecretSearch(self._pseudonyms.secrets, self._streams, self._pseudonyms.whole)
        for part, roots in self._parts.items():
            if not self._search.empty:
                replaced: dict[int, tuple[Any, Any]] = {}
                for place in walk(roots):
                    self._replace_equal(part, place, replaced)
                substitute(roots, replaced)
        self._lengths.adjust(self._parts.values())
        for part, roots in self._parts.items():
            if part in self.changed and _OPENS_STREAM in self._streams:
                _forget_streams_within(roots)
            self.notes[part] = [note.replace(path=self.scrub(note.path)) for note in self.notes[part]]

    def learned(self) -> Iterator[bytes]:
        """The secrets that this call itself gave away."""
        return self._pseudonyms.learned()

    def scrub(self, text: str) -> str:
        """A text about the call (a path, a detail) without the secrets that were found in it."""
        return text if self._search.empty else self._search.replaced_in_path(text)

    def _redact_container(self, part: str, place: Place, replaced: dict[int, tuple[Any, Any]]) -> list[Place]:
        """Redact the items of one container; returns the containers among them that are still to be visited."""
        changes: dict[Any, Any] = {}
        below = []
        for item in self._items(place, replaced):
            child = item.child
            rule, why = self._rule_of(place, item)
            if rule == WHOLE:
                new = self._replacement(part, place, item, why)
            elif is_atom(child):
                new = self._without_secrets(part, place, item, rule, why)
            elif packed_in(child) is not None:
                new = child if rule == _ALLOWED else self._without_packed_secrets(part, place, item, rule, why)
            else:
                new = child
                if not is_placeholder(child):
                    below.append(self._place_below(rule, place, item))
            if new is not child:
                changes[item.slot] = new
        if changes:
            put(place, changes, replaced)
        if type(place.node) is dict:
            self._rekey(part, place, self._pseudonyms.key_without_patterns, "a key looks like a secret")
            if place.rule is not None and place.rule != _ALLOWED:
                self._rekey(part, place, self._pseudonyms.key_that_is_no_secret, "a key belongs to a secret")
        return below

    def _items(self, place: Place, replaced: Mapping[int, tuple[Any, Any]]) -> Iterable[Item]:
        """The items of a container; in a request, the last item of a pair has the name that comes before it.

        A tuple that was visited before, under another rule, has the items that it has got since.
        """
        if id(place.node) in replaced:
            place = Place(replaced[id(place.node)][1], place.link, place.labels, place.rule, place.context)
        if place.context is None or type(place.node) not in _PAIRS:
            return items_of(place)
        items = list(items_of(place))
        name = self._request.names.of_pair(place.context, place.node)
        if name is None or items[-1].label is not None:
            return items
        items[-1].label = name
        return items[-1:] if place.context == COOKIES else items

    def _place_below(self, rule: str | None, place: Place, item: Item) -> Place:
        context = context_of(item.child, place.context, item.label)
        return Place(
            item.child, extended(place.link, item.key), item.labels, self._rule_below(rule, place, item), context
        )

    def _rule_of(self, place: Place, item: Item) -> tuple[str | None, str]:
        """The rule that applies to an item, and the reason for the notes; (None, "") when none does."""
        rules = self._rules
        child = item.child
        if item.slot is None:
            return place.rule, ""
        rule, why = self._named(place, item)
        if isinstance(child, Inert) and rule != WHOLE:
            part = self._by_itself(child)
            rule, why = (WHOLE, part) if part else (rule, why)
        if rules.has_paths and item.key is not NO_STEP:
            keys = keys_of(extended(place.link, item.key))
            if rules.allows_place(keys):
                return _ALLOWED, ""
            if rule != WHOLE and rules.names_place(keys):
                return WHOLE, "the configuration names this place"
        return rule, why

    def _named(self, place: Place, item: Item) -> tuple[str | None, str]:
        """By the name of the item, or by the rule that its container inherited."""
        if place.context is not None:
            return self._named_in_request(place, place.context, item)
        names = self._rules.names
        label = item.label
        if label is None and type(place.node) in _PAIRS and item.slot == len(place.node) - 1 and item.slot in (1, 2):
            label = pair_label(place.node, names)
        rule = names.rule(label) if label is not None else None
        if rule and not (is_code if rule == WHOLE else is_never_secret)(item.child):
            return rule, f"the name {_shown(label)} is secret"
        return (place.rule, "it belongs to a secret") if place.rule else (None, "")

    def _named_in_request(self, place: Place, context: str, item: Item) -> tuple[str | None, str]:
        rule = self._request.names.rule(context, item.label)
        if rule and not (is_code if rule == WHOLE else is_never_secret)(item.child):
            cookie = context == COOKIES
            return rule, "cookies carry credentials" if cookie else f"the name {_shown(item.label)} is secret"
        return (place.rule, "it belongs to a secret") if place.rule else (None, "")

    def _rule_below(self, rule: str | None, place: Place, item: Item) -> str | None:
        """The rule for the items of an item. The containers of a pickle that are no values themselves pass it on."""
        child = item.child
        if rule is None or rule == _ALLOWED:
            return None
        if isinstance(place.node, Inert) or item.key is NO_STEP or item.slot is None or is_text(child):
            return rule
        if place.context is not None and type(child) in _PAIRS:
            return rule  # the values of one field
        return rule_inside(child, inherited(rule)) if isinstance(child, Inert) else inherited(rule)

    def _by_itself(self, value: Inert) -> str:
        """The reason why a value is secret by its type, or by the names of its columns or fields; "" if it is not."""
        if is_secret_type(type(value)):
            return "its type holds secrets"
        name = secret_part(value, self._rules.names)
        return f"the name of its part {_shown(name)} is secret" if name is not None else ""

    def _without_secrets(self, part: str, place: Place, item: Item, rule: str | None, why: str) -> Any:
        """The pseudonym or placeholder for a leaf that is a secret, or a text without the secrets inside it."""
        child = item.child
        kind = type(child)
        if rule == _ALLOWED or kind not in LEAVES:
            return child
        context = place.context or (REQUEST if kind is not str and kind in _TEXTS and is_body(child) else None)
        if context is not None and kind in _TEXTS:
            return self._without_request_secrets(part, place, context, item, rule, why)
        if rule is not None and why and could_be_secret(rule, child):
            return self._replacement(part, place, item, why, rule)
        if kind in _TEXTS:
            return self._without_patterns(part, place, item)
        if _SMALLEST_CARD < child < _LARGEST_CARD and is_card_number(str(child)):
            return self._replacement(part, place, item, "it looks like a card number")
        return child

    def _without_request_secrets(
        self, part: str, place: Place, context: str, item: Item, rule: str | None, why: str
    ) -> Any:
        child = item.child
        if is_pseudonym(child):
            return child
        new, reason = self._request.without_secrets(context, item.label, rule, why, child)
        if new is not child:
            self._lengths.changed(child, new)
            self._note(part, place, item, type(child).__name__, reason)
        return new

    def _replacement(self, part: str, place: Place, item: Item, why: str, rule: str = WHOLE) -> Any:
        """The pseudonym or placeholder for a secret; the value itself where there is nothing to hide."""
        child = item.child
        kind = type(child)
        if kind in _TEXTS:
            if not child or is_pseudonym(child):
                return child
            new: Any = self._pseudonyms.of(child, rule)
            self._note(part, place, item, kind.__name__, why)
            return new
        if child is None or is_placeholder(child) or is_code(child) or (kind in BUILT_IN and not child):
            return child
        self._pseudonyms.remember_all_in(child)
        shown = type_shown(child)
        self._note(part, place, item, shown, why)
        return placeholder(path_of(extended(place.link, item.key)), shown, why)

    def _without_patterns(self, part: str, place: Place, item: Item) -> Any:
        child = item.child
        new, found = self._pseudonyms.cleaned(child)
        if found:
            self._note(part, place, item, type(child).__name__, f"it looks like a {', a '.join(found)}")
        return new

    def _without_packed_secrets(self, part: str, place: Place, item: Item, rule: str | None, why: str) -> Any:
        """An array of texts of a fixed width cannot hold a pseudonym: with a secret in it, it is replaced whole."""
        text = texts_packed_in(item.child)
        inside = inherited(rule)
        if inside is not None and any(could_be_secret(inside, piece) for piece in text.splitlines()):
            return self._replacement(part, place, item, why)
        found = secrets_in(text, self._rules.names)
        if not found:
            return item.child
        for begin, stop, _ in found:
            self._pseudonyms.of_piece(text[begin:stop], str)
        rules = sorted({rule for _, _, rule in found})
        return self._replacement(part, place, item, f"in it something looks like a {', a '.join(rules)}")

    def _replace_equal(self, part: str, place: Place, replaced: dict[int, tuple[Any, Any]]) -> None:
        changes: dict[Any, Any] = {}
        for item in items_of(place):
            new = self._equal(item.child)
            if isinstance(new, Inert):
                packed = packed_in(new)
                if packed is not None and self._search.occur_in(packed[1]):
                    new = placeholder(path_of(extended(place.link, item.key)), type_shown(new), _EQUAL)
            elif type(new) is int and self._search.has_number(new):
                new = placeholder(path_of(extended(place.link, item.key)), "int", _EQUAL)
            if new is not item.child:
                changes[item.slot] = new
                self._lengths.changed(item.child, new)
                self._note(part, place, item, type_shown(item.child), _EQUAL)
        if changes:
            put(place, changes, replaced)
        if type(place.node) is dict:
            self._rekey(part, place, self._equal, "a key equals a redacted value")

    def _equal(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self._search.replaced_in_text(value)
        if kind is bytes or kind is bytearray:
            return self._search.replaced_in_bytes(value)
        return value

    def _rekey(self, part: str, place: Place, change: Callable[[Any], Any], why: str) -> None:
        keys = {key: new for key in place.node if (new := change(key)) is not key}
        if keys:
            rekey(place.node, keys)
            self.changed.add(part)
            self.notes[part].append(Note(path_of(place.link), REDACTED, "key", why))

    def _note(self, part: str, place: Place, item: Item, type_name: str, why: str) -> None:
        self.changed.add(part)
        self.notes[part].append(Note(path_of(extended(place.link, item.key)), REDACTED, type_name, why))


def _forget_streams_within(roots: Roots) -> None:
    for place in walk(roots):
        if isinstance(place.node, Inert) and place.node.raw is not None:
            place.node.raw = None  # the graph decoded from it may have changed, so it is encoded again


def _shown(label: object) -> str:
    text = label.decode("latin-1") if isinstance(label, bytes) else str(label)
    return repr(text)
