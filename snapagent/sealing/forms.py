"""Forms: what calls have in common whose values are plain and have the same names and types.

Most calls of a function differ in their *leaves* alone: numbers, texts, True, False and None. A form has the templates
of all that is made of the values: the text that is hashed, the shape, and the trees of the previews. A call of a known
form is sealed by filling them in, without a walk through its values for each: a small call in 29 us in place of 50.

A form is made of the second call that has it, because the names of data that varies are met once. Its trees and its
shape are written by what writes those of other calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from operator import itemgetter

from ..core.json_text import quoted
from ..core.paths import RESULT, parameter_key
from .hashing.atoms import ATOMS, HINT, LONG, SORTED, is_plain, text_of_name
from .hashing.canonical import VERSION, hash_of
from .preview import preview_text
from .preview_tree import LEAF_LIMIT, TREE_ITEMS, tree_template
from .redaction.surroundings import MOST_IN_PAIR
from .shape import MARK, SHAPES_OF_ATOMS, names_of_record, shape_template, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..bundle import WrittenHeader

    Signature = tuple[Any, ...]
    Written = tuple[WrittenHeader, dict[str, bytes]]

_LEAVES = frozenset({type(None), bool, int, float, str})
_PLAIN = _LEAVES | {dict, list, tuple}
_MOST_CONTAINERS, _MOST_LEAVES = 25, 60  # of one call
_MOST_LETTERS = 1000  # of the names of one form: longer ones are data
_MOST = 2000  # forms, and signatures that were met; beyond it they are forgotten, which costs only time
_forms: dict[Signature, Form] = {}
_met: dict[int, bool] = {}  # hashes of signatures, and whether the next call with one may have a form


class FormedCall:
    """A call of a known form: `leaves` are in its arguments and its result, and `texts` what `repr` gives for them."""

    __slots__ = ("_leaves", "_names", "_texts", "form", "hash", "sealed", "seconds", "streams", "values")

    streams: tuple[bytes, bytes]  # the pickles of the call and of its outcome
    sealed: Written
    seconds: float  # for whoever seals the call

    def __init__(
        self,
        form: Form,
        names: tuple[str, ...],
        values: list[Any],
        leaves: list[Any],
        texts: list[str],
        hash_: str,
    ) -> None:
        self.form = form
        self.values = values
        self.hash = hash_  # as in what `argument_hash` gives
        self._names = names
        self._leaves = leaves
        self._texts = texts

    def take(self) -> Written:
        return self.sealed

    def labels(self) -> list[str | None]:
        """The names that its values go by."""
        return [*self._names, None]

    def letters(self) -> str:
        """Its texts, a line each."""
        leaves = self._leaves
        return "\n".join([leaves[index] for index in self.form.texts])

    def shape(self) -> str:
        """What `shape_of` gives."""
        leaves = self._leaves
        return shortened(self.form.shape % tuple([write(leaves[index]) for index, write in self.form.in_shape]))

    def previews(self) -> tuple[str, str]:
        """The JSON of what `previews` gives: of the texts, without the braces, and of the trees."""
        form, texts = self.form, self._texts
        shown = []
        for value, room in zip(self.values, form.rooms, strict=True):
            text = repr(value)
            shown.append(quoted(text if len(text) <= room else preview_text(value)))
        if form.texts:
            texts = texts.copy()
            for index in form.texts:
                texts[index] = quoted(texts[index])
        return form.previews % tuple(shown), form.trees % form.in_trees(texts)


def formed(names: tuple[str, ...], values: list[Any]) -> FormedCall | None:
    """The call with arguments of these names, whose values come before its result. None where it has no known form."""
    if not _PLAIN.issuperset(map(type, values)):
        return None
    signature: list[Any] = [names]
    leaves: list[Any] = []
    rest: list[Any] = [values]
    for node in rest:  # which grows meanwhile
        kind = type(node)
        if kind is dict:
            signature.append(tuple(node))
            node = node.values()
        elif kind is list or kind is tuple:
            signature.append(kind)
        else:
            return None
        if len(node) > TREE_ITEMS or len(rest) > _MOST_CONTAINERS:
            return None
        kinds = tuple(map(type, node))
        signature.append(kinds)
        if _LEAVES.issuperset(kinds):
            leaves += node
        else:
            for child in node:
                (leaves if type(child) in _LEAVES else rest).append(child)
    form = _form_of(tuple(signature), names, values, leaves)
    if form is None:
        return None
    for index in form.texts:
        if len(leaves[index]) > LEAF_LIMIT:
            return None
    try:
        texts = list(map(repr, leaves))
    except ValueError:  # an int of thousands of digits
        return None
    hash_ = _hash(form, leaves, texts)
    return FormedCall(form, names, values, leaves, texts, hash_) if hash_ is not None else None


def _hash(form: Form, leaves: list[Any], texts: list[str]) -> str | None:
    """None where a leaf is written in another way than by `repr`."""
    roots = [ATOMS[type(leaf)](leaf) for leaf in leaves[: form.roots]]
    text = form.hashed % form.in_hash(roots + texts[form.roots :])
    if len(text) > LONG or "-0.0" in text or HINT in text or not is_plain(text):
        return None
    return hash_of(VERSION, text)


def _form_of(signature: Signature, names: tuple[str, ...], values: list[Any], leaves: list[Any]) -> Form | None:
    form = _forms.get(signature)
    if form is not None:
        return form
    met = hash(signature)
    may_have_form = _met.get(met)
    if may_have_form is None and len(_met) >= _MOST:
        _met.clear()
    if may_have_form:
        form = _made(names, values, leaves)
    if form is not None:
        if len(_forms) >= _MOST:
            _forms.clear()
        _forms[signature] = form
    _met[met] = form is not None or may_have_form is None
    return form


def _made(names: tuple[str, ...], values: list[Any], leaves: list[Any]) -> Form | None:
    """None where names are written in ways of their own, and where there is too much to be shown or kept."""
    letters = [*names, *(key for node in _containers(values) if type(node) is dict for key in node)]
    if not all(type(name) is str and name.isprintable() and is_plain(name) for name in letters):
        return None
    if len(leaves) > _MOST_LEAVES or sum(map(len, letters)) > _MOST_LETTERS:
        return None
    trees = list(map(tree_template, values))
    if sum(tree.count(MARK) for tree, _ in trees) < len(leaves):  # some lie too deep
        return None
    return Form(names, values, leaves, frozenset(letters), trees)


class Form:
    """The templates, made of the values and leaves of a call. `names` are those of parameters and in dicts.

    `in_hash` and `in_trees` put leaves, or what is written of each, in the order of a template.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        values: list[Any],
        leaves: list[Any],
        letters: frozenset[str],
        trees: list[tuple[str, int]],
    ) -> None:
        numbered = _numbered(values)
        arguments = dict(zip(names, values, strict=False))
        self.names = letters
        self.may_hold_pairs = any(map(_may_be_pair, _containers(values)))
        self.roots = sum(type(number) is int for number in numbered)  # leaves that are values themselves, the first
        self.texts = [index for index, leaf in enumerate(leaves) if type(leaf) is str]

        paths = [*map(quoted, map(parameter_key, names)), quoted(RESULT)]
        self.rooms = [room for _, room in trees]
        self.previews = _template(",".join([f"{path}:{MARK}" for path in paths]))
        texts = [f"{path}:{tree}" for path, (tree, _) in zip(paths, trees, strict=True)]
        self.trees = _template(f"{{{','.join(texts)}}}")
        self.in_trees = _picker(list(_flat(numbered)))

        self.shape = _template(shape_template(arguments))
        self.in_shape = [
            (number, SHAPES_OF_ATOMS[type(leaves[number])])
            for value, number in zip(arguments.values(), numbered, strict=False)
            for number in _in_shape(value, number)
        ]

        pieces, order = [f"{len(names)}:"], []
        for name, number in sorted(zip(names, numbered, strict=False)):
            text, numbers = _hashed(arguments[name], number)
            pieces.append(text_of_name(name) + text)
            order += numbers
        self.hashed = _template("".join(pieces))
        self.in_hash = _picker(order)


def _containers(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if type(value) not in _LEAVES:
            yield value
            yield from _containers(list(value.values() if type(value) is dict else value))


def _may_be_pair(node: Any) -> bool:
    """Whether a list or tuple may be one of a name and a value."""
    return type(node) is not dict and 2 <= len(node) <= MOST_IN_PAIR and {str} == set(map(type, node))


def _numbered(values: list[Any]) -> list[Any]:
    """The same lists and dicts with the numbers of the leaves, in the order of `formed`; lists for tuples too."""
    numbers = count()
    rest: list[Any] = [list(values)]
    for node in rest:
        for key, child in list(node.items() if type(node) is dict else enumerate(node)):
            if type(child) in _LEAVES:
                node[key] = next(numbers)
            else:
                node[key] = dict(child) if type(child) is dict else list(child)
                rest.append(node[key])
    whole: list[Any] = rest[0]
    return whole


def _flat(numbered: Any) -> Iterator[int]:
    """The numbers in the order of a walk into the depth."""
    for child in numbered.values() if type(numbered) is dict else numbered:
        if type(child) is int:
            yield child
        else:
            yield from _flat(child)


def _in_shape(value: Any, numbered: Any) -> list[int]:
    """The numbers of the leaves that the shape of an argument shows."""
    if type(numbered) is int:
        return [numbered]
    names = names_of_record(value) if type(value) is dict else None
    shown = [list(numbered.values())[index] for _, index in names.public] if names is not None else []
    return [number for number in shown if type(number) is int]


def _hashed(value: Any, numbered: Any) -> tuple[str, list[int]]:
    """The canonical text of a value, with marks in the places of leaves, and the numbers of these."""
    if type(numbered) is int:
        return MARK, [numbered]
    tag, children = ("l" if type(value) is list else "t"), list(zip(value, numbered, strict=True))
    if type(value) is dict:
        names, tag = SORTED[tuple(value)]
        children = [(value[name], numbered[name]) for name in names]
    row = [MARK if type(number) is int else "Ellipsis" for _, number in children]
    order = [number for _, number in children if type(number) is int]
    text = f"{tag}[{', '.join(row)}]"
    for child, number in children:
        if type(number) is not int:
            inside, numbers = _hashed(child, number)
            text += inside
            order += numbers
    return text, order


def _template(text: str) -> str:
    return text.replace("%", "%%").replace(MARK, "%s")


def _picker(order: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """A function that puts items in this order."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda items: tuple([items[index] for index in order])
