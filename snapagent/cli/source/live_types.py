"""Parameters and attributes that hold live objects, as far as annotations and constructors in the source say so.

Only these are proposed for exclusion. A name alone says nothing: a parameter called `request` may be plain data.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...serializer.freezing.left_out_types import reason_of_name
from .modules import Definition, ModuleSource, dotted, full_name


def live_parameters(function: Definition, source: ModuleSource) -> tuple[str, ...]:
    """The parameters of a function whose annotations name types that are never stored."""
    node = function.node
    return tuple(name for name, annotation in annotated(node) if is_live(annotation, source))


def live_attributes(cls: Definition, source: ModuleSource) -> tuple[str, ...]:
    """The paths `self.name` that a class fills with live objects, by the annotations of its body and `__init__`."""
    found: dict[str, None] = {}
    node = cls.node
    for statement in node.body if isinstance(node, ast.ClassDef) else ():
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if is_live(annotation, source):
                found[f"self.{name}"] = None
            case ast.FunctionDef(name="__init__") | ast.AsyncFunctionDef(name="__init__"):
                found.update(dict.fromkeys(_filled(statement, source)))
    return tuple(found)


def is_live(expression: ast.expr | None, source: ModuleSource) -> bool:
    """Whether an annotation, or a call that makes an object, names a type that is never stored."""
    match expression:
        case None:
            return False
        case ast.Constant(value=str(text)):
            try:
                return is_live(ast.parse(text, mode="eval").body, source)
            except SyntaxError:
                return False
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return is_live(left, source) or is_live(right, source)
        case ast.Subscript(value=value, slice=inner) if dotted(value).rpartition(".")[2] in ("Optional", "Annotated"):
            return is_live(inner.elts[0] if isinstance(inner, ast.Tuple) else inner, source)
        case ast.Call(func=made):
            return is_live(made, source)
        case ast.Name() | ast.Attribute():
            return reason_of_name(full_name(dotted(expression), source)) is not None
    return False


def annotated(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The parameters of a function with their annotations."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg, argument.annotation


def _filled(node: ast.FunctionDef | ast.AsyncFunctionDef, source: ModuleSource) -> Iterator[str]:
    parameters = dict(annotated(node))
    for statement in ast.walk(node):
        match statement:
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=annotation):
                live = is_live(annotation, source)
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=ast.Name(id=given)):
                live = is_live(parameters.get(given), source)
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=ast.Call() as made):
                live = is_live(made, source)
            case _:
                continue
        if live:
            yield f"self.{name}"
