"""Values that are no secrets although their names are those of secrets: (name, value). None of them may be redacted."""

from __future__ import annotations

import datetime
import enum
import pathlib
import uuid
from typing import Any


class Method(enum.Enum):
    BASIC = "basic"
    DIGEST = "digest-auth-2617"


class Scheme(enum.StrEnum):
    TOKEN = "token-scheme-rfc6750"


class Token:
    """A token of a parser."""

    def __init__(self, kind: str, content: str) -> None:
        self.kind = kind
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


HARMLESS: tuple[tuple[str, Any], ...] = (
    # tokens of parsers and of language models
    ("tokens", [Token("text", "# A heading of 2024"), Token("paragraph_open", "")]),
    ("tokens", ["def", "int32", "x2", "(", "base64", "3.14", "utf-8", "0x1f"]),
    ("tokens", 4096),
    ("tokens", {"prompt": 17, "completion": 30}),
    ("token", Token("inline", "some *text* and `code`")),
    ("token", "paragraph_open"),
    ("token", "HelloWorld"),
    ("token", ""),
    ("token", None),
    ("sep_token", "[SEP]"),
    ("pad_token", "<|endoftext|>"),
    ("eos_token", "</s>"),
    ("mask_token", "<mask>"),
    ("next_token", "identifier"),
    ("prev_token", "heading2"),
    ("csrf_token", False),
    # sections of a configuration
    ("auth", {"type": "htpasswd", "file": "/etc/radicale/users", "delay": 1, "encryption": "bcrypt", "cache": True}),
    ("auth", {"uri": "ldap://localhost:389", "realm": "Radicale - Password Required", "hash": "sha256"}),
    ("auth", "none"),
    ("auth", "basic"),
    ("auth", "oauth2"),
    ("auth", True),
    ("auth", Method.DIGEST),
    ("auth", Scheme.TOKEN),
    ("auth", ("ada", "lovelace")),
    ("authorization", "digest"),
    ("credentials", "same-origin"),
    ("credentials", ["include", "omit"]),
    ("credential_type", "service-account"),
    # sessions and cookies
    ("session", {"lang": "en", "theme": "dark", "page": 3, "since": "2024-05-01T10:00:00Z"}),
    ("session", "2024-spring"),
    ("session", "session-1"),
    ("session", 12),
    ("sessions", ["Keynote", "Room 101"]),
    ("session_key", "cart"),
    ("cookies", {"lang": "de", "seen": "1", "consent": "yes"}),
    ("cookie", "theme=dark; lang=en"),
    ("cookies", []),
    # words of cryptography
    ("salt", "django.core.signing"),
    ("salt", "cookie-session"),
    ("salt", 16),
    ("nonce", 0),
    ("signature", "(self, name: str, /) -> None"),
    ("signature", "HS256"),
    ("jwt", "RS256"),
    ("secret_name", "shop/database"),
    ("secret_backend", "vault"),
    ("is_secret", True),
    # pins, cards and passports
    ("pin", "left"),
    ("pin", True),
    ("pin", 13),
    ("pin", {"label": "front door", "side": "left", "x": 120, "y": 0.5}),
    ("passport", "required"),
    # passwords that are none
    ("password", None),
    ("password", ""),
    ("password", "********"),
    ("password", False),
    ("password_field", "new_password"),
    ("password_hasher", "pbkdf2_sha256"),
    ("password_changed", datetime.datetime(2024, 5, 1, 10)),
    ("reset_password", "/accounts/reset"),
    ("forgot_password", "link"),
    ("pwd", "/srv/releases/20240501T1212-a8f3c91b/shop"),
    ("pwd", pathlib.PurePosixPath("/srv/releases/20240501T1212-a8f3c91b/shop")),
    ("password", ["This field may not be blank.", "too short"]),
    ("password", {"type": "string", "pattern": "^.{8,}$", "minLength": 8}),
    ("password_validators", ["django.contrib.auth.password_validation.MinimumLengthValidator"]),
    ("private_key", "/etc/shop/keys/server-2024.pem"),
    ("ssh_key", "~/.ssh/id_ed25519"),
    ("api_key", "header"),
    # addresses
    ("token", "https://example.org/list?page=2&sort=name"),
    ("database_url", "sqlite:///shop.db"),
    ("dsn", "postgresql://localhost:5432/shop"),
    ("dsn", "host=localhost dbname=shop user=ada"),
    ("token_server", "auth.example.org:8443"),
    ("oauth", "https://example.org/oauth2/authorize"),
    ("session_id", uuid.UUID(int=7)),
    ("token", "widget.value|stringformat:'s'"),
    ("token", 'password_url|default:"../password/"'),
    ("password_field_name", "password1"),
    ("secretName", "till-db-7f3a"),
)
