"""What a bundle gives back, and calling it again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from bundles import Shop

from snapagent import Bundle, NotReplayableError, OutcomeError, PlaceholderError, load_capture
from snapagent.compare.outcomes import Raised

QUOTE = "till_program:quote"


def loaded(shop: Shop, target: str, **options: Any) -> Bundle:
    return load_capture(target, base_path=shop.base_path, **options)


def test_a_bundle_tells_what_was_called_and_how_it_ended(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2], vat=7)
    bundle = loaded(shop, QUOTE)
    assert bundle.args == ([1, 2],)
    assert bundle.kwargs == {"vat": 7}
    assert bundle.instance is None
    assert bundle.arguments["rows"] == [1, 2]
    assert bundle.arguments["options"] == {"vat": 7}
    assert bundle.result == {"total": 3, "currency": "USD", "vat": 7}
    assert bundle.exception is None
    assert bundle.outcome == "returned"
    assert bundle.hash.startswith("h1:")
    assert entry.short_hash == bundle.hash[3:11]
    assert str(bundle.path) == entry.path
    assert bundle.timestamp.tzinfo is UTC and isinstance(bundle.timestamp, datetime)
    assert bundle.metadata["target"] == QUOTE


def test_each_access_gives_a_fresh_copy(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1], tags=["a"])
    bundle = loaded(shop, QUOTE)
    bundle.args[0].append(9)
    bundle.kwargs["tags"].append("b")
    bundle.arguments["rows"].clear()
    bundle.result.clear()
    assert bundle.args == ([1],)
    assert bundle.kwargs == {"tags": ["a"]}
    assert bundle.call() == bundle.result


def test_a_mutated_argument_replays_as_it_was_before_the_call(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:append_to", program.append_to, [1], 2)
    bundle = loaded(shop, "till_program:append_to")
    assert bundle.args == ([1], 2)
    assert bundle.call() == [1, 2]
    assert bundle.call() == [1, 2]
    assert bundle.check()


def test_a_raised_bundle_raises_that_exception_again(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [])
    bundle = loaded(shop, QUOTE)
    assert bundle.outcome == "raised"
    assert type(bundle.exception) is program.Unavailable
    assert bundle.exception.left == 0
    with pytest.raises(program.Unavailable, match="rows: 0 left"):
        bundle.call()
    with pytest.raises(OutcomeError, match="Unavailable"):
        _ = bundle.result
    assert bundle.check()
    assert isinstance(bundle.replay(), Raised)
    assert bundle.replay() == bundle.expected


def test_methods_are_called_on_the_stored_instance(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:Till.add", program.Till.add, 5, 1, kind="method", instance=program.BigTill(10))
    bundle = loaded(shop, "till_program.Till.add")
    assert type(bundle.instance) is program.BigTill
    assert bundle.instance.amount == 10
    assert bundle.args == (5, 1)
    assert bundle.arguments["self"].amount == 10
    assert bundle.call() == 16
    assert bundle.check()
    assert bundle.instance.amount == 10


def test_class_and_static_methods_and_properties(shop: Shop, program: ModuleType) -> None:
    made_of, rate = program.Till.made_of.__func__, program.Till.rate
    shop.capture("till_program:Till.made_of", made_of, 3, kind="classmethod", instance=program.BigTill)
    shop.capture("till_program:Till.rate", rate, "abc", kind="staticmethod")
    shop.capture("till_program:Till.doubled", program.Till.doubled.fget, kind="method", instance=program.Till(4))
    bundle = loaded(shop, "till_program:Till.made_of")
    assert bundle.instance is program.BigTill
    assert bundle.call() == (3, "BigTill")
    assert loaded(shop, "till_program:Till.rate").call() == 3
    assert loaded(shop, "till_program:Till.doubled").call() == 8


def test_coroutines_are_awaited(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:fetch", program.fetch, "k")
    bundle = loaded(shop, "till_program:fetch")
    assert bundle.result == {"key": "k"}
    assert bundle.call() == {"key": "k"}
    assert bundle.check()

    async def inside() -> None:
        assert await bundle.acall() == {"key": "k"}
        assert await bundle.acheck()
        assert await bundle.areplay() == {"key": "k"}
        with pytest.raises(NotReplayableError, match=r"await bundle\.acall"):
            bundle.call()

    asyncio.run(inside())


def test_the_threads_own_event_loop_is_left_alone(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:fetch", program.fetch, "k")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert loaded(shop, "till_program:fetch").call() == {"key": "k"}
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_generators_are_listed_as_far_as_they_were(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:countdown", program.countdown, 3, items=2)
    shop.capture("till_program:lines", program.lines, "a b c")
    shop.capture("till_program:pages", program.pages, 3)
    assert loaded(shop, "till_program:countdown").call() == [3, 2]
    assert loaded(shop, "till_program:countdown").check()
    assert loaded(shop, "till_program:lines").call() == ["a", "b", "c"]
    assert loaded(shop, "till_program:pages").call() == [0, 1, 2]
    assert asyncio.run(loaded(shop, "till_program:pages").acall()) == [0, 1, 2]


def test_a_generator_that_became_endless_is_a_change_not_a_hang(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:lines", program.lines, "a b c")

    def endless(text: str) -> Any:
        while True:
            yield text

    with pytest.raises(AssertionError, match=r"result\[0\]"):
        loaded(shop, "till_program:lines").check(endless)


def test_the_programs_own_decorators_are_called(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:greet", program.greet, "ann")
    assert loaded(shop, "till_program:greet").call() == "HELLO ANN"


@pytest.mark.parametrize("method", ["functools.singledispatchmethod", "Own"])
@pytest.mark.parametrize("kind", ["", "@classmethod", "@staticmethod"])
def test_a_method_that_chooses_by_type_calls_the_implementation_for_the_stored_type(
    shop: Shop, program: ModuleType, kind: str, method: str
) -> None:
    first = "" if kind == "@staticmethod" else "self, "
    source = f"""
import functools

class Own(functools.singledispatchmethod): pass

class Chooser:
    @{method}
    {kind}
    def show({first}value): return "any"
    @show.register
    {kind}
    def _({first}value: int): return "int"
"""
    exec(source, vars(program))
    owner = {"": program.Chooser(), "@classmethod": program.Chooser, "@staticmethod": None}[kind]
    bound = () if owner is None else (owner,)
    for value, wanted in ((1, "int"), ("a", "any")):
        shop.capture("till_program:Chooser.show", lambda *args, wanted=wanted: wanted, *bound, value)
        assert loaded(shop, "till_program:Chooser.show").call() == wanted


def test_a_method_that_chooses_by_type_may_choose_static_methods_too(shop: Shop, program: ModuleType) -> None:
    source = """
import functools

class Pretender:
    __class__ = int

class Mixed:
    @functools.singledispatchmethod
    def show(self, value): return "any"
    @show.register(str)
    @staticmethod
    def _(value): return "str"
    @show.register(int)
    def _(self, value): return "int"
"""
    exec(source, vars(program))
    for arguments, wanted in (
        (("a",), "str"),  # what reached the static method
        ((program.Mixed(), 1), "int"),
        ((program.Mixed(), program.Pretender()), "int"),
        ((program.Mixed(), b""), "any"),
    ):
        shop.capture("till_program:Mixed.show", lambda *args, wanted=wanted: wanted, *arguments)
        assert loaded(shop, "till_program:Mixed.show").call() == wanted


def test_a_function_inside_a_frameworks_object_is_found(shop: Shop, program: ModuleType) -> None:
    class Command:
        def __init__(self, callback: Any) -> None:
            self.callback = callback

        def __call__(self) -> None:
            raise SystemExit(2)

    quote = program.quote
    shop.capture(QUOTE, quote, [1])
    program.quote = Command(quote)
    assert loaded(shop, QUOTE).call() == {"total": 1, "currency": "USD"}


def test_another_function_can_be_called_in_its_place(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    shop.capture("till_program:Till.add", program.Till.add, 5, kind="method", instance=program.Till(1))
    assert loaded(shop, QUOTE).call(lambda rows: rows * 2) == [1, 1]
    assert loaded(shop, "till_program:Till.add").call(lambda till, amount: till.amount - amount) == -4
    assert loaded(shop, "till_program:Till.add").call(program.Till(100).add) == 105


def test_arguments_can_be_exchanged_by_name(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1, 2], "EUR", vat=7)
    bundle = loaded(shop, QUOTE)
    assert bundle.using(rows=[5]).call() == {"total": 5, "currency": "EUR", "vat": 7}
    assert bundle.using(currency="CHF").using(tip=1).call() == {"total": 3, "currency": "CHF", "vat": 7, "tip": 1}
    assert bundle.call() == bundle.result
    shop.capture("till_program:Till.add", program.Till.add, 5, kind="method", instance=program.Till(1))
    till = loaded(shop, "till_program:Till.add")
    assert till.using(self=program.Till(10), amount=1).call() == 11
    with pytest.raises(TypeError, match="no parameter 'amont'; it has self, amount"):
        till.using(amont=1)


def test_check_says_where_the_result_changed(shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.capture(QUOTE, program.quote, [1, 2])
    monkeypatch.setattr(program, "sum", lambda rows: 4, raising=False)
    with pytest.raises(AssertionError, match=r"changed:\nresult\.total: expected 3, got 4"):
        loaded(shop, QUOTE).check()
    assert loaded(shop, QUOTE).check(ignore=["result.total"])


def test_check_tells_fixed_from_broken(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [])
    with pytest.raises(AssertionError, match="fixed"):
        loaded(shop, QUOTE).check(lambda rows: 1)
    shop.capture(QUOTE, program.quote, [1])
    with pytest.raises(AssertionError, match=r"broken.*KeyError") as caught:
        loaded(shop, QUOTE).check(lambda rows: {}["x"])
    assert isinstance(caught.value.__cause__, KeyError)


def test_notes_of_exceptions_are_compared(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:noted", program.noted, "x")
    assert loaded(shop, "till_program:noted").check()

    def silent(name: str) -> None:
        raise KeyError(name)

    with pytest.raises(AssertionError, match="__notes__"):
        loaded(shop, "till_program:noted").check(silent)


def test_an_assertion_of_pytest_or_a_stop_by_the_user_is_no_outcome(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])

    def stop(rows: list[int]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loaded(shop, QUOTE).check(stop)


def test_placeholders_may_be_replaced_by_facsimiles(shop: Shop, program: ModuleType) -> None:
    def counted(rows: list[int], model: Any) -> int:
        return len(rows) + int(model.size)

    class Model:
        size = 2

    shop.capture(QUOTE, counted, [1], model=Model(), exclude=("model",))
    bundle = loaded(shop, QUOTE)
    with pytest.raises(PlaceholderError, match="facsimile"):
        bundle.call(counted)
    assert loaded(shop, QUOTE, facsimiles={"model": Model()}).call(counted) == 3


def test_a_facsimile_takes_the_place_of_an_excluded_attribute(shop: Shop, program: ModuleType) -> None:
    till = program.Till(1)
    till.model = {"weights": [1, 2, 3]}
    till.other = "kept"
    shop.capture("till_program:Till.add", program.Till.add, 5, kind="method", instance=till, exclude=("self.model",))
    assert loaded(shop, "till_program:Till.add").call() == 6
    bundle = loaded(shop, "till_program:Till.add", facsimiles={"self.model": "tiny"})
    assert bundle.instance.model == "tiny"
    assert bundle.instance.other == "kept"


def test_a_placeholder_in_the_expected_result_is_not_compared_and_the_verdict_says_so(
    shop: Shop, program: ModuleType
) -> None:
    def opened(name: str) -> Any:
        return {"name": name, "lines": (line for line in name)}

    shop.capture(QUOTE, opened, "n")
    verdict = loaded(shop, QUOTE).check(opened)
    assert [item.path for item in verdict.comparison.not_compared] == ["result.lines"]
    assert "result.lines" in str(verdict)
    with pytest.raises(AssertionError, match=r"result\.name(.|\n)*not compared:(.|\n)*result\.lines"):
        loaded(shop, QUOTE).check(lambda name: {**opened(name), "name": "other"})


def test_redacted_places_are_not_compared_and_the_verdict_says_so(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:log_in", program.log_in, "ann", password="hunter2-and-more")
    bundle = loaded(shop, "till_program:log_in")
    verdict = bundle.check()
    assert "hunter2" not in repr(bundle.args) + repr(bundle.result) + repr(bundle.metadata)
    assert [item.path for item in verdict.comparison.not_compared] in (["result.token"], [])


def test_a_target_that_is_gone_is_named_with_its_near_ones(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:qoute", program.quote, [1])
    with pytest.raises(NotReplayableError, match="near: quote"):
        loaded(shop, "till_program:qoute").call()
    shop.capture("no_such_module:quote", program.quote, [1])
    with pytest.raises(NotReplayableError, match="no_such_module"):
        loaded(shop, "no_such_module:quote").call()


def test_a_function_inside_a_function_has_to_be_passed(shop: Shop, program: ModuleType) -> None:
    def inner(rows: list[int]) -> int:
        return len(rows)

    shop.capture("till_program:outer.<locals>.inner", inner, [1])
    bundle = loaded(shop, "till_program:outer.<locals>.inner")
    with pytest.raises(NotReplayableError, match=r"bundle\.call\(function\)"):
        bundle.call()
    assert bundle.call(inner) == 1


def test_an_expected_array_survives_assert_equal(shop: Shop) -> None:
    numpy = pytest.importorskip("numpy")

    def doubled(values: Any) -> Any:
        return values * 2

    shop.capture(QUOTE, doubled, numpy.arange(3))
    bundle = loaded(shop, QUOTE)
    assert numpy.array([0, 2, 4]) == bundle.expected
    assert bundle.expected == numpy.array([0, 2, 4])
    assert bundle.call(doubled) == bundle.expected
    assert bundle.replay(doubled) == bundle.replay(doubled)
    assert repr(bundle.replay(doubled)) == "Returned(array([0, 2, 4]))"


def test_a_path_that_is_ignored_in_vain_is_named_when_the_check_fails(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:quote", program.quote, [1])
    bundle = load_capture("till_program.quote", base_path=shop.base_path)
    with pytest.raises(AssertionError, match=r"result\.total.*\n.*not a place in an outcome: total; write result"):
        bundle.check(lambda rows: {"total": 2, "currency": "USD"}, ignore=["total"])
