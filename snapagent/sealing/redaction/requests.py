"""HTTP requests in inert graphs: which values belong to one, and the rules for the names in it.

Requests are known by their types, and WSGI environments, ASGI scopes and events of API gateways by their keys. What
belongs to a request is judged more strictly than other values: headers that carry credentials and cookies are secret
whatever they hold, and the name of a field holds for each of its values.
"""

from __future__ import annotations

from ...placeholder import SETS_ATTRIBUTES
from ...serializer.inert.class_facts import class_facts
from ...serializer.inert.stand_ins import Inert
from ..described import class_of
from .names import CERTAIN, NAMED, SecretNames, normalised
from .surroundings import is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where a value stands: in a request, in its cookies by name, in a list of `name=value`, in the facts about one cookie,
# in a pair of user and password.
REQUEST, COOKIES, COOKIE_TEXTS, MORSEL, LOG_IN = "request", "cookies", "cookie texts", "morsel", "log-in"

_TYPE_NAMES = """
    django.http.request:HttpRequest django.http.request:QueryDict django.http.request:HttpHeaders
    django.core.handlers.wsgi:WSGIRequest django.core.handlers.asgi:ASGIRequest
    django.utils.datastructures:MultiValueDict django.utils.datastructures:CaseInsensitiveMapping
    django.core.signing:Signer
    flask.wrappers:Request werkzeug.wrappers.request:Request werkzeug.datastructures.headers:EnvironHeaders
    werkzeug.datastructures.structures:ImmutableMultiDict
    werkzeug.sansio.request:Request werkzeug.datastructures.headers:Headers werkzeug.datastructures.structures:MultiDict
    werkzeug.datastructures.structures:CombinedMultiDict werkzeug.datastructures.auth:Authorization
    starlette.requests:Request starlette.datastructures:QueryParams starlette.datastructures:FormData
    starlette.requests:HTTPConnection starlette.datastructures:Headers starlette.datastructures:ImmutableMultiDict
    starlette.datastructures:URL
    aiohttp.web_request:BaseRequest multidict._multidict:MultiDict multidict._multidict:CIMultiDict
    multidict._multidict:MultiDictProxy multidict._multidict:CIMultiDictProxy multidict._multidict_py:MultiDict yarl:URL
    tornado.httputil:HTTPServerRequest tornado.httputil:HTTPHeaders sanic.request.types:Request bottle:BaseRequest
    bottle:MultiDict webob.request:BaseRequest webob.multidict:MultiDict falcon.request:Request
    gunicorn.http.message:Message http.client:HTTPMessage
    requests.models:Request requests.models:PreparedRequest requests.structures:CaseInsensitiveDict
    httpx:Request httpx:Headers httpx:URL httpx:QueryParams urllib.request:Request
"""
_TYPES = frozenset(_TYPE_NAMES.split())
# They hold a part of a request where they stand in one; by themselves they are no requests.
_CARRIER_NAMES = """
    builtins:dict builtins:list builtins:tuple builtins:set builtins:frozenset builtins:str builtins:bytes
    builtins:getattr collections:deque _io:BytesIO _io:StringIO
    werkzeug.wsgi:LimitedStream django.core.handlers.wsgi:LimitedStream
    werkzeug.datastructures.file_storage:FileStorage django.core.files.uploadedfile:UploadedFile
    aiohttp._http_parser:__pyx_unpickle_RawRequestMessage aiohttp.http_parser:RawRequestMessage
    aiohttp.web_urldispatcher:UrlMappingMatchInfo
    httpx._urlparse:ParseResult httpx:ByteStream yarl._url:SplitResult yarl._url:URL
"""
_CARRIERS = frozenset({SETS_ATTRIBUTES, *_CARRIER_NAMES.split()})
_MORSEL_TYPE = "http.cookies:Morsel"
_MORSEL_VALUES = frozenset({"value", "codedvalue"})
_JARS = frozenset({"cookies", "cookie"})
_SECRET_KEYS = "key fallbackkeys code sig sid ticket state assertion samlresponse samlrequest codeverifier"

COOKIE_HEADERS = frozenset({"cookie", "cookie2"})
SET_COOKIE_HEADERS = frozenset({"setcookie", "setcookie2"})
AUTHORIZATION_HEADERS = frozenset(
    {"authorization", "proxyauthorization", "xforwardedauthorization", "xoriginalauthorization"}
)
_CREDENTIAL_NAMES = """
    apikey xapikey xauthtoken xaccesstoken csrf xsrf xcsrf xcsrftoken xxsrftoken csrftoken csrfmiddlewaretoken
    csrfcookie sessionid sessionkey phpsessid jsessionid connectsid xamzsecuritytoken xgoogapikey xvaulttoken
    xgitlabtoken privatetoken xhubsignature xhubsignature256 xslacksignature xsignature stripesignature
"""
_CREDENTIALS = AUTHORIZATION_HEADERS | frozenset(_CREDENTIAL_NAMES.split())
_FIELDS = frozenset(_SECRET_KEYS.split())


def may_hold_request(streams: bytes) -> bool:
    """Whether a WSGI environment, an ASGI scope or a gateway's event may be in these pickles."""
    return (
        b"REQUEST_METHOD" in streams
        or b"query_string" in streams
        or b"httpMethod" in streams
        or b"requestContext" in streams
    )


def is_request_type(node: Inert) -> bool:
    """Whether an object is a request, or of a type in which requests keep their headers, fields and addresses."""
    cls = class_of(node)
    return cls.name in _TYPES or not _TYPES.isdisjoint(class_facts(cls).bases)


def _is_request(node: Any) -> bool:
    if type(node) is dict:
        if "REQUEST_METHOD" in node:
            return "PATH_INFO" in node or "QUERY_STRING" in node or "wsgi.url_scheme" in node
        if "headers" in node:
            is_event = "httpMethod" in node or "requestContext" in node
            return is_event or ("path" in node and node.get("type") in ("http", "websocket"))
        return False
    return isinstance(node, Inert) and is_request_type(node)


def context_of(node: Any, inherited: str | None, label: object) -> str | None:
    """What a container belongs to, by itself, or by the context that the container around it hands on."""
    if inherited is None:
        return REQUEST if _is_request(node) else None
    if isinstance(node, Inert):
        cls = class_of(node)
        bases = class_facts(cls).bases | {cls.name}
        if _MORSEL_TYPE in bases:
            return MORSEL
        if _TYPES.isdisjoint(bases) and _CARRIERS.isdisjoint(bases):
            return None
    if inherited == REQUEST and isinstance(label, str):
        if normalised(label) in _JARS:
            return COOKIE_TEXTS if type(node) is list else COOKIES
        if label == "auth" and type(node) is tuple:
            return LOG_IN
    return inherited


class RequestNames:
    """The rules for the names in a request; `names` are those that hold everywhere, with the user's exemptions."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names

    def allows(self, name: str) -> bool:
        """Whether the user has exempted a name, also without the `HTTP_` of WSGI."""
        return self._names.allows(name) or self._names.allows(header_name(name))

    def rule(self, context: str, label: object) -> str | None:
        """The rule for a value under this name; None where the name is harmless or has no say."""
        if context == COOKIES:
            return CERTAIN
        text = label.decode("latin-1") if isinstance(label, bytes) else label
        if not isinstance(text, str):
            return None
        if context == MORSEL:
            return CERTAIN if normalised(text) in _MORSEL_VALUES else None
        if self.allows(text):
            return None
        name = header_name(text)
        rule = self._names.rule(label) or self._names.rule(name)
        if rule is None or rule == NAMED:
            if name in _CREDENTIALS or (rule == NAMED and name.startswith("x")):
                return CERTAIN
            return rule or (NAMED if name in _FIELDS else None)
        return rule

    def of_pair(self, context: str | None, node: Any) -> str | None:
        """The name in a pair (name, value), as in headers and forms; as httpx keeps it, in lower case once more."""
        if context == LOG_IN:
            return "password" if len(node) == 2 else None
        if context not in (REQUEST, COOKIES) or not 2 <= len(node) <= 3:
            return None
        texts = [_text_of(item) for item in node]
        if texts[0] is None or texts[-1] is None:
            return None
        return texts[0] if len(node) == 2 or texts[0].lower() == texts[1] else None


def _text_of(value: Any) -> str | None:
    """The text of a str or bytes, also of a subclass of str, as multidict has for names."""
    if isinstance(value, Inert):
        value = value.args[0] if len(value.args) == 1 and is_text(value) else None
    return value.decode("latin-1") if type(value) is bytes else value if type(value) is str else None


def header_name(label: str) -> str:
    """A name normalised, without the `HTTP_` that WSGI puts before the names of headers."""
    return normalised(label[5:] if label.startswith("HTTP_") else label)
