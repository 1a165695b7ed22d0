"""File operations that leave a whole file or none, follow no planted link and do not depend on the umask.

Everything inside a store happens relative to an opened folder, so that a folder which is exchanged for a link between
two steps changes nothing. All functions raise OSError; folders are 0700, files 0600.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

from ..core.descriptors import open_high, wait_for_streams
from ..core.signals import raised_by_signal_handler
from ..core.system import os
from . import locks
from .failures import FOREIGN_FOLDER, StoreFailure
from .layout import TEMPORARY

Status = os.stat_result

FILE_MODE = 0o600
FOLDER_MODE = 0o700
ORPHAN_AGE = 3600.0  # seconds after which a draft has no writer any more

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # non-blocking: opening a planted FIFO must not hang
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def tolerated() -> Iterator[None]:
    """Ignore an OSError, unless a signal handler of the program raised it."""
    try:
        yield
    except OSError as error:
        if raised_by_signal_handler(error):
            raise


def _root() -> tuple[int, int]:
    found = os.stat("/")
    return found.st_dev, found.st_ino


_root_at_start = _root()


def make_folders(path: str) -> None:
    """Make `path` and its missing parents, each with mode 0700 whatever the umask.

    Raises FileNotFoundError after `os.chroot`: the path means another place now, where nobody looks for captures.
    """
    if _root() != _root_at_start:
        raise FileNotFoundError(errno.ENOENT, "another root folder since the start", path)
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        return
    except FileNotFoundError:
        parent = os.path.dirname(path.rstrip("/"))
        if not parent or parent == path:
            raise
        make_folders(parent)
        with suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & FOLDER_MODE != FOLDER_MODE:
        os.chmod(path, FOLDER_MODE)


@contextmanager
def opened_folder(path: str, *, follow: bool = False) -> Iterator[int]:
    """A descriptor of the folder, for use as `dir_fd`; a link in its place is refused unless `follow`."""
    descriptor = open_high(path, _FOLDER | (0 if follow else os.O_NOFOLLOW))
    try:
        yield descriptor
    finally:
        _close_unwritten(descriptor)


@contextmanager
def own_folder(path: str, *, make: bool = False) -> Iterator[int]:
    """The same for writing. Raises StoreFailure `foreign_folder` when the folder belongs to another user."""
    descriptor = _open_own(path, make)
    try:
        yield descriptor
    finally:
        _close_unwritten(descriptor)


def _open_own(path: str, make: bool) -> int:
    try:
        descriptor = open_high(path, _FOLDER | os.O_NOFOLLOW)
    except FileNotFoundError:
        if not make:
            raise
        make_folders(path)
        descriptor = open_high(path, _FOLDER | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise StoreFailure(FOREIGN_FOLDER, path)
    except BaseException:
        _close_unwritten(descriptor)
        raise
    return descriptor


_batches = count()


class BatchFolder:
    """A folder for a batch of files: opened once, and again when it was removed meanwhile. For one thread.

    All its drafts have one name, which no other process with another `token` uses: names that come and go make ext4
    spread a folder over more blocks, which takes a tenth of the time of a file.
    """

    def __init__(self, path: str, token: str) -> None:
        self.path = path
        self._draft = f"{TEMPORARY}{token}-{os.getpid()}-{next(_batches)}"
        self._descriptor: int | None = None

    def __enter__(self) -> BatchFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _close_unwritten(descriptor)

    def publish(self, name: str, data: bytes, *, durable: bool) -> None:
        """Write `name` into the folder, made where it is missing; see `publish`."""
        if self._descriptor is not None:
            try:
                _publish(self._descriptor, self._draft, name, data, durable)
                return
            except FileNotFoundError:  # the folder was removed meanwhile
                self._close()
        self._descriptor = _open_own(self.path, make=True)
        _publish(self._descriptor, self._draft, name, data, durable)


def _close_unwritten(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError as error:  # nothing was written through it, so an error here loses nothing
        if raised_by_signal_handler(error):
            raise


def publish(folder: int, name: str, data: bytes, *, token: str = "", durable: bool = False) -> None:
    """Write a draft of `name` and rename it into place: a reader sees all of `data`, or the file that was there before.

    `folder` is a descriptor. `durable` survives a power cut as well. No draft stays when this fails.
    """
    _publish(folder, f"{TEMPORARY}{token}{name}", name, data, durable)


def _publish(folder: int, draft: str, name: str, data: bytes, durable: bool) -> None:
    try:
        _write_new(folder, draft, data, durable)
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with tolerated():
            os.unlink(draft, dir_fd=folder)
        raise
    if durable:
        with tolerated():  # the file is visible already: it counts as published, and fsync is not tried again
            os.fsync(folder)


def _write_new(folder: int, name: str, data: bytes, durable: bool = False) -> None:
    descriptor = _new_file(folder, name)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:  # because of the umask
            os.fchmod(descriptor, FILE_MODE)
        _write_all(descriptor, data)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)  # before a rename or link: some file systems report a failed write only here


def _new_file(folder: int, name: str) -> int:
    try:
        return open_high(name, _NEW_FILE, FILE_MODE, dir_fd=folder)
    except FileExistsError:  # left by a writer that failed and could not remove it
        os.unlink(name, dir_fd=folder)
        return open_high(name, _NEW_FILE, FILE_MODE, dir_fd=folder)


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def create_once(folder: int, name: str, data: bytes) -> bool:
    """Write `name` unless it exists: the first of several processes wins, and a reader sees all of its data.

    False when another process was quicker.

    A link, not a rename, because a rename would replace the file of a quicker process.
    """
    # Drafts of two calls must differ: a signal handler can get here while the same process is here.
    draft = f"{TEMPORARY}{os.urandom(8).hex()}-{name}"
    try:
        _write_new(folder, draft, data)
        os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        with tolerated():  # `name` is there already
            remove(folder, draft)
    return True


def append(folder: int, name: str, data: bytes) -> int:
    """Append in one write, which other appenders cannot cut in two. Returns the offset behind it."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = open_high(name, flags, FILE_MODE, dir_fd=folder)
    try:
        _write_all(descriptor, data)
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    finally:
        os.close(descriptor)


def read_regular(path: str, limit: int, *, folder: int | None = None) -> tuple[bytes, Status]:
    """The bytes of a regular file, and its status. Raises OSError for links, FIFOs, devices and folders too.

    More than `limit` bytes are not read; compare with `st_size`.
    """
    descriptor = open_high(path, _READ, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is not a regular file")
        return _read_all(descriptor, min(limit, found.st_size)), found
    finally:
        _close_unwritten(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size)
    if len(data) == size:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and pieces[-1]:
        pieces.append(os.read(descriptor, missing))
        missing -= len(pieces[-1])
    return b"".join(pieces)


def remove(folder: int, name: str) -> bool:
    """Unlink; False when it was gone already, or is a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except (FileNotFoundError, IsADirectoryError):
        return False
    return True


def remove_folder(path: str) -> None:
    """Remove a folder of this user and the files in it; of a link in its place, only the link. It may be gone."""
    try:
        if os.path.islink(path):
            os.unlink(path)
            return
        with own_folder(path) as folder:
            for name in list_names(folder):
                remove(folder, name)
        os.rmdir(path)
    except FileNotFoundError:
        return


def list_names(folder: int | str) -> list[str]:
    """The names in a folder, for which the system opens it anew."""
    wait_for_streams()
    return os.listdir(folder)


def list_folders(path: str) -> list[str]:
    """The names of the folders in the folder at `path`, without links to folders."""
    wait_for_streams()
    with os.scandir(path) as found:
        return [item.name for item in found if item.is_dir(follow_symlinks=False)]


def exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def sizes(path: str, names: Iterable[str]) -> dict[str, int]:
    """Bytes of files in the folder at `path`; files that are gone are left out."""
    with suppress(FileNotFoundError), opened_folder(path) as folder:
        return sizes_in(folder, names)
    return {}


def sizes_in(folder: int, names: Iterable[str]) -> dict[str, int]:
    """The same of an opened folder."""
    found: dict[str, int] = {}
    for name in names:
        try:
            found[name] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return found


def sweep(folder: int, names: list[str], now: float, older_than: float = ORPHAN_AGE) -> int:
    """Remove the drafts among `names` that are too old to have a writer. Returns how many went.

    A time in the future is as wrong as an old one: both are `older_than` seconds away from now.
    """
    swept = 0
    for name in names:
        if not name.startswith(TEMPORARY):
            continue
        with tolerated():
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and abs(now - found.st_mtime) >= older_than:
                swept += remove(folder, name)
    return swept


@contextmanager
def locked(path: str, timeout: float, *, make: bool = False) -> Iterator[int]:
    """The same as `own_folder`, with the lock of the folder held: for changes of what all processes share.

    Raises StoreFailure `locked` after `timeout` seconds, or where locks do not work.
    """
    while True:
        with own_folder(path, make=make) as folder, locks.held(folder, path, timeout):
            if not make or os.fstat(folder).st_nlink:  # else it was removed while this process waited
                yield folder
                return
