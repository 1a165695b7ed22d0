"""Error messages for a config file, in the words of the file. Loaded only when there is a problem."""

from __future__ import annotations

from ..core.near_names import near_matches
from ..errors import ConfigError
from .units import INFINITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .settings import Key

_TRUE_WORDS = ("on", "yes", "y", "t", "1", "true", "enabled")
_FALSE_WORDS = ("off", "no", "n", "f", "0", "false", "disabled")
_AMOUNTS = {
    "size": "a size above 0 such as 64kB, 256MB or .inf",
    "duration": "a duration above 0 such as 12h, 30d or .inf",
    "share": "a share such as 2% or 0.02",
}


class InvalidConfigError(ConfigError):
    """All problems of a file, in the order of its lines; the attributes give the place of the first."""

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
        return str(self.problems[0]) + (f" (and {more} more)" if more else "")


def invalid(problems: Iterable[ConfigError]) -> InvalidConfigError:
    return InvalidConfigError(tuple(sorted(problems, key=lambda problem: problem.line or 0)))


def refusal(field: Key, value: object, reason: str = "") -> ValueError:
    """The error for a value that a key does not take; `reason` is the parser's own, where it has one."""
    if field.kind == "names" and isinstance(value, list | tuple):
        found = reason or f"{show(_first_bad(value))} is none of them"
        return ValueError("; ".join(part for part in (f"expects {_wanted(field)}", found, _hint(field, value)) if part))
    own = "" if " is wanted, not " in reason else reason  # it would repeat the message
    hint = own or _hint(field, value)
    return ValueError(f"expects {_wanted(field)}, not {show(value)}" + (f"; {hint}" if hint else ""))


def wrong_section(wanted: str, value: object) -> str:
    hint = f"; write [{show(value)}]" if isinstance(value, str) and "\n" not in value else ""
    return f"expects {wanted}, not {show(value)}{hint}"


def unknown_key(name: str, known: Iterable[str], elsewhere: Iterable[str] = (), place: str = "") -> str:
    """`elsewhere` are the keys of the other level of the file, `place`: a key is as often misplaced as misspelt."""
    if name in elsewhere:
        return f"unknown key {name!r} here; its place is {place}"
    near = _did_you_mean(name, known)
    return f"unknown key {show(name)}; " + (near or f"the keys here are {', '.join(known)}")


def no_target(rule: dict[str, object], known: Iterable[str]) -> str:
    """For a mapping among the targets that does not say which function it means; `known` are its other keys."""
    others = {name: value for name, value in rule.items() if name not in known}
    for name in near_matches("target", others, 1):
        return f"unknown key {show(name)}; did you mean 'target'?"
    for name, value in others.items():
        if isinstance(value, str) and len(rule) == 1:
            return f"a space after ':' splits the name; did you mean {show(f'{name}:{value}')}?"
    return "the key 'target' is missing: which function is meant?"


def show(value: object) -> str:
    """A value as it stands in the YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return {INFINITY: ".inf", -INFINITY: "-.inf"}.get(value, f"{value!r}" if value == value else ".nan")
    if isinstance(value, str | int):
        text = repr(value)
        return text if len(text) <= 60 else text[:56] + "..." + (text[-1] if isinstance(value, str) else "")
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _wanted(field: Key) -> str:
    if field.kind == "flag":
        return "true or false"
    if field.kind == "whole":
        return f"a whole number of at least {field.minimum}" + (" or .inf" if field.endless else "")
    if field.kind == "choice":
        return f"{', '.join(field.options[:-1])} or {field.options[-1]}"
    if field.kind == "names":
        return f"a list of {field.items}"
    if field.kind == "pairs":
        return f"a mapping of {field.items}"
    return _AMOUNTS.get(field.kind) or field.items


def _first_bad(values: Iterable[object]) -> object:
    return next((value for value in values if not isinstance(value, str) or not value.strip()), None)


def _hint(field: Key, value: object) -> str:
    """The correction for frequent mistakes in YAML."""
    if value is None:
        return "write a value, or remove the line"
    if field.kind == "names":
        return f"write [{show(value)[1:-1]}]" if isinstance(value, str) else _quotes(value)
    if field.kind == "flag":
        word = str(value).lower()
        return "write true" if word in _TRUE_WORDS else "write false" if word in _FALSE_WORDS else ""
    if field.kind == "text":
        return _quotes(value)
    if field.kind == "choice":
        return _did_you_mean(value, field.options) if isinstance(value, str) else ""
    if field.name == "keep" and value == 0 and not isinstance(value, bool):
        return "'quota: 0' counts the calls without keeping any"
    return _number(value) if isinstance(value, str) else ""


def _quotes(value: object) -> str:
    bad = _first_bad(value) if isinstance(value, list | tuple) else value
    return "put it in quotes" if isinstance(bad, int | float) else ""


def _number(text: str) -> str:
    text = text.strip().lower()
    if text.lstrip("+") in ("inf", "infinity", "infinite", "unlimited", "all", "none"):
        return "infinity is written .inf"
    digits = text.replace("_", "").replace(",", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 300:
        return ""
    return f"write {int(digits)}" + (" (to YAML a leading zero means octal)" if digits[0] == "0" else "")


def _did_you_mean(wanted: str, known: Iterable[str]) -> str:
    near = near_matches(wanted, known, 1)
    return f"did you mean {near[0]!r}?" if near else ""


def explained(error: Any, text: str) -> tuple[str, int | None]:
    """A plain message for a syntax error of the YAML parser, and its line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a ReaderError: its position counts bytes in one parser and characters in the other
        bad = next((index for index, character in enumerate(text) if not _is_printable(character)), None)
        if bad is None:
            return f"is not YAML: {error}", None
        return f"the character {text[bad]!a} is not allowed", text.count("\n", 0, bad) + 1
    lines = text.splitlines()
    source = lines[mark.line] if mark.line < len(lines) else ""
    line = mark.line + 1
    start = getattr(error, "context_mark", None)
    first = source.strip().removeprefix("-").strip().partition(": ")
    value = (first[2] or first[0]).lstrip()
    problem = error.problem or "it cannot be understood"
    if "\t" in source[: len(source) - len(source.lstrip())]:
        return "a tab indents this line; YAML wants spaces", line
    if value.startswith("*") or "[*" in source or ", *" in source:
        return "a glob that begins with '*' must be quoted", line
    if value[:1] in ("@", "`", "%"):
        return f"a value that begins with {value[0]!r} must be quoted", line
    if problem.startswith("mapping values"):
        return "a ':' that does not fit here; is the line indented too far, or has a value a ': ' to be quoted?", line
    if start is not None and "simple key" in error.context:
        return "a key without its ':'", start.line + 1
    if start is not None and "quoted scalar" in error.context:
        return "a quote opens here and is never closed", start.line + 1
    if start is not None and "flow" in error.context:
        return f"a bracket opens here and is not closed as it should ({problem})", start.line + 1
    return f"is not YAML: {problem}" + (f" {error.context}" if error.context else ""), line


def _is_printable(character: str) -> bool:
    if character in "\t\n\r\x85":
        return True
    return " " <= character < "\x7f" or "\xa0" <= character < "\ud800" or "\ue000" <= character != "\ufeff"
