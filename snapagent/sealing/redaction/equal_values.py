"""Secrets whose values are known, and the search for them in texts and bytes, in every usual spelling.

A value is known from elsewhere in the call, where its name or type made it secret, or from the environment of the
process. Wherever it turns up again, also escaped, in base64 or in hexadecimal, it is replaced by its pseudonym.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from .looks import is_worth_searching, looks_secret
from .names import CERTAIN, SecretNames
from .patterns import secrets_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_LONGEST_WHOLE = 40  # bytes, more than a secret that is found as a whole value has
MANY = 32  # forms from which one pass over a text is faster than a search for each
_KEY_VARIABLE = "SNAPAGENT_KEY"  # may have several values, separated by commas


def spellings_of(secret: bytes) -> Iterator[bytes]:
    """The secret itself, and how it looks inside other texts and bytes."""
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
    # Base64 encodes three bytes in four letters, and the secret may begin at each of the three. The letters at both
    # ends that encode bits of its neighbours too are cut off.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret)
        certain = encoded[(0, 2, 3)[offset] : (offset + len(secret)) * 8 // 6]
        yield certain
        yield certain.translate(_URL_SAFE)


class SearchedForms:
    """Texts, or bytes, that are searched for together, each with what takes its place.

    A call may have thousands of secrets in as many texts, such as a list of forbidden passwords. From `MANY` on, they
    are found by their beginnings in one pass over a text, however many they are: one by one, 10,000 took 8 seconds.
    """

    def __init__(self, names: Mapping[Any, Any]) -> None:
        self._pairs = list(names.items())
        self._width = min(map(len, names)) if len(names) >= MANY else 0
        self._beginnings: dict[Any, list[int]] = {}
        if self._width:
            for number, form in enumerate(names):
                self._beginnings.setdefault(form[: self._width], []).append(number)

    def within(self, data: Any) -> list[tuple[Any, Any]]:
        """Those that are in `data`, in the order in which they were given."""
        pairs, width = self._pairs, self._width
        if not width:
            return [pair for pair in pairs if pair[0] in data]
        beginnings, found = self._beginnings, set[int]()
        for at in range(len(data) - width + 1):
            beginning = data[at : at + width]
            if beginning in beginnings:
                found.update(number for number in beginnings[beginning] if data.startswith(pairs[number][0], at))
        return [pairs[number] for number in sorted(found)]


class SecretSearch:
    """A search for the secrets of one call, given with their pseudonyms; longer ones are replaced first.

    Only spellings that occur in `streams`, the pickles of the call, are searched for. `whole` are shorter secrets,
    found as whole values only. The methods return the very same object when no secret is in it.
    """

    def __init__(self, secrets: Mapping[bytes, str], streams: bytes, whole: Mapping[bytes, str]) -> None:
        self._numbers = {int(secret) for secret in secrets if secret.isdigit()}
        spellings = {form: name for secret, name in secrets.items() for form in spellings_of(secret)}
        found = sorted(SearchedForms(spellings).within(streams), key=lambda pair: len(pair[0]), reverse=True)
        self._datas = SearchedForms({form: name.encode() for form, name in found})
        self._texts = SearchedForms(
            {form.decode("utf-8", "surrogatepass"): name for form, name in found if _is_text(form)}
        )
        self._whole = whole
        self._whole_in_texts = SearchedForms({secret.decode("utf-8", "replace"): whole[secret] for secret in whole})
        self.empty = not secrets and not whole

    def has_number(self, number: int) -> bool:
        return number in self._numbers

    def replaced_in_text(self, text: str) -> str:
        """The text, with a pseudonym in place of each secret."""
        if self._whole and len(text) <= _LONGEST_WHOLE:
            text = self._whole.get(text.encode("utf-8", "surrogatepass"), text)
        for secret, name in self._texts.within(text):
            text = text.replace(secret, name)
        return text

    def replaced_in_path(self, path: str) -> str:
        """A path without them; in it a whole value, such as a key, is a part of the text."""
        for secret, name in self._whole_in_texts.within(path):
            path = path.replace(secret, name)
        return self.replaced_in_text(path)

    def occur_in(self, data: bytes | bytearray) -> bool:
        return bool(self._datas.within(bytes(data)))

    def replaced_in_bytes(self, data: bytes | bytearray) -> bytes | bytearray:
        """The same for bytes and bytearrays; the type stays."""
        whole = self._whole.get(bytes(data)) if self._whole and len(data) <= _LONGEST_WHOLE else None
        if whole is not None:
            return type(data)(whole.encode())
        for secret, name in self._datas.within(bytes(data)):
            data = data.replace(secret, name)
        return data


def _is_text(form: bytes) -> bool:
    try:
        form.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


# Variables whose names only look like those of secrets: folders, shells, numbers of terminal sessions.
_HARMLESS_VARIABLES = frozenset(
    {"PWD", "OLDPWD", "HOME", "SHELL", "TERM_SESSION_ID", "ITERM_SESSION_ID", "XDG_SESSION_ID"}
)


class EnvironmentSecrets:
    """The values of environment variables with secret names, and the secrets inside other values, such as in URLs.

    Left out are plain words, short texts, hosts and paths. They are read again whenever the environment has changed.
    """

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._seen: dict[Any, Any] = {}
        self._values: frozenset[bytes] = frozenset()
        self._spellings: tuple[bytes, ...] = ()

    def values(self) -> frozenset[bytes]:
        """The secrets as they are now."""
        self._refresh()
        return self._values

    def occur_in(self, streams: bytes) -> bool:
        """Whether one of them is in these bytes, in any spelling."""
        self._refresh()
        return bool(self._spellings) and any(spelling in streams for spelling in self._spellings)

    def _refresh(self) -> None:
        variables = getattr(os.environ, "_data", None)  # not by iteration: another thread may be changing it
        if type(variables) is not dict or variables == self._seen:
            return
        self._seen = variables.copy()
        found = {
            secret
            for name, value in self._seen.items()
            for secret in self._secrets_of(os.fsdecode(name), os.fsdecode(value))
        }
        self._values = frozenset(map(os.fsencode, found))
        self._spellings = tuple(spelling for value in sorted(self._values) for spelling in spellings_of(value))

    def _secrets_of(self, name: str, value: str) -> Iterator[str]:
        if name in _HARMLESS_VARIABLES:
            return
        if name == _KEY_VARIABLE:
            yield from (key for key in value.split(",") if is_worth_searching(CERTAIN, key))
            return
        rule = self._names.rule(name)
        if rule is not None and is_worth_searching(rule, value) and not os.path.exists(value):
            yield value
        yield from (
            value[begin:stop] for begin, stop, _ in secrets_in(value, self._names) if looks_secret(value[begin:stop])
        )
