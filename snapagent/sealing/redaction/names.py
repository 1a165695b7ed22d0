"""The names of secrets (parameters, keys, attributes), and the rule that classifies a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The rules of a name, from the surest to the least sure. `looks` applies them to values.
WHOLE = "whole"  # named by the configuration: replaced whatever it is, containers too
CERTAIN = "certain"  # the names of passwords: any text
PROBABLE = "probable"  # keys, and names that end like these: any text but short words, paths, addresses
NAMED = "named"  # names that harmless values have too (`session`, `auth`): what looks secret
LIKE = "like"  # mostly of parsers (`tokens`): what looks random
NUMBER = "number"  # of a card or a person: numbers, and texts of digits
NUMBER_INSIDE = "number inside"  # a value in a container with such a name

_INHERITED = {
    CERTAIN: NAMED,
    PROBABLE: NAMED,
    NAMED: NAMED,
    LIKE: LIKE,
    NUMBER: NUMBER_INSIDE,
    NUMBER_INSIDE: NUMBER_INSIDE,
}

_CERTAIN = """
    password passwd passphrase passhash passwordhash passwordconfirm passwordconfirmation passwordagain secret
    secretvalue clientsecret apisecret secretaccesskey webhooksecret authtoken accesstoken refreshtoken sessiontoken
    xauthtoken bearertoken securityanswer sessionbasesessionkey
"""
_PROBABLE = """
    pwd mysqlpwd secretkey apikey xapikey encryptionkey privatekey signingkey hmackey
"""
_NAMED = """
    pass appkey licensekey masterkey accesskey sshkey pgpkey pemfile signature token idtoken bearer oauth oauthtoken
    jwt jti csrf csrftoken xcsrftoken xsrf xsrftoken session sessionid sessionkey sessioncache phpsessid cookie cookies
    setcookie connectsid authorization proxyauthorization auth credential credentials serviceaccountcredentials
    connectionstring userinfo databaseurl dburl dsn voterid salt nonce recaptchakey
"""
_NUMBERS = """
    otp totp 2fa mfacode pin pins pincode cvv cvc ccnumber creditcard creditcardnumber cardnumber iban routingnumber ssn
    socialsecuritynumber taxid passport passportnumber
"""
_PROBABLE_ENDINGS = "password passwd passphrase secret apikey secretkey pwd"
_CONTAINED = """
    password passwd passphrase secret apikey authtoken accesstoken refreshtoken sessiontoken bearertoken credential
    connectionstring
"""
_NUMBERS_CONTAINED = "creditcard cardnumber"
_ENDINGS = """
    token apikeys privatekey privatekeys secretkey accesskey signingkey encryptionkey authorization cookie
    sessionid sessionkey dsn jwt signature
"""
_EXACT = {
    **dict.fromkeys(_CERTAIN.split(), CERTAIN),
    **dict.fromkeys(_PROBABLE.split(), PROBABLE),
    **dict.fromkeys(_NAMED.split(), NAMED),
    **dict.fromkeys(_NUMBERS.split(), NUMBER),
}
_INSIDE = tuple(_CONTAINED.split())
_NUMBERS_INSIDE = tuple(_NUMBERS_CONTAINED.split())
_AT_THE_END = tuple(_ENDINGS.split())
_PROBABLE_AT_THE_END = tuple(_PROBABLE_ENDINGS.split())
_EXCEPTIONS = ("secretar",)  # secretary, secretariat

_NAME_OF_ANOTHER = "name"  # `password_field_name`: it says where a secret is, and is no secret itself

_REST = re.compile(r"[^a-z0-9]+")
_MOST = 20_000  # cached names
_LONGEST = 100  # characters of a name; a longer key is data


def normalised(name: str) -> str:
    """Lower-case letters and digits only: `X-Api-Key`, `x_api_key` and `xApiKey` are one name."""
    return _REST.sub("", name.lower())


class SecretNames:
    """The built-in list with a user's additions and exemptions."""

    def __init__(self, added: Iterable[str] = (), allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(map(normalised, allowed))
        self._added = frozenset(map(normalised, added)) - self._allowed
        self._known: dict[object, str] = {}
        self.harmless: set[object] = {None}  # no name, and names seen that are not secret: rules out many at once

    def rule(self, name: object) -> str | None:
        """The rule of a name, None for a harmless one. A name is a str or bytes; the rule for anything else is None."""
        if name in self.harmless:
            return None
        known = self._known.get(name)
        return known if known is not None else self._classify(name)

    def allows(self, name: str) -> bool:
        """Whether the user has exempted a name."""
        return bool(self._allowed) and normalised(name) in self._allowed

    def _classify(self, name: object) -> str | None:
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if not isinstance(text, str):
            return None
        found = self._rule(normalised(text)) if len(text) <= _LONGEST else None
        if len(self.harmless) + len(self._known) >= _MOST:
            self.harmless.clear()
            self._known.clear()
        if found is None:
            self.harmless.add(name)
        else:
            self._known[name] = found
        return found

    def _rule(self, name: str) -> str | None:
        if name in self._allowed:
            return None
        if name in self._added:
            return WHOLE
        exact = _EXACT.get(name) or _EXACT.get(name.rstrip("0123456789"))  # `password1`, `password2`
        if exact is not None:
            return exact
        if any(part in name for part in _NUMBERS_INSIDE):
            return NUMBER
        if name.endswith(_PROBABLE_AT_THE_END):
            return PROBABLE
        if any(part in name for part in _INSIDE) and not any(part in name for part in _EXCEPTIONS):
            return None if name.endswith(_NAME_OF_ANOTHER) else NAMED
        if name.endswith("tokens"):
            return LIKE
        return NAMED if name.endswith(_AT_THE_END) else None


def inherited(rule: str | None) -> str | None:
    """The rule for the values in a container that has this rule."""
    return _INHERITED.get(rule) if rule is not None else None
