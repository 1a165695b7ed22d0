"""The configuration file, read into frozen records. All problems of a file are reported in one InvalidConfigError."""

from __future__ import annotations

import os

from ..core.records import Record
from .document import ConfigNode, YamlDocument
from .environment import CAPTURE_DIR, find_config, read_regular
from .settings import (
    CONFIG_FIELDS,
    DEFAULT_SETTINGS,
    DEPENDENCY_FIELDS,
    SETTINGS_FIELDS,
    Key,
    Settings,
    merged,
    settings_from,
)
from .targets import Target, TargetPattern, TargetSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..errors import ConfigError
    from .dependencies import DependencyRule

VERSION = 1
MAX_FILE = 1_000_000  # bytes
MAX_PROBLEMS = 100  # of one file; more than that means it is the wrong file
_MAX_KEY, _MAX_TEXT = 80, 500  # characters of each that an error shows

_SECTIONS = {
    "dependencies": "a list of functions and presets",
    "defaults": "a mapping of settings",
    "targets": "a list of targets",
    "exclude_targets": "a list of targets",
}
_KEYS = ("version", *CONFIG_FIELDS, *_SECTIONS)
_RULE_KEYS = ("target", "dependencies", *SETTINGS_FIELDS)
_DEPENDENCY_KEYS = ("target", *DEPENDENCY_FIELDS)
_NO_TAPE = "none"  # in place of a target's dependencies: dependencies.NONE, which is not imported without need
_TOP, _BELOW = "at the beginning of a line", "under 'defaults:', or beside a 'target:'"  # where keys belong


class TargetRule(Record):
    """One entry of `targets`: its settings are those of `defaults` with its own over them."""

    pattern: TargetPattern
    settings: Settings
    line: int


class Config(Record):
    """A whole file. `budget` is a share of 1, sizes are bytes; `capture_dir` is as written: see resolve_capture_dir."""

    path: str | None = None
    capture_dir: str = "captures"
    budget: float = 0.02
    max_store_bytes: int = 256 * 10**6
    durability: str = "process"
    trust: str | None = None  # None: not said, so `signed` where a key is set, else `owner`
    sync: bool = False
    exit_wait: float = 10.0  # seconds
    setup: str | None = None  # module:callable, or the word django
    renames: tuple[tuple[str, str], ...] = ()  # (old, new), each module:qualname or a module
    defaults: Settings = DEFAULT_SETTINGS
    rules: tuple[TargetRule, ...] = ()
    exclude_targets: tuple[TargetPattern, ...] = ()
    dependencies: tuple[DependencyRule, ...] = ()

    @property
    def all_dependencies(self) -> tuple[DependencyRule, ...]:
        """Those of the whole file, then those that single targets add."""
        added = [rule.settings.dependencies for rule in self.rules if rule.settings.dependencies]
        if not added:
            return self.dependencies
        return tuple(dict.fromkeys((*self.dependencies, *(one for rules in added for one in rules))))

    def target_set(self) -> TargetSet:
        """The compiled targets, for the import hook and for instrumenting."""
        return TargetSet(((rule.pattern, rule.settings) for rule in self.rules), self.exclude_targets)

    def rule_for(self, target: str | None) -> Settings | None:
        """The settings that the rules have for `module:qualname`; None without one, and for other names."""
        parsed = Target.read(target) if target is not None else None
        return self.target_set().rule_for(parsed) if parsed is not None else None

    def settings_for(self, target: str | None) -> Settings:
        """As `rule_for`, and the defaults where no rule is for it."""
        return self.rule_for(target) or self.defaults


DEFAULT_CONFIG = Config()


def load_config(path: str) -> Config:
    """Read a file. Raises ConfigError (an InvalidConfigError) that names file, line and key of each problem."""
    try:
        data = read_regular(path, MAX_FILE)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        advice = "; 'snapagent init' writes one" if isinstance(error, FileNotFoundError) else ""
        raise _invalid(path, f"cannot be read: {reason}{advice}") from None
    return parse_config(data, path)


def load_unchanged(path: str) -> Config:
    """As `load_config`, for those who ask often: a file is read again when it has changed. Raises as it does."""
    try:
        found = os.stat(path)
    except OSError:
        return load_config(path)  # raises the error that says what is wrong
    seen = (found.st_mtime_ns, found.st_size)
    known = _loaded.get(path)
    if known is None or known[0] != seen:
        known = _loaded[path] = (seen, load_config(path))
    return known[1]


_loaded: dict[str, tuple[tuple[int, int], Config]] = {}


def parse_config(text: str | bytes, path: str | None = None) -> Config:
    """Read the text of a file; `path` is only named in errors. Raises as load_config does."""
    reader = _ConfigBuilder(path)
    config = reader.config(_decoded(text, path))
    if reader.problems:
        raise _words().invalid(reader.problems)
    return config


def resolve_capture_dir(config: Config, environ: Mapping[str, str], cwd: str) -> str:
    """The absolute folder of captures: the environment's, else the config's, below `cwd` when relative."""
    named = environ.get(CAPTURE_DIR) or config.capture_dir
    return os.path.abspath(os.path.join(cwd, os.path.expanduser(named)))


def default_base_path(environ: Mapping[str, str], cwd: str) -> str:
    """The default folder of captures: the environment decides, then the config's capture_dir, then `captures`.

    Absolute. Raises ConfigError when a config would decide and cannot be read.
    """
    config = DEFAULT_CONFIG
    if not environ.get(CAPTURE_DIR):
        path = find_config(environ, cwd)
        config = load_unchanged(path) if path else DEFAULT_CONFIG
    return resolve_capture_dir(config, environ, cwd)


def schema() -> dict[str, object]:
    """The JSON Schema of the file, for editors: made of the table that validates."""
    from .schema import build

    return build(VERSION)


class _ConfigBuilder:
    """Turns a document into a Config and collects what is wrong with it."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.problems: list[ConfigError] = []

    def problem(self, text: str, line: int | None, key: str | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            from ..errors import ConfigError  # many classes, for which a program with a good config has no use

            self.problems.append(ConfigError(_clean(text, _MAX_TEXT), self.path, line, key and _clean(key, _MAX_KEY)))

    def _root(self, text: str) -> ConfigNode | None:
        if (self.path or "").endswith(".toml"):
            from .toml_document import TomlDocument

            return TomlDocument(text, self.problem).root()
        return YamlDocument(text, self.problem).root()

    def config(self, text: str) -> Config:
        root = self._root(text)
        if root is None:
            return DEFAULT_CONFIG
        if not isinstance(root.value, dict):
            found = "is empty" if root.value is None else f"holds {_words().show(root.plain())}"
            self.problem(f"the file {found}; it begins with 'version: {VERSION}'", root.line)
            return DEFAULT_CONFIG
        self._known(root.value, _KEYS, "")
        self._version(root)
        values = dict(self._values(root.value, CONFIG_FIELDS, ""))
        defaults = self._defaults(self._section(root, "defaults", dict))
        dependencies = self._dependencies(self._section(root, "dependencies", list), "dependencies")
        targets = enumerate(self._section(root, "targets", list))
        excluded = enumerate(self._section(root, "exclude_targets", list))
        rules = [self._rule(node, f"targets[{index}]", defaults) for index, node in targets]
        patterns = [self._pattern(node, f"exclude_targets[{index}]") for index, node in excluded]
        return Config(
            path=self.path,
            defaults=defaults,
            rules=tuple(rule for rule in rules if rule),
            exclude_targets=tuple(pattern for pattern in patterns if pattern),
            dependencies=dependencies,
            **values,
        )

    def _version(self, root: ConfigNode) -> None:
        node = root.value.get("version")
        if node is None or node.value is None:
            self.problem(f"it is missing; the file begins with 'version: {VERSION}'", root.line, "version")
        elif node.value != VERSION or type(node.value) is not int:
            found = f"version {_words().show(node.plain())} is not supported"
            self.problem(f"{found}; this snapagent reads 'version: {VERSION}'", node.line, "version")

    def _section(self, root: ConfigNode, key: str, kind: type) -> Any:
        """The list or dict under a key. A key with everything below it commented out is an empty one."""
        node = root.value.get(key)
        if node is None or node.value is None:
            return kind()
        if isinstance(node.value, kind):
            return node.value
        self.problem(_words().wrong_section(_SECTIONS[key], node.plain()), node.line, key)
        return kind()

    def _defaults(self, section: dict[str, ConfigNode]) -> Settings:
        self._known(section, tuple(SETTINGS_FIELDS), "defaults.")
        return merged(DEFAULT_SETTINGS, dict(self._values(section, SETTINGS_FIELDS, "defaults.")))

    def _known(self, mapping: dict[str, ConfigNode], known: tuple[str, ...], prefix: str) -> None:
        elsewhere, place = (_KEYS, _TOP) if prefix else (tuple(SETTINGS_FIELDS), _BELOW)
        for key, node in mapping.items():
            if key not in known:
                self.problem(_words().unknown_key(key, known, elsewhere, place), node.line, prefix + key)

    def _values(
        self, mapping: dict[str, ConfigNode], fields: Mapping[str, Key], prefix: str
    ) -> Iterator[tuple[str, Any]]:
        for key, node in mapping.items():
            if key in fields:
                try:
                    yield key, fields[key].read(node.plain())
                except ValueError as error:
                    self.problem(str(error), node.line, prefix + key)

    def _rule(self, node: ConfigNode, key: str, defaults: Settings) -> TargetRule | None:
        if not isinstance(node.value, dict):
            pattern = self._pattern(node, key)
            return TargetRule(pattern, defaults, node.line) if pattern else None
        if "target" not in node.value:
            self.problem(_words().no_target(node.plain(), SETTINGS_FIELDS), node.line, key)
            return None
        self._known(node.value, _RULE_KEYS, f"{key}.")
        changes = dict(self._values(node.value, SETTINGS_FIELDS, f"{key}."))
        added = node.value.get("dependencies")
        if added is not None:
            changes["dependencies"] = self._added_dependencies(added, f"{key}.dependencies")
        pattern = self._pattern(node.value["target"], f"{key}.target")
        return TargetRule(pattern, merged(defaults, changes), node.line) if pattern else None

    def _added_dependencies(self, node: ConfigNode, key: str) -> tuple[DependencyRule, ...] | None:
        """Those of one target; None for the word `none`."""
        if node.value == _NO_TAPE:
            return None
        if node.value is None:
            return ()
        if isinstance(node.value, list):
            return self._dependencies(node.value, key)
        wanted = f"{_SECTIONS['dependencies']}, or the word {_NO_TAPE}"
        self.problem(_words().wrong_section(wanted, node.plain()), node.line, key)
        return ()

    def _dependencies(self, nodes: list[ConfigNode], key: str) -> tuple[DependencyRule, ...]:
        found = (self._dependency(node, f"{key}[{index}]") for index, node in enumerate(nodes))
        return tuple(rule for rule in found if rule is not None)

    def _dependency(self, node: ConfigNode, key: str) -> DependencyRule | None:
        named, changes = node, {}
        if isinstance(node.value, dict):
            if "target" not in node.value:
                self.problem(_words().no_target(node.plain(), DEPENDENCY_FIELDS), node.line, key)
                return None
            self._known(node.value, _DEPENDENCY_KEYS, f"{key}.")
            changes = dict(self._values(node.value, DEPENDENCY_FIELDS, f"{key}."))
            named = node.value["target"]
        from .dependencies import DependencyRule

        try:
            if isinstance(named.value, str):
                return DependencyRule.read(named.value).replace(line=node.line, **changes)
            wanted = "expects 'package.module:function' or the name of a preset"
            self.problem(f"{wanted}, not {_words().show(named.plain())}", node.line, key)
        except ValueError as error:
            self.problem(str(error), node.line, key)
        return None

    def _pattern(self, node: ConfigNode, key: str) -> TargetPattern | None:
        try:
            if isinstance(node.value, str):
                return TargetPattern.read(node.value)
            self.problem(f"expects 'package.module:function', not {_words().show(node.plain())}", node.line, key)
        except ValueError as error:
            self.problem(str(error), node.line, key)
        return None


def _decoded(text: str | bytes, path: str | None) -> str:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_FILE:
        raise _invalid(path, f"is larger than {MAX_FILE} bytes, too large for a configuration")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _invalid(path, "is UTF-16; save it as UTF-8", 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _invalid(path, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", line) from None


def _clean(text: str, longest: int) -> str:
    """One printable line of bounded length, whatever the file says."""
    short = text if len(text) <= longest else text[: longest - 3] + "..."
    return (
        short if short.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short)
    )


def _invalid(path: str | None, text: str, line: int | None = None) -> ConfigError:
    """The error for a file that has this one problem."""
    reader = _ConfigBuilder(path)
    reader.problem(text, line)
    error: ConfigError = _words().invalid(reader.problems)
    return error


def _words() -> Any:
    """The wording of problems, which a process with a good config never loads."""
    from . import problems

    return problems


__all__ = [
    "DEFAULT_CONFIG",
    "DEFAULT_SETTINGS",
    "Config",
    "Settings",
    "TargetRule",
    "default_base_path",
    "load_config",
    "parse_config",
    "resolve_capture_dir",
    "schema",
    "settings_from",
]
