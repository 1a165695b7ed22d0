"""A pattern that is compiled late answers as one that was compiled at once."""

from __future__ import annotations

import re

import pytest

from snapagent.core import lazy_patterns
from snapagent.core.lazy_patterns import lazy_pattern

TEXTS = ["", "a1", "A1b22", "no digits", "x" * 50 + "7"]


@pytest.mark.parametrize(("text", "flags"), [("[a-z]([0-9]+)", 0), ("[a-z]([0-9]+)", re.IGNORECASE), ("(.)\\1*", 0)])
def test_it_matches_as_the_compiled_one(text: str, flags: int) -> None:
    compiled, lazy = re.compile(text, flags), lazy_pattern(text, flags)
    for _ in range(2):
        for value in TEXTS:
            assert lazy.findall(value) == compiled.findall(value)
            assert lazy.sub("-", value) == compiled.sub("-", value)
            for method in ("match", "search", "fullmatch"):
                found, wanted = getattr(lazy, method)(value), getattr(compiled, method)(value)
                assert (found and found.span()) == (wanted and wanted.span())
    assert (lazy.pattern, lazy.flags) == (compiled.pattern, compiled.flags)


def test_it_is_compiled_at_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    class Re:
        @staticmethod
        def compile(text: str, flags: int) -> re.Pattern[str]:
            compiled.append(text)
            return re.compile(text, flags)

    monkeypatch.setattr(lazy_patterns, "re", Re)
    lazy = lazy_pattern("b+")
    assert compiled == []
    assert lazy.search("abb") and lazy.search("abb") and compiled == ["b+"]
