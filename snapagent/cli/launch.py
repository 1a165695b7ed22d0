"""Start capture in an unchanged program: the environment of `snapagent run`, the `.pth` file of `enable`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from ..config.environment import CAPTURE_DIR, CONFIG, ENABLED, ENABLED_ALIAS, is_enabled
from .writing import replaced

# Sorts after `__editable__*.pth`: packages installed as editable can be imported when this file runs.
PTH_NAME = "snapagent-capture.pth"

TRUE_WORDS = ("1", "true", "yes", "on")

_PTH = """\
import os; (os.environ.get({enabled!r}) or os.environ.get({alias!r}) or '').strip().lower() in {true!r} \
and exec({code!r})
"""
_START = """\
try:
    from snapagent.capture.activation import install
    install()
except (Exception, SystemExit) as error:
    import sys
    sys.stderr.write('snapagent: capture stays off: %r\\n' % (error,))
"""


def bootstrap_folder() -> str:
    """The folder that `snapagent run` puts first on PYTHONPATH."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "capture", "bootstrap")


def environment_for(
    environ: Mapping[str, str], *, config: str | None = None, captures_dir: str | None = None, on: bool = False
) -> dict[str, str]:
    """The environment for a program and its children: they capture when the variable is set; `on` sets it.

    `config`, and the folder of the captures that it or `captures_dir` names, become absolute: the program may change
    its working directory.
    """
    changed = dict(environ)
    entries = [entry for entry in environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    folder = bootstrap_folder()
    changed["PYTHONPATH"] = os.pathsep.join([folder, *(entry for entry in entries if entry != folder)])
    if config is not None:
        changed[CONFIG] = os.path.abspath(os.path.expanduser(config))
    folder_of_captures = _captures_folder(environ, config, captures_dir)
    if folder_of_captures is not None:
        changed[CAPTURE_DIR] = folder_of_captures
    if on and not is_enabled(environ):
        changed[ENABLED] = "1"
    return changed


def _captures_folder(environ: Mapping[str, str], config: str | None, captures_dir: str | None) -> str | None:
    """The absolute folder; None when nothing here names one, so that the program finds its own configuration."""
    from ..config.reading import DEFAULT_CONFIG, load_config, resolve_capture_dir
    from ..errors import ConfigError

    if captures_dir is not None:
        return os.path.abspath(os.path.expanduser(captures_dir))
    if environ.get(CAPTURE_DIR):
        return resolve_capture_dir(DEFAULT_CONFIG, environ, os.getcwd())
    if config is None:
        return None
    try:
        return resolve_capture_dir(load_config(config), environ, os.getcwd())
    except ConfigError:  # the program logs it when it reads the file
        return None


def unreachable_because(command: Sequence[str]) -> str | None:
    """Why capture cannot get into a command, as far as its words tell: an interpreter told to ignore PYTHONPATH.

    An environment that `enable` has prepared captures without PYTHONPATH.
    """
    if not _PYTHON.fullmatch(os.path.basename(command[0])):
        return None
    words = iter(command[1:])
    for word in words:
        if word in ("-W", "-X", "--check-hash-based-pycs"):  # they take the next word
            next(words, None)
            continue
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return None
        for letter in word[1:]:
            if letter == "S" or (letter in "IE" and not os.path.exists(pth_path())):
                return f"python -{letter} ignores {_IGNORED[letter]}"
            if letter in "cmWX":  # the rest of the word belongs to it
                break
        if word[1] in "cm" or word[-1] in "cm":
            return None
    return None


_PYTHON = re.compile(r"(python|pypy)[0-9.]*t?(\.exe)?")
_IGNORED = {"I": "PYTHONPATH", "E": "PYTHONPATH", "S": "sitecustomize"}


def pth_text() -> str:
    """The one line of the file. With capture off it costs two look-ups in the environment and imports nothing."""
    return _PTH.format(enabled=ENABLED, alias=ENABLED_ALIAS, true=TRUE_WORDS, code=_START)


def pth_path() -> str:
    """The file that `enable` writes, in site-packages of the current environment."""
    import sysconfig

    return os.path.join(sysconfig.get_paths()["purelib"], PTH_NAME)


def write_pth() -> str:
    """Enable the current environment and return the path of the file. Raises OSError."""
    path = pth_path()
    with replaced(path) as file:
        file.write(pth_text())
    return path


def remove_pth() -> str | None:
    """Disable the current environment and return the path removed, None if there was none. Raises OSError."""
    path = pth_path()
    try:
        os.unlink(path)
    except FileNotFoundError:
        return None
    return path
