"""A configuration file as a tree of nodes that know their line; and the plain form of YAML, read without its library.

The library takes 15 of the 25 milliseconds that a start with capture on would cost, in the program and in each of its
child processes. Most configurations need little of it: mappings and lists in block form, values of one line, quotes
without escapes, short lists in brackets, comments. `read_plain` reads these. It leaves whatever else a text holds, and
each mistake, to `document.YamlDocument`, to which it is equal otherwise.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 10
_LONGEST_KEY = 100  # characters; the library refuses keys of more than 1024
_QUOTES = "'\""
_ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_FIRST = frozenset(_ALPHANUMERIC + "._/~")  # begin a text without quotes, wherever it stands
_WITHIN = _ALPHANUMERIC + "._/~-+*%"
_WITHIN_BLOCK = _WITHIN + ": "


class ConfigNode:
    """A value of the document: a scalar, a list of nodes, or a dict of nodes by key. `line` is its key's, from 1."""

    __slots__ = ("line", "value")

    def __init__(self, value: Any, line: int) -> None:
        self.value = value
        self.line = line

    def plain(self) -> object:
        """Without the lines."""
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return self.value


def resolved(text: str) -> object:
    """A scalar without quotes by the core schema of YAML 1.2, without octal and hexadecimal."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if digits in (".inf", ".Inf", ".INF"):
        return float(sign + "inf")
    if text in (".nan", ".NaN", ".NAN"):
        return float("nan")
    if not digits.isascii() or len(digits) > 300:
        return text
    if digits.isdigit():
        return text if digits[0] == "0" and digits != "0" else int(text)
    return text if digits.strip("0123456789.eE+-") else _float(text)


def _float(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return text if number - number != 0 else number  # 1e999 is not what anybody means by infinity


def read_plain(text: str) -> ConfigNode | None:
    """The root of a text in the plain form; None for any other text."""
    if not text.replace("\n", "").isprintable():  # tabs too, and what YAML takes for another end of a line
        return None
    try:
        return _PlainReader(text).root()
    except _NotPlain:
        return None


class _NotPlain(Exception):
    """The text is not YAML, or needs the library."""


class _PlainReader:
    def __init__(self, text: str) -> None:
        self._lines = [line for line in map(_line, text.split("\n"), range(1, text.count("\n") + 2)) if line[1]]
        self._at = 0

    def root(self) -> ConfigNode:
        found = self._block(_DEEPEST)
        if self._at < len(self._lines):
            raise _NotPlain
        return found

    def _next(self) -> tuple[int, str, int]:
        """(indentation, content, number) of the next line; one without indentation or content at the end."""
        return self._lines[self._at] if self._at < len(self._lines) else (-1, "", 0)

    def _block(self, depth: int) -> ConfigNode:
        if not depth:
            raise _NotPlain
        indent, content, _ = self._next()
        return self._list(indent, depth) if content.startswith("- ") else self._mapping(indent, depth)

    def _mapping(self, indent: int, depth: int) -> ConfigNode:
        first = self._next()[2]
        values: dict[str, ConfigNode] = {}
        while (line := self._next())[0] >= indent:
            own, content, number = line
            key, colon, rest = content.partition(":")
            is_key = key.isidentifier() and key.isascii() and len(key) <= _LONGEST_KEY and key not in values
            if own > indent or not colon or not is_key or rest[:1].strip():
                raise _NotPlain
            self._at += 1
            rest = rest.strip()
            values[key] = _value(rest, number) if rest else self._below(indent, number, depth - 1)
        return ConfigNode(values, first)

    def _below(self, indent: int, line: int, depth: int) -> ConfigNode:
        """What stands below a key. The items of a list may be as far to the left as the key itself."""
        own, content, _ = self._next()
        if own > indent:
            found = self._block(depth)
        elif own == indent and content.startswith("- "):
            found = self._list(indent, depth)
        else:
            found = ConfigNode(None, line)
        found.line = line
        return found

    def _list(self, indent: int, depth: int) -> ConfigNode:
        first = self._next()[2]
        items: list[ConfigNode] = []
        while (line := self._next())[0] >= indent and line[1].startswith("- "):
            own, content, number = line
            if own > indent:
                raise _NotPlain
            rest = content[1:].lstrip()
            if rest[0] not in "'\"[" and (": " in rest or rest.endswith(":")):
                inner = own + len(content) - len(rest)
                self._lines[self._at] = inner, rest, number
                items.append(self._mapping(inner, depth - 1))
            else:
                self._at += 1
                items.append(_value(rest, number))
        return ConfigNode(items, first)


def _line(text: str, number: int) -> tuple[int, str, int]:
    """(indentation, content without its comment, number) of a line."""
    content = text.lstrip(" ")
    # A sign within quotes leaves a quote that is not closed, which is not plain.
    head = "" if content.startswith("#") else content.partition(" #")[0].rstrip(" ")
    return len(text) - len(content), head, number


def _value(text: str, line: int) -> ConfigNode:
    if text == "{}":
        return ConfigNode({}, line)
    if text[0] == "[":
        if text[-1] != "]":
            raise _NotPlain
        inside = text[1:-1].strip()
        return ConfigNode([_scalar(item.strip(), line, _WITHIN) for item in inside.split(",") if inside], line)
    return _scalar(text, line, _WITHIN_BLOCK)


def _scalar(text: str, line: int, within: str) -> ConfigNode:
    first = text[:1]
    if first in _FIRST and not text.strip(within) and ": " not in text and text[-1] != ":":
        return ConfigNode(resolved(text), line)
    inner = text[1:-1]
    is_quoted = len(text) > 1 and first in _QUOTES and text[-1] == first and first not in inner
    if not is_quoted or (first == '"' and "\\" in inner):
        raise _NotPlain
    return ConfigNode(inner, line)
