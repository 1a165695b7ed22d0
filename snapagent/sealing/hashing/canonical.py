"""The canonical argument hash, `h1:` or `h2:`: equal for equal arguments, in every process, on all supported Pythons.

Computed on inert graphs (`serializer.inert`) of the arguments' pickles, without accidental differences: insertion
order, set order, sharing, memory order, hash seed, renamed modules. Types count (1, 1.0 and True differ), and so does
the order of lists, OrderedDicts and deques. A value that cannot be compared contributes its type's name, and its path
is listed as opaque. All redacted leaves contribute the same constant.

The canonical form of a value is a text in which each piece has a tag and a length or an end mark, so that no two
different values share one. Long pieces are replaced by their digests, which limits its size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter

from ...core.records import Record
from ...serializer.inert.stand_ins import StandIn
from .at_once import AT_ONCE, TEXT_KEYS, write_at_once
from .atoms import ATOMS, LEAVES, LONG, SORTED, digest, row_text, text_of_name
from .objects import is_of_second_version, write_class, write_object
from .refine import Refinement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .atoms import TextWriter

VERSION = "h1"
SECOND = "h2"  # of calls with a value in a form that version 0.1.0 did not have
DIGITS = 32  # hexadecimal, of SHA-256: 128 bits
_SHOWN = 16  # of a digest in a preview
MAX_DEPTH = 150  # nested containers: deeper ones contribute a constant and are opaque
MAX_NODES = 500_000  # containers visited: bounds graphs whose cycles have very many ways through

_NEVER = 1 << 60  # a depth that no back-reference has


class HashResult(Record):
    """`hash` over all arguments, `call_hash` without the bound instance, `opaque` the paths compared by type only."""

    hash: str
    call_hash: str
    opaque: tuple[str, ...] = ()


class Tangled(Exception):
    """The cycles of a value are too tangled for one walk, which ends here: its text would be of no use."""


class Canonical:
    """Writes the canonical text of inert values; one object per call, since its cache goes by identity.

    The text of a container is cached unless a cycle leads out of it: inside a cycle the text depends on the node at
    which the walk entered, because back-references count the steps from there. Such nodes stay in `_open` until the
    walk leaves the container that closes the cycle. Then they are dropped, and only that container's text is cached.

    This cannot write cycles that share nodes in every way, nor sets in cycles whose members refer to each other: `of`
    raises Tangled for them.
    """

    __slots__ = (
        "_alive",
        "_cyclic",
        "_digests",
        "_dropped",
        "_entered_twice",
        "_lowest",
        "_met_cycles",
        "_nodes",
        "_open",
        "_open_before",
        "_path",
        "_texts",
        "_unordered",
        "has_newer",
        "opaque",
    )

    def __init__(self) -> None:
        self._digests: dict[int, str] = {}  # of nodes of tangled values
        self._forget()

    def _forget(self) -> None:
        self.opaque: list[tuple[object, str]] = []  # a node, and its path where the node has it (placeholders)
        self.has_newer = False
        self._texts: dict[int, str] = {}
        self._path: dict[int, int] = {}  # containers that the walk is inside of -> their depth
        self._open_before: list[int] = []  # for each of them: how many nodes were open when it was entered
        self._open: dict[int, tuple[int, int]] = {}  # walked nodes of unfinished cycles -> number, depth of the cycle
        self._lowest = _NEVER  # the smallest depth that a back-reference below the current container leads to
        self._alive: list[object] = []
        self._nodes = 0
        self._met_cycles = 0  # how often the walk came to a node of a cycle, or to one from which a cycle is reached
        self._cyclic: set[int] = set()  # nodes with a cached text from which a cycle is reached
        self._dropped: set[int] = set()  # nodes of finished cycles, save for the one at which each was entered
        self._unordered = False  # members without an order reach cycles
        self._entered_twice = False  # the walk came to a cycle in a way for which the order of the walk matters

    def _walk_depends_on_order(self, *, unordered: bool = False, entered_twice: bool = False) -> None:
        """Raises Tangled once the texts so far depend on the order of sets. The same in every process."""
        self._unordered |= unordered
        self._entered_twice |= entered_twice
        if self._unordered and self._entered_twice:
            raise Tangled

    def of(self, value: Any) -> str:
        """The canonical text of a value that outlives this object. Raises Tangled; then `alone` can write it."""
        kind = type(value)
        atom = ATOMS.get(kind)
        if atom is not None:
            return atom(value)
        write = AT_ONCE.get(kind)
        if write is not None:
            text = write(value)
            if text is not None:
                return text
        identity = id(value)
        known = self._texts.get(identity)
        if known is not None:
            if identity in self._cyclic:
                self._met_cycles += 1
            return known
        if identity in self._path or identity in self._open:
            return self._back_to(identity)
        if identity in self._dropped:
            self._walk_depends_on_order(entered_twice=True)
        met_before = self._met_cycles
        depth = len(self._path)
        self._nodes += 1
        if depth >= MAX_DEPTH or self._nodes > MAX_NODES:
            self.opaque.append((value, ""))
            self._walk_depends_on_order(entered_twice=True)  # how deep a node of a cycle lies depends on the way there
            return "deep;"
        outside, self._lowest = self._lowest, _NEVER
        self._path[identity] = depth
        self._open_before.append(len(self._open))
        text = _WRITERS.get(kind, _write_inert)(self, value)
        if len(text) > LONG:
            text = "#" + digest(text)
        self._leave(identity, depth, text, self._met_cycles > met_before)
        if outside < self._lowest:
            self._lowest = outside
        return text

    def of_made(self, value: Any) -> str:
        """The canonical text of a temporary value. It is kept alive, so that no other value gets its id."""
        self._alive.append(value)
        return self.of(value)

    def digest_of(self, value: Any) -> str:
        """A few hexadecimal digits for one inert value: for previews that cannot show all of it."""
        known = self._digests.get(id(value))
        if known is not None:
            return known
        try:
            text = self.of(value)
        except Tangled:
            text, _ = self.alone(value)
        return digest(text)[:_SHOWN]

    def alone(self, value: Any) -> tuple[str, list[tuple[object, str]]]:
        """The text of one value of a tangled call, whatever its other values are, and what is opaque in it."""
        self._forget()
        try:
            return self.of(value), self.opaque
        except Tangled:
            refinement = Refinement(_write_node, write_at_once)
            text = refinement.text(value)
            self._forget()
            self._digests.update({identity: colour[:_SHOWN] for identity, colour in refinement.near.items()})
            return text, refinement.opaque

    def _back_to(self, identity: int) -> str:
        """The text of a node met again: its distance if the walk is inside it, else its number within its cycle."""
        self._met_cycles += 1
        depth = self._path.get(identity)
        if depth is not None:
            self._lowest = min(self._lowest, depth)
            return f"^{len(self._path) - depth};"
        self._walk_depends_on_order(entered_twice=True)
        number, root = self._open[identity]
        self._lowest = min(self._lowest, root)
        if root >= len(self._open_before):
            raise Tangled  # it is met again inside another cycle than the one that numbered it
        return f"~{number - self._open_before[root]};"

    def unordered(self, members: Collection[Any], items: Mapping[Any, Any] | None = None) -> list[str]:
        """The sorted texts of members that have no order, each with the text of its item."""
        met_before = self._met_cycles
        texts = sorted(
            map(self.of, members) if items is None else [self.of(key) + self.of(items[key]) for key in members]
        )
        if self._met_cycles > met_before and sum(type(member) not in LEAVES for member in members) > 1:
            self._walk_depends_on_order(unordered=True)
        return texts

    def _leave(self, identity: int, depth: int, text: str, is_cyclic: bool) -> None:
        """Cache a finished text, unless it depends on where in a cycle the walk entered."""
        open_before = self._open_before.pop()
        del self._path[identity]
        if self._lowest < depth:
            self._open[identity] = (len(self._open), self._lowest)
            return
        self._lowest = _NEVER
        self._texts[identity] = text
        if is_cyclic:
            self._cyclic.add(identity)
        while len(self._open) > open_before:
            self._dropped.add(self._open.popitem()[0])


def digests_alone(values: Iterable[Any]) -> list[str]:
    """`Canonical().digest_of` for each value. Tangled values that refer to each other are refined together."""
    found: list[str] = []
    refined: dict[int, str] = {}
    for value in values:
        try:
            text = Canonical().of(value)
        except Tangled:
            if id(value) not in refined:
                refined |= Refinement(_write_node, write_at_once).texts(value)
            text = refined[id(value)]
        found.append(digest(text)[:_SHOWN])
    return found


def _write_list(canonical: TextWriter, value: list[Any]) -> str:
    return "l" + row_text(canonical, value)


def _write_tuple(canonical: TextWriter, value: tuple[Any, ...]) -> str:
    return "t" + row_text(canonical, list(value))


def _write_dict(canonical: TextWriter, value: Mapping[Any, Any]) -> str:
    if set(map(type, value)) <= TEXT_KEYS:
        names, text = SORTED[tuple(value)]
        return text + row_text(canonical, list(map(value.__getitem__, names)))
    ordered = _sorted_keys(value)
    if ordered is None:
        pieces = canonical.unordered(value, value)
    else:
        pieces = sorted([canonical.of(key) + canonical.of(value[key]) for key in ordered])
    return f"D{len(value)}:{''.join(pieces)}"


def _sorted_keys(value: Mapping[Any, Any]) -> list[Any] | None:
    """The keys in an order that insertion does not change: a walk numbers nodes as it meets them. None without one."""
    if set(map(type, value)) <= {int}:
        return sorted(value)
    texts = [write_at_once(key) for key in value]
    if None in texts or len(set(texts)) < len(texts):  # all redacted keys have the same text
        return None
    return [key for _, key in sorted(zip(texts, value, strict=True), key=itemgetter(0))]


def _write_set(canonical: TextWriter, value: Collection[Any]) -> str:
    return f"S{len(value)}:{''.join(canonical.unordered(value))}"


def _write_frozenset(canonical: TextWriter, value: Collection[Any]) -> str:
    return f"F{len(value)}:{''.join(canonical.unordered(value))}"


def _write_inert(canonical: TextWriter, value: Any) -> str:
    return write_class(canonical, value) if isinstance(value, StandIn) else write_object(canonical, value)


_WRITERS: dict[type, Callable[[TextWriter, Any], str]] = {
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_dict,
    set: _write_set,
    frozenset: _write_frozenset,
}


def argument_hash(
    bound: Mapping[str, Any], instance: str | None = None, canonical: Canonical | None = None
) -> HashResult:
    """The hash of inert arguments by parameter name; `instance` names the parameter that `call_hash` leaves out."""
    canonical = canonical or Canonical()
    try:
        texts = {name: canonical.of(value) for name, value in bound.items()}
        may_be_newer = canonical.has_newer
    except Tangled:
        alone = {name: canonical.alone(value) for name, value in bound.items()}
        texts = {name: text for name, (text, _) in alone.items()}
        canonical.opaque[:] = [found for _, opaque in alone.values() for found in opaque]
        may_be_newer = True
    newer = [name for name in bound if is_of_second_version(bound[name])] if may_be_newer else ()
    whole = _versioned(texts, newer)
    rest = whole if instance is None else _versioned({name: texts[name] for name in texts if name != instance}, newer)
    return HashResult(whole, rest, _opaque_paths(canonical, bound) if canonical.opaque else ())


def _write_node(writer: TextWriter, value: Any) -> str:
    return _WRITERS.get(type(value), _write_inert)(writer, value)


def _versioned(texts: Mapping[str, str], newer: Collection[str]) -> str:
    version = SECOND if newer and any(name in texts for name in newer) else VERSION
    body = "".join([text_of_name(name) + texts[name] for name in sorted(texts)])
    return hash_of(version, f"{len(texts)}:{body}")


def hash_of(version: str, text: str) -> str:
    """The hash of arguments: `text` has their number, names and canonical texts."""
    return f"{version}:{digest(version + text)[:DIGITS]}"


def _opaque_paths(canonical: Canonical, bound: Mapping[str, Any]) -> tuple[str, ...]:
    from ...serializer.inert.walk import paths_to

    known = {path for _, path in canonical.opaque if path}
    lost = [node for node, path in canonical.opaque if not path]
    return tuple(sorted(known.union(paths_to(lost, bound))))
