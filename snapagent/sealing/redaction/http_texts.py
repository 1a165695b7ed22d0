"""Secrets in the texts of HTTP: queries, addresses, cookies, authorization, and bodies as forms, JSON or multipart.

A text is edited in place: the values that are secret are replaced in their own encoding, all else stays as it is. So a
program reads the same fields from the raw text as from its parsed form, and both hold the same pseudonyms.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from .names import inherited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    Edit = tuple[int, int, str]  # where a value begins and ends in the text, and what takes its place

    class Judge(Protocol):
        """Decides over the fields of a text."""

        def rule(self, name: str) -> str | None: ...

        def replaced(self, name: str | None, rule: str | None, value: Any) -> str | None:
            """What takes the place of a text or number; None where it stays."""
            ...

    Replace = Callable[[str], str]


_SPACE = re.compile(r"\s")
_OF_ADDRESS = re.compile(r"[?#/:]")
_FIELD = re.compile(r"(?:^|(?<=&))([^&=\s]+)=([^&\s]+)")
_OF_ADDRESS_PARTS = re.compile(r"([?#]?)([^?#]*)")
_USER_INFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#@]+)@")
_JSON = re.compile(r'"((?:[^"\\]|\\.)*)"|[{}\[\],:]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
_COOKIE = re.compile(r'\s*(?:([^=;]*)=)?\s*("?)([^;]*?)\2\s*(?:;|$)')
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)=("?)([^",\s]+)\2')
_SCHEME = re.compile(r"([A-Za-z][\w-]*) +(\S.*)", re.DOTALL)
_HARMLESS_PARAMETERS = frozenset(
    {"username", "realm", "uri", "qop", "nc", "algorithm", "charset", "signedheaders", "headers"}
)
_PART_NAME = re.compile(r'(?i)[;\s]name="([^"]*)"')
_PART_FILE = re.compile(r"(?i)[;\s]filename\*?=")


def edited(text: str, edits: Iterator[Edit]) -> str:
    """The text with the edits made; edits are in order and do not overlap."""
    pieces, end = [], 0
    for begin, stop, new in edits:
        pieces += [text[end:begin], new]
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def is_body(data: bytes | bytearray) -> bool:
    """Whether bytes are the body of a request or response by their look: a document of JSON, or a multipart form."""
    start = data.lstrip()[:2]
    if start[:1] in (b"{", b"["):
        return _is_json(data.decode("utf-8", "replace"))
    return start == b"--" and b"\r\n\r\n" in data and b"form-data" in data


def without_secrets(text: str, judge: Judge) -> str | None:
    """The text without the secrets of its fields; None for a text in none of the formats that have fields."""
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        return edited(text, _in_json(text, judge)) if _is_json(text) else None
    if stripped.startswith("--") and "\r\n\r\n" in text:
        return edited(text, _in_multipart(text, judge))
    if _SPACE.search(stripped) is not None or ("=" not in text and "@" not in text):
        return None
    if _OF_ADDRESS.search(text.partition("=")[0]) is not None:
        return edited(text, _in_address(text, judge))
    return edited(text, _in_query(text, 0, len(text), judge)) if "=" in text else None


def _in_query(text: str, begin: int, end: int, judge: Judge) -> Iterator[Edit]:
    """A field with several values, `a=1&a=2`, has each of them judged."""
    for match in _FIELD.finditer(text[begin:end]):
        name = unquote_plus(match[1])
        new = judge.replaced(name, judge.rule(name), unquote_plus(match[2]))
        if new is not None:
            yield begin + match.start(2), begin + match.end(2), quote_plus(_bytes(new))


def _in_address(text: str, judge: Judge) -> Iterator[Edit]:
    user_info = _USER_INFO.match(text)
    if user_info is not None:
        yield from _in_user_info(user_info, judge)
    begin = user_info.end(1) if user_info is not None else 0
    for match in _OF_ADDRESS_PARTS.finditer(text, begin):
        if match[1]:
            yield from _in_query(text, match.start(2), match.end(2), judge)
        elif match[2]:
            new = judge.replaced(None, None, match[2])
            if new is not None:
                yield match.start(2), match.end(2), new


def _in_user_info(match: re.Match[str], judge: Judge) -> Iterator[Edit]:
    """The password; the user too where there is none, or where it looks like a key."""
    user, colon, password = match[1].partition(":")
    new = judge.replaced(None if password else "password", None if password else judge.rule("password"), unquote(user))
    if new is not None:
        yield match.start(1), match.start(1) + len(user), quote(_bytes(new))
    if password:
        new = judge.replaced("password", judge.rule("password"), unquote(password))
        if new is not None:
            yield match.start(1) + len(user) + len(colon), match.end(1), quote(_bytes(new))


def _bytes(text: str) -> bytes:
    """The bytes of a text; those of a body that were no UTF-8 as they were."""
    return text.encode("utf-8", "surrogateescape")


# -- JSON --------------------------------------------------------------------------------------------------------------


class _Level:
    """An object or array that the scanner is in. `rule` holds for its items, where their names have none."""

    __slots__ = ("is_object", "name", "rule")

    def __init__(self, is_object: bool, rule: str | None) -> None:
        self.is_object = is_object
        self.rule = rule
        self.name: str | None = None  # of the value that follows


def _in_json(text: str, judge: Judge) -> Iterator[Edit]:
    """Values are found by their tokens, so that all else keeps its spelling."""
    levels = [_Level(False, None)]
    for match in _JSON.finditer(text):
        token, level = match[0], levels[-1]
        rule = (judge.rule(level.name) if level.name is not None else None) or level.rule
        if token in ("{", "["):
            levels.append(_Level(token == "{", inherited(rule) if token == "{" else rule))
        elif token in ("}", "]"):
            del levels[max(len(levels) - 1, 1) :]
        elif token == ",":
            level.name = None if level.is_object else level.name
        elif token != ":":
            if level.is_object and level.name is None:
                level.name = _unescaped(match[1]) if match[1] is not None else token
            else:
                yield from _json_value(match, level.name, rule, judge)


def _json_value(match: re.Match[str], name: str | None, rule: str | None, judge: Judge) -> Iterator[Edit]:
    if match[1] is not None:
        new = judge.replaced(name, rule, _unescaped(match[1]))
        if new is not None:
            yield match.start(1), match.end(1), json.dumps(new)[1:-1]
    elif match[0].lstrip("-").isdigit() and len(match[0]) <= 40:
        new = judge.replaced(name, rule, int(match[0]))
        if new is not None:
            yield match.start(), match.end(), json.dumps(new)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


# -- multipart ---------------------------------------------------------------------------------------------------------


def _in_multipart(text: str, judge: Judge) -> Iterator[Edit]:
    """The fields of a form; in the content of files, what looks like a secret by itself."""
    boundary = text.split(None, 1)[0]
    begin = text.find(boundary)
    while begin >= 0:
        begin += len(boundary)
        end = text.find(boundary, begin)
        if end < 0:
            return
        part = text[begin:end]
        head, blank, body = part.partition("\r\n\r\n")
        name = _PART_NAME.search(head)
        if blank:
            value = body.removesuffix("\r\n")
            field = name[1] if name is not None and _PART_FILE.search(head) is None else None
            new = judge.replaced(field, judge.rule(field) if field is not None else None, value)
            if new is not None:
                start = begin + len(head) + len(blank)
                yield start, start + len(value), new
        begin = end


# -- headers -----------------------------------------------------------------------------------------------------------


def without_cookies(text: str, replace: Replace) -> str:
    """A `Cookie` header with its names alone; what has no name is a value."""
    edits = ((match.start(3), match.end(3), replace(match[3])) for match in _COOKIE.finditer(text) if match[3])
    return edited(text, edits)


def without_set_cookie(text: str, replace: Replace) -> str:
    """A `Set-Cookie` header without the value of the cookie; the attributes after it stay."""
    pair, semicolon, attributes = text.partition(";")
    return without_cookies(pair, replace) + semicolon + attributes


def without_credentials(text: str, replace: Replace) -> str:
    """An `Authorization` header with its scheme, and with the user of the basic scheme."""
    match = _SCHEME.fullmatch(text.strip())
    if match is None:
        return replace(text)
    scheme, credentials = match[1], match[2]
    if scheme.lower() == "basic":
        user, colon, password = _decoded(credentials).partition(":")
        if colon:
            pair = f"{user}:{replace(password)}" if password else f"{replace(user)}:"
            return f"{scheme} {base64.b64encode(pair.encode()).decode()}"
    elif _PARAMETER.match(credentials):
        edits = (
            (found.start(3), found.end(3), replace(found[3]))
            for found in _PARAMETER.finditer(credentials)
            if found[1].lower() not in _HARMLESS_PARAMETERS
        )
        return f"{scheme} {edited(credentials, edits)}"
    return f"{scheme} {replace(credentials)}"


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials + "=" * (-len(credentials) % 4)).decode()
    except (ValueError, binascii.Error):
        return ""
