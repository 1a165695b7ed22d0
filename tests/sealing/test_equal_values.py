"""Many secrets of one call are found in its texts as each of them is found by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealing_support import everything_in, sealed

from snapagent.sealing.redaction import equal_values
from snapagent.sealing.redaction.equal_values import SearchedForms

TEXTS = st.text("abä\udc80", min_size=1, max_size=5)
DATAS = st.binary(min_size=1, max_size=4).map(lambda data: bytes(byte % 3 for byte in data))


def check(limit: pytest.MonkeyPatch, forms: list[Any], data: Any) -> None:
    names = {form: form + form for form in forms}
    limit.setattr(equal_values, "MANY", len(names) + 1)
    one_by_one = SearchedForms(names).within(data)
    limit.setattr(equal_values, "MANY", 1)

    assert SearchedForms(names).within(data) == one_by_one
    assert one_by_one == [pair for pair in names.items() if pair[0] in data]


@given(st.lists(TEXTS, min_size=1, max_size=12), st.text("abä\udc80", max_size=30))
def test_texts_are_found_together_as_one_by_one(forms: list[str], text: str) -> None:
    with pytest.MonkeyPatch.context() as limit:
        check(limit, forms, text)


@given(st.lists(DATAS, min_size=1, max_size=12), st.lists(st.integers(0, 2), max_size=30).map(bytes))
def test_bytes_are_found_together_as_one_by_one(forms: list[bytes], data: bytes) -> None:
    with pytest.MonkeyPatch.context() as limit:
        check(limit, forms, data)


def remember(passwords: list[str], log: list[Any]) -> Any: ...


@pytest.mark.parametrize("many", [1, 32, 10**9])
def test_a_call_with_hundreds_of_secrets_keeps_none_of_them(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equal_values, "MANY", many)
    secrets = [f"pw-{number:x}-{number * 7919:x}zq" for number in range(1000, 1300)]
    log = [f"tried {secret} and {secret.upper()}" for secret in secrets[:150]]
    log += [{secret: secret.encode().hex()} for secret in secrets[150:]]

    found = sealed(remember, secrets, log, result=[secret.encode() for secret in secrets])

    everything = everything_in(found.file)
    assert not [secret for secret in secrets if secret.encode() in everything]
    assert not [secret for secret in secrets if secret.encode().hex().encode() in everything]
    assert found.args[1][:2] == [f"tried {found.args[0][number]} and {secrets[number].upper()}" for number in range(2)]
    assert [note.path for note in found.header.notes if note.path.startswith("passwords")] == [
        f"passwords[{number}]" for number in range(300)
    ]
