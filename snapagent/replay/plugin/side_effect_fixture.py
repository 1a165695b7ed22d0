"""The fixture `side_effects` in pytest's terms: which test it is, whether it passed, and what its end means."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import SnapagentError
from ...store import StoreReader
from ..asked import settings_for
from ..bundle import Bundle
from ..captures_dir import open_library
from ..side_effects.layout import TestPlace
from ..side_effects.mode import Mode
from ..side_effects.session import Ended, SideEffects
from .cases import Case
from .summary import UNUSED, WRITTEN
from .switch import mode_of

_passed = pytest.StashKey[bool]()
_said_so = pytest.StashKey[bool]()
_ended = pytest.StashKey[Ended]()
_library = pytest.StashKey[tuple[StoreReader, Mode]]()


def begin(request: pytest.FixtureRequest) -> SideEffects:
    """A session for the test that asks."""
    config = request.config
    known = config.stash.get(_library, None)
    if known is None:
        known = config.stash[_library] = (open_library(trust="owner"), mode_of(config))
    library, mode = known
    return SideEffects(_place(request, library.base_path), library, mode, settings_for)


def _place(request: pytest.FixtureRequest, base_path: str) -> TestPlace:
    item = request.node
    bundle = request.getfixturevalue("bundle") if "bundle" in request.fixturenames else None
    file = item.path.with_suffix("")
    root = request.config.rootpath
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


def note_phase(item: pytest.Item, call: pytest.CallInfo[None], report: Any) -> None:
    """Remember how the test itself went; tell the terminal's process what its end found."""
    if call.when == "call":
        item.stash[_passed] = report.passed
        error = call.excinfo.value if call.excinfo is not None else None
        item.stash[_said_so] = isinstance(error, SnapagentError)
    elif call.when == "teardown":
        ended = item.stash.get(_ended, Ended())
        setattr(report, UNUSED, list(ended.unused))
        setattr(report, WRITTEN, len(ended.written))


def finish(item: pytest.Item, session: SideEffects) -> None:
    """Write what a passed test recorded; fail for a miss that the code under test swallowed, and for strictness."""
    try:
        ended = session.end(item.stash.get(_passed, False))
    except OSError as error:
        pytest.fail(f"side effects could not be recorded: {error}", pytrace=False)
    item.stash[_ended] = ended
    if ended.misses and not item.stash.get(_said_so, False):
        misses = "\n".join(str(miss) for miss in ended.misses)
        pytest.fail(
            f"the code under test went on after a side effect that could not be served:\n{misses}", pytrace=False
        )
    if ended.unused and item.config.getoption("captures_strict"):
        files = "\n".join(f"  {path}" for path in ended.unused)
        pytest.fail(f"recorded side effects were not used (--captures-strict):\n{files}", pytrace=False)
