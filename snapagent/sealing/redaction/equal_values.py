"""Looking for known secrets in texts and bytes, also where they are escaped, in base64 or in hexadecimal."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from .names import SecretNames
from .surroundings import looks_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Needles:
    """The secrets of one call with their pseudonyms. Texts without any of them come back as the very same object.

    Only spellings that occur in `streams`, the pickles of the call, are looked for.
    """

    def __init__(self, secrets: Mapping[bytes, str], streams: bytes) -> None:
        self._numbers = {int(secret) for secret in secrets if secret.isdigit()}
        found = {form: name for secret, name in secrets.items() for form in forms_of(secret) if form in streams}
        longest_first = sorted(found, key=len, reverse=True)
        self._datas = [(form, found[form].encode()) for form in longest_first]
        self._texts = [(form.decode("utf-8", "surrogatepass"), found[form]) for form in longest_first if _is_text(form)]
        self.empty = not secrets

    def has_number(self, number: int) -> bool:
        return number in self._numbers

    def cleaned(self, text: str) -> str:
        """The text with a pseudonym in place of each secret."""
        for secret, name in self._texts:
            if secret in text:
                text = text.replace(secret, name)
        return text

    def occur_in(self, data: bytes | bytearray) -> bool:
        return any(secret in data for secret, _ in self._datas)

    def cleaned_bytes(self, data: bytes | bytearray) -> bytes | bytearray:
        """The same for bytes; the type stays."""
        for secret, name in self._datas:
            if secret in data:
                data = data.replace(secret, name)
        return data


def _is_text(form: bytes) -> bool:
    try:
        form.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def forms_of(secret: bytes) -> Iterator[bytes]:
    """The secret and its spellings inside other things."""
    yield secret
    yield secret.hex().encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        pass
    else:
        for escaped in (quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1]):
            yield escaped.encode()
        yield from (text.encode("utf-16-le"), text.encode("utf-32-le"))
    for offset in range(3):  # where in a group of three bytes it may begin
        encoded = base64.b64encode(b"\0" * offset + secret)
        certain = encoded[(0, 2, 3)[offset] : (offset + len(secret)) * 8 // 6]  # what its neighbours have no part in
        yield certain
        yield certain.translate(_URL_SAFE)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


_OUR_KEY = "SNAPAGENT_KEY"  # may hold several, with commas between them


class EnvironmentSecrets:
    """Values of variables with secret names, unless they are plain words."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._seen: dict[Any, Any] = {}
        self._values: frozenset[bytes] = frozenset()
        self._forms: tuple[bytes, ...] = ()

    def values(self) -> frozenset[bytes]:
        """The secrets as they are now."""
        self._look()
        return self._values

    def occur_in(self, streams: bytes) -> bool:
        """Whether one of them is in these bytes, in any spelling that is looked for."""
        self._look()
        return any(form in streams for form in self._forms)

    def _look(self) -> None:
        variables = getattr(os.environ, "_data", None)  # read at once: another thread may be changing it
        if type(variables) is not dict or variables == self._seen:
            return
        self._seen = variables.copy()
        found = set()
        for name, value in self._seen.items():
            name, value = os.fsdecode(name), os.fsdecode(value)
            if name == _OUR_KEY:
                found.update(value.split(","))
            elif self._names.rule(name) is not None:
                found.add(value)
        self._values = frozenset(os.fsencode(value) for value in found if looks_secret(value))
        self._forms = tuple(form for value in sorted(self._values) for form in forms_of(value))
