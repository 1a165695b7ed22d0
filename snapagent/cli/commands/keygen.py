"""`snapagent keygen`: a key that signs bundles."""

from __future__ import annotations

import os
import secrets

import click

from ...bundle import SigningKey
from ...store import files
from ..app import App, json_option, pass_app
from ..terminal.wording import counted

_BYTES = 32


@click.command("keygen")
@click.option("-o", "--output", "path", metavar="FILE", help="Write it there (mode 0600) instead of printing it.")
@click.option("--rotate", is_flag=True, help="Put it first in an existing FILE: it signs, the others still verify.")
@json_option
@pass_app
def keygen_command(app: App, path: str | None, rotate: bool, as_json: bool) -> None:
    """Make a key that signs what is captured.

    Give it to the capturing program and to the tests as SNAPAGENT_KEY or, better, by SNAPAGENT_KEY_FILE. With a key
    set only bundles that it signed are loaded. An existing FILE is kept unless --rotate adds to it.

    \b
    Examples:
      snapagent keygen -o ~/.snapagent-key && export SNAPAGENT_KEY_FILE=~/.snapagent-key
      snapagent keygen -o ~/.snapagent-key --rotate
    """
    secret = secrets.token_hex(_BYTES)
    key_id = SigningKey(secret.encode()).id
    if path is None:
        if rotate:
            raise click.UsageError("--rotate needs --output FILE.")
        app.out.json({"key": secret, "id": key_id}) if as_json else app.out.raw(f"{secret}\n")
        return
    earlier = _write(path, secret, rotate)
    if as_json:
        app.out.json({"path": path, "id": key_id, "keys": earlier + 1})
        return
    app.out.line("wrote ", (path, "bold"), f"  (key id {key_id})")
    still = f"{counted(earlier, 'earlier key')} still {'verifies' if earlier == 1 else 'verify'}"
    app.out.note(
        still if earlier else "keep it out of version control",
        then=f"export SNAPAGENT_KEY_FILE={os.path.abspath(path)}",
    )


def _write(path: str, secret: str, rotate: bool) -> int:
    """Write the key; the number of earlier ones that stay. The file is never there without its mode, or in part."""
    earlier = ""
    if os.path.lexists(path):
        if not rotate:
            raise click.ClickException(f"{path} exists and was left as it is; --rotate adds a key to it")
        with open(path, encoding="utf-8") as file:
            earlier = file.read()
    with files.replacing(path, mode=files.FILE_MODE) as file:
        file.write(f"{secret}\n{earlier}")
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in earlier.splitlines())
