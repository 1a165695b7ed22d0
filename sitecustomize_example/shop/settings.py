"""What the deploy decides: where the database lies and where the payment service answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """`database` is a file path, `payments_url` has no trailing slash, `api_key` is for it, `timeout` is in seconds."""

    database: str = "shop.sqlite3"
    payments_url: str = "http://127.0.0.1:8001"
    api_key: str = ""
    timeout: float = 10.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        return cls(
            database=environ.get("SHOP_DATABASE", cls.database),
            payments_url=environ.get("SHOP_PAYMENTS_URL", cls.payments_url).rstrip("/"),
            api_key=environ.get("PAYMENTS_API_KEY", cls.api_key),
            timeout=float(environ.get("SHOP_TIMEOUT", cls.timeout)),
        )
