"""Guess the side effects of a function from its source: calls of libraries for networks, databases and processes.

Static analysis cannot be certain, so the results are proposals in a test that a person reviews.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...core.records import Record
from .modules import ModuleSource, SourceFinder, dotted, full_name

_DEPTH = 4  # levels of calls of the program's own functions

EXTERNAL_LIBRARIES = {
    "aiohttp", "asyncpg", "boto3", "botocore", "cassandra", "elasticsearch", "ftplib", "grpc", "http", "httpx",
    "imaplib", "kafka", "ldap3", "mariadb", "motor", "mysql", "paho", "paramiko", "pika", "poplib", "psycopg",
    "psycopg2", "pymongo", "pymysql", "redis", "requests", "smtplib", "socket", "sqlite3", "ssl",
    "stripe", "subprocess", "telnetlib", "twilio", "urllib", "urllib3", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
UNSTEADY = {
    "time.time", "time.time_ns", "time.monotonic", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "datetime.date.today", "uuid.uuid1", "uuid.uuid4", "random.random", "random.randint",
    "random.choice", "random.shuffle", "random.uniform", "secrets.token_hex", "secrets.token_urlsafe", "os.urandom",
}  # fmt: skip


_PURE = ("urllib.parse.", "http.cookies.", "socket.inet_", "ssl.create_default_context", "subprocess.list2cmdline")


class SideEffects(Record):
    """`patches` are `module:name`, as `side_effects.patch` takes them; `unsteady` are calls whose results vary."""

    patches: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()


def find_side_effects(target: str, finder: SourceFinder) -> SideEffects:
    """The side effects of a function and of the program's functions that it calls."""
    module, _, qualname = target.partition(":")
    found = finder.definition(module, qualname) if qualname else None
    if found is None:
        return SideEffects()
    source, definition = found
    patches: dict[str, None] = {}
    unsteady: dict[str, None] = {}
    for name in _calls(definition.node):
        full = full_name(name, source)
        if full in UNSTEADY:
            unsteady[full] = None
        elif _has_side_effect(name, source, finder, _DEPTH):
            patches[_patch_target(name, source, finder)] = None
    return SideEffects(tuple(patches), tuple(unsteady))


def _calls(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and "?" not in (name := dotted(node.func)):
            yield name


def _has_side_effect(name: str, source: ModuleSource, finder: SourceFinder, depth: int) -> bool:
    full = full_name(name, source)
    if _is_imported(name, source) and _leaves_the_process(full):
        return True
    below = _function(name, full, source, finder) if depth > 0 else None
    return below is not None and any(_has_side_effect(inner, below[0], finder, depth - 1) for inner in _calls(below[1]))


def _leaves_the_process(name: str) -> bool:
    """Whether a call of a library may reach out. Making an object does not, and its pickled copy would not work."""
    makes_an_object = name.rpartition(".")[2][:1].isupper()
    return name.partition(".")[0] in EXTERNAL_LIBRARIES and not makes_an_object and not name.startswith(_PURE)


def _is_imported(name: str, source: ModuleSource) -> bool:
    imported = source.definitions.get(name.partition(".")[0])
    return imported is not None and imported.kind == "imported"


def _function(name: str, full: str, source: ModuleSource, finder: SourceFinder) -> tuple[ModuleSource, ast.AST] | None:
    """A function of the program that a call names; None for other calls."""
    candidates = [(source.name, name)]
    if _is_imported(name, source):
        parts = full.split(".")
        candidates = [(".".join(parts[:end]), ".".join(parts[end:])) for end in range(len(parts) - 1, 0, -1)]
    for module, qualname in candidates:
        found = finder.definition(module, qualname) if _is_of_program(module, source) else None
        if found is not None and found[1].is_function:
            return found[0], found[1].node
    return None


def _is_of_program(module: str, source: ModuleSource) -> bool:
    return module.partition(".")[0] == source.name.partition(".")[0]


def _patch_target(name: str, source: ModuleSource, finder: SourceFinder) -> str:
    """Where the function looks the name up: its own module for a bare name, the imported module for `module.name`."""
    first, dot, rest = name.partition(".")
    if not dot:
        return f"{source.name}:{name}"
    imported = source.definitions.get(first)
    if imported is None or imported.kind != "imported":
        return f"{source.name}:{name}"
    home = imported.origin.replace(":", ".").rstrip(".")
    module, _, attribute = f"{home}.{rest}".rpartition(".")
    if finder.module(module) is not None:
        return f"{module}:{attribute}"
    return f"{home}:{rest}" if finder.module(home) is not None else f"{source.name}:{name}"
