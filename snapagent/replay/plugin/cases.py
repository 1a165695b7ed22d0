"""Turns the marker `captures` into one test for each bundle.

Collecting only reads headers. It unpickles nothing and imports no module of the program, so that coverage sees all of
it. An error becomes a failing test, since an error while collecting would stop the other tests too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import pytest

from ...core.records import Record
from ...core.short_hashes import case_ids
from ...errors import BundleNotFoundError, NotComparableError, PlaceholderError, SnapagentError, TargetNotFoundError
from ..bundle import Bundle
from ..load import captures_for

TAKES = ("outcome", "hash", "limit", "base_path", "facsimiles")
NONE = "no-bundle"
MODES = ("fail", "skip", "xfail")


class Case(Record):
    """One value of the fixture `bundle`: a bundle, or the error that explains why there is none."""

    id: str
    bundle: Bundle | None = None
    error: Exception | None = None


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Run the test once for each bundle. Without bundles it runs once, to report the reason."""
    marker = metafunc.definition.get_closest_marker("captures")
    if marker is None or "bundle" not in metafunc.fixturenames:
        return
    cases = _cases(marker.args, marker.kwargs)
    metafunc.parametrize("bundle", cases, indirect=True, ids=[case.id for case in cases])


def _cases(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Case]:
    given = {"target": args[0], **kwargs} if args else dict(kwargs)
    unknown = [name for name in given if name not in ("target", *TAKES)]
    if unknown or "target" not in given or len(args) > 1:
        wrong = f"not {', '.join(map(repr, unknown))}" if unknown else f"one target, not {len(args)}"
        return [Case(NONE, error=TypeError(f"the marker captures(target, {', '.join(TAKES)}) takes {wrong}"))]
    try:
        bundles = captures_for(**given)
    except (SnapagentError, OSError) as error:
        return [Case(NONE, error=error)]
    except Exception as error:  # an impossible value, which may raise anything
        return [Case(NONE, error=TypeError(f"the marker captures({_spelled(given)}): {error}"))]
    ids = case_ids((bundle.hash, bundle.outcome) for bundle in bundles)
    return [Case(id_, bundle) for id_, bundle in zip(ids, bundles, strict=True)]


def _spelled(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


class NoBundle:
    """The value of the fixture `bundle` when there is none. Any use of it, in other fixtures too, fails the test."""

    def __init__(self, reason: str) -> None:
        self.__dict__["reason"] = reason

    def __getattr__(self, name: str) -> NoReturn:
        pytest.fail(self.__dict__["reason"], pytrace=False)


def bundle_of(case: Case, config: pytest.Config) -> Bundle | NoBundle:
    """The bundle of a case. If there is none, `captures_missing` may skip or xfail the test."""
    error = case.error
    if case.bundle is not None:
        try:
            case.bundle.prepare()
            return case.bundle.read()
        except SnapagentError as found:
            error = found
    mode = config.getini("captures_missing")
    if mode not in MODES:
        return NoBundle(f"the ini option captures_missing is {mode!r}; it takes {', '.join(MODES)}")
    if isinstance(error, TargetNotFoundError | BundleNotFoundError) and mode != "fail":
        (pytest.skip if mode == "skip" else pytest.xfail)(str(error))
    return NoBundle(str(error))


def end_if_incomparable(item: pytest.Item, error: Exception) -> None:
    """Skip or xfail a test whose bundle cannot be compared, when `captures_incomparable` says so.

    An assertion of the test itself gets a note when its bundle lacks redacted arguments, which may be the cause. Fails
    the test for an impossible value of the option.
    """
    if isinstance(error, PlaceholderError):
        error.add_note("not comparable: the test needs a value that its bundle has only a placeholder for")
    elif not isinstance(error, NotComparableError):
        _note_redacted(getattr(item, "funcargs", {}).get("bundle"), error)
        return
    mode = item.config.getini("captures_incomparable")
    if mode not in MODES:
        said = f"the ini option captures_incomparable is {mode!r}; it takes {', '.join(MODES)}"
        pytest.fail(f"{said}\n{error}", pytrace=False)
    if mode != "fail":
        reason = str(error) if isinstance(error, NotComparableError) else f"not comparable: {error}"
        (pytest.skip if mode == "skip" else pytest.xfail)(reason)


def _note_redacted(bundle: object, error: Exception) -> None:
    if isinstance(error, AssertionError) and isinstance(bundle, Bundle):
        paths = [f"`{path}`" for path in bundle.redacted_arguments]
        if paths:
            error.add_note(f"{', '.join(paths)} of this bundle was redacted, which may be the cause")


def fail_without_bundle(item: pytest.Item) -> None:
    """Fail in the test's own phase, so that it counts as a failing test and not as an error of its set-up.

    The marker of a class or module concerns those of its tests that take the fixture; a test with a marker of its own
    must take it.
    """
    marked = any(marker.name == "captures" for marker in item.own_markers)
    if marked and "bundle" not in getattr(item, "fixturenames", ()):
        pytest.fail("a test with the marker 'captures' takes the fixture 'bundle'; this one does not", pytrace=False)
    given = getattr(item, "funcargs", {}).get("bundle")
    if isinstance(given, NoBundle):
        pytest.fail(given.__dict__["reason"], pytrace=False)
