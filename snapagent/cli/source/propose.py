"""Propose targets for `init` from the source: the functions of a package that look worth capturing.

A good target takes its input as arguments and returns its result, because then a bundle is a complete test. The reasons
become comments of the YAML.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...core.records import Record
from .live_types import is_live, live_attributes, live_parameters
from .modules import Definition, ModuleSource, dotted, full_name
from .packages import Package, find_package

__all__ = ["ENOUGH", "Package", "Proposal", "find_package", "propose", "why_not"]

ENOUGH = 12  # targets: further ones are written as comments

_SERVICE_WORDS = (
    "service", "services", "pricing", "orders", "order", "domain", "core", "logic", "usecases", "use_cases", "engine",
    "rules", "billing", "payments", "checkout", "catalog", "model", "predict", "scoring", "compute", "calculations",
    "parsing", "parser", "reports", "search", "matching", "ranking", "forecast", "gateway", "gateways", "client",
    "repository", "repositories", "tasks", "jobs", "handlers", "processing", "pipeline", "analysis", "transform",
)  # fmt: skip
_REGISTERED = (  # decorators of frameworks that keep a reference to the unwrapped function
    "route", "get", "post", "put", "delete", "patch", "command", "group", "task", "shared_task", "fixture", "on_event",
    "websocket", "middleware", "before_request", "after_request", "errorhandler", "listens_for",
)  # fmt: skip

_CACHES = ("lru_cache", "cache", "singledispatch")  # cached calls never reach the function
_FRAMEWORKS = (
    "flask", "quart", "fastapi", "starlette", "celery", "sanic", "bottle", "falcon", "litestar", "aiohttp", "tornado",
    "dash", "typer", "django", "connexion", "pyramid",
)  # fmt: skip
_ENTRANCES = ("Command", "View", "ViewSet", "MethodView", "TestCase", "Middleware", "AppConfig", "RequestHandler")
_MAKERS = (  # functions of libraries that return live objects
    "create_engine", "create_async_engine", "sessionmaker", "scoped_session", "connect", "from_url", "client",
    "resource",
)  # fmt: skip
_FACTORY = re.compile(r"(create|make|build|get|init)_((\w+_)?app|application|engine|session|connection|client|server)")


class Proposal(Record):
    """A function worth capturing, the reason, the paths to exclude from its bundles, and what speaks `against` it."""

    target: str
    score: int
    reason: str
    live: tuple[str, ...] = ()
    against: str = ""


def propose(package: Package) -> list[Proposal]:
    """The likely targets of a package, the best first. Those of private modules only where there are no others."""
    for private in (False, True):
        sources = package.modules(package.finder, private)
        proposals = [proposal for source in sources for proposal in _of_module(source)]
        if proposals:
            break
    return sorted(proposals, key=lambda proposal: (-proposal.score, proposal.target))


def why_not(definition: Definition, source: ModuleSource) -> str:
    """The reason why a function is a bad target although it can be wrapped; empty for a good one."""
    node = definition.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return "it is not defined with def"
    last_words = [decorator.rpartition(".")[2] for decorator in definition.decorators]
    if any(word in _REGISTERED for word in last_words):
        return "a framework keeps a reference to it"
    if any(word in _CACHES for word in last_words):
        return "cached calls do not reach it"
    if "abstractmethod" in last_words:
        return "it is abstract"
    if _is_called_by_framework(definition, source):
        return "a framework calls it, with objects of its own"
    return "it makes an application or a live object" if _is_factory(node, source) else ""


def _of_module(source: ModuleSource) -> Iterator[Proposal]:
    likely = any(word in _SERVICE_WORDS for word in source.name.split("."))
    for definition in source.definitions.values():
        parts = definition.qualname.split(".")
        if not definition.is_function or definition.kind == "property" or any(part.startswith("_") for part in parts):
            continue
        proposal = None if why_not(definition, source) else _judge(definition, source, likely)
        if proposal is not None:
            yield proposal


def _judge(definition: Definition, source: ModuleSource, likely: bool) -> Proposal | None:
    node = definition.node
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    parameters = _parameters(node, definition.kind)
    returns, raises, statements = _body(node)
    if not returns or (statements < 2 and not parameters):
        return None
    live = live_paths(definition, source)
    inputs = len([name for name in parameters if name not in live])
    score = 3 * likely + 2 * bool(inputs) + raises + min(statements, 12) // 4 - len(live)
    reason = "returns a value computed from " + (f"{inputs} argument{'s' * (inputs > 1)}" if inputs else "its object")
    if raises:
        reason += ", raises on bad input"
    if isinstance(node, ast.AsyncFunctionDef):
        reason += ", async"
    return Proposal(f"{source.name}:{definition.qualname}", score, f"{reason} (line {definition.line})", live)


def live_paths(definition: Definition, source: ModuleSource) -> tuple[str, ...]:
    """The parameters of a function, and for a method the attributes of its object, that hold live objects."""
    found = live_parameters(definition, source)
    cls = source.definitions.get(definition.qualname.rpartition(".")[0])
    if definition.kind == "method" and definition.qualname.rpartition(".")[2] != "__init__" and cls is not None:
        found += live_attributes(cls, source)
    return found


def _is_called_by_framework(definition: Definition, source: ModuleSource) -> bool:
    """Whether it is a method of a view, a command or a test case, as the names of its class's bases say."""
    cls = source.definitions.get(definition.qualname.rpartition(".")[0])
    return cls is not None and any(base.endswith(_ENTRANCES) for base in cls.bases)


def _is_factory(node: ast.FunctionDef | ast.AsyncFunctionDef, source: ModuleSource) -> bool:
    """Whether it returns an application or a live object that it makes, by its body, its annotation or its name."""
    if _FACTORY.fullmatch(node.name) or is_live(node.returns, source) or _is_of_framework(node.returns, source):
        return True
    made = {
        target.id
        for statement in ast.walk(node)
        if isinstance(statement, ast.Assign) and _makes_live(statement.value, source)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    returned = [statement.value for statement in ast.walk(node) if isinstance(statement, ast.Return)]
    return any(_makes_live(value, source) or (isinstance(value, ast.Name) and value.id in made) for value in returned)


def _makes_live(value: ast.expr | None, source: ModuleSource) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = full_name(dotted(value.func), source)
    is_foreign = name.partition(".")[0] != source.name.partition(".")[0] and "." in name
    return is_live(value, source) or _is_of_framework(value, source) or (is_foreign and name.endswith(_MAKER_ENDS))


_MAKER_ENDS = tuple(f".{name}" for name in _MAKERS)


def _is_of_framework(expression: ast.expr | None, source: ModuleSource) -> bool:
    """Whether it names a class of an application: `Flask`, `celery.Celery`, `web.Application`."""
    if not isinstance(expression, (ast.Name, ast.Attribute, ast.Call)):
        return False
    name = full_name(dotted(expression), source)
    last = name.rpartition(".")[2]
    is_application = last.lower() == name.partition(".")[0] or last in ("Application", "FastAPI", "WSGIApplication")
    return name.partition(".")[0] in _FRAMEWORKS and is_application and last[:1].isupper()


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
