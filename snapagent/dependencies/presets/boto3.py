"""`boto3`: recorded above the signing of requests, so that clocks and credentials do not matter."""

from __future__ import annotations

from ..tape import READ, WRITE
from . import Deferred, Described, Operation
from .http_calls import Tee

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "Select", "BatchGet", "Lookup", "Search")


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "operation_name", "api_params"), args, strict=False)) | kwargs
    operation = str(named["operation_name"])
    service = str(named["self"].meta.service_model.service_name)
    parameters = {name: _plain(value) for name, value in dict(named.get("api_params") or {}).items()}
    role = READ if operation.startswith(_READS) else WRITE
    return Described(role, f"{service} {operation}", {"service": service, "operation": operation, "params": parameters})


def _plain(value: Any) -> Any:
    """A stream must not be read: its type alone is kept."""
    return f"<{type(value).__qualname__}>" if hasattr(value, "read") else value


class _TeeingStream:
    """In place of the stream below a `StreamingBody`."""

    def __init__(self, stream: Any, tee: Tee) -> None:
        self._stream = stream
        self._tee = tee

    def read(self, *args: Any, **kwargs: Any) -> Any:
        data = self._stream.read(*args, **kwargs)
        self._tee.keep(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _pack(result: Any, call: Described) -> Any:
    streams: dict[str, Tee] = {}
    stored = dict(result)
    for name, value in result.items():
        if hasattr(value, "_raw_stream"):
            tee = streams[name] = Tee()
            value._raw_stream = _TeeingStream(value._raw_stream, tee)
            del stored[name]
    if not streams:
        return {"result": stored, "streams": {}}
    return Deferred(lambda: {"result": stored, "streams": {name: tee.body for name, tee in streams.items()}})


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from io import BytesIO
    from sys import modules

    result = dict(stored["result"])
    for name, body in stored["streams"].items():
        result[name] = modules["botocore.response"].StreamingBody(BytesIO(body), len(body))
    return result


operations = (Operation("botocore.client", "BaseClient._make_api_call", _describe, _pack, _rebuild),)
