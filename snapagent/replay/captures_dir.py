"""Where bundles are looked for: the caller's word decides, then pytest's, the environment, the config."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..core.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.reading import Config
    from ..store import StoreReader


class Anchor(Record):
    """What a test session says of places: its root folder, and the captures folder of its options, if any.

    pytest's plugin sets it for the time of its session: in tests, relative places are meant from the rootdir,
    whatever the working directory is.
    """

    root: str | None = None
    captures_dir: str | None = None


_anchor = Anchor()


def anchored(anchor: Anchor) -> Callable[[], None]:
    """Use `anchor` from now on; calling the result goes back."""
    global _anchor
    before, _anchor = _anchor, anchor

    def leave() -> None:
        global _anchor
        _anchor = before

    return leave


def root_folder() -> str:
    """pytest's rootdir in a test session, else the working directory."""
    return _anchor.root or os.getcwd()


def base_folder(base_path: str | os.PathLike[str] | None = None) -> str:
    """The absolute folder of captures that is meant.

    Given, it is that one, else the session's option decides, then the environment, the config, and `captures`. A
    relative one is meant below the rootdir, unless it is only there below the working directory.
    Raises ConfigError when a config would decide and cannot be read.
    """
    from ..config.reading import default_base_path

    root = root_folder()
    given = _anchor.captures_dir if base_path is None else os.fspath(base_path)
    if given is None:
        return default_base_path(os.environ, root)
    given = os.path.expanduser(given)
    below_root = os.path.join(root, given)
    return os.path.abspath(below_root if os.path.isdir(below_root) or not os.path.isdir(given) else given)


def config_in_force() -> Config:
    """The YAML that a test session sees, the default one when there is none. Raises ConfigError."""
    from ..config.environment import find_config
    from ..config.reading import DEFAULT_CONFIG, load_unchanged

    path = find_config(os.environ, root_folder())
    return DEFAULT_CONFIG if path is None else load_unchanged(path)


def open_library(base_path: str | os.PathLike[str] | None = None, trust: str | None = None) -> StoreReader:
    """The captures under `base_path` (see `base_folder`), to be read under a trust policy: the config's when not given.

    Files of the owner of pytest's rootdir are trusted like one's own.
    """
    from ..config.environment import signing_keys
    from ..store import StoreReader

    keys = signing_keys(os.environ)
    policy = trust or config_in_force().trust or ("signed" if keys else "owner")
    return StoreReader(base_folder(base_path), keys=keys, trust=policy, owners=owners())


def library_with(target: str, base_path: str | os.PathLike[str] | None = None) -> StoreReader:
    """The captures that the bundles of `target` are read from: those of `open_library`, or their like below the cwd.

    The latter when nobody names a folder and the rootdir's has none of them: a test that works in a folder of its own
    finds there what it captured there. Raises ConfigError.
    """
    library = open_library(base_path)
    if base_path is not None or _anchor.captures_dir is not None or os.path.isdir(library.folder(target)):
        return library
    from ..config.reading import default_base_path

    here = open_library(default_base_path(os.environ, os.getcwd()))
    return here if os.path.isdir(here.folder(target)) else library


def owners() -> tuple[int, ...]:
    """User ids that are trusted besides mine and root's."""
    return (os.stat(_anchor.root).st_uid,) if _anchor.root else ()
