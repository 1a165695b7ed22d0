"""Methods are called without a bound method for each call, and behave as before in all else."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType

import pytest

from snapagent.capture.instrument.method_flag import bind_as_functions, call_without_binding
from snapagent.capture.instrument.wrapper import SnapWrapper

_METHOD_DESCRIPTOR = 1 << 17


class Bound:
    """A descriptor as the wrapper is one; tells how it was reached."""

    def __init__(self) -> None:
        self.bindings = 0

    def __get__(self, instance: object, owner: type | None = None) -> object:
        self.bindings += 1
        return self if instance is None else MethodType(self, instance)

    def __call__(self, instance: object, number: int) -> tuple[object, int]:
        return instance, number


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="other interpreters have no such flag")
def test_the_wrapper_is_called_as_a_function_is() -> None:
    assert SnapWrapper.__flags__ & FunctionType.__flags__ & _METHOD_DESCRIPTOR


def test_a_call_makes_no_bound_method_and_means_the_same() -> None:
    class Flagged(Bound):
        pass

    assert call_without_binding(Flagged)

    class Base:
        method = Flagged()

    class Derived(Base):
        def through_super(self) -> object:
            return super().method(3)

    derived = Derived()
    descriptor = vars(Base)["method"]
    called = derived.method(1)  # not inside an assert, which pytest takes apart
    assert called == (derived, 1)
    assert descriptor.bindings == 0
    assert derived.through_super() == (derived, 3)
    taken = derived.method
    assert type(taken) is MethodType and taken(2) == (derived, 2)
    vars(derived)["method"] = len
    assert derived.method("four") == 4


def test_other_classes_keep_their_flags() -> None:
    class Flagged(Bound):
        pass

    call_without_binding(Flagged)
    assert not Bound.__flags__ & _METHOD_DESCRIPTOR
    assert Flagged.__flags__ & _METHOD_DESCRIPTOR


def test_the_environment_switches_the_flag_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPAGENT_METHOD_FLAG", "0")

    class Flagged(Bound):
        pass

    assert not call_without_binding(Flagged)
    assert not Flagged.__flags__ & _METHOD_DESCRIPTOR


def test_a_class_that_binds_as_functions_do_runs_no_code_for_it_and_means_the_same() -> None:
    class Quick(Bound):
        def __get__(self, instance: object, owner: type | None = None) -> object:
            return super().__get__(instance, owner)

    assert bind_as_functions(Quick)

    class Base:
        method = Quick()
        of_class = classmethod(Quick())  # type: ignore[arg-type]

    class Derived(Base):
        def through_super(self) -> object:
            return super().method(3)

    derived, descriptor = Derived(), vars(Base)["method"]
    assert derived.through_super() == (derived, 3)
    assert derived.of_class(4) == (Derived, 4) == Derived.of_class(4)
    taken = derived.method
    assert type(taken) is MethodType and taken.__func__ is descriptor and taken.__self__ is derived
    assert Base.method is descriptor
    assert descriptor.bindings == 0
    assert descriptor.__get__(derived)(5) == (derived, 5) and descriptor.bindings == 1
    assert Bound().__get__(None) is not None  # other classes bind as before


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="other interpreters have no such slot")
def test_the_wrapper_binds_as_functions_do() -> None:
    wrapper = SnapWrapper(staticmethod(print), print)
    bound = wrapper.__get__(3)
    assert type(bound) is MethodType and bound.__func__ is wrapper

    class Holder:
        method = wrapper

    holder = Holder()
    taken = holder.method
    assert type(taken) is MethodType and taken.__func__ is wrapper and taken.__self__ is holder
    assert Holder.method is wrapper


def test_the_environment_switches_quick_binding_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPAGENT_METHOD_FLAG", "0")

    class Quick(Bound):
        def __get__(self, instance: object, owner: type | None = None) -> object:
            return super().__get__(instance, owner)

    assert not bind_as_functions(Quick)
    descriptor = Quick()
    Holder = type("Holder", (), {"method": descriptor})
    assert Holder.method is descriptor and descriptor.bindings == 1
