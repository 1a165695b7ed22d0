"""Propose targets for `init`: the functions of a package that look worth capturing.

A good target takes its input as arguments and returns its result, because then a bundle is a complete test. The reasons
become comments of the YAML.
"""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Iterator
from itertools import islice

from ...core.records import Record
from .modules import SOURCE, Definition, ModuleSource, SourceFinder

ENOUGH = 12  # targets: further ones are written as comments
MAX_MODULES = 2000

_SERVICE_WORDS = (
    "service", "services", "pricing", "orders", "order", "domain", "core", "logic", "usecases", "use_cases", "engine",
    "rules", "billing", "payments", "checkout", "catalog", "model", "predict", "scoring", "compute", "calculations",
    "parsing", "parser", "reports", "search", "matching", "ranking", "forecast", "gateway", "gateways", "client",
    "repository", "repositories", "tasks", "jobs", "handlers", "processing", "pipeline", "analysis", "transform",
)  # fmt: skip
_NOT_SERVICES = (
    "tests", "test", "conftest", "migrations", "settings", "config", "conf", "setup", "manage", "wsgi", "asgi",
    "constants", "version", "types", "exceptions", "errors", "cli", "__main__", "scripts", "examples", "docs",
    "benchmarks", "fixtures", "sitecustomize", "usercustomize", "logging", "gunicorn_conf", "noxfile", "fabfile",
)  # fmt: skip
_LIVE_PARAMETERS = (
    "session", "db", "database", "conn", "connection", "cursor", "client", "engine", "model", "request", "redis",
    "cache", "http", "socket", "driver", "broker", "logger", "log", "app",
)  # fmt: skip
_REGISTERED = (  # decorators of frameworks that keep a reference to the unwrapped function
    "route", "get", "post", "put", "delete", "patch", "command", "group", "task", "shared_task", "fixture", "on_event",
    "websocket", "middleware", "before_request", "after_request", "errorhandler", "listens_for",
)  # fmt: skip

_CACHES = ("lru_cache", "cache", "singledispatch")  # cached calls never reach the function


class Package(Record):
    """The program to observe: the import name of its package or module, and its parent folder."""

    name: str
    folder: str
    found_by: str


class Proposal(Record):
    """A function worth capturing, the reason, and the parameters to exclude from its bundles."""

    target: str
    score: int
    reason: str
    live: tuple[str, ...] = ()


def find_package(cwd: str) -> tuple[Package, ...]:
    """The packages of a project, the likeliest first: pyproject's name, a src layout, top-level packages, modules."""
    named = _project_name(os.path.join(cwd, "pyproject.toml"))
    found: list[Package] = []
    for folder, layout in ((os.path.join(cwd, "src"), "the src layout"), (cwd, "a top-level package")):
        if os.path.isdir(folder):
            finder = SourceFinder([folder])
            for name in finder.top_level(folder):
                source = finder.module(name) if name not in _NOT_SERVICES and not name.startswith("_") else None
                if source is not None and source.origin == SOURCE:
                    why = "pyproject.toml" if name == named else layout if source.folders else "a module here"
                    found.append(Package(name, folder, why))
    order = {"pyproject.toml": 0, "the src layout": 1, "a top-level package": 2, "a module here": 3}
    return tuple(sorted(found, key=lambda package: order[package.found_by]))


def _project_name(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            name = tomllib.load(file).get("project", {}).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name.lower().replace("-", "_") if isinstance(name, str) else None


def propose(package: Package) -> list[Proposal]:
    """The likely targets of a package, the best first."""
    finder = SourceFinder([package.folder])
    proposals = [
        proposal for source in islice(_modules(finder, package.name), MAX_MODULES) for proposal in _of_module(source)
    ]
    return sorted(proposals, key=lambda proposal: (-proposal.score, proposal.target))


def _modules(finder: SourceFinder, name: str) -> Iterator[ModuleSource]:
    last = name.rpartition(".")[2]
    if last in _NOT_SERVICES or last.startswith(("test_", "_")) or last.endswith("_test"):
        return
    source = finder.module(name)
    if source is None or source.origin != SOURCE:
        return
    yield source
    for submodule in finder.submodules(name):
        yield from _modules(finder, submodule)


def _of_module(source: ModuleSource) -> Iterator[Proposal]:
    words = source.name.split(".")
    likely = next((word for word in reversed(words) if word in _SERVICE_WORDS), None)
    for definition in source.definitions.values():
        parts = definition.qualname.split(".")
        if not definition.is_function or definition.kind == "property" or any(part.startswith("_") for part in parts):
            continue
        proposal = _judge(source.name, definition, likely)
        if proposal is not None:
            yield proposal


def _judge(module: str, definition: Definition, likely: str | None) -> Proposal | None:
    node = definition.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    if any(decorator.rpartition(".")[2] in (*_REGISTERED, *_CACHES) for decorator in definition.decorators):
        return None
    parameters = _parameters(node, definition.kind)
    returns, raises, statements = _body(node)
    if not returns or "abstractmethod" in " ".join(definition.decorators) or (statements < 2 and not parameters):
        return None
    live = tuple(name for name in parameters if name in _LIVE_PARAMETERS)
    inputs = len(parameters) - len(live)
    score = 3 * bool(likely) + 2 * bool(inputs) + raises + min(statements, 12) // 4 - len(live)
    reason = "returns a value computed from " + (f"{inputs} argument{'s' * (inputs > 1)}" if inputs else "its object")
    if raises:
        reason += ", raises on bad input"
    if isinstance(node, ast.AsyncFunctionDef):
        reason += ", async"
    return Proposal(f"{module}:{definition.qualname}", score, f"{reason} (line {definition.line})", live)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> list[str]:
    arguments = node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return names[1:] if kind in ("method", "classmethod") else names


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[bool, bool, int]:
    """Whether it returns or yields a value, whether it raises, and how many statements it has; nested ones aside."""
    returns = raises = False
    statements = 0
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        current = waiting.pop()
        if isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(current, ast.stmt):
            statements += not (isinstance(current, ast.Expr) and isinstance(current.value, ast.Constant))
        if isinstance(current, ast.Return):
            returns = returns or not (current.value is None or _is_none(current.value))
        returns = returns or isinstance(current, (ast.Yield, ast.YieldFrom))
        raises = raises or isinstance(current, ast.Raise)
        waiting.extend(ast.iter_child_nodes(current))
    return returns, raises, statements


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
