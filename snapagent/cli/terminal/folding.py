"""Wrap a line of styled text between words, with a prefix before the lines after the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

Piece = tuple[str, str]  # text, style
_WORD = re.compile(r"\S+\s*|\s+")
_LEAST = 8  # cells left in a line in which an overlong word may still start


def fold(pieces: Sequence[Piece], width: int, lead: str, cells: Callable[[str], int]) -> Iterator[list[Piece]]:
    """The lines; those after the first begin with `lead`. A word longer than a line is broken."""
    text = "".join(words for words, _ in pieces)
    if cells(lead) > width // 2:  # otherwise only a few cells would be left for text
        lead = lead[: width // 4]
    starts = list(_starts(text, width, width - cells(lead), cells))
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
        yield [(lead, "dim"), *_part(pieces, start, end)] if number else list(_part(pieces, start, end))


def _starts(text: str, first: int, others: int, cells: Callable[[str], int]) -> Iterator[int]:
    """The position in the text at which each line starts."""
    yield 0
    left = first
    for found in _WORD.finditer(text):
        word, start = found.group(), found.start()
        needed = cells(word.rstrip())
        if needed > left and (needed <= others or left < _LEAST) and start:
            yield start
            left = others
        while cells(word.rstrip()) > left:
            fitting = _fitting(word, left, cells)
            start, word = start + fitting, word[fitting:]
            yield start
            left = others
        left -= cells(word)


def _fitting(word: str, room: int, cells: Callable[[str], int]) -> int:
    """How many characters of a word fit; at least one, so that the loop ends."""
    end = min(len(word), room)
    while end > 1 and cells(word[:end]) > room:
        end -= 1
    return end


def _part(pieces: Sequence[Piece], start: int, end: int) -> Iterator[Piece]:
    """The pieces of one line, without the blanks at its end."""
    position, parts = 0, []
    for text, style in pieces:
        shown = text[max(start - position, 0) : max(end - position, 0)]
        position += len(text)
        if shown:
            parts.append((shown, style))
    while parts and not parts[-1][0].rstrip():
        parts.pop()
    if parts:
        parts[-1] = (parts[-1][0].rstrip(), parts[-1][1])
    yield from parts
