"""Secrets that earlier calls of the process gave away by their names, found again in later calls without such a name.

Only keyed digests and lengths are kept, with a key of the process: a memory dump does not show the secrets. A digest
finds whole words of a text, so a secret that has spaces, quotes or brackets in it is not remembered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

_MOST = 10_000  # secrets that are remembered; beyond it the older half is forgotten
_SHORTEST = 8  # bytes
_LONGEST = 400
_WORD = re.compile(rb"[!#-&*+\-./0-9:;=?@A-Z^_a-z|~]{%d,}" % _SHORTEST)
_ENDS = re.compile(rb"[:;=?&@|/,]+")  # where a word may have to be divided: `token=...`, `user:...@host`
_LENGTH_BYTES = 2  # letters before a text in a pickle that may belong to its length


class EarlierSecrets:
    """What the calls so far have taught. One object serves all targets of a process."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._digests: dict[bytes, None] = {}
        self._lengths: set[int] = set()  # calls of several threads may be sealed at once: only added to

    def remember(self, secrets: Iterable[bytes]) -> None:
        """Remember secrets of a call that was redacted."""
        for secret in secrets:
            if len(secret) <= _LONGEST and _WORD.fullmatch(secret):
                if len(self._digests) >= _MOST:
                    self._digests = dict.fromkeys(list(self._digests)[_MOST // 2 :])
                self._digests[self._digest(secret)] = None
                self._lengths.add(len(secret))

    def found_in(self, streams: bytes) -> frozenset[bytes]:
        """The remembered secrets that are words of the texts in these pickles."""
        if not self._digests:
            return frozenset()
        lengths, digests = self._lengths, self._digests
        return frozenset(word for word in _words(streams) if len(word) in lengths and self._digest(word) in digests)

    def _digest(self, secret: bytes) -> bytes:
        return blake2b(secret, digest_size=16, key=self._key).digest()


def _words(streams: bytes) -> Iterator[bytes]:
    for match in _WORD.finditer(streams):
        whole = match[0]
        for start in range(_LENGTH_BYTES + 1):
            yield whole[start:]
        parts = _ENDS.split(whole)
        if len(parts) > 1:
            yield from parts
            yield from (part[start:] for part in parts[:1] for start in range(1, _LENGTH_BYTES + 1))
