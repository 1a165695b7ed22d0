"""The trust policy: which bundles may be loaded. Loading runs code, so the check comes before anything is unpickled.

`owner`: the file and its folder belong to the current user, to root or to a user that the caller trusts (the owner of
pytest's rootdir), and nobody else may write them. Inside a version-controlled tree modes are not checked, because
checkouts follow the umask. `signed`: one of the given keys signed it. `any`: every bundle that is whole.

A bundle that the manifest beside it lists by digest is accepted too, when the manifest itself is trusted: it belongs to
one of the same users, and under `signed` one of the given keys signed it.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

from ..bundle import BundleFile, SigningKey
from ..core.records import Record
from ..core.system import os
from ..errors import UntrustedBundleError
from . import files
from .layout import MANIFEST

OWNER, SIGNED, ANY = "owner", "signed", "any"
_LIMIT = 16 * 1024 * 1024  # bytes of a manifest
_REPOSITORIES = (".git", ".hg", ".svn", ".jj")


class Trust(Record):
    """The policy of a store: one of `owner`, `signed` and `any`.

    `owners` are user ids to trust besides the current user and root.
    """

    policy: str
    keys: tuple[SigningKey, ...] = ()
    owners: tuple[int, ...] = ()

    def check(self, bundle: BundleFile, path: str, file: os.stat_result, folder: int) -> None:
        """Raises UntrustedBundleError, with one reason and the command that helps. `folder` is opened."""
        if self.policy == ANY or bundle.signed_by(self.keys):
            return
        if self.policy == SIGNED:
            refusal: tuple[str, str] | None = self._unsigned(bundle, path)
        else:
            refusal = self._foreign(path, file) or self._foreign(os.path.dirname(path), os.fstat(folder))
        if refusal and bundle.digest not in self._listed(folder, os.path.dirname(path)):
            raise UntrustedBundleError(path, *refusal)

    def _unsigned(self, bundle: BundleFile, path: str) -> tuple[str, str]:
        if not self.keys:
            return "trust is 'signed', and there is no key to check it with", "set SNAPAGENT_KEY or SNAPAGENT_KEY_FILE"
        if bundle.mac == "-":
            return "it is not signed", f"if you trust it: snapagent promote {bundle.header.target}"
        return (
            f"it is signed with key {bundle.mac[:8]!r}, which is not one of yours, or it was altered",
            "add that key to SNAPAGENT_KEY_FILE, or capture the call again",
        )

    def _foreign(self, path: str, found: os.stat_result) -> tuple[str, str] | None:
        if found.st_uid not in (os.geteuid(), 0, *self.owners):
            return (
                f"it belongs to user {found.st_uid}, and trust is 'owner'",
                f"if you trust it: chown {os.geteuid()} {path!r}, or set a key and trust: signed",
            )
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not version_controlled(path):
            return "others may write it, and trust is 'owner'", f"if you trust it: chmod go-w {path!r}"
        return None

    def _listed(self, folder: int, path: str) -> Collection[str]:
        """The digests of the manifest beside a bundle; none when there is no manifest or it is not trusted."""
        try:
            fields, digests, found = _manifest(folder)
        except _UNREADABLE:
            return ()
        if self.policy == SIGNED:
            accepted = _signed_by(self.keys, digests, str(fields.get("mac")))
        else:
            accepted = self._foreign(f"{path}/{MANIFEST}", found) is None
        return digests.values() if accepted else ()


_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _manifest(folder: int) -> tuple[dict[str, object], dict[str, str], os.stat_result]:
    data, found = files.read_regular(MANIFEST, _LIMIT, folder=folder)
    fields = json.loads(data)
    return fields, {str(name): str(digest) for name, digest in fields["digests"].items()}, found


def listed_names(path: str) -> frozenset[str]:
    """File names that the manifest of a folder lists; none when there is no manifest that can be read."""
    try:
        with files.opened_folder(path) as folder:
            return frozenset(_manifest(folder)[1])
    except _UNREADABLE:
        return frozenset()


def write_manifest(folder: str, digests: Mapping[str, str], key: SigningKey | None = None) -> None:
    """Write the manifest of accepted bundles. `digests` is file name -> SHA-256 as the first line of the file says."""
    fields = {"version": 1, "digests": dict(sorted(digests.items())), "mac": _mac(key, digests) if key else None}
    with files.own_folder(folder) as opened:
        files.publish(opened, MANIFEST, json.dumps(fields, indent=1).encode() + b"\n")


def update_manifest(folder: str, name: str, digest: str, key: SigningKey | None = None) -> None:
    """Put the new digest of a bundle into the manifest beside it, if that lists the bundle."""
    try:
        with files.opened_folder(folder) as opened:
            digests = _manifest(opened)[1]
    except _UNREADABLE:
        return
    if name in digests:
        write_manifest(folder, {**digests, name: digest}, key)


def _mac(key: SigningKey, digests: Mapping[str, str]) -> str:
    message = b"snapagent manifest\0" + "\n".join(sorted(digests.values())).encode()
    return f"{key.id}:{key.sign(sha256(message).digest())}"


def _signed_by(keys: Sequence[SigningKey], digests: Mapping[str, str], mac: str) -> bool:
    import hmac

    return any(hmac.compare_digest(_mac(key, digests), mac) for key in keys)


def version_controlled(path: str) -> bool:
    """True when `path` is inside a version-controlled tree."""
    parent = os.path.dirname(os.path.abspath(path))
    while True:
        if any(os.path.lexists(f"{parent}/{name}") for name in _REPOSITORIES):
            return True
        above = os.path.dirname(parent)
        if above == parent:
            return False
        parent = above
