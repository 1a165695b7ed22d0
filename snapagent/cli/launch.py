"""Start capture in an unchanged program: the environment of `snapagent run`, the `.pth` file of `enable`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..config.environment import CONFIG, ENABLED, ENABLED_ALIAS, is_enabled
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


def environment_for(environ: Mapping[str, str], *, config: str | None = None, on: bool = False) -> dict[str, str]:
    """The environment for a program and its children: they capture when the variable is set; `on` sets it.

    `config` becomes absolute, because the program may change its working directory.
    """
    changed = dict(environ)
    entries = [entry for entry in environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    folder = bootstrap_folder()
    changed["PYTHONPATH"] = os.pathsep.join([folder, *(entry for entry in entries if entry != folder)])
    if config is not None:
        changed[CONFIG] = os.path.abspath(os.path.expanduser(config))
    if on and not is_enabled(environ):
        changed[ENABLED] = "1"
    return changed


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
