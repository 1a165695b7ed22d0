"""Opens and closes the session behind the fixture `side_effects`: names the test, and judges how it ended.

Not called `side_effects`: as a submodule of that name it would replace the fixture in the plugin's namespace.
"""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import SnapagentError
from ...store import StoreReader
from ..bundle import Bundle
from ..captures_dir import open_library
from ..live_call import settings_for
from ..side_effects.layout import TestPlace
from ..side_effects.mode import Mode
from ..side_effects.session import SessionResult, SideEffects
from .cases import Case
from .summary import UNUSED, WRITTEN
from .switch import mode_of

_passed = pytest.StashKey[bool]()
_reported = pytest.StashKey[bool]()
_result = pytest.StashKey[SessionResult]()
_library = pytest.StashKey[tuple[StoreReader, Mode]]()


def open_session(request: pytest.FixtureRequest) -> SideEffects:
    """The session of the test that requests the fixture."""
    return session_of(request.node, request.getfixturevalue("bundle") if "bundle" in request.fixturenames else None)


def session_of(item: Any, bundle: object) -> SideEffects:
    """The session of a test, which replays `bundle` if that is one."""
    config = item.config
    known = config.stash.get(_library, None)
    if known is None:
        known = config.stash[_library] = (open_library(trust="owner"), mode_of(config))
    library, mode = known
    return SideEffects(_place(item, bundle, library.base_path), library, mode, settings_for)


def _place(item: Any, bundle: object, base_path: str) -> TestPlace:
    file = item.path.with_suffix("")
    root = item.config.rootpath
    relative = file.relative_to(root) if file.is_relative_to(root) else file.relative_to(file.anchor)
    name = bundle.name if isinstance(bundle, Bundle) else None
    return TestPlace(base_path, relative.as_posix(), _name(item), name)


def _name(item: Any) -> str:
    """`TestCart.test_add[EUR]`: the classes, the function, and the test's own parameter id."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    function = ".".join([*classes, getattr(item, "originalname", None) or item.name])
    own = _own_id(item)
    return f"{function}[{own}]" if own else function


def _own_id(item: Any) -> str:
    """The parameter id without the part that the marker `captures` made."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return ""
    case = callspec.params.get("bundle")
    whole = f"-{callspec.id}-"
    if isinstance(case, Case):
        whole = whole.replace(f"-{case.id}-", "-", 1)
    return whole.strip("-")


def record_phase(item: pytest.Item, call: pytest.CallInfo[None], report: Any) -> None:
    """Record whether the test passed, and put its result on the teardown report, which xdist sends to the terminal."""
    if call.when == "call":
        item.stash[_passed] = report.passed
        error = call.excinfo.value if call.excinfo is not None else None
        item.stash[_reported] = isinstance(error, SnapagentError)
    elif call.when == "teardown":
        result = item.stash.get(_result, SessionResult())
        setattr(report, UNUSED, list(result.unused))
        setattr(report, WRITTEN, len(result.written))


def note_end(item: pytest.Item, error: BaseException | None) -> None:
    """Record how the test itself ended, for a session that is closed before its report is made."""
    item.stash[_passed] = error is None
    item.stash[_reported] = isinstance(error, SnapagentError)


def close_session(item: pytest.Item, session: SideEffects) -> None:
    """Write what a passed test recorded. Fails for a miss that the code under test swallowed, and for strictness."""
    try:
        result = session.end(item.stash.get(_passed, False))
    except OSError as error:
        pytest.fail(f"side effects could not be recorded: {error}", pytrace=False)
    item.stash[_result] = result
    if result.misses and not item.stash.get(_reported, False):
        misses = "\n".join(str(miss) for miss in result.misses)
        pytest.fail(
            f"the code under test went on after a side effect that could not be served:\n{misses}", pytrace=False
        )
    if result.unused and item.config.getoption("captures_strict"):
        files = "\n".join(f"  {path}" for path in result.unused)
        pytest.fail(f"recorded side effects were not used (--captures-strict):\n{files}", pytrace=False)
