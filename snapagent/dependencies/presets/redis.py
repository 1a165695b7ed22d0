"""`redis`: recorded at `execute_command` and at `Pipeline.execute`, whose stack of commands is the argument."""

from __future__ import annotations

from ..tape import READ, WRITE
from . import Described, LibraryObject, Operation, unrecorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import Calls

_MESSAGES, _MONITOR = "PubSub of redis", "Monitor of redis"
_READS = frozenset(
    [
        "BITCOUNT",
        "BITPOS",
        "DBSIZE",
        "DUMP",
        "EXISTS",
        "EXPIRETIME",
        "GEODIST",
        "GEOHASH",
        "GEOPOS",
        "GEOSEARCH",
        "GET",
        "GETBIT",
        "GETRANGE",
        "HEXISTS",
        "HGET",
        "HGETALL",
        "HKEYS",
        "HLEN",
        "HMGET",
        "HRANDFIELD",
        "HSCAN",
        "HSTRLEN",
        "HVALS",
        "INFO",
        "KEYS",
        "LINDEX",
        "LLEN",
        "LPOS",
        "LRANGE",
        "MGET",
        "PING",
        "PTTL",
        "RANDOMKEY",
        "SCAN",
        "SCARD",
        "SDIFF",
        "SINTER",
        "SISMEMBER",
        "SMEMBERS",
        "SMISMEMBER",
        "SRANDMEMBER",
        "SSCAN",
        "STRLEN",
        "SUNION",
        "TIME",
        "TTL",
        "TYPE",
        "XLEN",
        "XRANGE",
        "XREAD",
        "XREVRANGE",
        "ZCARD",
        "ZCOUNT",
        "ZLEXCOUNT",
        "ZMSCORE",
        "ZRANDMEMBER",
        "ZRANGE",
        "ZRANGEBYLEX",
        "ZRANGEBYSCORE",
        "ZRANK",
        "ZREVRANGE",
        "ZREVRANGEBYSCORE",
        "ZREVRANK",
        "ZSCAN",
        "ZSCORE",
    ]
)


def _name(command: Any) -> str:
    text = command.decode("latin-1") if isinstance(command, bytes) else str(command)
    return text.upper()


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    name = _name(args[1]) if len(args) > 1 else ""
    arguments = {"command": name, "arguments": list(args[2:])}
    role = READ if name.partition(" ")[0] in _READS else WRITE
    key = f" {args[2]}" if len(args) > 2 and isinstance(args[2], str) else ""
    return Described(role, f"{name}{key}", arguments)


def _describe_pipeline(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    stack: Any = getattr(args[0], "command_stack", None) or getattr(args[0], "_command_stack", None) or ()
    commands = [[_name(words[0]), *words[1:]] for words in (_words(entry) for entry in stack) if words]
    role = READ if all(command[0].partition(" ")[0] in _READS for command in commands) else WRITE
    shape = "PIPELINE " + " ".join(str(command[0]) for command in commands)
    return Described(role, shape[:500], {"commands": commands})


def _words(entry: Any) -> list[Any]:
    """Of a command on the stack: an object with `args`, or (args, options)."""
    words = getattr(entry, "args", None)
    if words is None and isinstance(entry, tuple) and entry:
        words = entry[0]
    return list(words or ())


def _rebuild_immediate(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A pipeline that watches keys sends commands at once, until `multi`."""
    name = _name(args[1]) if len(args) > 1 else ""
    if name in ("WATCH", "UNWATCH"):
        args[0].watching = name == "WATCH"
    return stored


def _rebuild_pipeline(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Executed, a pipeline is empty again."""
    for name, value in (
        ("command_stack", []),
        ("_command_stack", []),
        ("watching", False),
        ("explicit_transaction", False),
    ):
        if hasattr(args[0], name):
            setattr(args[0], name, value)
    return stored


def _client(kind: type | None, name: str, calls: Calls) -> Any:
    """A client of a server that is never asked."""
    try:
        return None if kind is None else kind()
    except Exception:  # a class of the program's own that wants arguments
        return None


def _pool(kind: type | None, name: str, calls: Calls) -> Any:
    return None if kind is None else kind()


operations = tuple(
    one
    for module in ("redis.client", "redis.asyncio.client")
    for one in (
        Operation(module, "Redis.execute_command", _describe),
        Operation(module, "Pipeline.immediate_execute_command", _describe, rebuild=_rebuild_immediate),
        Operation(module, "Pipeline.execute", _describe_pipeline, rebuild=_rebuild_pipeline),
        unrecorded(module, "PubSub.execute_command", _MESSAGES),
        unrecorded(module, "PubSub.parse_response", _MESSAGES),
        unrecorded(module, "Monitor.next_command", _MONITOR),
    )
)
objects = (
    LibraryObject(("redis.client.Redis", "redis.asyncio.client.Redis"), _client),
    LibraryObject(("redis.connection.ConnectionPool", "redis.asyncio.connection.ConnectionPool"), _pool),
)
