"""Paths: names of places in the arguments or the outcome, such as `self.model`, `rows[*].owner` or `**.password`.

A path begins with a parameter name (or `result`, or `exception`); `.name` is an attribute or a string key, `[0]` an
item, `['odd key']` a string key that is not an identifier; `*` stands for any one step, `**` for any number of
steps, also none. A parameter that is itself called `result`, `exception` or `arguments` is written `arguments.result`
and so on.
"""

from __future__ import annotations

from ..errors import PathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RESULT, EXCEPTION, ARGUMENTS = "result", "exception", "arguments"
OUTCOME_ROOTS = frozenset({RESULT, EXCEPTION})
RESERVED = frozenset({RESULT, EXCEPTION, ARGUMENTS})
_MAX_KEY_TEXT = 80  # characters of one item key in a printed path
_LONG = _MAX_KEY_TEXT // 4  # characters from which on the text of a key may have been shortened, escapes included
_FLOATS = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}  # as `repr` writes them
_CUT_ESCAPE = r"(?<!\\)(?:\\\\)*(\\(?:x.?|u.{0,3}|U.{0,7})?)$"  # at the end of a text that was cut inside an escape
_PLAIN_KEYS = frozenset({int, bool, float, bytes, type(None), str})


class Step:
    """One step of a concrete path: `key` is an attribute name or string key (str), or any other item key."""

    __slots__ = ("key",)

    def __init__(self, key: object) -> None:
        self.key = key

    @classmethod
    def attribute(cls, name: str) -> Step:
        """An attribute, a string key, or (first in a path) a parameter."""
        return cls(name)

    @classmethod
    def item(cls, key: object) -> Step:
        """An index or a key; a string key is the same step as the attribute of that name."""
        return cls(key)

    def __eq__(self, other: object) -> bool:
        return type(other) is Step and same_key(self.key, other.key)

    def __hash__(self) -> int:
        return hash((type(self.key), self.key))

    def __repr__(self) -> str:
        return f"Step({self.key!r})"


class _Wildcard:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


ANY = _Wildcard("*")
ANY_NUMBER = _Wildcard("**")


def same_key(one: object, other: object) -> bool:
    """Whether two keys are the same step. Keys of foreign types never are: their `__eq__` is not called."""
    kind = type(one)
    return kind is type(other) and kind in _PLAIN_KEYS and one == other


def _names(token: object, key: object) -> bool:
    """Whether a token of a pattern stands for a key: also one that was shortened for printing, and NaN."""
    if same_key(token, key):
        return True
    kind = type(key)
    if kind is not type(token) or not (kind is float or (kind in (str, bytes) and len(key) > _LONG)):  # type: ignore[arg-type]
        return False
    return _key_text(token, first=False) == _key_text(key, first=False)


def parameter_key(name: str) -> str:
    """The first step of a path into the parameter `name`."""
    return f"{ARGUMENTS}.{name}" if name in RESERVED else name


def format_keys(keys: Iterable[object]) -> str:
    """The text of a concrete path, given as keys."""
    return "".join(_key_text(key, first=not index) for index, key in enumerate(keys))


def format_path(steps: Iterable[Step]) -> str:
    """The text of a concrete path."""
    return format_keys(step.key for step in steps)


def _key_text(key: object, first: bool) -> str:
    if type(key) is str:
        if first:
            return key
        return f".{key}" if key.isidentifier() else f"[{_shortened(ascii(key))}]"
    if type(key) in _PLAIN_KEYS:
        try:
            return f"[{_shortened(repr(key))}]"
        except ValueError:  # an int of thousands of digits, which Python writes in hexadecimal only
            return f"[{_shortened(hex(key))}]"  # type: ignore[arg-type]
    return f"[<{type.__dict__['__qualname__'].__get__(type(key))}>]"


def _shortened(text: str) -> str:
    if len(text) <= _MAX_KEY_TEXT:
        return text
    import re

    head = text[: _MAX_KEY_TEXT - 4]
    cut = re.search(_CUT_ESCAPE, head)
    return (head[: cut.start(1)] if cut is not None else head) + "..." + text[-1]


class PathPattern:
    """A parsed path, with or without wildcards. Matching walks along: `start`, `advance` with each key, `ends`.

    A state is the set of positions in the pattern that the keys so far can have led to, as bits; 0 is a dead end.
    """

    __slots__ = ("_last", "_loops", "tokens")

    def __init__(self, tokens: tuple[object, ...]) -> None:
        self.tokens = tokens
        self._last = 1 << len(tokens)
        self._loops = sum(1 << index for index, token in enumerate(tokens) if token is ANY_NUMBER)

    @property
    def start(self) -> int:
        return self._closed(1)

    @property
    def is_concrete(self) -> bool:
        """Whether it has no wildcard."""
        return not any(type(token) is _Wildcard for token in self.tokens)

    def advance(self, state: int, key: object) -> int:
        """The state after one more step."""
        after = state & self._loops
        for index, token in enumerate(self.tokens):
            if state >> index & 1 and token is not ANY_NUMBER and (token is ANY or _names(token, key)):
                after |= 1 << index + 1
        return self._closed(after)

    def ends(self, state: int) -> bool:
        """Whether the keys that led to this state are a whole match."""
        return bool(state & self._last)

    def _closed(self, state: int) -> int:
        for index, token in enumerate(self.tokens):
            if token is ANY_NUMBER and state >> index & 1:
                state |= 1 << index + 1
        return state

    def matches_keys(self, keys: Iterable[object]) -> bool:
        state = self.start
        for key in keys:
            state = self.advance(state, key)
            if not state:
                return False
        return self.ends(state)

    def matches(self, steps: Iterable[Step]) -> bool:
        """Whether the pattern names exactly this place."""
        return self.matches_keys(step.key for step in steps)

    @property
    def concerns_outcome(self) -> bool:
        """Whether it can name a place in the outcome; `concerns_arguments` says the same of the arguments."""
        return self.tokens[0] in OUTCOME_ROOTS or type(self.tokens[0]) is _Wildcard

    @property
    def concerns_arguments(self) -> bool:
        return self.tokens[0] not in OUTCOME_ROOTS

    def __eq__(self, other: object) -> bool:
        return type(other) is PathPattern and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        parts = [
            ("." if index else "") + token.text if type(token) is _Wildcard else _key_text(token, first=not index)
            for index, token in enumerate(self.tokens)
        ]
        return "".join(parts)

    def __repr__(self) -> str:
        return f"PathPattern({str(self)!r})"


def parse_path(text: str) -> PathPattern:
    """Parse a path. Raises PathError (a ValueError), saying what is wrong where."""
    tokens: list[object] = []
    rest = text.strip()
    expects_name = True
    while rest or expects_name:
        if rest.startswith("["):
            if not tokens or expects_name:
                raise PathError(text, "must begin with a parameter name, 'result', 'exception', '*' or '**'")
            token, rest = _bracket(rest, text)
        else:
            token, rest = _name(rest, text)
        tokens.append(token)
        expects_name = rest.startswith(".")
        if expects_name:
            rest = rest[1:]
        elif rest and not rest.startswith("["):
            raise PathError(text, f"expects '.', '[' or the end at {rest!r}")
    return PathPattern(_rooted(tokens))


def _rooted(tokens: list[object]) -> tuple[object, ...]:
    """`arguments.x` is the parameter `x`: one step, spelled with the prefix only where it is needed."""
    if len(tokens) > 1 and tokens[0] == ARGUMENTS and type(tokens[1]) is str:
        return (parameter_key(tokens[1]), *tokens[2:])
    return tuple(tokens)


def _name(rest: str, text: str) -> tuple[object, str]:
    ends = [at for at in (rest.find("."), rest.find("[")) if at >= 0]
    name, after = (rest[: min(ends)], rest[min(ends) :]) if ends else (rest, "")
    if name in ("*", "**"):
        return (ANY if name == "*" else ANY_NUMBER), after
    if not name.isidentifier():
        hint = "; write ['...'] for a key that is not an identifier" if name and not name.isspace() else ""
        raise PathError(text, f"{name!r} is not a name{hint}")
    return name, after


def _bracket(rest: str, text: str) -> tuple[object, str]:
    """The key in brackets: an integer, a quoted string or bytes, None, True, False, a float, `*` or `**`."""
    import ast

    end = rest.find("]")
    while end >= 0:
        inside = rest[1:end].strip()
        if inside in ("*", "**"):
            return (ANY if inside == "*" else ANY_NUMBER), rest[end + 1 :]
        try:
            key = _FLOATS[inside] if inside in _FLOATS else ast.literal_eval(inside)
        except (ValueError, SyntaxError):
            end = rest.find("]", end + 1)  # the bracket may stand inside a quoted key
            continue
        if type(key) not in _PLAIN_KEYS:
            raise PathError(text, f"[{inside}] is neither an index nor a plain key")
        return key, rest[end + 1 :]
    raise PathError(text, f"expects an index, a quoted key or '*' in brackets at {rest!r}")
