"""Reads the environment variables of snapagent. Imports only `os`, so that a process with capture off pays nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..bundle import SigningKey

ENABLED = "SNAPAGENT_CAPTURE_ENABLED"
ENABLED_ALIAS = "SNAPY_CAPTURE_ENABLED"
CONFIG = "SNAPAGENT_CONFIG"
CAPTURE_DIR = "SNAPAGENT_CAPTURE_DIR"
WATCH = "SNAPAGENT_WATCH"  # set by `init --watch` for the program: the folder of the reports
SIDE_EFFECTS = "SIDE_EFFECT_CAPTURE"
REVISION = "SNAPAGENT_REVISION"
KEY = "SNAPAGENT_KEY"
KEY_FILE = "SNAPAGENT_KEY_FILE"

CONFIG_NAMES = ("snapagent.yaml", os.path.join("config", "snapagent.yaml"))

PYPROJECT = "pyproject.toml"

# Where deploys and CI services say which revision runs, the more particular ones first.
REVISIONS = (
    *(REVISION, "GIT_COMMIT", "GIT_SHA", "COMMIT_SHA", "SOURCE_VERSION", "HEROKU_SLUG_COMMIT", "K_REVISION"),
    *("RENDER_GIT_COMMIT", "RAILWAY_GIT_COMMIT_SHA", "VERCEL_GIT_COMMIT_SHA", "SENTRY_RELEASE", "DD_VERSION"),
    *("HEROKU_BUILD_COMMIT", "KOYEB_GIT_SHA", "CONTAINER_APP_REVISION", "GAE_VERSION"),
    *("GITHUB_SHA", "CI_COMMIT_SHA", "CIRCLE_SHA1", "BUILDKITE_COMMIT", "BITBUCKET_COMMIT", "TRAVIS_COMMIT"),
    *("BUILD_SOURCEVERSION", "CODEBUILD_RESOLVED_SOURCE_VERSION", "DRONE_COMMIT_SHA"),
)
_LONGEST_REVISION = 200  # characters
_TRUE = frozenset({"1", "true", "yes", "on"})
_MAX_KEY_FILE = 64 * 1024  # bytes
_MAX_PYPROJECT = 1_000_000  # bytes


def is_true(text: str | None) -> bool:
    """`1`, `true`, `yes`, `on` in any case; anything else, and nothing at all, is false."""
    return text is not None and text.strip().lower() in _TRUE


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether capture is switched on. The alias counts only where the variable itself is unset or empty."""
    return is_true(environ.get(ENABLED) or environ.get(ENABLED_ALIAS))


def revision(environ: Mapping[str, str]) -> str:
    """The revision of the program, from `SNAPAGENT_REVISION` or the usual variables of deploys; empty without one."""
    found = next((environ[name] for name in REVISIONS if environ.get(name, "").strip()), "")
    return found.strip()[:_LONGEST_REVISION]


def find_config(environ: Mapping[str, str], cwd: str) -> str | None:
    """The absolute path of the configuration: the variable's (there or not), else the first default that exists.

    The defaults are two YAML files and a pyproject.toml with a table `tool.snapagent`.
    """
    named = environ.get(CONFIG)
    if named:
        return os.path.abspath(os.path.join(cwd, os.path.expanduser(named)))
    for name in CONFIG_NAMES:
        path = os.path.join(cwd, name)
        if os.path.isfile(path):
            return os.path.abspath(path)
    path = os.path.join(cwd, PYPROJECT)
    return os.path.abspath(path) if _has_table(path) else None


def _has_table(path: str) -> bool:
    """Whether a TOML file mentions the table; reading it tells whether it is well-formed."""
    try:
        return b"[tool.snapagent" in read_regular(path, _MAX_PYPROJECT)
    except (OSError, ValueError):
        return False


def signing_keys(environ: Mapping[str, str]) -> tuple[SigningKey, ...]:
    """The keys of `SNAPAGENT_KEY` (comma list), then of `SNAPAGENT_KEY_FILE` (one a line, `#` comments).

    The first one signs, all of them verify. Raises ConfigError when the file cannot be used: a missing key must never
    silently turn into unsigned bundles.
    """
    named = environ.get(KEY, "")
    path = environ.get(KEY_FILE, "")
    if not named and not path:
        return ()
    from ..bundle import SigningKey

    secrets = [part.strip() for part in named.encode("utf-8", "surrogateescape").split(b",")]
    if path:
        lines = [line.strip() for line in _read_key_file(os.path.expanduser(path)).split(b"\n")]
        secrets += [line for line in lines if not line.startswith(b"#")]
    return tuple(SigningKey(secret) for secret in dict.fromkeys(secrets) if secret)


def trust_policy(configured: str | None, keys: Sequence[SigningKey]) -> str:
    """What may be loaded: as configured, else `signed` where a key is set, and `owner` where none is."""
    return configured or ("signed" if keys else "owner")


def _read_key_file(path: str) -> bytes:
    from ..errors import ConfigError

    def refused(problem: str) -> ConfigError:
        return ConfigError(problem, path, None, KEY_FILE)

    def check(status: os.stat_result) -> None:
        if status.st_mode & 0o077:
            raise refused(f"the key file is open to others (mode {status.st_mode & 0o777:04o}); run 'chmod 600 {path}'")
        if status.st_uid not in (os.geteuid(), 0):
            raise refused(f"the key file belongs to another user (uid {status.st_uid})")

    try:
        text = read_regular(path, _MAX_KEY_FILE, check)
    except (OSError, ValueError) as error:
        raise refused(f"the key file cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(text) > _MAX_KEY_FILE:
        raise refused(f"the key file is larger than {_MAX_KEY_FILE} bytes")
    if not any(line.strip() and not line.strip().startswith(b"#") for line in text.split(b"\n")):
        raise refused("the key file holds no key; 'snapagent keygen' makes one")
    return text


def read_regular(path: str, limit: int, check: Callable[[os.stat_result], object] | None = None) -> bytes:
    """At most `limit` + 1 bytes of a regular file; `check` may refuse what it is before any byte is read.

    Raises OSError, and ValueError for anything but a regular file.
    """
    # Not blocking: opening a FIFO that was put there must not hang the program that starts.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o170000 != 0o100000:  # S_IFMT, S_IFREG
            raise ValueError("it is not a regular file")
        if check is not None:
            check(status)
        data = b""
        while len(data) <= limit and (more := os.read(descriptor, limit + 1 - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)
