"""Looking for known secrets in texts and bytes, also where they are escaped, in base64 or in hexadecimal."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus


class Needles:
    """The secrets of one call with their pseudonyms. Texts without any of them come back as the very same object."""

    def __init__(self, secrets: Mapping[bytes, str]) -> None:
        self.empty = not secrets
        self._numbers = {int(secret) for secret in secrets if secret.isdigit()}
        texts: dict[str, str] = {}
        datas: dict[bytes, str] = {}
        for secret, name in secrets.items():
            for form in _forms(secret):
                datas.setdefault(form, name)
                texts.setdefault(form.decode("utf-8", "surrogateescape"), name)
        self._texts = texts
        self._datas = {data: name.encode() for data, name in datas.items()}
        self._text_pattern = re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))
        self._data_pattern = re.compile(b"|".join(map(re.escape, sorted(datas, key=len, reverse=True))))

    def has_number(self, number: int) -> bool:
        return number in self._numbers

    def cleaned(self, text: str) -> str:
        """The text with a pseudonym in place of each secret."""
        if self._text_pattern.search(text) is None:
            return text
        return self._text_pattern.sub(lambda match: self._texts[match[0]], text)

    def cleaned_bytes(self, data: bytes | bytearray) -> bytes | bytearray:
        """The same for bytes; the type stays."""
        if self._data_pattern.search(data) is None:
            return data
        return type(data)(self._data_pattern.sub(lambda match: self._datas[bytes(match[0])], data))


def _forms(secret: bytes) -> Iterator[bytes]:
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
