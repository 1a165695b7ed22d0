"""Calls of one function are sealed side by side: each as if it were alone, at its own cost."""

from __future__ import annotations

import gc
import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from capturing import Program
from storing import TARGET, seal

from snapagent.bundle import encode
from snapagent.capture.writing import seal_call
from snapagent.capture.writing.seal_call import CallSealer
from snapagent.config.settings import Settings
from snapagent.core.signature import Parameters
from snapagent.sealing import forms
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome
from snapagent.serializer.inert.stand_ins import InertError
from snapagent.store import Counts, Store

RULES = FreezeRules()


def quote(order: Any) -> Any:
    return order


PARAMETERS = Parameters.of(quote)
RECORDER = SimpleNamespace(defaults=lambda: None, kind="function", flavor="plain", parameters=lambda: PARAMETERS)


def pending(value: Any) -> Any:
    """A call as the recorder hands it over."""
    call, outcome = freeze_call(None, (value,), {}, PARAMETERS, RULES), freeze_outcome(value, False, RULES)
    return SimpleNamespace(
        recorder=RECORDER,
        target=TARGET,
        settings=Settings(),
        call=call,
        outcome=outcome,
        frozen_call=call.data,
        frozen_outcome=outcome.data,
        raised=False,
        exception=None,
        ended="complete",
        started=1.0,
        duration=0.0,
        sealed=0.0,
    )


def broken(value: Any) -> Any:
    call = pending(value)
    call.call = SimpleNamespace(**{name: getattr(call.call, name) for name in ("notes", "by_value", "packages")})
    call.call.data = call.frozen_call = b"not a pickle"
    return call


def files(results: Any) -> list[bytes]:
    """The bytes of the bundles' files."""
    return [encode(*result) for result in results]


VALUES = [1, {"a": [1, 2]}, {"password": "hunter2-hunter2-A1b2"}, [b"bytes"], {"a": [3, 4]}, {"a": [5, 6]}, "x" * 3000]


@pytest.fixture
def sealer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CallSealer:
    monkeypatch.setattr(forms, "_MEETINGS", 2)
    monkeypatch.setattr(seal_call, "_FEW", 0)
    return CallSealer(str(tmp_path / "captures"), [])


def test_each_is_sealed_as_if_it_were_alone(sealer: CallSealer) -> None:
    alone = [files(sealer([pending(value)]))[0] for value in VALUES]

    for _ in range(3):  # some are of a known form from the second time on
        assert files(sealer([pending(value) for value in VALUES])) == alone


def test_a_secret_of_one_call_is_redacted_in_calls_of_a_known_form_after_it(sealer: CallSealer) -> None:
    secret = "hunter2-hunter2-A1b2"
    noted = [pending({"id": 1, "note": note}) for note in ("a", "b", secret, secret)]
    gives_away = pending({"id": 1, "password": secret})

    first, second, before, _, after = files(sealer([*noted[:3], gives_away, noted[3]]))

    assert secret.encode() in before  # nobody knew
    assert secret.encode() not in after
    assert len(first) == len(second)


def test_a_secret_of_the_environment_is_redacted_in_calls_of_a_known_form(
    sealer: CallSealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter2-hunter2-A1b2"
    calls = [pending({"id": 1, "note": note}) for note in ("a", "b", "c", secret, "d")]

    assert secret.encode() in b"".join(files(sealer(calls)))
    monkeypatch.setenv("DB_PASSWORD", secret)
    assert secret.encode() not in b"".join(files(sealer(calls)))


def test_one_that_fails_does_not_touch_the_others(sealer: CallSealer) -> None:
    alone = [files(sealer([pending(value)]))[0] for value in VALUES]

    *found, error = sealer([*map(pending, VALUES), broken(1)])
    first, second, *rest = sealer([broken(1), broken(2), *map(pending, VALUES)])

    assert files(found) == files(rest) == alone
    assert all(isinstance(failed, InertError) for failed in (error, first, second))


def test_one_that_fails_is_freed_at_once(sealer: CallSealer) -> None:
    gc.disable()
    try:
        before = sum(type(found) is InertError for found in gc.get_objects())
        for _ in range(3):
            sealer([pending(1), broken(1)])
        assert sum(type(found) is InertError for found in gc.get_objects()) == before
    finally:
        gc.enable()


def test_their_processor_time_is_accounted_to_them_by_the_time_that_each_took(
    sealer: CallSealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [pending(1), pending(list(range(20_000))), broken(1), pending(2)]
    times = iter([10.0, 14.0])
    monkeypatch.setattr(seal_call, "thread_time", lambda: next(times))

    sealer(calls)

    assert sum(call.sealed for call in calls) == pytest.approx(4.0)
    assert all(call.sealed > 0.0 for call in calls)
    assert calls[1].sealed > 10 * calls[3].sealed


def test_those_that_fail_are_counted_and_the_others_stored(tmp_path: Path) -> None:
    base, failing = str(tmp_path / "captures"), {7, 8, 20}

    def sealing(call: Any) -> Any:
        if call.value in failing:
            raise ValueError(call.value)
        return seal(call)

    program = Program(base, Settings(keep=math.inf), sealing=sealing)
    for number in range(40):
        program.call(number)
    program.writer.flush(10)

    index = Store(base).index(TARGET)
    assert index.counts == Counts(40, 37, {}, {"internal_error": 3}) and index.stored == 37
    program.writer.close()


@pytest.mark.parametrize(("keep", "most"), [(math.inf, 16), (2, 1)])
def test_more_are_sealed_side_by_side_as_long_as_that_is_quick(tmp_path: Path, keep: float, most: int) -> None:
    """With a finite `keep` it depends on each call that is written whether the next one is."""
    program = Program(str(tmp_path / "captures"), Settings(keep=keep))
    function = program.writer._rounds.storer._watched[str(TARGET)]
    numbers = [function.side_by_side]

    for seconds in (0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0007, 0.002, 0.002, 0.0007, 0.0001):
        function.took(seconds)
        numbers.append(function.side_by_side)

    assert numbers == [min(number, most) for number in (1, 2, 4, 8, 16, 16, 16, 8, 4, 4, 8)]
    program.writer.close()


def test_slow_calls_are_sealed_one_by_one(tmp_path: Path) -> None:
    """Between two steps of its work the writer lets the program's threads run."""
    together: list[int] = []

    def sealing(calls: Any) -> list[Any]:
        together.append(len(calls))
        time.sleep(0.003)
        return list(map(seal, calls))

    program = Program(str(tmp_path / "captures"), Settings(keep=math.inf))
    program.writer._rounds.storer._seal = sealing
    for number in range(10):
        program.call(number)
    program.writer.flush(10)

    assert together == [1] * 10
    program.writer.close()
