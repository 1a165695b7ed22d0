"""A configuration file as a tree of nodes that know their line: YAML here, the table of a TOML file in `toml_document`.

YAML is read as a stream of events, not by a loader: so each value knows its line, a plain scalar means what YAML 1.2
says (no octal 012, no boolean `on`), and duplicate keys, anchors, tags, depth and size are refused on the way.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Report = Callable[..., None]  # (problem, line, key)

MAX_DEPTH = 20


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


class _Refused(Exception):
    """The file uses YAML that a config must not contain."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text, line)
        self.text = text
        self.line = line


class YamlDocument:
    """The events of one YAML document, as a tree of nodes."""

    def __init__(self, text: str, report: Report) -> None:
        self._text = text
        self._report = report
        self._open: list[ConfigNode] = []  # containers, the root first
        self._keys: list[ConfigNode | None] = []  # of each of them: the key that waits for its value
        self._paths: list[str] = []  # of each of them: where it is
        self._root: ConfigNode | None = None

    def root(self) -> ConfigNode | None:
        """None when the text is not YAML or uses forbidden YAML; the problem has been recorded."""
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = 0
        try:
            for event in yaml.parse(self._text, Loader=loader):
                documents += isinstance(event, yaml.DocumentStartEvent)
                self._take(yaml, event, documents)
        except _Refused as refused:
            self._report(refused.text, refused.line)
            return None
        except (yaml.YAMLError, ValueError, OverflowError) as error:  # "\\U99999999" overflows the parser in Python
            from . import problems

            self._report(*problems.explained(error, self._text))
            return None
        return self._root or ConfigNode(None, 1)

    def _take(self, yaml: Any, event: Any, documents: int) -> None:
        line = event.start_mark.line + 1
        if documents > 1:
            raise _Refused("a second document begins here; the file holds one", line)
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("aliases (*) are not supported; a glob that begins with '*' must be quoted", line)
        if getattr(event, "anchor", None) is not None:
            raise _Refused("anchors (&) are not supported; write the value where it is used", line)
        if getattr(event, "tag", None) is not None:
            raise _Refused(f"tags such as {event.tag} are not supported", line)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event.value, not event.style, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise _Refused(f"nested deeper than {MAX_DEPTH} levels", line)
            node = ConfigNode({} if isinstance(event, yaml.MappingStartEvent) else [], line)
            path = self._path()
            self._add(node)
            self._paths.append(path)
            self._open.append(node)
            self._keys.append(None)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
            self._paths.pop()

    def _scalar(self, text: str, plain: bool, line: int) -> None:
        if self._open and isinstance(self._open[-1].value, dict) and self._keys[-1] is None:
            self._keys[-1] = ConfigNode(text, line)
        else:
            self._add(ConfigNode(_resolved(text) if plain else text, line))

    def _add(self, node: ConfigNode) -> None:
        if not self._open:
            self._root = node
            return
        parent, key = self._open[-1].value, self._keys[-1]
        if isinstance(parent, list):
            parent.append(node)
        elif key is None:
            raise _Refused("a key must be a name, not a list or a mapping", node.line)
        else:
            node.line = key.line
            first = parent.setdefault(key.value, node)
            if first is not node:
                self._report(f"duplicate key; line {first.line} has it too", key.line, self._path())
            self._keys[-1] = None

    def _path(self) -> str:
        """Where the next value belongs."""
        if not self._open:
            return ""
        parent, key, path = self._open[-1].value, self._keys[-1], self._paths[-1]
        if key is None:
            return f"{path}[{len(parent)}]"
        return f"{path}.{key.value}" if path else str(key.value)


def _resolved(text: str) -> object:
    """A plain scalar by the core schema of YAML 1.2, without octal and hexadecimal."""
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
