"""Loading says what is wrong, where; and what was made from a placeholder is a placeholder."""

from __future__ import annotations

import socket
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezes import frozen, round_trip

from snapagent.errors import BundleLoadError, PlaceholderError
from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer.thawing.load import thaw


@pytest.fixture
def shop() -> Iterator[types.ModuleType]:
    module = types.ModuleType("shop_that_changes")
    exec("class Order:\n    pass\nclass Cart(dict):\n    pass\ndef quote(): pass\n", module.__dict__)
    sys.modules[module.__name__] = module
    yield module
    sys.modules.pop(module.__name__, None)


def test_a_class_that_is_gone_is_named_with_its_module(shop: Any) -> None:
    data = frozen([shop.Order()]).data
    del shop.Order

    with pytest.raises(BundleLoadError, match=r"shop:quote.*shop_that_changes:Order.*capture the call again") as caught:
        thaw(data, target="shop:quote")
    assert isinstance(caught.value.__cause__, AttributeError)
    assert round_trip([1]) == [1]


def test_a_module_that_is_gone_is_named(shop: Any) -> None:
    data = frozen([shop.quote]).data
    del sys.modules["shop_that_changes"]

    with pytest.raises(BundleLoadError, match="shop_that_changes:quote"):
        thaw(data)


@pytest.fixture
def refusing(shop: Any) -> Callable[[Exception], bytes]:
    """The bytes of a list with an order, whose class raises now when it is given its state."""

    def refuse(error: Exception) -> bytes:
        order = shop.Order()
        order.total = 3
        data = frozen(["before", order, order]).data

        def setstate(self: object, state: object) -> None:
            raise error

        shop.Order.__setstate__ = setstate
        return data

    return refuse


def test_an_object_whose_class_takes_its_state_no_more_costs_only_itself(refusing: Any) -> None:
    lost: list[Placeholder] = []

    before, order, same = thaw(refusing(TypeError("takes no state any more")), lost=lost)

    assert before == "before"
    assert order is same is lost[0]
    assert note_of(order).type == "shop_that_changes.Order"
    assert "could not be rebuilt (TypeError: takes no state any more)" in note_of(order).reason


def test_an_error_that_the_application_may_mend_ends_the_load_with_the_name_of_the_class(refusing: Any) -> None:
    with pytest.raises(BundleLoadError, match=r"Order could not be rebuilt \(RuntimeError: no application here\)"):
        thaw(refusing(RuntimeError("no application here")))


def test_bytes_that_are_no_pickle_say_so() -> None:
    with pytest.raises(BundleLoadError, match="cannot be read"):
        thaw(b"\x80\x05no")


class Needs:
    """Rebuilt by a call that uses what it is given."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __reduce__(self) -> Any:
        return make_needs, (self.connection,)


def make_needs(connection: Any) -> Needs:
    connection.settimeout(1)
    return Needs(connection)


def test_what_cannot_be_made_without_a_missing_value_is_a_placeholder_too() -> None:
    with socket.socket() as connection:
        data = frozen({"needs": Needs(connection), "rows": [1, 2], "list": [Needs(connection)]}).data

    again = thaw(data)

    assert again["rows"] == [1, 2]
    assert type(again["needs"]) is Placeholder
    assert "result.needs.connection" in note_of(again["needs"]).reason
    with pytest.raises(PlaceholderError):
        again["list"][0].connection.recv(1)


class Counts:
    """Uses its state at once when it gets it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __setstate__(self, state: dict[str, Any]) -> None:
        state["connection"].settimeout(1)


def test_an_object_whose_state_lacks_a_value_is_a_placeholder_too() -> None:
    with socket.socket() as connection:
        data = frozen({"counts": Counts(connection), "rows": [1, 2]}).data

    again = thaw(data)

    assert again["rows"] == [1, 2]
    assert type(again["counts"]) is Placeholder
    assert "made from result.counts.connection" in note_of(again["counts"]).reason


def test_a_facsimile_makes_it_loadable_again() -> None:
    with socket.socket() as connection:
        data = frozen({"needs": Needs(connection)}).data

    class Tiny:
        timeout = 0

        def settimeout(self, seconds: int) -> None:
            self.timeout = seconds

    needs = thaw(data, facsimiles={"result.needs.connection": Tiny()})["needs"]

    assert needs.connection.timeout == 1


def test_the_slow_reading_reads_everything_that_the_fast_one_reads() -> None:
    import collections
    import datetime

    with socket.socket() as connection:
        value = {
            "bad": Needs(connection),
            "set": {1, 2},
            "deque": collections.deque([1, [2]]),
            "ordered": collections.OrderedDict(a=1),
            "when": datetime.datetime(2026, 1, 1),
            "error": ValueError("x"),
            "counter": collections.Counter("aab"),
            "code": lambda: 3,
            "many": list(range(3000)),
        }
        again = thaw(frozen(value).data)

    assert type(again.pop("bad")) is Placeholder
    assert again.pop("code")() == 3
    assert again.pop("error").args == ("x",)
    assert again == {key: value[key] for key in again}


def test_a_program_that_stops_while_loading_is_not_held_up() -> None:
    class Stops:
        def __reduce__(self) -> Any:
            return stop, ()

    import pickle

    with pytest.raises(KeyboardInterrupt):
        thaw(pickle.dumps(Stops()))


def stop() -> None:
    raise KeyboardInterrupt
