"""Names in an object store: keys from headers, URLs without credentials, selection from keys alone."""

from __future__ import annotations

import string

import pytest
from fleet import FOLDER, Pod
from hypothesis import given
from hypothesis import strategies as st

from snapagent.remote.failures import RemoteUrlError
from snapagent.remote.keys import Key, key_of, misfit, parse_key
from snapagent.remote.objects import Found
from snapagent.remote.select import Selection, Wanted
from snapagent.remote.urls import parse_url
from snapagent.store.layout import segment

NAME = "20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl"
DIGITS = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(st.integers(0, 10**16 - 1), st.text(min_size=1, max_size=200), DIGITS)
def test_a_key_can_be_read_again(rev: int, kind: str, digits: str) -> None:
    key = Key(FOLDER, f"{rev:016d}", segment(kind), digits, NAME)
    assert parse_key(FOLDER, key.path.rpartition("/")[2]) == key


@given(st.text(string.printable, max_size=80))
def test_what_is_no_key_is_none_of_ours(text: str) -> None:
    key = parse_key(FOLDER, text)
    assert key is None or key.path.endswith(text)


def test_newer_calls_have_lesser_keys(pod: Pod) -> None:
    entries = [pod.capture(value, ago) for value, ago in ((1, 3000.0), (2, 1.5), (3, 0.0))]
    keys = [key_of(pod.store.header(entry), entry.name) for entry in entries]

    assert sorted(keys, key=lambda key: key.path) == keys[::-1]
    assert all(abs(key.when - entry.when) < 0.001 for key, entry in zip(keys, entries, strict=True))


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "nonsense", ""])
def test_a_time_out_of_range_still_makes_a_key(pod: Pod, when: str) -> None:
    header = pod.store.header(pod.capture(1)).replace(timestamp=when)
    key = key_of(header, NAME)
    assert parse_key(FOLDER, key.path.rpartition("/")[2]) == key
    assert misfit(header, FOLDER, NAME) is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://Bucket/a/b/", "s3://Bucket/a/b"),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/x", "gs://bucket/x"),
        ("az://container/x", "az://container/x"),
        ("file:///mnt/a%20b/../c", "file:///mnt/c"),
        ("file://localhost/mnt", "file:///mnt"),
    ],
)
def test_urls(text: str, shown: str) -> None:
    assert str(parse_url(text)) == shown


@pytest.mark.parametrize("text", ["s3://a:hunter2@b/c", "s3://hunter2@b/c", "s3://b/c?sig=hunter2", "s3://[hunter2/x"])
def test_a_refused_url_is_not_repeated(text: str) -> None:
    with pytest.raises(RemoteUrlError) as raised:
        parse_url(text)
    assert "hunter2" not in str(raised.value)


def object_of(when: int, digits: str, kind: str = "returned", late: float = 0.0) -> Found:
    key = Key(FOLDER, f"{10**16 - 1 - when * 10**6:016d}", kind, digits * 16, NAME)
    return Found(key, 1, when - late)


def chosen(pages: list[list[Found]], wanted: Wanted, refused: tuple[Found, ...] = ()) -> list[Found]:
    selection = Selection(pages, wanted)
    found = []
    for one in selection:
        if one not in refused:
            selection.took(one.key)
            found.append(one)
    return found


def test_selection_counts_what_was_taken_and_not_what_was_offered() -> None:
    new, same, old, older = object_of(9, "a"), object_of(8, "a"), object_of(7, "b"), object_of(6, "c")
    assert chosen([[new, same, old, older]], Wanted(keep=2)) == [new, old]
    assert chosen([[new, same, old, older]], Wanted(keep=2), refused=(new,)) == [same, old]
    assert chosen([[new, same, old, older]], Wanted(keep=2), refused=(new, same)) == [old, older]


def test_selection_reads_no_page_more_than_it_needs() -> None:
    read = []

    def pages() -> object:
        for number in range(9):
            read.append(number)
            yield [object_of(100 - number, "abcdef012"[number])]

    assert len(chosen(pages(), Wanted(keep=3))) == 3  # type: ignore[arg-type]
    assert read == [0, 1, 2]


def test_selection_ends_at_since_and_takes_what_is_ahead_last() -> None:
    ahead, new, old = object_of(500, "a", late=120), object_of(400, "b"), object_of(100, "c")
    assert chosen([[ahead, new, old]], Wanted(keep=9)) == [new, old, ahead]
    assert chosen([[ahead, new, old]], Wanted(keep=9, since=200)) == [new, ahead]
