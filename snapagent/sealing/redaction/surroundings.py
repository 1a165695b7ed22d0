"""Secrets recognised by their surroundings: types, columns, pairs (name, value), texts in arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...serializer.inert.class_facts import class_facts
from ...serializer.inert.nodes import inside, nodes_of
from ...serializer.inert.stand_ins import MAKES_FUNCTION, Inert, StandIn
from ..hashing.arrays import array_of, packed_in
from .looks import could_be_secret, looks_random
from .names import CERTAIN, LIKE, NAMED, PROBABLE, SecretNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECRET_TYPES = frozenset(
    {
        "os:_Environ",
        "django.conf:LazySettings",
        "django.conf:Settings",
        "django.conf:UserSettingsHolder",
        "flask.config:Config",
        "pydantic_settings.main:BaseSettings",
        "requests.sessions:Session",
        "starlette.datastructures:Secret",
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
_CONTAINERS = frozenset(
    {"builtins:dict", "builtins:list", "builtins:tuple", "builtins:set", "builtins:frozenset", "collections:deque"}
)
_TEXT_TYPES = frozenset({"builtins:str", "builtins:bytes", "builtins:bytearray"})


def is_secret_type(cls: StandIn) -> bool:
    """By its own name, and by its bases where the class is loaded."""
    return cls.name in SECRET_TYPES or not SECRET_TYPES.isdisjoint(class_facts(cls).bases)


def is_never_secret(value: Any) -> bool:
    """Code, types and members of enumerations: a schema has them under the names of secrets."""
    return is_code(value) or (isinstance(value, Inert) and "enum:Enum" in class_facts(type(value)).bases)


def is_code(value: Any) -> bool:
    """Types and code, which are not even replaced where the configuration names them."""
    return isinstance(value, StandIn) or (isinstance(value, Inert) and type(value).name in _CODE)


def is_text(value: Any) -> bool:
    """Whether it is an object of a subclass of str or bytes."""
    return isinstance(value, Inert) and not class_facts(type(value)).bases.isdisjoint(_TEXT_TYPES)


def secret_part(value: Any, names: SecretNames) -> str | None:
    """The name of a secret column or field of a frame, series or array, which is then redacted whole; else None.

    Under a name that harmless values have too, only what holds a text that looks random is secret.
    """
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
    for name in found:
        rule = names.rule(name) if type(name) is str else None
        if rule is not None and (rule not in (NAMED, LIKE) or _holds_random_text(value)):
            return str(name)
    return None


def _holds_random_text(value: Any) -> bool:
    for node in nodes_of(value):
        if any(type(child) is str and looks_random(child) for child in inside(node)):
            return True
        if any(map(looks_random, texts_packed_in(node).splitlines())):
            return True
    return False


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
    """The name in a pair (name, value), as in headers and forms, if it is secret and the value is not a plain word.

    So it is with (name, the name in lower case, value), as httpx keeps headers. The value is the last item.
    """
    *names_in, value = node or (None,)
    if type(value) not in (str, bytes) or not _is_one_name(names_in):
        return None
    rule = names.rule(names_in[0])
    if rule is None:
        return None
    return names_in[0] if could_be_secret(NAMED if rule in (CERTAIN, PROBABLE) else rule, value) else None


MOST_IN_PAIR = 3


def _is_one_name(found: list[Any]) -> bool:
    if not 1 <= len(found) < MOST_IN_PAIR or any(type(name) not in (str, bytes) for name in found):
        return False
    return len(found) == 1 or found[0].lower() == found[1]


def rule_inside(value: Inert, rule: str | None) -> str | None:
    """The rule that holds for the values in an object under a secret name; `rule` is for those in a container.

    Subclasses of containers and texts are taken for these. Other objects are judged by the names of their own fields.
    """
    if rule is None:
        return None
    bases = class_facts(type(value)).bases
    if value.listed is not None or value.pairs is not None or not bases.isdisjoint(_CONTAINERS):
        is_record = "builtins:tuple" in bases and class_facts(type(value)).fields
        return None if rule == LIKE and is_record else rule
    return None
