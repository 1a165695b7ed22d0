"""The settings of a target, and the one table from which YAML files are validated and their JSON Schema is made.

A `Kind` knows how one sort of value is written: `read` takes the plain value and raises ValueError that says what was
wanted, `schema` says the same to an editor.
"""

from __future__ import annotations

from .errors import ConfigError
from .records import Record
from .units import INFINITY, UNLIMITED_BYTES, parse_duration, parse_share, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Settings(Record):
    """How one target is captured. `keep` and `quota` are whole numbers or infinity; `max_age` is in seconds."""

    keep: float = 2
    keep_outcomes: int = 1
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


DEFAULT_SETTINGS = Settings()


class Kind:
    """A sort of value."""

    def __init__(self, wanted: str, schema: dict[str, object]) -> None:
        self.wanted = wanted
        self._schema = schema

    def read(self, value: object) -> object:
        raise NotImplementedError

    def schema(self) -> dict[str, object]:
        return dict(self._schema)

    def refusal(self, value: object, hint: str | None = None) -> ValueError:
        hint = hint or _hint(value)
        return ValueError(f"expects {self.wanted}, not {show(value)}" + (f"; {hint}" if hint else ""))


class Flag(Kind):
    def __init__(self) -> None:
        super().__init__("true or false", {"type": "boolean"})

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        meant = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
        word = meant.get(str(value).lower())
        raise self.refusal(value, f"write {word}" if word else None)


class Whole(Kind):
    """A whole number of at least `minimum`, or infinity where `endless`."""

    def __init__(self, minimum: int, *, endless: bool = False, instead: str | None = None) -> None:
        schema: dict[str, object] = {"type": "integer", "minimum": minimum}
        wanted = f"a whole number of at least {minimum}"
        super().__init__(wanted + (" or .inf" if endless else ""), _or_endless(schema) if endless else schema)
        self._minimum = minimum
        self._endless = endless
        self._instead = instead

    def read(self, value: object) -> float:
        if isinstance(value, int) and not isinstance(value, bool) and value >= self._minimum:
            return value
        if self._endless and isinstance(value, float) and value == INFINITY:
            return INFINITY
        raise self.refusal(value, self._instead if value == 0 and not isinstance(value, bool) else None)


class Amount(Kind):
    """A size, a duration or a share: text with a unit, or a number."""

    def __init__(self, wanted: str, parse: Callable[[str], float], schema: dict[str, object], positive: bool) -> None:
        super().__init__(wanted, schema)
        self._parse = parse
        self._positive = positive

    def read(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.refusal(value)
        try:
            amount = self._parse(value)  # type: ignore[arg-type]  # the parsers take numbers too
        except ValueError as error:
            raise self.refusal(value, None if " is wanted" in str(error) else str(error)) from None
        if self._positive and not amount > 0:
            raise self.refusal(value)
        return amount


class Choice(Kind):
    def __init__(self, *options: str) -> None:
        super().__init__(" or ".join((", ".join(options[:-1]), options[-1])), {"enum": list(options)})
        self._options = options

    def read(self, value: object) -> str:
        if isinstance(value, str) and value in self._options:
            return value
        near = did_you_mean(str(value), self._options) if isinstance(value, str) else ""
        raise self.refusal(value, near or None)


class Text(Kind):
    def __init__(self, wanted: str) -> None:
        super().__init__(wanted, {"type": "string", "minLength": 1})

    def read(self, value: object) -> str:
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
        hint = "put it in quotes" if isinstance(value, int | float) else None
        raise self.refusal(value, hint)


class Names(Kind):
    """A list of texts, each of which `check` accepts or raises ValueError for."""

    def __init__(self, wanted: str, check: Callable[[str], object]) -> None:
        item = {"type": "string", "minLength": 1}
        super().__init__(f"a list of {wanted}", {"type": ["array", "null"], "items": item})
        self._check = check

    def read(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            raise self.refusal(value, f"write [{value}]")
        if not isinstance(value, list | tuple | set | frozenset):
            raise self.refusal(value)
        for item in value:
            if not isinstance(item, str) or not item.strip():
                hint = "put it in quotes" if isinstance(item, int | float) else None
                raise ValueError(f"expects {self.wanted}, found {show(item)} in it" + (f"; {hint}" if hint else ""))
            self._check(item)
        return tuple(dict.fromkeys(value))


class Field(Record):
    """One key: `default` is what `write` shows of it in the schema (None: no default there)."""

    name: str
    kind: Kind
    doc: str
    default: object = None


def _type_name(text: str) -> None:
    if not all(part.isidentifier() for part in text.split(".")) or "." not in text:
        raise ValueError(f"expects type names such as torch.nn.Module, found {text!r} in it")


def _anything(text: str) -> None:
    """A name to redact may be any text."""


_SIZE = r"^\s*(0|[1-9][0-9]*)(\.[0-9]+)?\s*([kKmMgGtT]?[iI]?[bB])?\s*$"
_DURATION = r"^\s*((0|[1-9][0-9]*)(\.[0-9]+)?\s*(us|ms|s|m|min|h|d|w)?\s*)+$"
_SHARE = r"^\s*(0|[1-9][0-9]*)(\.[0-9]+)?\s*%?\s*$"


def _or_endless(schema: dict[str, object]) -> dict[str, object]:
    """JSON has no infinity; editors read `.inf` as a number above every finite one that is written down."""
    return {"anyOf": [schema, {"type": "number", "minimum": 1e308}]}


def size() -> Kind:
    schema: dict[str, object] = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _SIZE}]}
    return Amount("a size above 0 such as 64kB, 256MB or .inf", parse_size, schema, positive=True)


def share() -> Kind:
    number: dict[str, object] = {"type": "number", "minimum": 0, "maximum": 1}
    schema: dict[str, object] = {"anyOf": [number, {"type": "string", "pattern": _SHARE}]}
    return Amount("a share such as 2% or 0.02", parse_share, schema, positive=False)


def duration() -> Kind:
    number: dict[str, object] = {"type": "number", "exclusiveMinimum": 0}
    schema: dict[str, object] = {"anyOf": [number, {"type": "string", "pattern": _DURATION}]}
    return Amount("a duration above 0 such as 12h, 30d or .inf", parse_duration, schema, positive=True)


SETTINGS_FIELDS = (
    Field("keep", Whole(1, endless=True, instead="'quota: 0' counts calls without keeping any"),
          "The newest bundles kept per function; .inf keeps all.", 2),
    Field("keep_outcomes", Whole(0), "Besides them, the newest of an outcome kind that they lack (0: none).", 1),
    Field("quota", Whole(0, endless=True),
          "Captures taken per function, all processes together; once met, calls are only counted.", ".inf"),
    Field("sample", share(), "Share of the calls that are captured.", 1.0),
    Field("max_bytes", size(), "Size of one bundle; larger values become placeholders, the rest is kept.", "1MB"),
    Field("max_age", duration(), "Bundles older than this are removed; pinned ones stay.", ".inf"),
    Field("compression", Choice("none", "zlib", "zstd"), "How the parts of a bundle are compressed.", "none"),
    Field("redact", Names("names", _anything), "Names whose values are secret, added to the built-in list.", []),
    Field("redact_allow", Names("names", _anything), "Names taken from the list of secret ones.", []),
    Field("exclude", Names("argument paths", _anything), "Argument paths that are left out, such as self.model.", []),
    Field("exclude_types", Names("type names", _type_name), "Types whose values are left out.", []),
    Field("mode", Choice("wrap", "inplace"),
          "wrap: a wrapper, outermost. inplace: reaches references that were taken earlier.", "wrap"),
)  # fmt: skip
SETTINGS_BY_NAME = {field.name: field for field in SETTINGS_FIELDS}


def settings_from(options: Mapping[str, object], base: Settings = DEFAULT_SETTINGS) -> Settings:
    """`base` changed by `options`, for callers in Python. Raises ConfigError for the first bad one.

    A list is added to that of `base`; an empty list takes its place.
    """
    changes: dict[str, object] = {}
    for name, value in options.items():
        field = SETTINGS_BY_NAME.get(name)
        if field is None:
            raise ConfigError(unknown_key(name, SETTINGS_BY_NAME), key=name)
        try:
            changes[name] = field.kind.read(value)
        except ValueError as error:
            raise ConfigError(str(error), key=name) from None
    return merged(base, changes)


def merged(base: Settings, changes: Mapping[str, object]) -> Settings:
    """Values that were read, over those of `base`: plain ones replace, lists add up, an empty list clears."""
    if not changes:
        return base

    def value(name: str, new: object) -> object:
        old = getattr(base, name)
        return tuple(dict.fromkeys((*old, *new))) if isinstance(new, tuple) and new else new

    return base.replace(**{name: value(name, new) for name, new in changes.items()})


def unknown_key(name: str, known: Mapping[str, object]) -> str:
    near = did_you_mean(name, known)
    return f"unknown key {name!r}; " + (near or f"the keys here are {', '.join(known)}")


def did_you_mean(wanted: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    from .targets import near_matches

    near = near_matches(wanted, known, 1)
    return f"did you mean {near[0]!r}?" if near else ""


def show(value: object) -> str:
    """A value as it stands in the YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value in (INFINITY, -INFINITY):
        return ".inf" if value > 0 else "-.inf"
    if isinstance(value, int | float):
        return f"{value:.60}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _hint(value: object) -> str | None:
    """What to write instead, for the slips that YAML invites."""
    if value is None:
        return "write a value, or remove the line"
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.lower().lstrip("+") in ("inf", "infinity", "unlimited"):
        return "infinity is written .inf"
    digits = text.replace("_", "")
    if digits.isascii() and digits.isdigit():
        return f"write {int(digits[:300])}" + (" (a leading zero means octal to YAML)" if text[0] == "0" else "")
    return None


def settings_schema() -> Iterator[tuple[str, dict[str, object]]]:
    """(key, schema) of each field."""
    return fields_schema(SETTINGS_FIELDS)


def fields_schema(fields: tuple[Field, ...]) -> Iterator[tuple[str, dict[str, object]]]:
    for field in fields:
        schema = {"description": field.doc, **field.kind.schema()}
        if field.default is not None and field.default != ".inf":
            schema["default"] = field.default
        yield field.name, schema


__all__ = ["DEFAULT_SETTINGS", "UNLIMITED_BYTES", "Settings", "settings_from"]
