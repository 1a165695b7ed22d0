"""Forms: what calls have in common whose values are plain and have the same names and types.

Most calls of a function differ in their *leaves* alone: numbers, texts, True, False and None. A form has the templates
of all that is made of the values: the text that is hashed, the shape, and the trees of the previews. It reads the
leaves from the `repr` of all values with one regular expression, which is faster than a walk through the values: a
small call is sealed in 18 us in place of 45.

A form takes as long to make as ten calls take to be sealed, so it is made when its names and types have been met a few
times. Its trees and its shape are written by what writes those of other calls.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import count
from operator import itemgetter

from ..core.json_text import quoted
from ..core.paths import RESULT, parameter_key
from .hashing.atoms import ATOMS, HINT, LONG, SORTED, is_plain, text_of_name
from .hashing.canonical import VERSION, argument_hash, hash_of
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

# How `repr` writes leaves.
_PATTERNS: dict[type, str] = {
    type(None): "None",
    bool: "True|False",
    int: "-?[0-9]+",
    float: r"-?[0-9]+(?:\.[0-9]+(?:e[+-][0-9]+)?|e[+-][0-9]+)|nan|-?inf",
    str: r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\"""",
}
_READERS: dict[type, Callable[[str], Any]] = {
    type(None): lambda _: None,
    bool: "True".__eq__,
    int: int,
    float: float,
    str: lambda text: text[1:-1],  # where nothing is escaped in it; an empty text is always read right
}
_FROM_MEMO, _FROM_LARGE_MEMO = pickle.BINGET, pickle.LONG_BINGET
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset})
_LEAVES = frozenset(_PATTERNS)
PLAIN = _LEAVES | {dict, list, tuple}
_BRACKETS: dict[type, str] = {dict: r"\{%s\}", list: r"\[%s\]", tuple: r"\(%s\)"}
_MOST_CONTAINERS, _MOST_LEAVES = 25, 60  # of one call
_LARGEST = 8000  # bytes of the pickles of one call
_SHARED = 5  # values that may be taken from the memo before they are counted; letters in texts count too
_MOST_LETTERS = 1000  # of the names of one form: longer ones are data
_MOST = 2000  # forms, and signatures that were met; beyond it they are forgotten, which costs only time
_MEETINGS = 8  # with one signature, before it has a form
_compile = getattr(re, "_compiler", re).compile  # not by `re.compile`, which drops patterns of the program for ours
_forms: dict[Signature, Form] = {}
_met: dict[int, int] = {}  # hashes of signatures, and how often they were met


class FormedCall:
    """A call of a known form: `texts` is what `repr` gives for those of its values that the form picks."""

    __slots__ = ("_texts", "form", "hash", "letters", "sealed", "seconds", "streams", "values")

    streams: tuple[bytes, bytes]  # the pickles of the call and of its outcome
    sealed: Written
    seconds: float  # for whoever seals the call

    def __init__(self, form: Form, values: list[Any], texts: tuple[str, ...], letters: str, hash_: str) -> None:
        self.form = form
        self.values = values
        self.letters = letters  # its texts as `repr` writes them, a line each
        self.hash = hash_  # as in what `argument_hash` gives
        self._texts = texts

    def take(self) -> Written:
        return self.sealed

    def shape(self) -> str:
        """What `shape_of` gives."""
        texts, form = self._texts, self.form
        return shortened(form.shape % tuple([write(read(texts[index])) for index, read, write in form.in_shape]))

    def previews(self) -> tuple[str, str]:
        """The JSON of what `previews` gives: of the texts, without the braces, and of the trees."""
        form, texts = self.form, [*self._texts]
        shown = []
        for value, (index, room) in zip(self.values, form.roots, strict=True):
            text = texts[index]
            shown.append(quoted(text if len(text) <= room else preview_text(value)))
        for index in form.texts:
            texts[index] = quoted(texts[index])
        return form.previews % tuple(shown), form.trees % form.in_trees(texts)


def is_short(data: bytes, values: tuple[Any, ...]) -> bool:
    """Whether the `repr` of values with this pickle is short enough to be looked at.

    A list that is in several places is taken from the pickle's memo, and each time may double the `repr`.
    """
    if len(data) > _LARGEST:
        return False
    if data.count(_FROM_MEMO) + data.count(_FROM_LARGE_MEMO) <= _SHARED:
        return True
    rest: list[Any] = [values]
    for node in rest:  # which grows meanwhile
        if type(node) is dict:
            rest += [key for key in node if type(key) in _CONTAINERS]
        rest += [child for child in _children(node) if type(child) in _CONTAINERS]
        if len(rest) > _MOST_CONTAINERS:
            return False
    return True


def known_form(names: tuple[str, ...], values: list[Any]) -> Form | None:
    """The form of calls with arguments of these names, whose values come before the result."""
    signature: list[Any] = [names]
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
        rest += [child for child in node if type(child) not in _LEAVES]
    known = tuple(signature)
    return _forms.get(known) or _new_form(known, names, values)


def _new_form(signature: Signature, names: tuple[str, ...], values: list[Any]) -> Form | None:
    met = hash(signature)
    if len(_met) >= _MOST:
        _met.clear()
    _met[met] = times = _met.get(met, 0) + 1
    form = _made(names, values) if times == _MEETINGS else None
    if form is not None:
        if len(_forms) >= _MOST:
            _forms.clear()
        _forms[signature] = form
        _met.pop(met, None)
    return form


def _made(names: tuple[str, ...], values: list[Any]) -> Form | None:
    """None where names are written in ways of their own, and where there is too much to be shown or kept."""
    containers = list(_containers(values))
    letters = [*names, *(key for node in containers if type(node) is dict for key in node)]
    if not all(type(name) is str and name.isprintable() and is_plain(name) for name in letters):
        return None
    trees = list(map(tree_template, values))
    leaves = sum(type(child) in _LEAVES for node in (values, *containers) for child in _children(node))
    if leaves > _MOST_LEAVES or sum(map(len, letters)) > _MOST_LETTERS:
        return None
    if sum(tree.count(MARK) for tree, _ in trees) < leaves:  # some lie too deep
        return None
    return Form(names, values, frozenset(letters), trees)


class Form:
    """The templates, made of the values of a call. `names` are those of its parameters and in dicts.

    What is picked of the values are those of the arguments and the result, the *roots*, and all leaves. `_in_hash` and
    `in_trees` put what is written of them in the order of a template.
    """

    def __init__(
        self, names: tuple[str, ...], values: list[Any], letters: frozenset[str], trees: list[tuple[str, int]]
    ) -> None:
        roots, numbered = _numbered(values)
        arguments = dict(zip(names, values, strict=False))
        self.parameters = names
        self.names = letters
        self.may_hold_pairs = any(map(_may_be_pair, _containers(values)))
        self._read = _compile(_pattern(values, is_root=True))
        leaves = dict(_leaves(values, numbered))
        self.texts = [number for number, leaf in leaves.items() if type(leaf) is str]

        paths = [*map(quoted, map(parameter_key, names)), quoted(RESULT)]
        self.roots = [(number, room) for number, (_, room) in zip(roots, trees, strict=True)]
        self.previews = _template(",".join([f"{path}:{MARK}" for path in paths]))
        texts = [f"{path}:{tree}" for path, (tree, _) in zip(paths, trees, strict=True)]
        self.trees = _template(f"{{{','.join(texts)}}}")
        self.in_trees = _picker(list(leaves))

        self.shape = _template(shape_template(arguments))
        self.in_shape = [
            (number, _READERS[type(leaves[number])], SHAPES_OF_ATOMS[type(leaves[number])])
            for value, inside in zip(arguments.values(), numbered, strict=False)
            for number in _in_shape(value, inside)
        ]

        pieces, order = [f"{len(names)}:"], []
        for name, inside in sorted(zip(names, numbered, strict=False)):
            text, numbers = _hashed(arguments[name], inside)
            pieces.append(text_of_name(name) + text)
            order += numbers
        self._hashed = _template("".join(pieces))
        self._in_hash = _picker(order)
        self._alone = [
            (number, _READERS[type(leaves[number])], ATOMS[type(leaves[number])])
            for number in numbered
            if type(number) is int
        ]

    def call(self, values: list[Any], text: str) -> FormedCall | None:
        """The call of this form with these values and their `repr`; None for another form, and where a text is long."""
        match = self._read.fullmatch(text)
        if match is None:
            return None
        texts = match.groups()
        letters = [texts[index] for index in self.texts]
        if letters and len(max(letters, key=len)) > LEAF_LIMIT + 2:  # with its quotes
            return None
        return FormedCall(self, values, texts, "\n".join(letters), self._hash(values, texts))

    def _hash(self, values: list[Any], texts: tuple[str, ...]) -> str:
        """The hash, without a walk where the hashed text has leaves as `repr` writes them."""
        written = [*texts]
        for index, read, write in self._alone:
            written[index] = write(read(written[index]))
        text = self._hashed % self._in_hash(written)
        if len(text) > LONG or "-0.0" in text or HINT in text or not is_plain(text):
            return argument_hash(dict(zip(self.parameters, values, strict=False))).hash
        return hash_of(VERSION, text)


def _pattern(value: Any, *, is_root: bool = False) -> str:
    """The regular expression of the `repr` of such values, with a group for each leaf and each item of the root."""
    kind = type(value)
    if kind in _LEAVES:
        return f"({_PATTERNS[kind]})"
    items = [_pattern(child) for child in _children(value)]
    if is_root:
        items = [item if type(child) in _LEAVES else f"({item})" for item, child in zip(items, value, strict=True)]
    if kind is dict:
        items = [f"{re.escape(repr(key))}: {item}" for key, item in zip(value, items, strict=True)]
    inside = ", ".join(items) + ("," if kind is tuple and len(value) == 1 else "")
    return _BRACKETS[kind] % inside


def _children(node: Any) -> Collection[Any]:
    return node.values() if type(node) is dict else node


def _containers(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if type(value) not in _LEAVES:
            yield value
            yield from _containers(_children(value))


def _may_be_pair(node: Any) -> bool:
    """Whether a list or tuple may be one of a name and a value."""
    return type(node) is not dict and 2 <= len(node) <= MOST_IN_PAIR and {str} == set(map(type, node))


def _numbered(values: list[Any]) -> tuple[list[int], list[Any]]:
    """The numbers of the groups of a pattern: of the values, and the same lists and dicts with those of the leaves."""
    numbers = count()
    roots: list[int] = []
    numbered: list[Any] = []
    for value in values:
        if type(value) not in _LEAVES:
            roots.append(next(numbers))
        numbered.append(_with_numbers(value, numbers))
        if type(value) in _LEAVES:
            roots.append(numbered[-1])
    return roots, numbered


def _with_numbers(value: Any, numbers: Iterator[int]) -> Any:
    if type(value) is dict:
        return {key: _with_numbers(child, numbers) for key, child in value.items()}
    return next(numbers) if type(value) in _LEAVES else [_with_numbers(child, numbers) for child in value]


def _leaves(value: Any, numbered: Any) -> Iterator[tuple[int, Any]]:
    """The leaves by their numbers, in the order of a walk into the depth."""
    if type(numbered) is int:
        yield numbered, value
    else:
        for child, number in zip(_children(value), _children(numbered), strict=True):
            yield from _leaves(child, number)


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
