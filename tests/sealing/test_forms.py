"""A call of a known form is sealed by templates: what is stored of it is what is stored of any other call."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_support import KEY, raw_call

from snapagent.bundle import Note, WrittenHeader, decode, encode
from snapagent.sealing import forms
from snapagent.sealing.formed_calls import FormedCalls
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.redaction.earlier import EarlierSecrets
from snapagent.sealing.seal import SealRules, seal

RULES = SealRules(KEY)
strange = ["x" * 79, "x" * 200, "x" * 201, "\x1b[31m", "Grüße", "\ud800", "it's", '"', "\\", "%s", "\0", "\1", "-0.0"]
secrets = ["redacted-0123456789ab", "s3cr3t-A1b2c3d4e5", "password=hunter2xyz", "Bearer abcdefghij1234567"]
texts = st.text(max_size=12) | st.sampled_from(strange) | st.sampled_from(secrets)
numbers = st.integers() | st.sampled_from([0, 2**64, -(2**64), 2**100])
floats = st.floats() | st.sampled_from([0.0, -0.0, 1e16, 1e-9])
leaves = st.sampled_from([st.none(), st.booleans(), numbers, floats, texts])
keys = st.sampled_from(["id", "name", "_x", "result", "%s", "a b", '"', "é", "k" * 30, "", 5, "password"]) | st.text()
forms_of_values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=22)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=10)
        | st.lists(st.just(st.just("name")) | inner, min_size=2, max_size=3)
    ),
    max_leaves=30,
)


def anything(a: Any = None, b: Any = 5, *args: Any, **kwargs: Any) -> Any: ...


def two(a: Any, b: Any) -> Any: ...


def secret_default(order: Any, password: str = "hunter2-hunter2-A1b2") -> Any: ...


def secret_inside_default(order: Any, options: Any = {"password": "hunter2-hunter2-A1b2"}) -> Any: ...  # noqa: B006


@pytest.fixture(autouse=True)
def no_forms() -> Iterator[None]:
    """Forms are made at the second meeting, so that there are some."""
    forget_forms()
    forms._MEETINGS, before = 2, forms._MEETINGS
    yield
    forms._MEETINGS = before
    forget_forms()


def forget_forms() -> None:
    forms._forms.clear()
    forms._met.clear()


def filled(form: Any, draw: Callable[[Any], Any]) -> Any:
    """A value of this form, with leaves as they are drawn."""
    if isinstance(form, dict):
        return {key: filled(inner, draw) for key, inner in form.items()}
    if isinstance(form, (list, tuple)):
        return type(form)([filled(inner, draw) for inner in form])
    return draw(form)


def by_form(raw: RawCall, rules: SealRules = RULES) -> bytes | None:
    """The bytes of the bundle's file, where the call is sealed by templates."""
    calls = FormedCalls(raw, rules)
    formed, _ = calls.open(raw.call, raw.outcome)
    if formed is None or not calls.are_clean([formed], EarlierSecrets()):
        return None
    calls.seal(formed, raw.started, raw.duration)
    file = encode(*formed.sealed)
    check_facts(formed.sealed[0], file)
    return file


def check_facts(header: WrittenHeader, file: bytes) -> None:
    """That what the store asks the header for is what is written."""
    written = decode(file, "a bundle").header
    for name in ("timestamp", "hash", "shape", "format", "outcome", "exception"):
        assert getattr(header, name) == getattr(written, name)
    assert list(header.part_names) == written.part_names


def as_any_other(raw: RawCall, rules: SealRules = RULES) -> bytes:
    return encode(*seal(raw, rules))


def stored(*args: Any, function: Any = anything, **kwargs: Any) -> tuple[bytes, tuple[Note, ...]]:
    """The bytes of the bundle's file, and its notes."""
    raw = raw_call(function, *args, **kwargs)
    file = by_form(raw) or as_any_other(raw)
    return file, decode(file, "a bundle").header.notes


def check_alike(calls: list[tuple[list[Any], Any]]) -> None:
    """That calls of one form, given as arguments and result, are stored as each of them is without forms."""
    forget_forms()
    for args, result in calls:
        raw = raw_call(anything, *args, result=result)
        assert by_form(raw) in (None, as_any_other(raw))


@given(st.lists(forms_of_values, max_size=4), forms_of_values, st.data())
@settings(max_examples=120, deadline=None)
def test_calls_of_one_form_are_stored_like_any_other(args: list[Any], result: Any, data: Any) -> None:
    check_alike([(filled(args, data.draw), filled(result, data.draw)) for _ in range(4)])


def test_leaves_that_no_template_takes_are_stored_like_any_other() -> None:
    for leaf in (10**5000, -0.0, float("nan"), *strange, *secrets):
        plain = type(leaf)()
        for inside in (lambda value: value, lambda value: [value], lambda value: {"a": {"b": value, "c": 1}}):
            check_alike([([inside(value)], inside(value)) for value in (plain, plain, leaf, plain)])


ESCAPED = ["a\nb", "\\", 'it\'s "so"', *("\n" * length for length in (99, 100, 101)), "x" * 198 + "\n", "Grüße\t", "\0"]
HIDDEN = ["password\n: hunter2xyz", "a\npassword: hunter2xyz", "4111\t1111\t1111\t1111"]


@pytest.mark.parametrize("text", [*ESCAPED, *HIDDEN])
def test_texts_with_escapes_are_searched_and_cut_like_any_other(text: str) -> None:
    for holder in (lambda inside: inside, lambda inside: [inside], lambda inside: {"a": inside}):
        check_alike([([holder(inside)], holder(inside)) for inside in ("a", "b", text)])


def test_values_at_the_limits_of_hash_and_previews_are_stored_like_any_other() -> None:
    for length in range(40, 90):
        text = "x" * length
        check_alike([([inside], inside) for inside in (text, [text], [[text]], {"a": [[], (text,)]}) for _ in range(2)])
    for number in (12, 13, 14, 19, 20):
        check_alike([([["x" * length] * number], [length] * number) for length in (1, 1, 99, 110, 150, 200)])


def test_names_like_templates_are_stored_like_any_other() -> None:
    check_alike([([{"%s": number, "100%": {"%": "%d"}}], {"%(a)s": number}) for number in range(3)])


def test_a_form_is_known_once_it_was_met_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MEETINGS", 4)
    calls = [raw_call(two, {"id": n, "items": [1, n]}, 5, result=(n, "ok")) for n in range(6)]

    assert [by_form(call) is not None for call in calls] == [False] * 3 + [True] * 3
    (form,) = forms._forms.values()
    assert form.names == {"a", "b", "id", "items"}
    values = [{"id": 7, "items": [1, 2]}, 5, (7, "no")]
    known = form.call(values, repr(values))
    assert known is not None and known.shape() == "(a: {id: int, items: list[int]}, b: int)"


def test_a_call_of_another_form_is_not_taken_for_one_of_this_form() -> None:
    leaves = (None, True, 1, -5, 1.0, -5.5, 1e16, 1e-9, float("inf"), "1", "None", "nan", "it's", b"1", {1}, {}, [], ())
    holders = (lambda one: [one, 0], lambda one: [{"a": one}, 0], lambda one: [[one], 0], lambda one: [(one, 1), 0])
    made: list[tuple[Any, Any, forms.Form | None]] = []
    for holder in holders:
        for leaf in leaves:
            forget_forms()
            forms.known_form(("a",), holder(leaf))
            made.append((holder, type(leaf), forms.known_form(("a",), holder(leaf))))

    assert sum(form is not None for *_, form in made) > 50
    for holder, kind, form in made:
        for other in holders:
            for leaf in leaves:
                values = other(leaf)
                known = form.call(values, repr(values)) if form is not None else None
                assert known is None or (holder, kind) == (other, type(leaf))


def keywords_and_defaults(a: Any, /, b: Any = (1, 2), *, c: Any = "c", d: Any = None) -> Any: ...


def test_however_arguments_are_passed_the_call_is_stored_like_any_other() -> None:
    for args, kwargs in (
        ((1,), {}),
        ((1, [2]), {}),
        ((1,), {"b": [2]}),
        ((1,), {"d": {"x": 1}, "c": "d"}),
        ((), {}),
        ((1, 2, 3, 4), {"e": 5}),
    ):
        for function in (anything, keywords_and_defaults):
            raw = raw_call(function, *args, result={"n": 1}, **kwargs)
            files = [by_form(raw) for _ in range(3)]
            assert files[0] is None and files[1] == files[2] == as_any_other(raw)
            forget_forms()


def test_facts_of_a_function_like_templates_are_stored_like_any_other() -> None:
    raw = raw_call(two, 1, 2).replace(
        duration=1e-9,
        started=1_795_340_048.9999996,
        origin={"revision": "%s 100%", "host": '%(a)s"'},
        flavor="coroutine",
    )

    assert [by_form(raw) for _ in range(3)] == [None, as_any_other(raw), as_any_other(raw)]


@pytest.mark.parametrize(
    ("raw", "rules"),
    [
        (raw_call(two, 1, instance=2), RULES),
        (raw_call(two, 1, 2), SealRules(KEY, compression="zlib")),
        (raw_call(two, 1, 2), SealRules(KEY, redact=("**.b",))),
    ],
)
def test_calls_that_are_stored_in_another_way_have_no_form(raw: RawCall, rules: SealRules) -> None:
    assert [by_form(raw, rules) for _ in range(3)] == [None] * 3


def test_what_cannot_be_read_has_no_form() -> None:
    raw = raw_call(two, 1, 2)

    for _ in range(3):
        assert by_form(raw.replace(call=b"no pickle")) is by_form(raw.replace(outcome=b"")) is None


def test_one_list_in_two_places_has_the_form_of_two_lists() -> None:
    twice = [1, 2]
    for _ in range(3):
        stored([twice, twice])

    found = stored([[1, 2], [3, 4]])

    forget_forms()
    assert stored([[1, 2], [3, 4]]) == found


@pytest.mark.parametrize("value", [{5: 1}, {"é": 1}, {"k" * 2000: 1}, [[[[[[1]]]]]], list(range(70)), [{1}], b"x"])
def test_what_templates_cannot_show_has_no_form(value: Any) -> None:
    for _ in range(3):
        stored([value], result=[value])

    assert not forms._forms


def test_values_that_refer_to_themselves_have_no_form() -> None:
    endless: list[Any] = []
    endless.append(endless)

    for _ in range(3):
        assert forms.known_form(("a",), [endless, None]) is None


def test_lists_in_many_places_are_not_written_out() -> None:
    """Written out, these would have 2 ** 60 and 20 ** 40 items."""
    for _ in range(3):
        by_form(raw_call(two, [[1], [1]], [2]))
    for times, depth in ((2, 60), (20, 40)):
        shared: Any = [1]
        for _ in range(depth):
            shared = [shared] * times
        raw = raw_call(two, 1, 2)
        call, outcome = pickle.dumps((None, (shared, [2]), {}), 5), pickle.dumps(shared, 5)
        for changed in (raw.replace(call=call), raw.replace(outcome=outcome)):
            assert [by_form(changed) for _ in range(3)] == [None] * 3


def test_secrets_of_a_known_form_are_redacted() -> None:
    for number in range(4):
        secret = f"hunter2-A1b2c3-{number}"
        for call in (
            ({"id": 1, "password": secret}, {}),
            (["password", secret], {}),
            ({"note": f"Bearer {secret}{secret}"}, {}),
            ({"id": 1}, {"token": secret}),
        ):
            file, notes = stored(call[0], **call[1])
            assert secret.encode() not in file and [note.kind for note in notes] == ["redacted"]


def test_a_default_that_is_not_used_is_looked_at_in_each_call() -> None:
    """It is not among the values of the form; what equals it is a secret."""
    for _ in range(4):
        for function in (secret_default, secret_inside_default):
            file, notes = stored({"id": "hunter2-hunter2-A1b2"}, "other", function=function)
            assert b"hunter2-hunter2-A1b2" not in file and notes


def test_forms_of_data_are_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MOST", 10)
    for number in range(100):
        for _ in range(3):
            stored({f"key {number}": number})

    assert len(forms._forms) <= 10 and len(forms._met) <= 10
