"""A child process of `new-test --inline`: writes bundles as plain tests with literal values, and runs each of them.

The protocol is that of `workers/replay`; an answer has the test under `inline`.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import snapagent
from snapagent.bundle import ASYNC_GENERATOR, CLASSMETHOD, COMPLETE, COROUTINE, GENERATOR, METHOD, SETTINGS_MODULE
from snapagent.compare.outcomes import EQUAL
from snapagent.config.settings import DJANGO

from ..source.inline_test import BY_REPR, BY_STATE, InlineTest, file_source
from ..source.inline_test import EQUAL as BY_EQUALITY
from ..source.layout import Pieces, call, name
from .children import as_answer, serve
from .literals.literal import literal
from .literals.writer import NoLiteral, evaluated, importable, name_of

_RUNS = 2


def written(task: Mapping[str, str], rules: Mapping[str, Any]) -> dict[str, Any]:
    """The test of one bundle, or the value that cannot be written."""
    began = perf_counter()
    try:
        test = _test_of(task, rules["setup"])
        for _ in range(_RUNS):
            _run(test.replace(setup=""))  # this process is prepared
    except NoLiteral as problem:
        return as_answer(f"`{problem.path}`: {problem.reason}", began)
    except snapagent.SnapagentError as error:
        return as_answer(str(error), began)
    except Exception as error:
        return as_answer(f"{type(error).__name__}: {error}", began)
    return {**as_answer("", began, EQUAL), "inline": test.as_dict()}


def _test_of(task: Mapping[str, str], setup: str | None) -> InlineTest:
    bundle = snapagent.load_capture(task["target"], hash=task["name"], base_path=task["base_path"])
    bundle.prepare(setup)
    header = bundle.header
    if header.flavor == ASYNC_GENERATOR or header.ended != COMPLETE:
        raise NoLiteral("result", f"the call is one of an asynchronous generator, or was {header.ended}")
    redacted = next((note.path for note in header.notes if note.kind == "redacted"), None)
    if redacted is not None:
        raise NoLiteral(redacted, "it was redacted")
    instance, called = _call(bundle)
    setup, settings = _prepared_by(setup)
    test = InlineTest(
        bundle.target,
        bundle.hash,
        called,
        instance,
        is_async=header.flavor == COROUTINE,
        setup=setup,
        settings=settings,
    )
    if header.flavor == GENERATOR:
        test = test.replace(call=call(["list"], [called]))
    return _raising(test, bundle) if bundle.outcome == "raised" else _returning(test, bundle)


def _prepared_by(setup: str | None) -> tuple[str, str]:
    """What has prepared this process, and the settings module of Django, which also comes by itself."""
    apps = getattr(sys.modules.get("django.apps"), "apps", None)
    is_django = setup == DJANGO or (setup is None and getattr(apps, "ready", False))
    return (DJANGO, os.environ.get(SETTINGS_MODULE, "")) if is_django else (setup or "", "")


def _call(bundle: Any) -> tuple[Pieces | None, Pieces]:
    """The instance of a method, and the call."""
    module, _, qualname = bundle.target.partition(":")
    if "<" in qualname:
        raise NoLiteral(qualname, "it is defined inside a function")
    items = [literal(value, f"args[{index}]") for index, value in enumerate(bundle.args)]
    for key, value in bundle.kwargs.items():
        pieces = literal(value, key)
        items.append([f"{key}=", *pieces] if key.isidentifier() else ["**", *literal({key: value}, key)])
    kind, method = bundle.header.kind, qualname.rpartition(".")[2]
    if kind == CLASSMETHOD:
        return None, call([*name_of(bundle.instance, "self"), f".{method}"], items)
    if kind != METHOD:
        importable(module, qualname)
        return None, call([name(module, qualname)], items)
    instance = literal(bundle.instance, "self")
    raw = inspect.getattr_static(type(bundle.instance), method, None)
    is_attribute = not callable(raw) and not isinstance(raw, (staticmethod, classmethod))
    return instance, [f"instance.{method}"] if is_attribute else call([f"instance.{method}"], items)


def _returning(test: InlineTest, bundle: Any) -> InlineTest:
    pieces = literal(bundle.result, "result")
    return test.replace(expected=pieces, compared=_comparison(evaluated(pieces), evaluated(pieces)))


def _comparison(one: Any, other: Any) -> str:
    """How two equal values are found to be equal. Raises NoLiteral when no plain way does."""
    try:
        if bool(one == other):
            return BY_EQUALITY
        if repr(one) == repr(other) and "object at 0x" not in repr(one):
            return BY_REPR
        if type(one) is type(other) and bool(vars(one) == vars(other)):
            return BY_STATE
    except Exception:
        pass  # an array, for instance, whose `==` gives no bool
    raise NoLiteral("result", f"a {type(one).__qualname__} does not equal another one with the same values")


def _raising(test: InlineTest, bundle: Any) -> InlineTest:
    error = bundle.exception
    test = test.replace(raises=name_of(type(error), "exception"))
    try:
        args = literal(error.args, "exception.args")
        return test.replace(args=args) if evaluated(args) == error.args else test
    except NoLiteral:
        return test  # the type alone is compared


def _run(test: InlineTest) -> None:
    """Run the test as pytest would. Raises NoLiteral when it fails."""
    variables: dict[str, Any] = {"__name__": "test_inline"}
    exec(compile(file_source([("test_it", test)], "A test."), "<test>", "exec"), variables)
    try:
        variables["test_it"]()
    except BaseException as error:
        why = "it differs in a plain call" if isinstance(error, AssertionError) else f"a plain call raises {error!r}"
        raise NoLiteral("result", why) from None


if __name__ == "__main__":
    serve(written)
