"""Checks the built site for fences that were left as they stand in the Markdown.

Run `python docs/check_site.py site` after `mkdocs build`: it prints page, line and text of each, and exits 1.
A fence that no extension reads becomes a paragraph with the backticks in it, or, where the text has no empty line, a
code span over several lines. Both are found.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

FENCES = ("```", "~~~")


class RawFences(HTMLParser):
    """Collects the line and the text of what looks like a raw fence on one page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._around: list[str] = []  # the elements `pre` and `code` that are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("pre", "code"):
            self._around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._around:
            self._around.remove(tag)

    def handle_data(self, data: str) -> None:
        first, line = self.getpos()[0], data.strip().partition("\n")[0]
        if self._around == ["code"] and "\n" in data.strip():
            self.found.append((first, line))
            return
        for number, text in enumerate(data.split("\n"), start=first):
            if any(fence in text for fence in FENCES):
                self.found.append((number, text.strip()))


def problems(site: Path) -> Iterator[str]:
    """A line for each raw fence in the pages below `site`.

    Raises:
        FileNotFoundError: there is no page.
    """
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise FileNotFoundError(f"no page below {site}; build it first: mkdocs build")
    for page in pages:
        fences = RawFences()
        fences.feed(page.read_text("utf-8"))
        fences.close()
        for line, text in fences.found:
            yield f"{page.relative_to(site)}:{line}: {text}"


def main(arguments: list[str]) -> int:
    found = list(problems(Path(arguments[0] if arguments else "site")))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print(
            f"{len(found)} fences were not rendered (or a code span runs over two lines: keep it on one)",
            file=sys.stderr,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
