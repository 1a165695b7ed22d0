"""The entries of `dependencies:`: callables and presets whose calls below a target are recorded.

A word without dot and colon is a preset; anything else has the grammar of targets.
"""

from __future__ import annotations

from ..core.records import Record
from .targets import TargetPattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILT_IN = (
    "requests",
    "httpx",
    "aiohttp",
    "boto3",
    "redis",
    "sqlite3",
    "django-orm",
    "sqlalchemy",
    "psycopg",
    "files",
    "clock",
    "uuid",
    "random",
)
GROUP = "snapagent.presets"  # entry points
NONE = "none"  # in place of a target's list: no tape for this target


class DependencyRule(Record):
    """One entry. Either `preset` is a word or `pattern` is set; None for a key that the entry does not have."""

    text: str  # as written
    preset: str = ""
    pattern: TargetPattern | None = None
    role: str | None = None  # read | write
    exclude: tuple[str, ...] = ()  # names of parameters that are neither stored nor matched
    result: str = "store"  # store | handle | proxy | skip
    repeat: str = "steady"  # never | steady | last
    line: int = 0

    @classmethod
    def read(cls, text: str) -> DependencyRule:
        """From the text of an entry. Raises ValueError that says what is wrong."""
        text = text.strip()
        if "." in text or ":" in text or "*" in text:
            return cls(text, pattern=TargetPattern.read(text))
        if text in BUILT_IN or (text and entry_points_of(text)):
            return cls(text, preset=text)
        from ..core.near_names import near_matches  # a program with a good config has no use for it

        near = near_matches(text, known_presets(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the presets are {', '.join(known_presets())}"
        raise ValueError(f"unknown preset {text!r}; {hint} (a function is written 'package.module:function')")


def known_presets() -> tuple[str, ...]:
    """The built-in words, and those of installed packages."""
    from importlib.metadata import entry_points

    return (*BUILT_IN, *(point.name for point in entry_points(group=GROUP) if point.name not in BUILT_IN))


def entry_points_of(word: str) -> tuple[EntryPoint, ...]:
    """The installed presets of this name."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP, name=word))
