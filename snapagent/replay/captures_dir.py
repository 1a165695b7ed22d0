"""Finds the folder of captures: the caller decides, then pytest's options, the environment, the config."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..core.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.reading import Config
    from ..store import StoreReader


class SessionFolders(Record):
    """The folders of a pytest session: its rootdir, and the captures folder of its options, if any.

    The plugin sets them for its session: in tests, relative folders are relative to the rootdir, whatever the working
    directory is.
    """

    root: str | None = None
    captures_dir: str | None = None


_session = SessionFolders()


def use_session_folders(folders: SessionFolders) -> Callable[[], None]:
    """Use `folders` from now on. Calling the result restores those before."""
    global _session
    before, _session = _session, folders

    def restore() -> None:
        global _session
        _session = before

    return restore


def root_folder() -> str:
    """pytest's rootdir in a test session, else the working directory."""
    return _session.root or os.getcwd()


def base_folder(base_path: str | os.PathLike[str] | None = None) -> str:
    """The absolute path of the folder of captures.

    `base_path` decides, then the session's option, the environment, the config, and the default `captures`. A relative
    path is below the rootdir, unless it only exists below the working directory. Raises ConfigError for a config that
    decides and cannot be read.
    """
    from ..config.reading import default_base_path

    root = root_folder()
    given = _session.captures_dir if base_path is None else os.fspath(base_path)
    if given is None:
        return default_base_path(os.environ, root)
    given = os.path.expanduser(given)
    below_root = os.path.join(root, given)
    return os.path.abspath(below_root if os.path.isdir(below_root) or not os.path.isdir(given) else given)


def may_have_captures() -> bool:
    """Whether anything points to captures: an option, the environment, a config, or a folder of the default name.

    Reads no config, so that projects without one pay nothing.
    """
    from ..config.environment import CAPTURE_DIR, find_config

    root = root_folder()
    named = _session.captures_dir or os.environ.get(CAPTURE_DIR) or find_config(os.environ, root)
    return bool(named) or os.path.isdir(os.path.join(root, "captures"))


def config_in_force() -> Config:
    """The config that applies in this test session, the default one when there is none. Raises ConfigError."""
    from ..config.environment import find_config
    from ..config.reading import DEFAULT_CONFIG, load_unchanged

    path = find_config(os.environ, root_folder())
    return DEFAULT_CONFIG if path is None else load_unchanged(path)


def open_library(base_path: str | os.PathLike[str] | None = None, trust: str | None = None) -> StoreReader:
    """The captures under `base_path` (see `base_folder`). `trust` defaults to the policy of the config.

    Files of the owner of pytest's rootdir are trusted like the user's own.
    """
    from ..config.environment import signing_keys, trust_policy
    from ..store import StoreReader

    keys = signing_keys(os.environ)
    policy = trust_policy(trust or config_in_force().trust, keys)
    return StoreReader(base_folder(base_path), keys=keys, trust=policy, owners=trusted_owners())


def library_for(target: str, base_path: str | os.PathLike[str] | None = None) -> StoreReader:
    """The captures to read the bundles of `target` from: those of `open_library`, or those below the working directory.

    The latter when no folder is named and the rootdir's has no bundles of the target: a test that changes to a folder
    of its own finds what it has captured there. Raises ConfigError.
    """
    library = open_library(base_path)
    if base_path is not None or _session.captures_dir is not None or os.path.isdir(library.folder(target)):
        return library
    from ..config.reading import default_base_path

    here = open_library(default_base_path(os.environ, os.getcwd()))
    return here if os.path.isdir(here.folder(target)) else library


def trusted_owners() -> tuple[int, ...]:
    """User ids that are trusted besides root and the current user."""
    return (os.stat(_session.root).st_uid,) if _session.root else ()
