"""Previews of inert values for headers: texts, and bounded trees that `show` and `diff` read.

A tree node is a JSON object::

    {"type": "dict", "text": "3 items", "children": [{"step": ".name", "type": "str", "text": "'x'"}, ...], "more": 12}

`step` is how the child is written in a path (`.name`, `[0]`, `['odd key']`); the node of a value that a header lists
by path has none. Containers that are shown with their items have `children`, and `more` is the number of items left
out. `digest` is there when text and children do not show the whole value: equal values have equal digests.

A tree is written as JSON at once, without dicts in between, since it is the largest part of a header. Where a value is
a short literal, its preview is its `repr`; the walk for the tree finds that out.
"""

from __future__ import annotations

from itertools import islice

from ..core.json_text import JsonMapping, quoted
from ..core.paths import format_keys
from ..placeholder import BY_VALUE
from ..serializer.inert.nodes import is_atom
from ..serializer.inert.stand_ins import Inert
from .by_names import ByNames
from .described import is_exception, named_parts, type_text
from .hashing.canonical import Canonical
from .preview import (
    NUMBERS,
    SHORT_FORMS,
    TEXT_DEPTH,
    TEXT_ITEMS,
    TEXT_LIMIT,
    TEXTS,
    in_order,
    leaf_text,
    number_text,
    preview_text,
    shortened,
)
from .shape import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    Children = Iterator[tuple[str, Any]]  # the start of the child's JSON, with its step, and the child

LEAF_LIMIT = 200  # characters of one leaf
TREE_DEPTH = 4
TREE_ITEMS = 20  # children of one node
TREE_NODES = 300  # of one tree

_LITERALS = 2500  # characters of a tree: a longer one is not that of a value whose `repr` fits a preview
_NUMBER_NODES = {kind: f'"type":"{kind.__name__}","text":"' for kind in NUMBERS}
_NAMES = {str}
_PLAIN: dict[type, str] = {kind: f'"{kind.__name__}"' for kind in (dict, list, tuple)}


def previews(values: Mapping[str, Any], canonical: Canonical) -> tuple[dict[str, str], JsonMapping]:
    """The texts and the trees of inert values by path. `canonical` may have the digests of their parts."""
    texts: dict[str, str] = {}
    trees: list[str] = []
    writer = _TreeWriter(canonical)
    for path, value in values.items():
        if type(value) in NUMBERS:
            number = number_text(value)
            texts[path] = shortened(number, TEXT_LIMIT)
            trees.append(f'{quoted(path)}:{{{_NUMBER_NODES[type(value)]}{number}"}}')
            continue
        tree = writer.tree(value)
        texts[path] = writer.literal(value, tree) or preview_text(value)
        trees.append(f"{quoted(path)}:{tree}")
    return texts, JsonMapping(f"{{{','.join(trees)}}}")


class _TreeWriter:
    """Writes trees, one after the other."""

    __slots__ = ("_canonical", "_containers", "_inside", "_is_literal", "_nodes", "_number")

    def __init__(self, canonical: Canonical) -> None:
        self._canonical = canonical
        self._inside: set[int] = set()

    def tree(self, value: Any, number: Callable[[Any], str] = repr) -> str:
        """The JSON of a value's tree. `number` writes numbers."""
        self._number = number
        self._is_literal = True  # it has nothing but numbers, texts, lists, tuples and dicts, and all are shown
        self._containers = self._nodes = 0
        try:
            return self._node("{", value, 0)
        except ValueError:  # an int of thousands of digits
            self._number = number_text
            self._is_literal = False
            self._nodes = 0
            self._inside.clear()
            return self._node("{", value, 0)

    def literal(self, value: Any, tree: str) -> str:
        """The `repr` of the value whose tree was written last, where `preview_text` is the same; else "".

        `preview_text` counts two characters more than there are for each container.
        """
        if self._is_literal and len(tree) < _LITERALS:
            text = repr(value)
            if len(text) <= self.room:
                return text
        return ""

    @property
    def room(self) -> int:
        """How long the `repr` of that value may be so that `preview_text` is the same; negative if it never is."""
        return TEXT_LIMIT - 2 * self._containers if self._is_literal else -1

    def _node(self, step: str, value: Any, depth: int) -> str:
        """The JSON of a node; `step` is its start, with the step if there is one."""
        kind = type(value)
        if kind in NUMBERS:
            return f'{step}{_NUMBER_NODES[kind]}{self._number(value)}"}}'
        if kind in TEXTS:
            return self._text_node(step, value, kind)
        inside, identity = self._inside, id(value)
        if identity in inside:
            self._is_literal = False
            return f'{step}"type":{quoted(type_text(value))},"text":"<cyclic>"}}'
        children = _children(value, kind)
        if children is None:
            self._is_literal = False
            return f'{step}"type":{quoted(type_text(value))},"text":{quoted(preview_text(value, LEAF_LIMIT))}}}'
        count, word, items = children
        if depth >= TEXT_DEPTH or count > TEXT_ITEMS or kind not in _PLAIN:
            self._is_literal = False
        self._containers += 1
        shown = count if count <= TREE_ITEMS else TREE_ITEMS
        if depth >= TREE_DEPTH:
            shown = 0
        elif self._nodes + shown > TREE_NODES:
            shown = max(TREE_NODES - self._nodes, 0)
        self._nodes += shown
        plural = "" if count == 1 else "s"
        text = f'{step}"type":{_PLAIN.get(kind) or quoted(type_text(value))},"text":"{count} {word}{plural}"'
        if shown:
            inside.add(identity)
            number, depth = self._number, depth + 1
            nodes: list[str] = []
            for start, child in items if shown == count else islice(items, shown):
                if (child_kind := type(child)) in NUMBERS:
                    nodes.append(f'{start}{_NUMBER_NODES[child_kind]}{number(child)}"}}')
                else:
                    nodes.append(self._node(start, child, depth))
            inside.discard(identity)
            text = f'{text},"children":[{",".join(nodes)}]'
        if shown < count:
            text = f'{text},"more":{count - shown},"digest":"{self._canonical.digest_of(value)}"'
        return text + "}"

    def _text_node(self, step: str, value: Any, kind: type) -> str:
        text = leaf_text(value, LEAF_LIMIT)
        if len(value) <= LEAF_LIMIT:
            return f'{step}"type":"{kind.__name__}","text":{quoted(text)}}}'
        self._is_literal = False
        text = f"{text} ({len(value)} {'characters' if kind is str else 'bytes'})"
        return f'{step}"type":"{kind.__name__}","text":{quoted(text)},"digest":"{self._canonical.digest_of(value)}"}}'


class _TemplateWriter(_TreeWriter):
    """Writes trees with a mark in the place of what is shown of an atom."""

    __slots__ = ()

    def _text_node(self, step: str, value: Any, kind: type) -> str:
        return f'{step}"type":"{kind.__name__}","text":{MARK}}}'


def tree_template(value: Any) -> tuple[str, int]:
    """The JSON of a tree with MARK for each number, and for each text with its quotes; the longest `repr` that is a
    preview too. All texts must be short."""
    writer = _TemplateWriter(Canonical())
    return writer.tree(value, lambda _: MARK), writer.room


def _step(key: object) -> str:
    """The start of a child's JSON: how the child is written in a path."""
    if type(key) is str and key.isidentifier() and key.isprintable():
        return f'{{"step":{quoted("." + key)},'
    return f'{{"step":{quoted(format_keys(("", key)) if is_atom(key) else f"[{preview_text(key, 40)}]")},'


def _member_step(member: object) -> str:
    return f'{{"step":{quoted(f"[{preview_text(member, 40)}]")},'


_INDICES = tuple(f'{{"step":"[{index}]",' for index in range(TREE_ITEMS))
_STEPS: dict[tuple[str, ...], tuple[str, ...]] = ByNames(lambda names: tuple(map(_step, names)))


def _steps_of(value: Mapping[Any, Any]) -> Iterable[str]:
    """The steps of as many items of a dict as a tree can show."""
    keys = tuple(value if len(value) <= TREE_ITEMS else islice(value, TREE_ITEMS))
    return _STEPS.get(keys) or (_STEPS[keys] if _NAMES.issuperset(map(type, keys)) else map(_step, keys))


def _members(value: Any) -> Children:
    """The members of a set; only a set that is shown with them is put into order, which takes long."""
    for member in in_order(value):
        yield _member_step(member), member


def _children(value: Any, kind: Any) -> tuple[int, str, Children] | None:
    """The count, the word and the items of a value; None for one that is shown as text."""
    if kind is dict:
        return len(value), "item", zip(_steps_of(value), value.values(), strict=False)
    if kind is list or kind is tuple:
        return len(value), "item", zip(_INDICES, value, strict=False)
    if kind is set or kind is frozenset:
        return len(value), "member", _members(value)
    if not isinstance(value, Inert) or kind.name in SHORT_FORMS:
        return None
    if kind.name == BY_VALUE:
        return _children(value.args[0], type(value.args[0]))
    named = named_parts(value)
    if is_exception(value):
        named = [("args", value.args[1]), *((name, item) for name, item in named if item != "")]
    if named:
        names, items = zip(*named[:TREE_ITEMS], strict=True)
        return len(named), "attribute", zip(_STEPS[names], items, strict=True)
    if value.pairs:
        return len(value.pairs), "item", zip(_steps_of(value.pairs), value.pairs.values(), strict=False)
    if value.listed:
        return len(value.listed), "item", zip(_INDICES, value.listed, strict=False)
    return None
