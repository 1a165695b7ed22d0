"""The settings of a target, and the one table of keys, which validates YAML files and makes their JSON Schema."""

from __future__ import annotations

from ..core.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .dependencies import DependencyRule


INFINITY = float("inf")
DJANGO = "django"  # the value of `setup` that stands for django.setup()


class Settings(Record):
    """How one target is captured. `keep` and `quota` are whole numbers or infinity; `max_age` is in seconds.

    `dependencies` has no entry in the table of keys: it belongs beside a `target:`, and has a grammar of its own.
    """

    keep: float = 2
    keep_outcomes: int = 1
    keep_shapes: int = 0
    quota: float = INFINITY
    sample: float = 1.0
    max_bytes: int = 10**6
    max_age: float = INFINITY
    compression: str = "none"
    redact: tuple[str, ...] = ()
    redact_allow: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    mode: str = "wrap"
    effects: int = 500
    effects_max_bytes: int = 4 * 10**6
    dependencies: tuple[DependencyRule, ...] | None = ()  # added to those of the whole file; None: no tape


DEFAULT_SETTINGS = Settings()


class Key:
    """One key of the file.

    `kind` is one of `_READERS`; `default` is how the file would write it (None: it has none). `minimum` and `endless`
    (whether `.inf` is allowed) belong to whole numbers, `options` to choices, `items` (what it holds) to lists, texts.
    """

    __slots__ = ("default", "doc", "endless", "items", "kind", "minimum", "name", "options")

    def __init__(
        self,
        name: str,
        kind: str,
        default: object,
        doc: str,
        *,
        minimum: int = 0,
        endless: bool = False,
        options: tuple[str, ...] = (),
        items: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.doc = doc
        self.minimum = minimum
        self.endless = endless
        self.options = options
        self.items = items

    def read(self, value: object) -> Any:
        """The value as a Config or Settings holds it. Raises ValueError that says what was wanted."""
        try:
            return _READERS[self.kind](self, value)
        except ValueError as error:
            from .problems import refusal

            raise refusal(self, value, str(error)) from None


def by_name(*fields: Key) -> dict[str, Key]:
    return {field.name: field for field in fields}


CONFIG_FIELDS = by_name(
    Key("capture_dir", "text", "captures", "Where bundles go; relative to the working directory.", items="a folder"),
    Key("budget", "share", "2%", "Share of the process's time that capturing may take; above it calls are skipped."),
    Key("max_store_bytes", "size", "256MB", "Size of all captures; pinned bundles and side effects aside."),
    Key("durability", "choice", "process", "power: fsync, to survive a power cut too.", options=("process", "power")),
    Key(
        "trust",
        "choice",
        None,
        "What may be loaded; signed by default if there is a key.",
        options=("owner", "signed", "any"),
    ),
    Key("sync", "flag", False, "true: write in the calling thread."),
    Key("exit_wait", "duration", "10s", "At exit the writer goes on while it makes progress, at most so long."),
    Key(
        "setup",
        "text",
        None,
        "Called once in a replaying process; the word django is django.setup().",
        items="module:callable or the word django",
    ),
    Key(
        "renames",
        "pairs",
        (),
        "Classes, functions and modules that have moved: old name to new name, for loading bundles.",
        items="old names and new names, each module:name or a module",
    ),
)
SETTINGS_FIELDS = by_name(
    Key("keep", "whole", 2, "The newest bundles kept per function; .inf keeps all.", minimum=1, endless=True),
    Key("keep_outcomes", "whole", 1, "Besides them, the newest of an outcome kind that they lack (0: none)."),
    Key("keep_shapes", "whole", 0, "Besides those, the newest of each argument shape that they lack, so many at most."),
    Key("quota", "whole", INFINITY, "Captures taken per function, all processes together.", endless=True),
    Key("sample", "share", 1.0, "Share of the calls that are captured."),
    Key("max_bytes", "size", "1MB", "Per bundle; larger values become placeholders, the rest is kept."),
    Key("max_age", "duration", INFINITY, "Older bundles are removed; pinned ones stay."),
    Key("compression", "choice", "none", "Of the parts of a bundle.", options=("none", "zlib", "zstd")),
    Key(
        "redact",
        "names",
        (),
        "Names (or paths) of secret values, replaced whatever they hold, besides the built-in list.",
        items="names and paths",
    ),
    Key(
        "redact_allow",
        "names",
        (),
        "Names (or paths) that are not secret, removed from that list.",
        items="names and paths",
    ),
    Key("exclude", "names", (), "Argument paths that are left out, such as self.model.", items="argument paths"),
    Key("exclude_types", "names", (), "Types whose values are left out.", items="type names"),
    Key("mode", "choice", "wrap", "inplace reaches references taken earlier.", options=("wrap", "inplace")),
    Key(
        "effects",
        "whole",
        500,
        "Calls of dependencies that are recorded per bundle.",
        minimum=1,
    ),
    Key("effects_max_bytes", "size", "4MB", "Of the calls of dependencies in one bundle."),
)


def settings_from(options: Mapping[str, object], base: Settings = DEFAULT_SETTINGS) -> Settings:
    """`base` changed by `options`, for callers in Python. Raises ConfigError for the first bad one."""
    from ..errors import ConfigError
    from .problems import unknown_key

    changes = {}
    for name, value in options.items():
        if name not in SETTINGS_FIELDS:
            raise ConfigError(unknown_key(name, SETTINGS_FIELDS), key=name)
        try:
            changes[name] = SETTINGS_FIELDS[name].read(value)
        except ValueError as error:
            raise ConfigError(str(error), key=name) from None
    return merged(base, changes)


def merged(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """Values that were read, over those of `base`: plain ones replace, lists add up, an empty list clears.

    Adding up is the safe reading: a target that names one more secret must not lose those that `defaults` names.
    """
    if not changes:
        return base
    values = dict(changes)
    for name, value in changes.items():
        if isinstance(value, tuple) and value:
            values[name] = tuple(dict.fromkeys((*getattr(base, name), *value)))
    return base.replace(**values)


def _flag(field: Key, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _whole(field: Key, value: object) -> float:
    if field.endless and isinstance(value, float) and value == INFINITY:
        return value
    if not isinstance(value, int) or isinstance(value, bool) or value < field.minimum:
        raise ValueError
    return value


def _amount(parser: str, positive: bool) -> Callable[[Key, object], float]:
    """Reads by this function of `units`, which is loaded at the first amount that a file names."""

    def read(field: Key, value: object) -> float:
        from . import units

        amount: float = getattr(units, parser)(value)
        if positive and not amount > 0:
            raise ValueError
        return amount

    return read


def _choice(field: Key, value: object) -> str:
    if not isinstance(value, str) or value not in field.options:
        raise ValueError
    return value


def _text(field: Key, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    check = _ITEMS.get(field.items)
    if check is not None:
        check(value)
    return value


def _pairs(field: Key, value: object) -> tuple[tuple[str, str], ...]:
    """A mapping as pairs, which are hashable. YAML's empty value is an empty mapping."""
    if not isinstance(value, dict | tuple | None):
        raise ValueError
    pairs = tuple(value.items()) if isinstance(value, dict) else value or ()
    for old, new in pairs:
        for name in (old, new):
            if not isinstance(name, str) or not _is_global_name(name):
                raise ValueError(f"{name!r} is not such a name")
        if (":" in old) != (":" in new):
            raise ValueError(f"{old!r} and {new!r}: one names a module, the other something in a module")
    return pairs


def _is_global_name(text: str) -> bool:
    module, colon, name = text.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *(name.split(".") if colon else ())))


def _setup(text: str) -> None:
    if text != DJANGO and not (":" in text and _is_global_name(text)):
        raise ValueError


def _names(field: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError
    check = _ITEMS.get(field.items)
    for item in value:
        if not isinstance(item, str) or not item.strip():
            raise ValueError
        if check is not None:
            check(item)
    return tuple(dict.fromkeys(value))


def _type_name(text: str) -> None:
    if "." not in text or not all(part.isidentifier() for part in text.split(".")):
        raise ValueError(f"{text!r} is not a module and type such as torch.nn.Module")
    if text in _PLAIN_TYPES:
        raise ValueError(f"values of {text} cannot be left out by their type; name their paths under 'exclude'")


def _argument_path(text: str) -> None:
    if not all(map(str.isidentifier, text.split("."))):  # names alone are right, and need no parser at start-up
        from ..core.paths import parse_path

        parse_path(text)


def _secret(text: str) -> None:
    if not _PATH_SIGNS.isdisjoint(text):
        _argument_path(text)


_PATH_SIGNS = frozenset(".[*")
# The pickler stores values of these types without a hook that could leave them out.
_PLAIN_TYPES = frozenset(
    f"builtins.{kind.__name__}" for kind in (bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset)
)
_ITEMS: dict[str, Callable[[str], object]] = {
    "module:callable or the word django": _setup,
    "names and paths": _secret,
    "type names": _type_name,
    "argument paths": _argument_path,
}
_READERS: dict[str, Callable[[Key, object], Any]] = {
    "flag": _flag,
    "whole": _whole,
    "size": _amount("parse_size", positive=True),
    "duration": _amount("parse_duration", positive=True),
    "share": _amount("parse_share", positive=False),
    "choice": _choice,
    "text": _text,
    "names": _names,
    "pairs": _pairs,
}


_PARAMETERS = "names of parameters"
DEPENDENCY_FIELDS = by_name(
    Key("role", "choice", None, "write: replay checks that the call is made again.", options=("read", "write")),
    Key("exclude", "names", (), "Parameters that are neither stored nor matched.", items=_PARAMETERS),
    Key(
        "result",
        "choice",
        "store",
        "handle, proxy: a live object, known by the calls made on it; skip: not stored.",
        options=("store", "handle", "proxy", "skip"),
    ),
    Key(
        "repeat",
        "choice",
        "steady",
        "What answers more calls than were recorded: steady (if all answers were equal), last or never.",
        options=("never", "steady", "last"),
    ),
)
