"""The pseudonyms of one call: what takes the place of secrets, and which of them are to be searched for elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from ...serializer.inert.walk import Roots, items_of, walk
from ..hashing.atoms import PSEUDONYM
from .looks import could_be_secret, is_worth_searching, looks_random, looks_secret
from .names import CERTAIN, WHOLE
from .patterns import secrets_in
from .rules import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORTEST = 6  # characters of a text that is searched for secrets


class Pseudonyms:
    """Makes pseudonyms, and remembers what they stand for.

    `known` are secrets from elsewhere. `secrets` and `whole` have the pseudonyms by secret: those that are searched for
    everywhere, and those that are too short to be searched for inside other texts.
    """

    def __init__(self, rules: Redactor, known: frozenset[bytes]) -> None:
        self._rules = rules
        self._known = known
        self.secrets = {secret: rules.pseudonym(secret) for secret in known}
        self.whole: dict[bytes, str] = {}

    def learned(self) -> Iterator[bytes]:
        """The secrets that this call itself gave away."""
        return (secret for secret in self.secrets if secret not in self._known)

    def of(self, secret: str | bytes | bytearray, rule: str) -> Any:
        """The pseudonym of a secret that a rule of names has found, of the same type."""
        data = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else bytes(secret)
        name = self._rules.pseudonym(data)
        if is_worth_searching(rule, secret):
            self.secrets[data] = name
        elif looks_secret(data.decode("latin-1")):
            self.whole[data] = name
        self.cleaned(secret if isinstance(secret, str) else bytes(secret))  # records the secrets inside it
        return name if isinstance(secret, str) else type(secret)(name.encode())

    def of_piece(self, secret: str, kind: type) -> str:
        """The pseudonym of a part of a text or, decoded as latin-1, of bytes; `kind` is the type of the whole."""
        if is_pseudonym(secret):
            return secret
        data = secret.encode("utf-8", "surrogatepass") if kind is str else secret.encode("latin-1")
        name = self._rules.pseudonym(data)
        if looks_secret(secret):
            self.secrets[data] = name
        return name

    def cleaned(self, value: Any) -> tuple[Any, list[str]]:
        """A text or bytes without the parts that look like secrets, and the rules that matched."""
        text = value if type(value) is str else value.decode("latin-1")
        found = secrets_in(text, self._rules.names) if len(text) >= _SHORTEST else []
        if not found:
            return value, []
        pieces, end = [], 0
        for begin, stop, _ in found:
            pieces += [text[end:begin], self.of_piece(text[begin:stop], type(value))]
            end = stop
        new = "".join([*pieces, text[end:]])
        clean = new if type(value) is str else type(value)(new.encode("latin-1"))
        return clean, sorted({rule for _, _, rule in found})

    def key_without_patterns(self, key: Any) -> Any:
        return self.cleaned(key)[0] if type(key) is str or type(key) is bytes else key

    def key_that_is_no_secret(self, key: Any) -> Any:
        if type(key) is not str or not looks_random(key) or is_pseudonym(key):
            return key
        return self.of(key, CERTAIN)

    def remember_all_in(self, value: Any) -> None:
        """Search elsewhere for the texts in a value that was replaced whole, where they look like secrets."""
        if type(value) is int or type(value) is float:
            text = str(value)
            if is_worth_searching(WHOLE, text):
                self.secrets[text.encode()] = self._rules.pseudonym(text.encode())
            return
        roots = Roots()
        roots.add((), None, value)
        for place in walk(roots):
            for item in items_of(place):
                child = item.child
                if isinstance(child, str | bytes):
                    rule = self._rules.names.rule(item.label) if item.label is not None else None
                    text = child if isinstance(child, str) else child.decode("latin-1")
                    if looks_random(text) if rule is None else could_be_secret(rule, child):
                        self.of(child, rule or CERTAIN)


def is_pseudonym(value: str | bytes | bytearray) -> bool:
    text = value if isinstance(value, str) else value.decode("latin-1")
    return PSEUDONYM.fullmatch(text) is not None
