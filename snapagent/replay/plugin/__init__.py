"""The pytest plugin: the marker `captures`, the fixtures `bundle` and `side_effects`, options. PYTEST_DONT_REWRITE

Every pytest run imports this module, also in projects that do not use snapagent, so everything else is imported when a
test needs it. pytest and python-dotenv are imported in this folder only.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..bundle import Bundle
    from ..side_effects.session import SideEffects
    from .cases import NoBundle

MARKER = "captures"
MARKER_LINE = (
    "captures(target, outcome=None, hash=None, limit=None, base_path=None, facsimiles=None): run the test once for "
    "each captured call of the target, given as the fixture `bundle` (snapagent)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("snapagent", "captured calls as tests")
    group.addoption("--captures-dir", metavar="DIR", help="folder of captures, relative to the rootdir")
    group.addoption("--captures-strict", action="store_true", help="fail tests that leave recorded side effects unused")
    group.addoption(
        "--captures-accept", action="store_true", help="put today's outcomes in place of the stored ones that differ"
    )
    parser.addini("captures_dir", "folder of captures, relative to the rootdir")
    parser.addini("captures_missing", "outcome of a test without bundles: fail, skip or xfail", default="fail")
    parser.addini(
        "captures_incomparable",
        "outcome of a test whose bundle cannot be compared, because it lacks an argument: fail, skip or xfail",
        default="fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER_LINE)
    from ..captures_dir import SessionFolders, use_session_folders

    folder = config.getoption("captures_dir") or config.getini("captures_dir") or None
    config.add_cleanup(use_session_folders(SessionFolders(str(config.rootpath), folder)))
    if config.getoption("captures_accept"):
        from ..accept_mode import accept_changes

        config.add_cleanup(accept_changes())
    from .program import find_packages

    find_packages()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(MARKER) is not None:
        from .cases import parametrize

        parametrize(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    if item.get_closest_marker(MARKER) is not None:
        from .cases import fail_without_bundle

        fail_without_bundle(item)
    try:
        if "snapagent.replay.bundle" not in sys.modules:
            return (yield)
        from .overlay import overlaid

        with overlaid(item):
            return (yield)
    except Exception as error:
        if "snapagent.replay.bundle" in sys.modules:
            from .cases import end_if_incomparable

            end_if_incomparable(item, error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.excinfo is not None and "snapagent.replay.bundle" in sys.modules:
        from .program import shorten

        shorten(report, call.excinfo.value)
    if item.config.getoption("captures_accept"):
        from ..accept_mode import take_accepted
        from .summary import ACCEPTED

        setattr(report, ACCEPTED, take_accepted())
    if "snapagent.replay.bundle" in sys.modules:
        from ..path_use import take_use
        from .summary import PATHS

        setattr(report, PATHS, take_use())
    if "side_effects" in getattr(item, "fixturenames", ()) or f"{__name__}.overlay" in sys.modules:
        from .side_effect_fixture import record_phase

        record_phase(item, call, report)
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    outcomes = sys.modules.get("snapagent.compare.outcomes")
    if op != "==" or outcomes is None:
        return None
    return outcomes.explain_unequal(left, right)  # type: ignore[no-any-return]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from .summary import print_summary

    print_summary(terminalreporter)


@pytest.fixture
def bundle(request: pytest.FixtureRequest) -> Bundle | NoBundle:
    """One captured call of the function that the marker `captures` names."""
    from .cases import Case, bundle_of

    case = getattr(request, "param", None)
    if not isinstance(case, Case):
        pytest.fail("the fixture 'bundle' needs the marker: @pytest.mark.captures('module.function')", pytrace=False)
    return bundle_of(case, request.config)


@pytest.fixture
def side_effects(request: pytest.FixtureRequest) -> Iterator[SideEffects]:
    """Serves recorded side effects, and records new ones where allowed; see `wrap`, `patch` and `assert_calls`."""
    from .side_effect_fixture import close_session, open_session

    session = open_session(request)
    try:
        yield session
    finally:
        session.undo()
    close_session(request.node, session)
