"""Judges one text, bytes or number by itself: a possible secret, or a plain word, a path, a date, an algorithm.

A name alone cannot tell a token of a parser from a token of a log-in, so the value decides too. There are two tests:
`looks_secret` is for values whose name is telling, `looks_random` for others and for the search in other places.
"""

from __future__ import annotations

import re

from ...core.lazy_patterns import lazy_pattern
from .names import CERTAIN, LIKE, NUMBER, NUMBER_INSIDE, PROBABLE, WHOLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORTEST = 6  # characters of a text that can look secret
_SHORTEST_RANDOM = 8
_SHORTEST_SEARCHED = 12  # of a text that does not look random, under a name that is not certain
_FEWEST_DIGITS = 8  # of a number in digits that is searched for elsewhere
_LONGEST_WORD = 22  # letters: a longer run is not a word
_SHORT_WORD = 8
_LONGEST_JUDGED = 4000  # characters: a longer text is a document, and only patterns apply to it

_HUMPS = re.compile(r"^[a-z](?=[A-Z])|[A-Z]?[a-z]{2,}|[A-Z]{1,6}(?![a-z])|[A-Z][a-z]")
_RUNS = re.compile(r"[A-Za-z0-9]+")
_LETTERS = re.compile(r"[A-Za-z]+")
_SEPARATORS = re.compile(r"[\s;,=&\"'()]+")
_ASSIGNED = re.compile(r"=\"?([^\s;,=&\"']{6,})")

# Names of methods and formats that have digits in them. Some are also found inside longer words: `base64decode`.
_TECHNICAL = (
    r"base(?:16|32|58|64|85)|utf(?:7|8|16|32)(?:mb4)?|sha(?:1|224|256|384|512)|sha3|md[245]|crc32|blake2[bs]?|u?int\d{1,3}"
    r"|float\d{1,3}|pbkdf2|argon2(?:id|[id])?|oauth[12]?|ipv[46]|ed25519|x25519|x509|x86|x64|amd64|aarch64|arm64|win32"
    r"|python[23]|secp\d+[kr]1|curve25519|chacha20|poly1305|latin1|iso8859|iso8601|rfc\d{3,4}|http[123]|tls1|tlsv1|ssl3"
)
_TECHNICAL_WORD = lazy_pattern(
    rf"(?i)(?:{_TECHNICAL}|(?:hs|rs|es|ps|s|r|p)(?:256|384|512|521)|aes\d*|i18n|l10n|k8s|s3|ec2|h26[45]|mp[34]|2fa|3des)"
)
_TECHNICAL_INSIDE = lazy_pattern(f"(?i){_TECHNICAL}")
_NUMBERED = lazy_pattern(
    r"(?i)(?:item|page|user|step|key|part|section|chapter|version|level|row|col|column|cell|node|group|session|token"
    r"|auth|cookie|salt|pin|test|demo|example|sample|room|track|day|heading|h|line|field|var|arg|gpio|port|slot|door|order|invoice|job|task|request|id)s?"
    r"(?:[-_./: ][a-z]{1,12})?[-_./:# ]?v?\d{1,4}"
)
_PHRASE = re.compile(r"[A-Za-z]{2,22}(?:[-_.][A-Za-z]{2,22})*[-_.][0-9]+(?:[-_.][A-Za-z]{2,22})+")  # horse-7-battery
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.)+[a-z]{2,10}(?::\d{1,5})?"
_SHAPES = lazy_pattern(
    r"(?:"
    r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?)?"  # dates and times
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    r"|(?:19|20)\d\d[-_/ ][a-z]{1,12}|[a-z]{1,12}[-_/ ](?:19|20)\d\d|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?"
    r"|[+-]?\d*\.\d+(?:e[+-]?\d+)?"  # numbers
    r"|\d+(?:\.\d+)?\s?(?:ns|us|ms|s|m|h|d|k|kb|mb|gb|kib|mib|gib|px|em|rem|pt|%|x)"
    r"|v?\d+(?:\.\d+){1,4}(?:[-.+]?(?:a|b|c|rc|dev|post|alpha|beta)\.?\d*)?"  # versions
    r"|aes[-_]?\d{3}(?:[-_][a-z]{2,4}\d{0,3})*|tlsv?1[._]\d|es256k"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:/\d{1,2})?"  # addresses
    r"|(?:localhost|[a-z][a-z-]{1,30}):\d{2,5}"
    r"|[a-z]+/[a-z][\w.+-]*(?:;\s*[\w-]+=[\w-]+)*"  # media types
    r"|\$\{?\w+\}?|%\(?\w*\)?[sd]|\{\{?\s*[\w.]+\s*\}?\}|<[\w|/ -]{1,30}>|\[\w{1,30}\]"  # holes of templates
    r"|[a-z_]{1,30}(?:\.[a-z_]{1,30})*(?:\|[a-z_]{2,30}"  # a name and its filters, as templates write them
    r"(?::(?:'[\w./%: -]{0,20}'|\"[\w./%: -]{0,20}\"|[a-z_.]{1,30}))?)+"
    r"|\^.*\$"  # regular expressions
    r"|(.)\1*"  # masks
    r")",
    re.IGNORECASE,
)
_NAMED_HOST = re.compile(rf"(?:[\w.+-]{{1,64}}@)?{_HOST}")  # also of an e-mail address
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://(?:[A-Za-z_.-]{1,30}@)?[^\s@]*")
_PATH = re.compile(r"(?:~|\.{1,2})?/(?:\.?[a-z][a-z_.-]{1,15}(?:/[^\n=]*)?)?|[A-Za-z]:[\\/][^\n=]*|\.{1,2}/[^\s=]*")


def could_be_secret(rule: str, value: Any) -> bool:
    """Whether a text, bytes or int may be a secret under a name with this rule."""
    kind = type(value)
    if kind is int:
        return _could_be_number(rule, abs(value))
    if kind is not str:
        if kind is not bytes and kind is not bytearray:
            return False
        if rule != NUMBER and looks_binary(value):
            return True
        value = value.decode("latin-1")
    return _could_be_text(rule, value)


def _could_be_text(rule: str, text: str) -> bool:
    if rule == WHOLE:
        return bool(text)
    if rule == CERTAIN:
        return any(map(str.isalnum, text))  # not when it is empty or a mask
    if rule == LIKE:
        return looks_random(text)
    if rule in (NUMBER, NUMBER_INSIDE):
        return _could_be_digits(text, 3 if rule == NUMBER else 4)
    if rule == PROBABLE:
        short = len(text) <= _SHORT_WORD and (text.isalpha() or not any(map(str.isalnum, text)))
        return bool(text) and not short and not _has_harmless_shape(text)
    return looks_secret(text)


def _could_be_number(rule: str, number: int) -> bool:
    if rule == NUMBER:
        return number >= 100
    if rule == NUMBER_INSIDE:
        return 1000 <= number < 10**8
    return rule == WHOLE or (rule == CERTAIN and number >= 1000)


def _could_be_digits(text: str, fewest: int) -> bool:
    digits = sum(map(str.isdigit, text))
    only = all(letter.isdigit() or letter in " -." for letter in text)
    return digits >= (fewest if only else 4) and len(text) <= 40 and not is_harmless(text)


def looks_secret(text: str) -> bool:
    """Whether it has more in it than words and what `is_harmless` knows; of several words, whether one is random."""
    if len(text) < _SHORTEST or len(text) > _LONGEST_JUDGED or is_harmless(text):
        return False
    if any(map(str.isspace, text)):
        if any(map(looks_secret, _ASSIGNED.findall(text))):  # a cookie, a connection string
            return True
        words = [word for word in _SEPARATORS.split(text) if len(word) >= _SHORTEST_RANDOM]
        in_header = text.count(" ") == 1  # a scheme and a token
        return any(map(looks_secret if in_header else looks_random, words))
    return any(not _is_word(run) for run in _RUNS.findall(text)) or _is_foreign(text)


def looks_random(text: str) -> bool:
    """Whether a part of it mixes letters and digits as no word does; False for texts of several words."""
    if not _SHORTEST_RANDOM <= len(text) <= _LONGEST_JUDGED or any(map(str.isspace, text)):
        return False
    random = any(map(_is_random, _RUNS.findall(text))) or (len(text) >= 16 and _PHRASE.fullmatch(text))
    return bool(random) and not is_harmless(text)


def looks_binary(data: bytes | bytearray) -> bool:
    """Whether bytes are no text and vary as a key does."""
    if len(data) < _SHORTEST_RANDOM or len(data) > _LONGEST_JUDGED:
        return False
    text = data.decode("latin-1")
    return not text.isprintable() and len(set(data)) >= min(_SHORTEST_RANDOM, len(data) // 2)


def is_worth_searching(rule: str, value: Any) -> bool:
    """Whether equal values elsewhere are redacted too: never plain words, short texts or short numbers."""
    if type(value) is not str:
        if looks_binary(value):
            return True
        value = value.decode("latin-1")
    if value.isdigit():
        return len(value) >= _FEWEST_DIGITS
    if looks_random(value):
        return True
    sure = rule in (WHOLE, CERTAIN, PROBABLE)
    if sure and len(value) >= _SHORTEST_SEARCHED and any(map(str.isspace, value.strip())):
        return True  # a phrase
    return looks_secret(value) and (sure or len(value) >= _SHORTEST_SEARCHED)


def is_harmless(text: str) -> bool:
    """Whether it is a date, a number, a version, a host, a path, an address without a password, and the like."""
    return _NUMBERED.fullmatch(text) is not None or _has_harmless_shape(text)


def _has_harmless_shape(text: str) -> bool:
    if _SHAPES.fullmatch(text) or _PATH.fullmatch(text):
        return True
    if _NAMED_HOST.fullmatch(text) or _URL.fullmatch(text):
        return not any(map(_is_random, _RUNS.findall(text)))
    return False


def _is_word(run: str) -> bool:
    """Whether letters and digits are a word: letters in regular case, or the name of a method or format."""
    if _LETTERS.fullmatch(run) is None:
        return _is_technical(run)
    if len(run) <= 3 or run.islower() or run.isupper() or run.istitle():
        return len(run) <= _LONGEST_WORD
    humps = _HUMPS.findall(run)
    return sum(map(len, humps)) == len(run) and len(run) >= 2.5 * len(humps) and max(map(len, humps)) <= _LONGEST_WORD


def _is_technical(run: str) -> bool:
    """Whether it is the name of a method or format, or words around one: `RS256`, `base64decode`."""
    if _TECHNICAL_WORD.fullmatch(run) is not None:
        return True
    rest = _TECHNICAL_INSIDE.sub(" ", run)
    return rest != run and all(part.isalpha() and _is_word(part) for part in rest.split())


_WORD_AND_NUMBER = re.compile(r"([A-Za-z]+)([0-9]+)")
_NUMBER_AND_WORD = re.compile(r"[0-9]+[A-Za-z]+")
_DAY = re.compile(r"(?:19|20)\d{6}")


def _is_random(run: str) -> bool:
    """Whether a run of letters and digits is neither a word nor a number nor a word with a number at its end."""
    if run.isdigit() or _is_word(run):
        return False
    if run.isalpha():
        return len(run) >= 10
    ended = _WORD_AND_NUMBER.fullmatch(run)
    if ended is not None and _is_word(ended[1]):
        digits = ended[2]
        return not _DAY.fullmatch(digits) and (len(digits) > 4 or (len(digits) > 2 and len(run) >= 10))
    return len(run) >= (_SHORTEST if _NUMBER_AND_WORD.fullmatch(run) is None else _SHORTEST_RANDOM)


def _is_foreign(text: str) -> bool:
    """Whether it has characters that are neither letters nor the marks between words: `p@ss!word`, `h(rse`."""
    return any(not letter.isalnum() and letter not in "-_./:|,<>[]{}*#+?=" for letter in text.strip("'\"()[]{}<>$%^"))
