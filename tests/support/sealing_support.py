"""Calls as the recorder would freeze them, sealed, and all the bytes that could give something away."""

from __future__ import annotations

import base64
import re
import types
import zlib
from collections.abc import Iterator
from typing import Any

from snapagent.bundle import CALL, OUTCOME, Header, encode
from snapagent.config.targets import Target
from snapagent.core.signature import Parameters, defaults_of
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome
from snapagent.serializer.thawing.load import thaw
from snapagent.store.compression import inflate

KEY = b"a key for tests"


class Sealed:
    """A sealed call: its header, its parts as stored, and as they load."""

    def __init__(self, header: Header, payload: dict[str, bytes]) -> None:
        self.header = header
        self.payload = payload
        self.file = encode(header, payload)

    @property
    def call(self) -> Any:
        return self._loaded(CALL)

    @property
    def args(self) -> Any:
        return self.call[1]

    @property
    def kwargs(self) -> Any:
        return self.call[2]

    @property
    def outcome(self) -> Any:
        return self._loaded(OUTCOME)

    def _loaded(self, name: str) -> Any:
        (part,) = (part for part in self.header.parts if part.name == name)
        return thaw(inflate(part, self.payload[name], "a bundle"))

    def notes(self) -> dict[str, str]:
        return {note.path: note.kind for note in self.header.notes}


def sealed(
    function: types.FunctionType,
    *args: Any,
    instance: Any = None,
    result: Any = None,
    error: BaseException | None = None,
    rules: SealRules | None = None,
    freeze: FreezeRules | None = None,
    **kwargs: Any,
) -> Sealed:
    """What is stored of `function(*args, **kwargs)` with this result or error."""
    raw = raw_call(function, *args, instance=instance, result=result, error=error, freeze=freeze, **kwargs)
    return Sealed(*seal(raw, rules or SealRules(KEY)))


def raw_call(
    function: types.FunctionType,
    *args: Any,
    instance: Any = None,
    result: Any = None,
    error: BaseException | None = None,
    freeze: FreezeRules | None = None,
    **kwargs: Any,
) -> RawCall:
    freeze = freeze or FreezeRules()
    parameters = Parameters.of(function)
    call = freeze_call(instance, args, kwargs, parameters, freeze)
    outcome = freeze_outcome(result if error is None else error, error is not None, freeze)
    defaults = defaults_of(function)
    return RawCall(
        target=Target.parse(f"{function.__module__}:{function.__qualname__}".replace("<locals>.", "")),
        kind="function" if instance is None else "method",
        flavor="plain",
        parameters=parameters,
        call=call.data,
        outcome=outcome.data,
        raised=error is not None,
        started=1_795_340_048.123456,
        duration=0.25,
        defaults=freeze_outcome(defaults, False, freeze).data if defaults else None,
        call_notes=call.notes,
        outcome_notes=outcome.notes,
        by_value=call.by_value + outcome.by_value,
        packages=call.packages | outcome.packages,
        exception=f"{type(error).__module__}.{type(error).__qualname__}" if error is not None else None,
    )


def everything_in(data: bytes) -> bytes:
    """The bytes, and what is inside them deflated or in base64, again and again, one after the other."""
    found = [data]
    rest = [data]
    while rest:
        for inside in _inside(rest.pop()):
            found.append(inside)
            rest.append(inside)
    return b"\n".join(found)


def _inside(data: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            yield zlib.decompressobj().decompress(data[match.start() :])
        except zlib.error:
            continue
    for match in re.finditer(rb"[A-Za-z0-9+/_-]{8,}", data):
        text = match[0].replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            piece = text[start:]
            yield base64.b64decode(piece[: len(piece) // 4 * 4])
