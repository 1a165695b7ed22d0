"""The default values of functions, as the interpreter assigns them to parameters."""

from __future__ import annotations

from snapagent.core.signature import defaults_of


def test_the_last_defaults_belong_to_the_last_parameters() -> None:
    def call(a: object, b: object = 1, c: object = 2, *, d: object = 3) -> object:
        return a, b, c, d

    assert defaults_of(call) == {"b": 1, "c": 2, "d": 3}


def test_of_more_defaults_than_parameters_the_last_ones_count() -> None:
    def call(a: object, b: object) -> tuple[object, object]:
        return a, b

    call.__defaults__ = (1, 2, 3)

    assert call() == (2, 3)  # type: ignore[call-arg]
    assert defaults_of(call) == {"a": 2, "b": 3}
