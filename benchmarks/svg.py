"""Plots as SVG text, by hand: lines over logarithmic axes are all that the docs show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 70, 150, 40, 50
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#555555")
Points = Sequence[tuple[float, float]]


def plot(title: str, across: str, up: str, lines: Mapping[str, Points], log_across: bool = True) -> str:
    """A plot of named lines; the axis upwards is logarithmic. All values must be above zero."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    along = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, log_across)
    upwards = _Axis(10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys))), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, title, "start", 14),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across),
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for value in upwards.ticks():
        y = upwards.place(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, _number(value), "end"))
    for value in along.ticks() if log_across else sorted(set(xs)):
        parts.append(_text(along.place(value), HEIGHT - BOTTOM + 18, _number(value)))
    ends = {name: upwards.place(points[-1][1]) + 4 for name, points in lines.items()}
    labels = _apart(ends)
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        places = [(along.place(x), upwards.place(y)) for x, y in points]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(_text(places[-1][0] + 8, labels[name], name, "start", colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _apart(places: Mapping[str, float], least: float = 14.0) -> dict[str, float]:
    """The heights of labels, moved up where they would stand on the one below."""
    found: dict[str, float] = {}
    above = math.inf
    for name, place in sorted(places.items(), key=lambda item: -item[1]):
        above = found[name] = min(place, above - least)
    return found


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class _Axis:
    def __init__(self, low: float, high: float, start: float, end: float, log: bool = True) -> None:
        self._change = math.log10 if log else float
        self._low, self._high = self._change(low), self._change(high)
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        share = (self._change(value) - self._low) / ((self._high - self._low) or 1.0)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(math.ceil(self._low - 1e-9), math.floor(self._high + 1e-9) + 1)]


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )
