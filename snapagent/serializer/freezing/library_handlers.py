"""Handlers of types of single libraries: each is recognised by its name, so that no library is imported."""

from __future__ import annotations

from ...core.type_facts import attributes, instance_dict, type_name
from ...placeholder import FRESH, LAZY, REDACTED, TOO_BIG, UNSTORABLE
from ..naming import lookup
from ..rebuild import make_query_set, set_query
from .builtin_forms import INTERPRETER_FACTS, match_form, memory_form, named_by_its_type, proxy_form, view_form
from .code_handlers import must_be_named
from .http_forms import (
    HEADERS,
    SESSION,
    connected_form,
    cookie_form,
    headers_form,
    open_response_form,
    pool_form,
    request_form,
    response_form,
    session_form,
    ssl_context_form,
)
from .iterator_forms import form_of_one_way
from .left_out_types import special
from .library_forms import element_form, error_fields_form, file_form, row_form, tree_form
from .object_handlers import freeze_by_hooks, freeze_own_attributes, freeze_own_state, left_out
from .orm_forms import COLUMN, MAPPER, TABLE, column_form, filters_by_text, is_ghost, mapper_form, table_form
from .reduce import Unstorable, ask
from .request_forms import (
    REQUESTS,
    current_object_form,
    match_info_form,
    memory_stream_form,
    multi_dict_proxy_form,
    resolver_match_form,
    rule_form,
    served_request_form,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .handler import Dump, Handler


def _field_kind(dump: Dump, value: Any) -> Any:
    """dataclasses compares these by identity, so loading must give the very same object."""
    return value.name if lookup("dataclasses", value.name) is value else freeze_by_hooks(dump, value)


def _missing(dump: Dump, value: Any) -> Any:
    return "MISSING" if lookup("dataclasses", "MISSING") is value else freeze_by_hooks(dump, value)


DATACLASS_MARKS: dict[str, Handler] = {"dataclasses._FIELD_BASE": _field_kind, "dataclasses._MISSING_TYPE": _missing}


def freeze_lazy_object(dump: Dump, value: Any) -> Any:
    wrapped = (instance_dict(value) or {}).get("_wrapped")
    if wrapped is None or wrapped is lookup("django.utils.functional", "empty"):
        return dump.leave_out(value, LAZY, "lazy and not yet evaluated; capturing does not force it")
    return freeze_by_hooks(dump, value)


def freeze_persistent(dump: Dump, value: Any) -> Any:
    """Of an object that ZODB has not loaded yet, a ghost, hooks and nearly every attribute would load it."""
    if is_ghost(value):
        return dump.leave_out(value, LAZY, "not loaded from its database; capturing does not load it")
    return freeze_by_hooks(dump, value)


def freeze_query_set(dump: Dump, value: Any) -> Any:
    if (instance_dict(value) or {}).get("_result_cache") is not None:
        return freeze_by_hooks(dump, value)
    if dump.decisions.as_first or filters_by_text(value):
        return dump.leave_out(value, LAZY, "lazy and not yet evaluated; capturing does not run its query")
    must_be_named(dump, type(value))
    note = dump.note(value, LAZY, "capturing does not run its query; the query is stored, its rows are not")
    # Its `__getstate__` would run the query.
    return make_query_set, (type(value), note.path), attributes(value), None, None, set_query


def freeze_array(dump: Dump, value: Any) -> Any:
    """Sizes are read through numpy's own descriptors; a view that is not contiguous would be copied to be pickled."""
    ndarray: Any = lookup("numpy", "ndarray")
    size = ndarray.nbytes.__get__(value)
    if size > dump.max_bytes:
        shape, dtype = ndarray.shape.__get__(value), ndarray.dtype.__get__(value)
        reason = f"{size} bytes are more than max_bytes allows"
        return dump.leave_out(value, TOO_BIG, reason, f"shape {shape}, {dtype}")
    return freeze_by_hooks(dump, value)


def _mapper(dump: Dump, mapper: Any) -> Any:
    form = mapper_form(mapper)
    if form is None:
        raise Unstorable("a mapper of a class that cannot be imported")
    return form


def _table(dump: Dump, table: Any) -> Any:
    return table_form(table) or freeze_by_hooks(dump, table)


def _column(dump: Dump, column: Any) -> Any:
    return column_form(column) or freeze_by_hooks(dump, column)


def _response(dump: Dump, response: Any) -> Any:
    return response_form(response, dump.note) or freeze_by_hooks(dump, response)


def _client_request(dump: Dump, request: Any) -> Any:
    return request_form(request) or freeze_by_hooks(dump, request)


def _open_response(dump: Dump, response: Any) -> Any:
    return open_response_form(response) or freeze_by_hooks(dump, response)


def _connected_response(dump: Dump, response: Any) -> Any:
    return connected_form(response, dump.note) or freeze_by_hooks(dump, response)


def freeze_request(dump: Dump, request: Any) -> Any:
    must_be_named(dump, type(request))
    return served_request_form(request, dump.note)


def _resolver_match(dump: Dump, match: Any) -> Any:
    return resolver_match_form(match, dump.note)


def _match_info(dump: Dump, found: Any) -> Any:
    return match_info_form(found, dump.note)


def _rule(dump: Dump, rule: Any) -> Any:
    return rule_form(rule) or freeze_by_hooks(dump, rule)


def _proxy(dump: Dump, proxy: Any) -> Any:
    return current_object_form(proxy) or dump.leave_out(proxy, *(special(type(proxy)) or (LAZY, "a proxy")))


def _limited_stream(dump: Dump, stream: Any) -> Any:
    form = memory_stream_form(stream)
    return form or dump.leave_out(stream, *(special(type(stream)) or (UNSTORABLE, "a stream")))


def _session(dump: Dump, session: Any) -> Any:
    return session_form(session, dump.note) or _of_own_class(dump, session)


_of_own_class = left_out(UNSTORABLE, "a connection over the network")


def _headers(dump: Dump, headers: Any) -> Any:
    return headers_form(headers) if type_name(type(headers)) == HEADERS else freeze_by_hooks(dump, headers)


def _pool(dump: Dump, pool: Any) -> Any:
    return pool_form(pool, dump.note) or freeze_by_hooks(dump, pool)


def _cookie(dump: Dump, cookie: Any) -> Any:
    return cookie_form(cookie, dump.note)


def _ssl_context(dump: Dump, context: Any) -> Any:
    form = ask(ssl_context_form, context)
    if form is None:
        return dump.leave_out(context, *(special(type(context)) or (UNSTORABLE, "a context of SSL")))
    dump.note(context, FRESH, "it is new after loading: without the certificates and keys that were loaded into it")
    return form


def freeze_file(dump: Dump, file: Any) -> Any:
    return file_form(file) or dump.leave_out(file, *(special(type(file)) or (UNSTORABLE, "an open file")))


def freeze_one_way(dump: Dump, value: Any) -> Any:
    """Only of an argument: what a call has returned is served, and must not run the program's own code again."""
    form = None if dump.is_outcome else ask(form_of_one_way, value)
    return form or dump.leave_out(value, *(special(type(value)) or (UNSTORABLE, "an iterator")))


def _formed(form_of: Callable[[Any], Any]) -> Handler:
    """The handler for objects that cannot be pickled, and may have a form of their own."""
    return lambda dump, value: ask(form_of, value) or freeze_by_hooks(dump, value)


def _memory(dump: Dump, view: Any) -> Any:
    size = ask(lambda: view.nbytes)
    if size > dump.max_bytes:
        return dump.leave_out(view, TOO_BIG, f"{size} bytes are more than max_bytes allows")
    return ask(memory_form, view)


def _struct_format(compiled: Any) -> Any:
    return type(compiled), (compiled.format,)


# Forms that version 0.1.0 did not have: a look-up of calls that it stored must not use them.
NEWER: dict[str, Handler] = {
    MAPPER: _mapper,
    TABLE: _table,
    COLUMN: _column,
    **dict.fromkeys(REQUESTS, freeze_request),
    "django.urls.resolvers.ResolverMatch": _resolver_match,
    "django.core.handlers.wsgi.LimitedStream": _limited_stream,
    "aiohttp.web_urldispatcher.UrlMappingMatchInfo": _match_info,
    "multidict._multidict.CIMultiDictProxy": _formed(multi_dict_proxy_form),
    "multidict._multidict.MultiDictProxy": _formed(multi_dict_proxy_form),
    "werkzeug.local.Local": freeze_own_state,
    "werkzeug.local.LocalProxy": _proxy,
    "werkzeug.routing.rules.Rule": _rule,
    "werkzeug.wsgi.LimitedStream": _limited_stream,
    "requests.models.Response": _response,
    SESSION: _session,
    "httpx.Request": _client_request,
    "httpx.Response": _open_response,
    "aiohttp.client_reqrep.ClientResponse": _connected_response,
    HEADERS: _headers,
    "httpx._client.BaseClient": freeze_own_attributes,
    "httpx.Proxy": left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncHTTPProxy": left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncSOCKSProxy": left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.HTTPProxy": left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.SOCKSProxy": left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncConnectionPool": _pool,
    "httpcore.ConnectionPool": _pool,
    "http.cookiejar.CookieJar": freeze_own_attributes,
    "http.cookiejar.Cookie": _cookie,
    "ssl.SSLContext": _ssl_context,
    "dict_keys": _formed(view_form),
    "dict_values": _formed(view_form),
    "dict_items": _formed(view_form),
    "mappingproxy": _formed(proxy_form),
    "memoryview": _memory,
    "re.Match": _formed(match_form),
    "_struct.Struct": _formed(_struct_format),
    **dict.fromkeys(INTERPRETER_FACTS, _formed(named_by_its_type)),
    "sqlite3.Row": _formed(row_form),
    "psycopg_binary.pq.PGresult": _formed(error_fields_form),
    "psycopg_c.pq.PGresult": _formed(error_fields_form),
    "psycopg.pq.pq_ctypes.PGresult": _formed(error_fields_form),
    "lxml.etree._Element": _formed(element_form),
    "lxml.etree._ElementTree": _formed(tree_form),
}
