"""Secrets recognised by their surroundings: types, columns, pairs (name, value), texts in arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...serializer.inert.class_facts import class_facts
from ...serializer.inert.decode import MAKES_FUNCTION, Inert, StandIn, nodes_of
from ..hashing.arrays import array_of, packed_in
from .names import SecretNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECRET_TYPES = frozenset(
    {
        "os:_Environ",
        "django.conf:LazySettings",
        "django.conf:Settings",
        "django.conf:UserSettingsHolder",
        "django.http.request:HttpRequest",
        "flask.config:Config",
        "flask.wrappers:Request",
        "http.cookiejar:CookieJar",
        "pydantic_settings.main:BaseSettings",
        "requests.models:PreparedRequest",
        "requests.models:Request",
        "requests.sessions:Session",
        "starlette.datastructures:Secret",
        "starlette.requests:Request",
        "werkzeug.wrappers.request:Request",
    }
)
_CODE = frozenset(
    {
        "builtins:classmethod",
        "builtins:property",
        "builtins:staticmethod",
        "dataclasses:Field",
        MAKES_FUNCTION,
        "numpy:dtype",
    }
)
WITH_PARTS = frozenset({"DataFrame", "Series", "_frombuffer", "_reconstruct"})  # the types that `secret_part` examines
_SHORT = 6  # characters: a shorter second half of a pair is a word
_LONG = 20


def is_secret_type(cls: StandIn) -> bool:
    """By its own name, and by its bases where the class is loaded."""
    return cls.name in SECRET_TYPES or not SECRET_TYPES.isdisjoint(class_facts(cls).bases)


def is_never_secret(value: Any) -> bool:
    """Code, types and members of enumerations: a schema has them under the names of secrets."""
    if isinstance(value, StandIn):
        return True
    if not isinstance(value, Inert):
        return False
    cls = type(value)
    return cls.name in _CODE or "enum:Enum" in class_facts(cls).bases


def secret_part(value: Any, names: SecretNames) -> str | None:
    """The name of a secret column or field of a frame, series or array, which is then redacted whole; else None."""
    if not isinstance(value, Inert) or type(value).qualname not in WITH_PARTS:
        return None
    kind = type(value).qualname
    found: list[object] = []
    if kind == "DataFrame" and type(value.state) is dict:
        manager = value.state.get("_mgr")
        if isinstance(manager, Inert) and len(manager.args) > 1 and manager.args[1]:
            found = [text for node in nodes_of(manager.args[1][0]) if type(node) is list for text in node]
    elif kind == "Series" and type(value.state) is dict:
        found = [value.state.get("_name")]
    else:
        array = array_of(value)
        if array is not None and type(array.dtype.state[3]) is tuple:
            found = list(array.dtype.state[3])
    return next((name for name in found if type(name) is str and names.rule(name) is not None), None)


_RUNS = re.compile(rb"(?:[ -~]\0{3}){4,}|(?:\0{3}[ -~]){4,}|[ -~]{4,}")  # of ASCII, one or four bytes a letter


def texts_packed_in(value: Any) -> str:
    """The texts, a line each, in a numpy array or scalar that stores them in a fixed width; "" for other values."""
    packed = packed_in(value)
    if packed is None:
        return ""
    code, data = packed
    kind, width = code[1:2], code[2:]
    if kind == "V":
        return "\n".join(run.replace(b"\0", b"").decode("ascii") for run in _RUNS.findall(data))
    if kind not in ("U", "S") or not width.isdigit() or width == "0":
        return ""
    encoding = "latin-1" if kind == "S" else "utf-32-be" if code[0] == ">" else "utf-32-le"
    return "\n".join(_pieces(bytes(data).decode(encoding, "replace"), int(width)))


def _pieces(text: str, width: int) -> Iterator[str]:
    for begin in range(0, len(text), width):
        yield text[begin : begin + width].rstrip("\0")


def pair_label(node: Any, names: SecretNames) -> object:
    """The name in a pair (name, value), as in headers and forms, if it is secret and the value is not a plain word."""
    if len(node) != 2 or type(node[0]) not in (str, bytes) or type(node[1]) not in (str, bytes):
        return None
    if names.rule(node[0]) is None:
        return None
    value = node[1] if type(node[1]) is str else node[1].decode("latin-1")
    return node[0] if looks_secret(value) else None


def looks_secret(text: str) -> bool:
    """Whether it is not a plain word: a word is never redacted because of its surroundings alone."""
    if len(text) < _SHORT:
        return False
    mixed = text.lower() != text != text.upper() and not text.istitle()
    return mixed or len(text) >= _LONG or any(letter.isdigit() for letter in text)
