"""Secrets go through a captured program; none is in the store, in its logs, or in what the commands print."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

APP = """
import dataclasses
import os

SECRETS = {
    "parameter": "parameter-s3cret-01", "nested_key": "nested-s3cret-02", "bytes_key": "bytes-s3cret-03",
    "field": "field-s3cret-04", "exception": "exception-s3cret-05", "url": "url-s3cret-06",
    "header": "header-s3cret-07", "environment": "environment-s3cret-08", "closure": "closure-s3cret-09",
    "slots": "slots-s3cret-10", "default": "default-s3cret-11", "returned": "returned-s3cret-12",
    "tokens": "tokens-s3cret-13", "auth": "auth-s3cret-14", "session": "session-s3cret-15", "pin": "471108151623",
    "cookies": "cookies-s3cret-17", "later": "later-s3cret-18",
}

@dataclasses.dataclass
class Account:
    name: str
    api_key: str

class Slotted:
    __slots__ = ("access_token",)
    def __init__(self, access_token):
        self.access_token = access_token

def parameter(user, password):
    return f"{user} logged in with {password}"

def nested_key(order):
    return {order["customer"][0]["x-secret-key"]: "seen"}

def bytes_key(headers):
    return list(headers.values())

def field(account):
    return [account, account.api_key]

def exception(token):
    raise PermissionError(f"token {token} was refused", {"why": token})

def url(address):
    return address.split(":")[2].split("@")[0]

def header(request_headers):
    return request_headers[0].rpartition(" ")[2]

def environment(settings):
    return settings["SERVICE_API_KEY"]

def closure(callback):
    return callback()

def slots(account):
    return {"echo": account.access_token.encode()}

def default(user, db_password=SECRETS["default"]):
    return user, db_password

def returned(user):
    return {"user": user, "refresh_token": SECRETS["returned"], "greeting": f"hello {SECRETS['returned']}"}

def tokens(tokens):
    return [token for token in tokens if isinstance(token, str)]

def auth(auth):
    return {"user": auth[0], "echo": f"{auth[0]}:{auth[1]}"}

def session(session):
    return [*session.values()]

def pin(pin, side):
    return {"pin": int(pin), "side": side}

def cookies(request):
    return request["cookies"]["sid"]

def later(users):
    return users["ann"]

def log_in(password):
    return len(password)

def keeper(client_secret):
    return lambda: client_secret

def run():
    s = SECRETS
    os.environ["SERVICE_API_KEY"] = s["environment"]
    parameter("ada", s["parameter"])
    nested_key({"customer": [{"x-secret-key": s["nested_key"]}]})
    bytes_key({b"x-api-key": s["bytes_key"].encode()})
    field(Account("ada", s["field"]))
    try:
        exception(s["exception"])
    except PermissionError:
        pass
    url(f"postgres://ada:{s['url']}@db/shop")
    header([f"Authorization: Bearer {s['header']}"])
    environment(os.environ)
    closure(keeper(s["closure"]))
    slots(Slotted(s["slots"]))
    default("ada")
    returned("ada")
    returned("bob")
    tokens(["def", s["tokens"], 17])
    auth(("ada", s["auth"]))
    session({"theme": "dark", "id": s["session"]})
    pin(s["pin"], "left")
    cookies({"cookies": {"lang": "en", "sid": s["cookies"]}})
    log_in(s["later"])
    later({"ann": s["later"]})
"""

WEB_APP = (Path(__file__).parent.parent / "data" / "web_secrets.py").read_text()
APPS = {"values": (APP, 20), "requests": (WEB_APP, 12)}  # the program, and the number of its bundles

RUN = """
import logging
logging.basicConfig(level=logging.DEBUG)
from snapagent import install, uninstall
install(enabled=True)
import secrets_app
secrets_app.run()
uninstall()
"""

KILLED = """
import os, time
from snapagent import install
install(enabled=True)
import secrets_app
secrets_app.parameter("ada", "argument-s3cret-1")
for _ in range(100):
    time.sleep(0.05)
    if os.path.isdir("captures/.processes") and os.listdir("captures/.processes"):
        break
os.kill(os.getpid(), 9)
"""

CONFIG = """
version: 1
budget: 100%
defaults: {{keep: .inf, compression: {compression}}}
targets: ["secrets_app:*"]
exclude_targets: ["secrets_app:run", "secrets_app:keeper", "secrets_app:_*"]
"""


def inside(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is in them deflated or in base64, and so on."""
    yield data
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            yield from inside(zlib.decompressobj().decompress(data[match.start() :]))
        except zlib.error:
            continue
    for match in re.finditer(rb"[A-Za-z0-9+/_-]{8,}", data):
        text = match[0].replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            yield base64.b64decode(text[start : start + (len(text) - start) // 4 * 4])


def any_spelling(secret: str, data: bytes) -> bool:
    """Whether the secret is in the bytes, as it is or as it stands in a query, a form or JSON."""
    spellings = (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    return any(spelling.encode() in data for spelling in spellings)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_planted_secrets_stay_in_the_program(compression: str, app: str, tmp_path: Path) -> None:
    source, bundles = APPS[app]
    (tmp_path / "secrets_app.py").write_text(source)
    (tmp_path / "snapagent.yaml").write_text(CONFIG.format(compression=compression))

    done = run(tmp_path, sys.executable, "-c", RUN)

    assert done.returncode == 0, done.stderr.decode()
    stored = [path for path in (tmp_path / "captures").rglob("*") if path.is_file()]
    assert sum(path.suffix == ".pkl" for path in stored) == bundles
    seen = [done.stdout, done.stderr, *(path.read_bytes() for path in stored), *(str(path).encode() for path in stored)]
    seen += printed(tmp_path)
    everything = b"\n".join(piece for data in seen for piece in inside(data))
    scope: dict[str, dict[str, str]] = {}
    exec(source.partition("@dataclasses" if app == "values" else "_HEADERS")[0], scope)
    assert [name for name, secret in scope["SECRETS"].items() if any_spelling(secret, everything)] == []
    assert b"redacted-" in everything


def test_the_command_line_of_a_process_stays_in_the_program(tmp_path: Path) -> None:
    """What a killed process has told of itself is still there afterwards."""
    (tmp_path / "secrets_app.py").write_text(APP)
    (tmp_path / "snapagent.yaml").write_text(CONFIG.format(compression="none"))

    run(tmp_path, sys.executable, "-c", KILLED, "--password", "argument-s3cret-1")

    stored = [path for path in (tmp_path / "captures").rglob("*") if path.is_file()]
    assert any(path.parent.name == ".processes" for path in stored)
    assert [path for path in stored if b"argument-s3cret-1" in path.read_bytes()] == []


def printed(folder: Path) -> Iterator[bytes]:
    """What the commands that read bundles print."""
    snapagent = (sys.executable, "-m", "snapagent")
    listed = run(folder, *snapagent, "list", "--json")
    assert listed.returncode == 0, listed.stderr.decode()
    yield from (listed.stdout, run(folder, *snapagent, "list").stdout)
    names = sorted(set(re.findall(r"secrets_app\.\w+", json.dumps(json.loads(listed.stdout)))))
    assert len(names) in (7, 19)
    for name in {*names[:3], *names[-3:], *(name for name in names if name.endswith(("returned", "session")))}:
        shown = run(folder, *snapagent, "show", name)
        assert shown.returncode == 0, shown.stderr.decode()
        yield from (shown.stdout, shown.stderr)
    for name in ("returned", "flask_view"):
        yield run(folder, *snapagent, "diff", f"secrets_app.{name}").stdout


def test_harmless_values_beside_the_secrets_are_stored(tmp_path: Path) -> None:
    (tmp_path / "secrets_app.py").write_text(APP)
    (tmp_path / "snapagent.yaml").write_text(CONFIG.format(compression="none"))

    run(tmp_path, sys.executable, "-c", RUN)

    shown = {name: run(tmp_path, sys.executable, "-m", "snapagent", "show", f"secrets_app.{name}").stdout.decode()
             for name in ("tokens", "auth", "session", "pin", "cookies")}  # fmt: skip
    for name, word in {
        "tokens": "'def'",
        "auth": "'ada'",
        "session": "'dark'",
        "pin": "'left'",
        "cookies": "'en'",
    }.items():
        assert word in shown[name], shown[name]
