"""The presets for the libraries that a package imports, anywhere in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ...config.dependencies import BUILT_IN
from .modules import ModuleSource

_PRESETS = {
    "aiohttp": "aiohttp", "boto3": "boto3", "botocore": "boto3", "datetime": "clock", "django": "django-orm",
    "flask_sqlalchemy": "sqlalchemy", "httpx": "httpx", "psycopg": "psycopg", "random": "random", "redis": "redis",
    "requests": "requests", "secrets": "uuid", "sqlalchemy": "sqlalchemy", "sqlite3": "sqlite3",
    "sqlmodel": "sqlalchemy", "time": "clock", "uuid": "uuid",
}  # fmt: skip


def presets_imported(sources: Iterable[ModuleSource]) -> tuple[str, ...]:
    """The words of the presets, in the order of the reference."""
    tops = {name.partition(".")[0] for source in sources for name in _imported(source)}
    words = {word for top, word in _PRESETS.items() if top in tops}
    return in_order(words)


def in_order(words: Iterable[str]) -> tuple[str, ...]:
    """Preset words in the order in which the reference lists them."""
    given = set(words)
    return tuple(word for word in BUILT_IN if word in given)


def _imported(source: ModuleSource) -> Iterator[str]:
    """What its statements import of other packages, in functions too."""
    own = source.name.partition(".")[0]
    for node in ast.walk(source.tree) if source.tree is not None else ():
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] != own)
