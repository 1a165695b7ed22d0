"""The YAML file, read into frozen records. The only home of yaml.

The file is read as a stream of YAML events, not by a loader: so each value knows its line, a plain scalar means what
YAML 1.2 says (no octal 012, no boolean `on`), and duplicate keys, anchors, tags, depth and size are refused on the way.
All problems of a file are reported together, in one InvalidConfigError.
"""

from __future__ import annotations

import os

from .environment import CAPTURE_DIR, find_config
from .errors import ConfigError
from .records import Record
from .settings import (
    DEFAULT_SETTINGS,
    SETTINGS_BY_NAME,
    SETTINGS_FIELDS,
    Choice,
    Field,
    Flag,
    Settings,
    Text,
    fields_schema,
    merged,
    settings_from,
    share,
    show,
    size,
    unknown_key,
)
from .targets import TargetPattern, TargetSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

VERSION = 1
DEFAULT_CAPTURE_DIR = "captures"
MAX_FILE = 1_000_000  # bytes
MAX_DEPTH = 20


class InvalidConfigError(ConfigError):
    """All problems of a file, in the order of its lines; the attributes tell the place of the first."""

    def __init__(self, problems: tuple[ConfigError, ...]) -> None:
        first = problems[0]
        super().__init__(first.problem, first.file, first.line, first.key)
        self.args = (problems,)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    @property
    def one_line(self) -> str:
        """For a log: the first problem, and how many more there are."""
        more = len(self.problems) - 1
        return str(self.problems[0]) + (f" (and {more} more; 'snapagent check' lists them)" if more else "")


class TargetRule(Record):
    """One entry of `targets`: its settings are those of `defaults` with its own over them."""

    pattern: TargetPattern
    settings: Settings
    line: int


class Config(Record):
    """A whole file. `budget` is a share of 1, sizes are bytes; `capture_dir` is as written: see resolve_capture_dir."""

    path: str | None = None
    capture_dir: str = DEFAULT_CAPTURE_DIR
    budget: float = 0.02
    max_store_bytes: int = 256 * 10**6
    durability: str = "process"
    trust: str | None = None  # None: not said, so `signed` where a key is set, else `owner`
    sync: bool = False
    defaults: Settings = DEFAULT_SETTINGS
    rules: tuple[TargetRule, ...] = ()
    exclude_targets: tuple[TargetPattern, ...] = ()

    def target_set(self) -> TargetSet:
        """What the finder and the instrumenting ask."""
        return TargetSet(((rule.pattern, rule.settings) for rule in self.rules), self.exclude_targets)


DEFAULT_CONFIG = Config()

FIELDS = (
    Field("capture_dir", Text("a folder"), "Where bundles are written; relative to the working directory.", "captures"),
    Field("budget", share(), "Share of the process's time that capturing may take; above it calls are skipped.", "2%"),
    Field("max_store_bytes", size(), "Size of all captures; pinned bundles and side effects aside.", "256MB"),
    Field("durability", Choice("process", "power"), "power: fsync, to survive a power cut as well.", "process"),
    Field(
        "trust",
        Choice("owner", "signed", "any"),
        "Which bundles may be loaded. Default: signed when a key is set, else owner.",
    ),
    Field("sync", Flag(), "true: write in the calling thread.", False),
)
_PLAIN = {field.name: field for field in FIELDS}
_KEYS = dict.fromkeys(("version", *_PLAIN, "defaults", "targets", "exclude_targets"))
_RULE_KEYS = dict.fromkeys(("target", *SETTINGS_BY_NAME))


def load_config(path: str) -> Config:
    """Read a file. Raises InvalidConfigError, a ConfigError, that names file, line and key of each problem."""
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        raise InvalidConfigError((ConfigError(f"cannot be read: {_reason(error)}", path),)) from None
    return parse_config(data, path)


def parse_config(text: str | bytes, path: str | None = None) -> Config:
    """Read the text of a file; `path` is only named. Raises InvalidConfigError."""
    reader = _Reader(path)
    config = reader.config(_decoded(text, path))
    if reader.problems:
        raise InvalidConfigError(tuple(sorted(reader.problems, key=lambda problem: problem.line or 0)))
    return config


def resolve_capture_dir(config: Config, environ: Mapping[str, str], cwd: str) -> str:
    """The absolute folder of captures: the environment's, else the config's, below `cwd` when relative."""
    named = environ.get(CAPTURE_DIR) or config.capture_dir
    return os.path.abspath(os.path.join(cwd, os.path.expanduser(named)))


def default_base_path(environ: Mapping[str, str], cwd: str) -> str:
    """Where captures are when nobody says: the environment, then the config's capture_dir, then `captures`.

    Absolute. Raises ConfigError when a config would decide and cannot be read.
    """
    config = DEFAULT_CONFIG
    if not environ.get(CAPTURE_DIR):
        path = find_config(environ, cwd)
        config = load_config(path) if path else DEFAULT_CONFIG
    return resolve_capture_dir(config, environ, cwd)


class Node:
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


class _Reader:
    """Turns a document into a Config and collects what is wrong with it."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.problems: list[ConfigError] = []

    def problem(self, text: str, line: int | None, key: str | None = None) -> None:
        self.problems.append(ConfigError(text, self.path, line, key))

    def config(self, text: str) -> Config:
        root = _Document(text, self).root()
        if self.problems:
            return DEFAULT_CONFIG
        if not isinstance(root.value, dict):
            found = "is empty" if root.value is None else f"holds {show(root.plain())}"
            self.problem(f"the file {found}; it begins with 'version: {VERSION}'", root.line)
            return DEFAULT_CONFIG
        self._known_keys(root.value, _KEYS, "")
        self._version(root)
        values = dict(self._values(root.value, _PLAIN, ""))
        changes = self._section(root, "defaults", dict)
        self._known_keys(changes, SETTINGS_BY_NAME, "defaults.")
        defaults = merged(DEFAULT_SETTINGS, dict(self._values(changes, SETTINGS_BY_NAME, "defaults.")))
        rules = [
            self._rule(node, f"targets[{index}]", defaults)
            for index, node in enumerate(self._section(root, "targets", list))
        ]
        excluded = [
            self._pattern(node, f"exclude_targets[{index}]")
            for index, node in enumerate(self._section(root, "exclude_targets", list))
        ]
        return Config(
            path=self.path,
            defaults=defaults,
            rules=tuple(rule for rule in rules if rule),
            exclude_targets=tuple(pattern for pattern in excluded if pattern),
            **values,
        )

    def _version(self, root: Node) -> None:
        node = root.value.get("version")
        if node is None:
            self.problem(f"the version is missing; the file begins with 'version: {VERSION}'", root.line, "version")
        elif node.value != VERSION or type(node.value) is not int:
            found = f"version {show(node.plain())} is not supported"
            self.problem(f"{found}; this snapagent reads 'version: {VERSION}'", node.line, "version")

    def _known_keys(self, mapping: dict[str, Node], known: Mapping[str, object], prefix: str) -> None:
        for key, node in mapping.items():
            if key not in known:
                self.problem(self._unknown(key, known, prefix), node.line, prefix + key)

    def _unknown(self, key: str, known: Mapping[str, object], prefix: str) -> str:
        text = unknown_key(key, known)
        if "did you mean" in text:
            return text
        if prefix == "" and key in SETTINGS_BY_NAME:
            return f"unknown key {key!r} here; it belongs under 'defaults:' or beside a 'target:'"
        if prefix and key in _KEYS:
            return f"unknown key {key!r} here; it belongs at the beginning of a line, outside of {prefix.rstrip('.')}"
        return text

    def _values(self, mapping: dict[str, Node], fields: Mapping[str, Field], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, node in mapping.items():
            if key in fields:
                try:
                    yield key, fields[key].kind.read(node.plain())
                except ValueError as error:
                    self.problem(str(error), node.line, prefix + key)

    def _section(self, root: Node, key: str, kind: type) -> Any:
        """The list or dict under a key; a key with everything below it commented out is an empty one."""
        node = root.value.get(key)
        if node is None or node.value is None:
            return kind()
        if isinstance(node.value, kind):
            return node.value
        wanted = "a list, a line '- package.module:function' for each" if kind is list else "a mapping of settings"
        self.problem(f"expects {wanted}, not {show(node.plain())}", node.line, key)
        return kind()

    def _rule(self, node: Node, key: str, defaults: Settings) -> TargetRule | None:
        changes: dict[str, Node] = {}
        named = node
        if isinstance(node.value, dict):
            changes = {name: value for name, value in node.value.items() if name != "target"}
            if self._split_by_a_space(node, key):
                return None
            self._known_keys(node.value, _RULE_KEYS, f"{key}.")
            if "target" not in node.value:
                self.problem("a rule needs the key 'target'", node.line, key)
                return None
            named, key = node.value["target"], f"{key}.target"
        values = dict(self._values(changes, SETTINGS_BY_NAME, key.removesuffix("target")))
        pattern = self._pattern(named, key)
        return TargetRule(pattern, merged(defaults, values), node.line) if pattern else None

    def _split_by_a_space(self, node: Node, key: str) -> bool:
        """`- shop.pricing: quote` is a mapping to YAML; nobody means one."""
        for name, value in node.value.items():
            if len(node.value) == 1 and name not in _RULE_KEYS and isinstance(value.value, str) and "." in name:
                self.problem(f"a space after ':' splits the name; did you mean '{name}:{value.value}'?", node.line, key)
                return True
        return False

    def _pattern(self, node: Node, key: str) -> TargetPattern | None:
        if not isinstance(node.value, str):
            self.problem(f"expects 'package.module:function', not {show(node.plain())}", node.line, key)
            return None
        try:
            return TargetPattern.parse(node.value)
        except ConfigError as error:
            self.problem(error.problem, node.line, key)
            return None


class _Document:
    """The events of one YAML document, as a tree of nodes."""

    def __init__(self, text: str, reader: _Reader) -> None:
        self._text = text
        self._reader = reader
        self._open: list[tuple[Node, str | None]] = []  # containers, each with the key that waits for its value
        self._key_lines: list[int] = []
        self._root: Node | None = None

    def root(self) -> Node:
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            documents = 0
            for event in yaml.parse(self._text, Loader=loader):
                documents += isinstance(event, yaml.DocumentStartEvent)
                self._take(yaml, event, documents)
        except _Refused as refused:
            self._reader.problem(refused.text, refused.line)
        except yaml.YAMLError as error:
            self._reader.problem(*_explained(error, self._text))
        return self._root or Node(None, 1)

    def _take(self, yaml: Any, event: Any, documents: int) -> None:
        line = event.start_mark.line + 1
        if documents > 1:
            raise _Refused("a second document begins here; the file holds one", line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused("anchors (&) and aliases (*) are not supported; quote a glob that begins with '*'", line)
        if getattr(event, "tag", None) is not None:
            raise _Refused(f"tags such as {event.tag!r} are not supported", line)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            self._add(Node(_scalar(event.value) if plain else event.value, line), event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise _Refused(f"nested deeper than {MAX_DEPTH} levels", line)
            node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], line)
            self._add(node, None)
            self._open.append((node, None))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _add(self, node: Node, text: str | None) -> None:
        """Put a node where it belongs: `text` is what it reads as if it is a key."""
        if not self._open:
            self._root = node
            return
        parent, key = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif key is None:
            self._open[-1] = (parent, self._key(parent, node, text))
            self._key_lines.append(node.line)
        else:
            node.line = self._key_lines.pop()
            parent.value.setdefault(key, node)
            self._open[-1] = (parent, None)

    def _key(self, parent: Node, node: Node, text: str | None) -> str:
        if text is None:
            raise _Refused("a key must be a name, not a list or a mapping", node.line)
        first = parent.value.get(text)
        if first is not None:
            self._reader.problem(f"duplicate key {text!r}; line {first.line} has it too", node.line, text)
        return text


class _Refused(Exception):
    """What YAML allows and a config does not."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text, line)
        self.text = text
        self.line = line


def _scalar(text: str) -> object:
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
    if not digits.strip("0123456789.eE+-"):
        try:
            number = float(text)
        except ValueError:
            return text
        return text if number in (float("inf"), float("-inf")) else number
    return text


def _explained(error: Any, text: str) -> tuple[str, int | None]:
    """What a syntax error means and its line, where the parser's own words would not help."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a ReaderError: its position counts bytes in one parser and characters in the other
        bad = next((index for index, character in enumerate(text) if not _is_printable(character)), None)
        if bad is None:
            return f"is not YAML: {error}", None
        return f"the character {text[bad]!r} is not allowed", text.count("\n", 0, bad) + 1
    lines = text.splitlines()
    source = lines[mark.line] if mark.line < len(lines) else ""
    indent = source[: len(source) - len(source.lstrip())]
    value = source.strip().lstrip("-").strip()
    if "\t" in indent:
        return "a tab indents this line; YAML wants spaces", mark.line + 1
    if value.startswith("*") or ": *" in source or "[*" in source or ", *" in source:
        return "a glob that begins with '*' must be quoted", mark.line + 1
    if value[:1] in ("@", "`", "%"):
        return f"a value that begins with {value[0]!r} must be quoted", mark.line + 1
    problem = error.problem or "cannot be understood"
    context = f" {error.context}" if getattr(error, "context", None) else ""
    return f"is not YAML: {problem}{context}", mark.line + 1


def _is_printable(character: str) -> bool:
    if character in "\t\n\r\x85":
        return True
    return " " <= character < "\x7f" or "\xa0" <= character < "\ud800" or character >= "\ue000"


def _read(path: str) -> bytes:
    """At most MAX_FILE + 1 bytes of a regular file; a FIFO put there must not hang the program that starts."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_mode & 0o170000 != 0o100000:  # S_IFMT, S_IFREG
            raise ValueError("it is not a regular file")
        data = b""
        while len(data) <= MAX_FILE and (more := os.read(descriptor, MAX_FILE + 1 - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _decoded(text: str | bytes, path: str | None) -> str:
    if len(text) > MAX_FILE:
        raise InvalidConfigError((ConfigError(f"is larger than {MAX_FILE} bytes: that is no target list", path),))
    if isinstance(text, str):
        return text
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidConfigError((ConfigError("is UTF-16; save it as UTF-8", path, 1),))
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{text[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise InvalidConfigError((ConfigError(problem, path, line),)) from None


def schema() -> dict[str, object]:
    """The JSON Schema of the file, for editors: made of the table that validates."""
    settings = dict(fields_schema(SETTINGS_FIELDS))
    target = {"type": "string", "minLength": 1, "description": "module:qualname, the dotted form, or a glob of either."}
    rule = {
        "type": "object",
        "properties": {"target": target, **settings},
        "required": ["target"],
        "additionalProperties": False,
    }
    properties = {
        "version": {"const": VERSION, "description": "Of this format."},
        **dict(fields_schema(FIELDS)),
        "defaults": {
            "type": ["object", "null"],
            "description": "Settings of every target; each may be set per target too.",
            "properties": settings,
            "additionalProperties": False,
        },
        "targets": {
            "type": ["array", "null"],
            "description": "The functions to capture.",
            "items": {"anyOf": [target, rule]},
        },
        "exclude_targets": {
            "type": ["array", "null"],
            "description": "Functions that are no targets, whatever 'targets' says.",
            "items": target,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "snapagent configuration",
        "type": "object",
        "properties": properties,
        "required": ["version"],
        "additionalProperties": False,
    }


__all__ = [
    "DEFAULT_CONFIG",
    "DEFAULT_SETTINGS",
    "Config",
    "InvalidConfigError",
    "Settings",
    "TargetRule",
    "default_base_path",
    "load_config",
    "parse_config",
    "resolve_capture_dir",
    "schema",
    "settings_from",
]
