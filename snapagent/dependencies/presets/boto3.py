"""`boto3`: recorded above the signing of requests, so that clocks and credentials do not matter."""

from __future__ import annotations

from ..tape import READ, WRITE
from . import Deferred, Described, LibraryObject, Operation
from .http_calls import Tee

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import Calls

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


def _rebuild_error(error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseException:
    """An exception of the very class that this client has: each client makes the classes of its service anew."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return error
    code = response.get("Error", {}).get("Code")
    made: BaseException = args[0].exceptions.from_code(code)(response, getattr(error, "operation_name", ""))
    return made


def _client(kind: type | None, name: str, calls: Calls) -> Any:
    """A client of the service whose class has this name, `botocore.client.S3` for instance."""
    for service in dict.fromkeys(arguments["service"] for arguments, _ in calls):
        client = _session("botocore.session", "create_client", service)
        if type(client).__name__ == name.rpartition(".")[2]:
            return client
    return None


def _resource(kind: type | None, name: str, calls: Calls) -> Any:
    """A resource, `boto3.resources.factory.dynamodb.Table` for instance; None where the calls do not tell which one."""
    service, _, last = name.removeprefix("boto3.resources.factory.").partition(".")
    above = _session("boto3.session", "resource", service)
    if last == "ServiceResource":
        return above
    model = next((each.resource.model for each in above.meta.resource_model.subresources if each.name == last), None)
    own = [arguments for arguments, _ in calls if arguments["service"] == service]
    identifiers = [] if model is None else [_identifier(model, each.name, own) for each in model.identifiers]
    return None if None in identifiers or not identifiers else getattr(above, last)(*identifiers)


def _identifier(model: Any, name: str, calls: list[dict[str, Any]]) -> Any:
    """The one value that the calls of a resource pass for its identifier, such as the name of a table; else None."""
    from sys import modules

    plain: Any = modules["botocore"].xform_name
    places = {
        (request.operation, each.target)
        for request in (action.request for action in (*model.actions, *model.collections) if action.request)
        for each in request.params
        if each.source == "identifier" and plain(each.name) == name
    }
    passed = [call["params"][place] for call in calls for operation, place in places
              if call["operation"] == operation and place in call["params"]]  # fmt: skip
    return passed[0] if passed and all(each == passed[0] for each in passed) else None


def _session(module: str, method: str, service: str) -> Any:
    """From a session with credentials that nobody checks."""
    from sys import modules

    credentials = {"aws_access_key_id": "served", "aws_secret_access_key": "served"}
    return getattr(modules[module].Session(), method)(service, region_name="us-east-1", **credentials)


operations = (Operation("botocore.client", "BaseClient._make_api_call", _describe, _pack, _rebuild, _rebuild_error),)
objects = (
    LibraryObject(("botocore.client.*", "botocore.client.BaseClient"), _client),
    LibraryObject(("boto3.resources.base.ServiceResource", "boto3.resources.factory.*"), _resource),
)
