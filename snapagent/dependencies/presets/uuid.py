"""`uuid`: unique ids and random tokens of the standard library, each answered per caller."""

from __future__ import annotations

from ..tape import READ
from . import Described, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _described(name: str, parameter: str = "") -> Any:
    def describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
        arguments = dict(kwargs)
        if args and parameter:
            arguments[parameter] = args[0]
        return Described(READ, name, arguments)

    return describe


operations = (
    *(Operation("uuid", name, _described(name), repeat="never") for name in ("uuid1", "uuid4", "uuid6", "uuid7")),
    *(
        Operation("secrets", name, _described(name, "nbytes"), repeat="never")
        for name in ("token_bytes", "token_hex", "token_urlsafe")
    ),
)
