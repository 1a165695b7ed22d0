"""`snapagent keygen`: create a key that signs bundles, or rotate one."""

from __future__ import annotations

import os
import secrets

import click

from ...bundle import SigningKey
from ..app import App, json_option, pass_app
from ..terminal.wording import counted
from ..writing import refuse_existing, replaced

_BYTES = 32


@click.command("keygen")
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE (mode 0600) instead of stdout.")
@click.option("--rotate", is_flag=True, help="Add the key to FILE: it signs, the earlier ones still verify.")
@json_option
@pass_app
def keygen_command(app: App, path: str | None, rotate: bool, as_json: bool) -> None:
    """Create a key that signs bundles.

    Set SNAPAGENT_KEY_FILE (or SNAPAGENT_KEY) for the capturing program and for the tests. With a key set, only
    bundles signed by it are loaded. An existing FILE is not changed without --rotate.

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
    """Write the key before the earlier ones in the file, and return how many these are."""
    earlier = ""
    if not rotate:
        refuse_existing(path, "--rotate adds a key to it")
    elif os.path.lexists(path):
        with open(path, encoding="utf-8") as file:
            earlier = file.read()
    with replaced(path, 0o600) as file:
        file.write(f"{secret}\n{earlier}")
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in earlier.splitlines())
