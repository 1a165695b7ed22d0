"""Texts and bytes that belong to a request, without the secrets in them.

A field is judged by its name as it is in the parsed request: by `RequestNames`, then by the patterns of values.
"""

from __future__ import annotations

from .http_texts import without_cookies, without_credentials, without_secrets, without_set_cookie
from .looks import could_be_secret
from .names import CERTAIN
from .pseudonyms import Pseudonyms
from .requests import (
    AUTHORIZATION_HEADERS,
    COOKIE_HEADERS,
    COOKIE_TEXTS,
    REQUEST,
    SET_COOKIE_HEADERS,
    RequestNames,
    header_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OF_HEADERS = (
    (COOKIE_HEADERS, without_cookies, "cookies carry credentials"),
    (SET_COOKIE_HEADERS, without_set_cookie, "cookies carry credentials"),
    (AUTHORIZATION_HEADERS, without_credentials, "the header carries credentials"),
)
_MOST_DEPTH = 3  # of texts in texts, such as JSON in a field of a form


class RequestTexts:
    """Replaces secrets by the pseudonyms of the running redaction."""

    def __init__(self, names: RequestNames, pseudonyms: Pseudonyms) -> None:
        self.names = names
        self._pseudonyms = pseudonyms
        self._depth = 0

    def without_secrets(self, context: str, label: object, rule: str | None, why: str, value: Any) -> tuple[Any, str]:
        """The value (str, bytes or bytearray) without its secrets, and the reason; the value itself if it has none."""
        text = value if type(value) is str else bytes(value).decode("utf-8", "surrogateescape")
        new, reason = self._of_header(context, label, text)
        if not reason:
            if rule is not None and could_be_secret(rule, value):
                return self._pseudonyms.of(value, rule), why
            new, reason = self._of_fields(text)
        if new == text:
            return value, ""
        return (new if type(value) is str else type(value)(new.encode("utf-8", "surrogateescape"))), reason

    def _of_header(self, context: str, label: object, text: str) -> tuple[str, str]:
        if context == COOKIE_TEXTS:
            return without_cookies(text, self._credential), "cookies carry credentials"
        name = label.decode("latin-1") if isinstance(label, bytes) else label
        if context == REQUEST and isinstance(name, str) and not self.names.allows(name):
            for headers, without, why in _OF_HEADERS:
                if header_name(name) in headers:
                    return without(text, self._credential), why
        return text, ""

    def _credential(self, text: str) -> str:
        return str(self._pseudonyms.of(text, CERTAIN)) if could_be_secret(CERTAIN, text) else text

    def _of_fields(self, text: str) -> tuple[str, str]:
        """What has fields is judged by them alone: the patterns would judge a name and a value otherwise."""
        new = without_secrets(text, self) if self._depth < _MOST_DEPTH else None
        if new is not None:
            return new, "a field in it is secret"
        new, found = self._pseudonyms.cleaned(text)
        return new, f"it looks like a {', a '.join(found)}"

    # The judge of `http_texts.without_secrets`.

    def rule(self, name: str) -> str | None:
        return self.names.rule(REQUEST, name)

    def replaced(self, name: str | None, rule: str | None, value: Any) -> str | None:
        if type(value) is str:
            new, reason = self._of_header(REQUEST, name, value)
            if reason:
                return new
        if rule is not None and could_be_secret(rule, value):
            return str(self._pseudonyms.of(str(value), rule))
        if type(value) is not str:
            return None
        self._depth += 1
        try:
            new, _ = self._of_fields(value)
        finally:
            self._depth -= 1
        return new if new != value else None
