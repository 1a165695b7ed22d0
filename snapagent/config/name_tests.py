"""Tests for dotted names, made of the segments of a pattern when the first name is tested; see `targets`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_tests: dict[tuple[str, ...], Callable[[str], bool]] = {}


def name_test(segments: tuple[str, ...]) -> Callable[[str], bool]:
    """The test for the dotted names that match. Kept, without `functools`, which a start would load for this alone."""
    found = _tests.get(segments)
    if found is None:
        found = _tests[segments] = _new_test(segments)
    return found


def _new_test(segments: tuple[str, ...]) -> Callable[[str], bool]:
    if not any("*" in segment for segment in segments):
        return ".".join(segments).__eq__
    if set(segments) == {"**"}:
        return bool
    import re  # compiled at the first module of a glob's package: a program without one pays nothing

    # The names get one more dot at their end, so that `**` with its dot may stand for nothing at all.
    whole = re.compile("".join(_segment_regex(segment, re.escape) for segment in segments)).fullmatch
    return lambda dotted: whole(f"{dotted}.") is not None


def _segment_regex(segment: str, escape: Callable[[str], str]) -> str:
    if segment == "**":
        return r"(?:[^.]+\.)*"
    if segment == "*":
        return r"(?!__)[^.]+\."
    first, *others = segment.split("*")
    if not others:
        return escape(first) + r"\."
    # Atomic: the nearest place of each middle part is as good as any, so many stars cannot explode.
    middle = "".join(f"(?>[^.]*?{escape(part)})" for part in others[:-1])
    return f"(?!__){escape(first)}{middle}[^.]*{escape(others[-1])}" + r"\."
