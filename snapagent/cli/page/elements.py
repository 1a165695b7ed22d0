"""Elements of a page, over the standard library's ElementTree.

A tree of elements escapes text and attributes when it is written, wherever they stand: a page has names and values that
a stranger's program chose. A template engine would be one more dependency of every installation, and would escape
only where each template asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, tostring

from ..terminal.wording import printable
from .style import STYLE

Child = Element | str | None
_LONGEST = 500  # characters of one text: a header of unknown origin may hold megabytes
# Nothing is fetched and no script runs, whatever stands in the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """An element with texts and elements inside; None is left out. `class_` is the attribute `class`."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): clipped(text) for name, text in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child is not None:
            _append_text(made, clipped(child))
    return made


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def clipped(text: str) -> str:
    """A text as a page shows it: cut, with control characters, bidi marks and surrogates escaped."""
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)")


def code(text: str) -> Element:
    return element("code", text)


def prose(text: str) -> Element:
    """A text in which words between backticks are code."""
    words = clipped(text).split("`")
    if len(words) % 2 == 0:  # one without its partner
        return element("span", text)
    return element("span", *[code(word) if at % 2 else word for at, word in enumerate(words)])


def chip(text: str, kind: str = "") -> Element:
    """A word in a frame; `kind` is `good`, `bad`, `warn` or nothing."""
    return element("span", text, class_=f"chip {kind}".strip())


def figures(pairs: Iterable[tuple[str, str]]) -> Element:
    """Numbers with their names, side by side."""
    tiles = [element("div", element("dt", name), element("dd", number)) for name, number in pairs]
    return element("dl", *tiles, class_="figures")


def table(titles: Sequence[str], rows: Iterable[Sequence[Child]], numbers: Sequence[int] = ()) -> Element | None:
    """A table; None without rows. The columns `numbers` are set to the right. On a narrow page each row is a list."""
    body = [
        element("tr", *[_cell(titles[at], child, at in numbers) for at, child in enumerate(row)], role="row")
        for row in rows
    ]
    if not body:
        return None
    head = [
        element("th", title, scope="col", role="columnheader", class_="number" if at in numbers else "text")
        for at, title in enumerate(titles)
    ]
    return element(
        "table",
        element("thead", element("tr", *head, role="row"), role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        role="table",  # said once more, because tables that are laid out as lists lose their roles
    )


def _cell(title: str, child: Child, is_number: bool) -> Element:
    return element("td", child, data_title=title, role="cell", class_="number" if is_number else "text")


def section(title: Child, *children: Child, anchor: str = "") -> Element | None:
    """A section; None when there is nothing in it."""
    if all(child is None for child in children):
        return None
    attributes = {"id": anchor} if anchor else {}
    return element("section", element("h2", title), *children, **attributes)


def paragraph(*children: Child, class_: str = "note") -> Element:
    return element("p", *children, class_=class_)


def moment() -> str:
    """Now, as a page names the moment at which it was made."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="minutes")


def document(title: str, *children: Child) -> str:
    """A whole page as text: one file that needs no other, without scripts."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("link", rel="icon", href="data:,"),  # else browsers ask the server for one
    )
    style = Element("style")
    style.text = STYLE  # written as it is
    head.append(style)
    page = element("html", head, element("body", element("main", *children)), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
