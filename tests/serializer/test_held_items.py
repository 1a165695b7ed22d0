"""A function inside a dict, a list or an object that a module or class holds is stored by the way to it.

It comes back as the very same function, on every Python, and its code is not in the bundle.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import held
import pytest
from freezes import frozen, kept, round_trip
from sealing_support import sealed

from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer import held_items
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw

HANDLERS = held.HANDLERS
ITEMS: dict[str, Any] = {
    "a lambda in a dict": HANDLERS["save"],
    "a closure under a number": HANDLERS[3],
    "under a tuple": HANDLERS["a", 1],
    "under a class": HANDLERS[int],
    "a decorated lambda": HANDLERS["logged"],
    "the lambda behind the decorator": HANDLERS["logged"].__wrapped__,
    "the lambda in a partial": HANDLERS["partial"].func,
    "the first of a list in a dict": HANDLERS["both"][0],
    "the second of a list in a dict": HANDLERS["both"][1],
    "the lambda behind a cache": HANDLERS["cached"].__wrapped__,
    "a class in a dict": HANDLERS["named"],
    "in a tuple of a list": held.RULES[0][1],  # type: ignore[index]
    "in a list": held.RULES[1],
    "in a read-only dict": held.SHOWN["show"],
    "in an ordered dict": held.ROWS["first"],
    "in a dict of a class": held.Command.actions["run"],
    "in a dict in a dict of a class": held.Command.actions["stop"]["now"],
    "in an object": held.command.callback,
    "in a list of an object": held.command.later[0],
}


@pytest.mark.parametrize("value", ITEMS.values(), ids=ITEMS)
def test_the_very_same_function_comes_back(value: Any) -> None:
    result = frozen([value, {"again": value}])
    one, again = thaw(result.data)

    assert result.by_value == () and result.notes == () and result.packages >= {"held"}
    assert one is value and again["again"] is value


@pytest.mark.parametrize("value", ITEMS.values(), ids=ITEMS)
def test_its_stream_is_read_and_written_without_loading_it(value: Any) -> None:
    assert thaw(encode(decode(frozen([value]).data)))[0] is value


def test_an_object_of_a_class_in_a_dict_comes_back() -> None:
    assert kept(HANDLERS["named"](1)) == HANDLERS["named"](1)


def test_a_partial_is_kept_with_the_lambda_in_it() -> None:
    assert kept(HANDLERS["partial"]).func is HANDLERS["partial"].func


def test_a_function_that_a_dict_got_while_the_program_ran_is_stored_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may not have it."""
    kept(HANDLERS["save"])
    exec("LATER['new'] = lambda: 5", vars(held))
    late = held.LATER.pop("new")
    monkeypatch.setitem(held.LATER, "new", late)

    assert frozen(late).by_value == ("held.<lambda>",) and round_trip(late)() == 5


def test_a_function_that_is_in_a_table_and_in_a_cache_goes_by_the_table() -> None:
    by_table, only_cached = held.CACHE["by table"], held.CACHE["alone"]

    assert b"FAST" in frozen(by_table).data and kept(by_table) is by_table
    assert frozen(only_cached).by_value == ("held.<lambda>",)


def test_a_module_that_is_being_imported_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["from freezes import frozen", "TABLE = {'a': lambda: 1}", "early = frozen(TABLE['a'])", "TABLE['b'] = len"]
    (tmp_path / "half_imported.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("half_imported")

    assert module.early.by_value == ("half_imported.<lambda>",)
    assert kept(module.TABLE["a"]) is module.TABLE["a"]


def test_a_function_that_is_there_no_longer_is_stored_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    save = HANDLERS["save"]
    assert kept(save) is save
    monkeypatch.setitem(HANDLERS, "save", HANDLERS[3])

    result = frozen(save)

    assert result.by_value == ("held.<lambda>",) and thaw(result.data)(1) == 2


def test_an_item_that_is_gone_costs_only_itself_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = frozen({"rest": 1, "one": HANDLERS["save"], "two": held.RULES[1]}).data
    monkeypatch.delitem(HANDLERS, "save")
    monkeypatch.setattr(held, "RULES", held.RULES[:1])
    lost: list[Placeholder] = []

    loaded = thaw(data, lost=lost)

    assert loaded["rest"] == 1 and [type(loaded[key]) for key in ("one", "two")] == [Placeholder] * 2
    assert ["held:HANDLERS['save'] is gone" in note_of(each).reason for each in lost] == [True, False]
    assert "held:RULES[1] is gone" in note_of(lost[1]).reason


def test_no_code_of_the_program_runs_to_find_it() -> None:
    """Keys with a hash of their own, mappings with a look-up of their own and lazy attributes are left alone."""

    class Key:
        is_hashed = True

        def __hash__(self) -> int:
            assert self.is_hashed
            return 1

    class Lazy:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    class Table(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            raise AssertionError

        __getitem__ = get = __missing__  # type: ignore[assignment]

    names = vars(held)
    names.update(_key={Key(): len}, _lazy=Lazy(), _table=Table(one=eval("lambda: 1", names)))
    Key.is_hashed = False
    try:
        result = frozen(dict.__getitem__(names["_table"], "one"))
    finally:
        for name in ("_key", "_lazy", "_table"):
            del names[name]

    assert result.by_value == ()


def test_equal_calls_have_one_hash_and_other_items_another() -> None:
    def call(handler: object) -> None: ...

    hashes = [sealed(call, HANDLERS[key]).header.hash for key in ("save", "save", 3)]

    assert hashes[0] == hashes[1] != hashes[2]


def test_a_preview_names_the_item() -> None:
    def call(*handlers: object) -> None: ...

    header = sealed(call, HANDLERS["save"], held.RULES[1], HANDLERS[int]).header

    assert header.previews["handlers"] == "(<held.HANDLERS['save']>, <held.RULES[1]>, <held.HANDLERS[int]>)"


def test_a_large_table_is_not_searched_without_end() -> None:
    table = {number: lambda: None for number in range(2 * held_items._MOST_ITEMS)}

    items = held_items._Items({"__name__": "held", "TABLE": table}, "held")

    assert 0 < len(items.places) <= held_items._MOST_ITEMS
