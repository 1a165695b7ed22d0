"""Stand-ins for the placeholders of bundles: which ones a test needs, and skeletons of their classes."""

from __future__ import annotations

import ast
import builtins
import json
import keyword
import re
from collections.abc import Iterable, Iterator

from ...bundle import Header, Note
from ...core.records import Record
from ..views.effects import EFFECTS
from ..views.tree import OUTCOME_PATHS
from .modules import SourceFinder

PLACEHOLDERS = ("excluded", "unstorable", "too_big", "too_deep", "lazy")


class Usage(Record):
    """The attributes of a value that the function reads and the methods that it calls, in order."""

    attributes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


class MissingValue(Record):
    """A value that a test must supply: its path and type, and the reason why it is not in the bundles."""

    path: str
    type: str
    reason: str
    detail: str
    use: Usage

    @property
    def class_name(self) -> str:
        """The name of the stand-in: that of the type, or one from the path if the type is a built-in."""
        name = self.type.rpartition(".")[2]
        if hasattr(builtins, name):
            words = re.findall(r"[^\W\d_]+", self.path.rpartition(".")[2])
            name = "".join(word.capitalize() for word in words)
        return name if name.isidentifier() and not keyword.iskeyword(name) else "StandIn"

    @property
    def is_plain(self) -> bool:
        """Whether the function uses no attribute or method of it, so that any object will do."""
        return not self.use.attributes and not self.use.methods


def missing_values(headers: Iterable[Header], finder: SourceFinder) -> tuple[MissingValue, ...]:
    """The placeholders among the arguments of these bundles of one function, one for each path."""
    found: dict[str, Note] = {}
    target = ""
    for header in headers:
        target = header.target
        for note in header.notes:
            if header.effects and note.path.startswith(EFFECTS):
                continue
            if note.kind in PLACEHOLDERS and note.path.partition(".")[0].partition("[")[0] not in OUTCOME_PATHS:
                found.setdefault(note.path, note)
    body = _function(target, finder)
    return tuple(
        MissingValue(note.path, note.type, note.reason or note.kind, note.detail, _use(body, note.path))
        for note in found.values()
    )


def _function(target: str, finder: SourceFinder) -> ast.AST | None:
    module, _, qualname = target.partition(":")
    found = finder.definition(module, qualname) if qualname else None
    return found[1].node if found is not None else None


def _use(function: ast.AST | None, path: str) -> Usage:
    """The attributes and methods of the value at `path` in the function's own source."""
    attributes: dict[str, None] = {}
    methods: dict[str, None] = {}
    for node in ast.walk(function) if function is not None else ():
        for name, is_called in _uses_in(node, path):
            (methods if is_called else attributes)[name] = None
    return Usage(tuple(name for name in attributes if name not in methods), tuple(methods))


def _uses_in(node: ast.AST, path: str) -> Iterator[tuple[str, bool]]:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if _spelt(value) == path:
            yield name, True
        case ast.Call(func=function) if _spelt(function) == path:
            yield "__call__", True
        case ast.Attribute(value=value, attr=name) if _spelt(value) == path:
            yield name, False
        case ast.Subscript(value=value) if _spelt(value) == path:
            yield "__getitem__", True
        case ast.For(iter=value) | ast.comprehension(iter=value) if _spelt(value) == path:
            yield "__iter__", True


def _spelt(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) else ""


def skeleton(target: str, values: Iterable[MissingValue]) -> str:
    """Python source with a class for each value and the dictionary for the loader."""
    values = tuple(values)
    names = class_names([(target, value) for value in values])
    classes = [class_source(value, names[target, value.path]) for value in values]
    entries = [f"    {json.dumps(value.path)}: {names[target, value.path]}()," for value in values]
    return "\n\n".join([*classes, "\n".join([f"FACSIMILES = {{  # of {target}", *entries, "}"])]) + "\n"


def class_names(values: Iterable[tuple[str, MissingValue]]) -> dict[tuple[str, str], str]:
    """(target, path) -> class name; two values of one type get two classes."""
    names: dict[tuple[str, str], str] = {}
    for target, value in values:
        name, number = value.class_name, 2
        while name in names.values():
            name, number = f"{value.class_name}{number}", number + 1
        names[target, value.path] = name
    return names


def class_source(value: MissingValue, name: str) -> str:
    """A class with the attributes and methods that the function uses; they are to be filled in."""
    detail = f", {value.detail}" if value.detail else ""
    lines = [f"class {name}:", f'    """Stands in for {value.path}: {value.type}{detail} ({value.reason})."""']
    lines += [""] if not value.is_plain else []
    lines += [f"    {attribute} = None" for attribute in value.use.attributes]
    for position, method in enumerate(value.use.methods):
        lines += [""] if position or value.use.attributes else []
        lines += [f"    def {method}(self, *args, **kwargs):", "        raise NotImplementedError"]
    return "\n".join(lines) + "\n"
