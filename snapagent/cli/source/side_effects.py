"""Side effects below a function, guessed from its source: calls into libraries that reach out of the process.

A static look cannot be sure; what it finds is proposed in a test that a person reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...core.records import Record
from .modules import Looker, ModuleLook, dotted

_DEPTH = 4  # calls of the program's own functions that are followed

REACHES_OUT = {
    "aiohttp", "asyncpg", "boto3", "botocore", "cassandra", "elasticsearch", "ftplib", "grpc", "http", "httpx",
    "imaplib", "kafka", "ldap3", "mariadb", "motor", "mysql", "paho", "paramiko", "pika", "poplib", "psycopg",
    "psycopg2", "pymongo", "pymysql", "redis", "requests", "smtplib", "socket", "sqlalchemy", "sqlite3", "ssl",
    "stripe", "subprocess", "telnetlib", "twilio", "urllib", "urllib3", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
UNSTEADY = {
    "time.time", "time.time_ns", "time.monotonic", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "datetime.date.today", "uuid.uuid1", "uuid.uuid4", "random.random", "random.randint",
    "random.choice", "random.shuffle", "random.uniform", "secrets.token_hex", "secrets.token_urlsafe", "os.urandom",
}  # fmt: skip


class Effects(Record):
    """`patches` are `module:name`, as `side_effects.patch` takes them; `unsteady` are calls that differ each time."""

    patches: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()


def effects_of(target: str, looker: Looker) -> Effects:
    """What the function calls that reaches out of the process, itself or in functions of the program below it."""
    module, _, qualname = target.partition(":")
    found = looker.definition(module, qualname) if qualname else None
    if found is None:
        return Effects()
    look, definition = found
    patches: dict[str, None] = {}
    unsteady: dict[str, None] = {}
    for name in _calls(definition.node):
        full = _full_name(name, look)
        if full in UNSTEADY:
            unsteady[full] = None
        elif _reaches_out(name, look, looker, _DEPTH):
            patches[_patch_target(name, look, looker)] = None
    return Effects(tuple(patches), tuple(unsteady))


def _calls(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and "?" not in (name := dotted(node.func)):
            yield name


def _full_name(name: str, look: ModuleLook) -> str:
    """A called name with its first word as the module imported it: `requests.get`, `shop.gateway.charge`."""
    first, dot, rest = name.partition(".")
    imported = look.definitions.get(first)
    if imported is None or imported.kind != "imported":
        return name
    return imported.origin.replace(":", ".").rstrip(".") + dot + rest


def _reaches_out(name: str, look: ModuleLook, looker: Looker, depth: int) -> bool:
    full = _full_name(name, look)
    if _is_imported(name, look) and full.partition(".")[0] in REACHES_OUT:
        return True
    below = _function(name, full, look, looker) if depth > 0 else None
    return below is not None and any(_reaches_out(inner, below[0], looker, depth - 1) for inner in _calls(below[1]))


def _is_imported(name: str, look: ModuleLook) -> bool:
    imported = look.definitions.get(name.partition(".")[0])
    return imported is not None and imported.kind == "imported"


def _function(name: str, full: str, look: ModuleLook, looker: Looker) -> tuple[ModuleLook, ast.AST] | None:
    """A function of the program that a call names; None for other calls."""
    candidates = [(look.name, name)]
    if _is_imported(name, look):
        parts = full.split(".")
        candidates = [(".".join(parts[:end]), ".".join(parts[end:])) for end in range(len(parts) - 1, 0, -1)]
    for module, qualname in candidates:
        found = looker.definition(module, qualname) if _is_the_programs(module, look) else None
        if found is not None and found[1].is_function:
            return found[0], found[1].node
    return None


def _is_the_programs(module: str, look: ModuleLook) -> bool:
    return module.partition(".")[0] == look.name.partition(".")[0]


def _patch_target(name: str, look: ModuleLook, looker: Looker) -> str:
    """Where the function looks the name up: its own module for a bare name, the imported module for `module.name`."""
    first, dot, rest = name.partition(".")
    if not dot:
        return f"{look.name}:{name}"
    imported = look.definitions.get(first)
    if imported is None or imported.kind != "imported":
        return f"{look.name}:{name}"
    home = imported.origin.replace(":", ".").rstrip(".")
    module, _, attribute = f"{home}.{rest}".rpartition(".")
    if looker.module(module) is not None:
        return f"{module}:{attribute}"
    return f"{home}:{rest}" if looker.module(home) is not None else f"{look.name}:{name}"
