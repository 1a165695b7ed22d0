"""Values that look like secrets under any name: keys and tokens by their shape, card numbers by their check digit."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from .looks import could_be_secret
from .names import CERTAIN, NUMBER, PROBABLE, WHOLE, SecretNames

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        (
            "private key",
            r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)",
        ),
        ("JWT", r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"),
        ("AWS key", r"\b(?:AKIA|ASIA|AIDA|AROA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        ("Google key", r"\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}"),
        ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"),
        ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{18,}"),
        ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
        ("Stripe key", r"\b(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/]{20,}"),
        ("API key", r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bnpm_[A-Za-z0-9]{36}"),
        ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{30,}"),
    )
)
_BEARER = re.compile(r"(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{6,})")
_BASIC = re.compile(r"(?i)\bbasic\s+([A-Za-z0-9+/_-]{6,}={0,2})")
_IN_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s:/@?#]{0,200}:([^\s@/]{1,200})@")
_NAMED = re.compile(  # A name begins where a run of its letters begins, so that long runs are tried once. What follows
    # is only looked at: in `error: password=...` it holds the next name.
    r"""(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{2,61})["']?\s{0,2}[:=]\s{0,2}"""
    r"""(?="([^"\\]{4,400})"|'([^'\\]{4,400})'|["']?(?!(?i:bearer|basic|digest|negotiate)\b)([^\s"'&,;<>{}\[\]()]{4,}))"""
)
_CARD = re.compile(r"(?<![0-9.])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_CARD_STARTS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}"
)

# Each secret that a pattern above finds contains one of these words, so a stream without them is clean. One regular
# expression is fastest on short streams, a search for each word on long ones.
_WORDS = (
    *(b"eyJ", b"AKIA", b"ASIA", b"AIDA", b"AROA", b"ABIA", b"ACCA", b"AIza", b"ya29.", b"GOCSPX-", b"ghp_", b"gho_"),
    *(b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"xox", b"hooks.slack", b"_live_", b"_test_", b"whsec_"),
    *(b"sk-", b"SG.", b"npm_", b"pypi-", b"PRIVATE KEY", b"://"),
)
_SCHEMES = (b"bearer", b"basic")  # in any case
_HINTS = re.compile(b"|".join([*map(re.escape, _WORDS), b"B(?i:earer|asic)|b(?i:earer|asic)"]))
_LONG = 2000  # bytes
_WIDE_TEXTS = re.compile(rb"\x8c.[<>=|]?U[1-9]")  # numpy's type code of texts with four bytes a letter
_LONG_INT = re.compile(rb"\x8a[\x06-\x09]")  # LONG1 and a length
_ASSIGNED = re.compile(rb"[:=](?<=[A-Za-z0-9_.\"'\s-].)")
_NAME_BEFORE = re.compile(rb"([A-Za-z0-9_.-]{1,62})[\"']?\s{0,2}\Z")
_DIGITS = bytes(48 if 48 <= code <= 57 else 0 for code in range(256))
_THIRTEEN_DIGITS = b"0" * 13
_GATE = re.compile(f"{_HINTS.pattern.decode()}|[:=]|[0-9](?:[ -]?[0-9]){{12}}")


def may_hold_secrets(data: bytes, names: SecretNames) -> bool:
    """Whether any pattern can match in these bytes. Fast; False is certain, True is not."""
    if len(data) < _LONG:
        hinted = _HINTS.search(data) is not None
    else:
        lower = data.lower()
        hinted = any(word in data for word in _WORDS) or any(word in lower for word in _SCHEMES)
    return (
        hinted
        or _THIRTEEN_DIGITS in data.translate(_DIGITS, b" -")
        or ((b":" in data or b"=" in data) and _assigns_secret(data, names))
        or holds_card_number(data)
        or (b"U" in data and _WIDE_TEXTS.search(data) is not None)
    )


def holds_card_number(data: bytes) -> bool:
    """Whether an int in a pickle is a card number: they are all of a size that has an opcode of its own."""
    if b"\x8a" not in data:
        return False
    for match in _LONG_INT.finditer(data):
        number = int.from_bytes(data[match.end() : match.end() + match[0][1]], "little", signed=True)
        if is_card_number(str(number)):
            return True
    return False


def _assigns_secret(data: bytes, names: SecretNames) -> bool:
    """Whether somewhere in the bytes a secret name stands before a colon or an equals sign."""
    for match in _ASSIGNED.finditer(data):
        found = _NAME_BEFORE.search(data, max(match.start() - 66, 0), match.start())
        if found is not None:
            name = found[1].decode()
            # the byte before a text in a pickle is its length, which may look like a letter
            if names.rule(name) is not None or names.rule(name[1:]) is not None:
                return True
    return False


Secret = tuple[int, int, str]  # where it begins and ends in the text, and the rule that found it


def secrets_in(text: str, names: SecretNames) -> list[Secret]:
    """The secrets in a text, in order, not overlapping; of two that overlap the one that begins first."""
    if _GATE.search(text) is None:
        return []
    found = sorted(_candidates(text, names))
    chosen: list[Secret] = []
    for secret in found:
        if not chosen or secret[0] >= chosen[-1][1]:
            chosen.append(secret)
        elif secret[1] > chosen[-1][1]:
            chosen[-1] = (chosen[-1][0], secret[1], chosen[-1][2])
    return chosen


def _candidates(text: str, names: SecretNames) -> Iterator[Secret]:
    for rule, pattern in _SHAPES:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), rule
    for rule, pattern, fits in _CHECKED:
        for match in pattern.finditer(text):
            if fits(match[match.re.groups]):
                yield match.start(match.re.groups), match.end(match.re.groups), rule
    for match in _NAMED.finditer(text):
        sure = names.rule(match[1])
        group = match.lastindex or 0
        if sure is not None and _is_assigned_secret(sure, match[group]):
            yield match.start(group), match.end(group), f"value of {match[1]}"


def _is_assigned_secret(rule: str, text: str) -> bool:
    """Whether a text after a name and a colon or equals sign is secret; after most names a number is a count."""
    if text.isdigit() and rule not in (WHOLE, CERTAIN, NUMBER):
        return False
    return could_be_secret(CERTAIN if rule == PROBABLE else rule, text)


def is_card_number(digits: str) -> bool:
    """By the ranges that issuers use and the check digit."""
    digits = digits.replace(" ", "").replace("-", "")
    if _CARD_STARTS.fullmatch(digits) is None or len(set(digits)) < 2:
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_opaque_token(text: str) -> bool:
    """Whether it is not a word: plain letters after `bearer` are prose, unless there are many."""
    return len(text) >= 16 or not text.isalpha()


def _is_user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False


_CHECKED: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("bearer token", _BEARER, _is_opaque_token),
    ("basic credentials", _BASIC, _is_user_and_password),
    ("password in a URL", _IN_URL, lambda text: True),
    ("card number", re.compile(f"({_CARD.pattern})"), is_card_number),
)
