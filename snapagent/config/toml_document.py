"""The table `tool.snapagent` of a pyproject.toml as a tree of nodes, for a process whose configuration stands there."""

from __future__ import annotations

from .document import ConfigNode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .document import Report

TABLE = ("tool", "snapagent")


class TomlDocument:
    """The table `tool.snapagent` of a TOML file.

    tomllib tells no lines, so they are searched for: the line of a key is the first below its table that begins with
    it, that of a text in a list the first that contains it.
    """

    def __init__(self, text: str, report: Report) -> None:
        self._text = text
        self._report = report
        self._lines = text.split("\n")

    def root(self) -> ConfigNode | None:
        """None when the text is not TOML or has no such table; the problem has been reported."""
        import tomllib

        try:
            found: Any = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._report(f"it is not TOML: {error}", None)
            return None
        for name in TABLE:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            self._report(f"it has no table [{'.'.join(TABLE)}]", None)
            return None
        return self._node(found, self._header())

    def _header(self) -> int:
        return next((at for at, line in enumerate(self._lines) if line.strip().startswith("[tool.snapagent")), 0)

    def _node(self, value: Any, at: int) -> ConfigNode:
        """`at` is the index of the line of its key."""
        if isinstance(value, dict):
            return ConfigNode({key: self._node(one, self._find_key(key, at)) for key, one in value.items()}, at + 1)
        if isinstance(value, list):
            return ConfigNode([self._node(one, self._find_text(one, at)) for one in value], at + 1)
        return ConfigNode(value, at + 1)

    def _find_key(self, key: str, start: int) -> int:
        for at in range(start, len(self._lines)):
            line = self._lines[at].strip()
            is_header = line.startswith("[") and line.strip("[] ").endswith(f".{key}")
            if is_header or line.replace('"', "").partition("=")[0].strip() == key:
                return at
        return start

    def _find_text(self, value: object, start: int) -> int:
        words = value.get("target") if isinstance(value, dict) else value
        found = (at for at in range(start, len(self._lines)) if str(words) in self._lines[at])
        return next(found, start)
