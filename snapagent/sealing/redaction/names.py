"""The names of secrets (parameters, keys, attributes), and the rule that classifies a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_EXACT = """
    password passwd pwd passphrase passhash passwordhash pass secret secretkey clientsecret apisecret apikey xapikey
    appkey licensekey masterkey encryptionkey privatekey signingkey accesskey secretaccesskey sshkey pgpkey pemfile
    signature token authtoken accesstoken refreshtoken idtoken bearer oauth oauthtoken jwt jti csrf csrftoken xcsrftoken
    xsrf xsrftoken session sessionid sessionkey sessiontoken phpsessid cookie cookies setcookie connectsid authorization
    proxyauthorization xauthtoken auth credential credentials serviceaccountcredentials connectionstring databaseurl
    dburl dsn mysqlpwd otp totp 2fa mfacode pin pincode cvv cvc ccnumber creditcard creditcardnumber cardnumber iban
    routingnumber ssn socialsecuritynumber taxid passport passportnumber voterid securityanswer salt nonce recaptchakey
    webhooksecret hmackey
"""
_CONTAINED = """
    password passwd passphrase secret apikey authtoken accesstoken refreshtoken sessiontoken bearertoken credential
    connectionstring creditcard cardnumber
"""
_ENDINGS = """
    token tokens pwd apikeys privatekey privatekeys secretkey accesskey signingkey encryptionkey authorization cookie
    sessionid dsn jwt
"""
EXACT = frozenset(_EXACT.split())
_INSIDE = tuple(_CONTAINED.split())
_AT_THE_END = tuple(_ENDINGS.split())
_EXCEPTIONS = ("secretar",)  # secretary, secretariat
NAMED, LIKE = "named", "like"  # how sure a name is: in the list, or only built like one that is

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
        self._named = EXACT.union(map(normalised, added)) - self._allowed
        self._known: dict[object, str] = {}
        self.harmless: set[object] = set()  # names seen that are not secret: rules out many at once

    def rule(self, name: object) -> str | None:
        """NAMED, LIKE or None. A name is a str or bytes; the rule for anything else is None."""
        if name in self.harmless:
            return None
        known = self._known.get(name)
        return known if known is not None else self._classify(name)

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
        if name in self._named:
            return NAMED
        if name.endswith(_AT_THE_END):
            return LIKE
        if any(part in name for part in _INSIDE) and not any(part in name for part in _EXCEPTIONS):
            return LIKE
        return None
