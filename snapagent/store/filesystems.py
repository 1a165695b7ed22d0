"""Is a folder on a file system that several machines share? There a store of many pods works badly.

Other users' folders are refused, every lock has hundreds of contenders, cached attributes make indexes stale, and some
mounts have no rename or no links. The kernel's table of mounts says the type, as `statfs` does, without ctypes.
"""

from __future__ import annotations

from ..core.descriptors import read_all
from ..core.system import os

MOUNTS = "/proc/self/mountinfo"
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ceph", "lustre", "afs", "beegfs", "gpfs", "fuse"})
_LOCAL = frozenset({"fuse.fuse-overlayfs", "fuse.overlayfs", "fuse.ntfs-3g", "fuse.lxcfs"})  # of one machine
REMEDY = "give each pod its own folder, then `snapagent pull file:///...`"


def shared_filesystem(path: str) -> str | None:
    """The type of the shared file system that `path` is on, or will be when it is made; None on a disk of its own."""
    try:
        kind = _type_of(read_all(MOUNTS).decode("utf-8", "surrogateescape"), os.path.realpath(path))
    except OSError:  # on another system, or without /proc
        return None
    return kind if kind in _SHARED or (kind.startswith("fuse.") and kind not in _LOCAL) else None


def _type_of(mounts: str, path: str) -> str:
    """The type of the mount that `path` is below; of several on one another the last one counts."""
    longest, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        place = _unescaped(fields[4])
        below = place == "/" or path == place or path.startswith(place + "/")
        if below and len(place) >= longest:
            longest, kind = len(place), after.split(" ", 1)[0]
    return kind


def _unescaped(text: str) -> str:
    """Blanks, tabs, newlines and backslashes stand in octal."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
