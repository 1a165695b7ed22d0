"""A name decides only over leaves that could be secrets: harmless values under secret names stay as they are."""

from __future__ import annotations

import collections
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from sealing_support import KEY, everything_in, raw_call, sealed

from snapagent.bundle import encode
from snapagent.placeholder import Placeholder
from snapagent.sealing.redaction.earlier import EarlierSecrets
from snapagent.sealing.seal import SealRules, seal

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))
from harmless_values import HARMLESS, Token

Credentials = collections.namedtuple("Credentials", "user key")


def anything(*args: Any, **kwargs: Any) -> Any: ...


def is_hidden(value: Any) -> bool:
    return type(value) is Placeholder or str(value).startswith("redacted-")


def test_there_are_sixty_harmless_values() -> None:
    assert len(HARMLESS) >= 60


@pytest.mark.parametrize(("name", "value"), HARMLESS, ids=[f"{name}={str(value)[:30]}" for name, value in HARMLESS])
def test_harmless_value_under_the_name_of_a_secret_is_stored_as_it_is(name: str, value: Any) -> None:
    found = sealed(anything, {name: value}, result={"again": value}, **{name: value})

    assert found.header.notes == ()
    assert found.args == ({name: value},)
    assert found.kwargs == {name: value}
    assert found.outcome == {"again": value}


MIXED: dict[str, tuple[Any, str, Any]] = {  # name: (what is passed, the secret in it, what is stored; S is the secret)
    "tokens": (
        ["def", "x2", "tok-s3cret-13", Token("text", "kept")],
        "tok-s3cret-13",
        ["def", "x2", "S", Token("text", "kept")],
    ),
    "prompt_tokens": (["the", "correct-horse-7-battery", 5], "correct-horse-7-battery", ["the", "S", 5]),
    "auth": (("ada", "auth-s3cret-14"), "auth-s3cret-14", ("ada", "S")),
    "session": (
        {"theme": "dark", "page": 3, "id": "9f8e7d6c5b4a39281706"},
        "9f8e7d6c5b4a39281706",
        {"theme": "dark", "page": 3, "id": "S"},
    ),
    "cookies": ({"lang": "en", "sid": "ck-s3cret-15"}, "ck-s3cret-15", {"lang": "en", "sid": "S"}),
    "credentials": (Credentials("ada", "Zm9vYmFyMTIzNA"), "Zm9vYmFyMTIzNA", Credentials("ada", "S")),
    "passwords": ({"ann": "hunter2secret", "bob": None}, "hunter2secret", {"ann": "S", "bob": None}),
    "salt": ([b"\x8f\x01\xfe\x99\x12\x7a\xd0\x33\x11", 16], "", None),
    "signature": ({"alg": "HS256", "value": "q8Xc71LmZ0Ta5"}, "q8Xc71LmZ0Ta5", {"alg": "HS256", "value": "S"}),
}


@pytest.mark.parametrize("name", MIXED)
def test_of_a_container_under_the_name_of_a_secret_only_the_secrets_go(name: str) -> None:
    value, secret, expected = MIXED[name]

    found = sealed(anything, {name: value}, result=f"see {secret}")

    (stored,) = found.args
    if not secret:
        assert value[0] not in everything_in(found.file)
        assert stored[name][1] == 16
        return
    assert secret.encode() not in everything_in(found.file)
    items = stored[name].values() if isinstance(stored[name], dict) else stored[name]
    hidden = [item for item in items if is_hidden(item)]
    assert len(hidden) == 1
    text = repr(expected).replace("'S'", repr(hidden[0]))
    assert repr(stored[name]) == text or "Token object" in text


SECRETS: list[tuple[str, Any, str]] = [  # name, value, the secret in it
    ("auth", ("ada", "hunter2"), "hunter2"),
    ("token", "tk-2f91", "tk-2f91"),
    ("tokens", {"access": "Zm9vYmFyMTIzNA"}, "Zm9vYmFyMTIzNA"),
    ("session", "abc123", "abc123"),
    ("cookies", {"sid": "abc123"}, "abc123"),
    ("cookie", "sid=9f8e7d6c; theme=dark", "9f8e7d6c"),
    ("authorization", "Token 9f8e7d6c5b", "9f8e7d6c5b"),
    ("db_password", "swordfish", "swordfish"),
    ("pwd", "swordfish", "swordfish"),
    ("password", "abc", "\x03abc"),
    ("api_key", "test-key-1", "test-key-1"),
    ("dsn", "https://9f8e7d6c5b4a@o1.ingest.example.org/12", "9f8e7d6c5b4a"),
    ("otp", "271828", "271828"),
    ("ssn", "123-45-6789", "123-45-6789"),
    ("iban", "DE89 3704 0044 0532 0130 00", "0044 0532"),
]


@pytest.mark.parametrize(("name", "value", "secret"), SECRETS, ids=[f"{name}-{secret}" for name, _, secret in SECRETS])
def test_what_could_be_a_secret_is_hidden_under_these_names(name: str, value: Any, secret: str) -> None:
    found = sealed(anything, {name: value})

    assert secret.encode() not in everything_in(found.file)
    assert [note.kind for note in found.header.notes] == ["redacted"]


def test_pins_are_hidden_as_numbers_and_digits_and_their_words_stay() -> None:
    found = sealed(anything, {"pin": 4711}, {"pin": "4711"}, {"pin": {"code": 4711, "side": "left"}}, {"cvv": 123})

    assert is_hidden(found.args[0]["pin"]) and is_hidden(found.args[1]["pin"]) and is_hidden(found.args[3]["cvv"])
    assert is_hidden(found.args[2]["pin"]["code"])
    assert found.args[2]["pin"]["side"] == "left"


def test_a_plain_word_or_short_text_is_never_looked_for_elsewhere() -> None:
    source = "a from b where the markdown is"

    found = sealed(
        anything, source, {"password": "markdown", "pin": "4711", "auth": "from"}, result=["markdown", "4711"]
    )

    assert found.args[0] == source
    assert found.outcome == ["markdown", "4711"]
    assert is_hidden(found.args[1]["password"])


def test_a_short_token_is_hidden_where_a_whole_value_equals_it() -> None:
    result = {"tk-2f91": {"pin": 4711}}

    found = sealed(anything, {"token": "tk-2f91"}, "tk-2f91", "tk-2f91 and more", b"tk-2f91", result=result)

    pseudonym = found.args[0]["token"]
    assert found.args[1:] == (pseudonym, "tk-2f91 and more", pseudonym.encode())
    assert list(found.outcome) == [pseudonym]
    assert not [note for note in found.header.notes if "tk-2f91" in note.path]


def test_folders_and_terminals_of_the_environment_are_no_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "release-8f3c91b27a"
    folder.mkdir()
    values = {
        "PWD": str(folder),
        "OLDPWD": "/srv/releases/9f8e7d6c5b4a",
        "TERM_SESSION_ID": "w0t0p0:9F8E7D6C-5B4A-4039",
        "HOME": "/home/x81b27a9f",
        "SHELL": "/bin/zsh5x9y8",
        "SECRET_KEY_FILE": str(folder),
        "AUTH_TOKEN": "production",
        "SESSION_COOKIE": "db1.shop.example.org",
        "DATABASE_URL": "postgres://localhost/shop",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    found = sealed(anything, *values.values(), f"{folder}/app.py")

    assert found.args == (*values.values(), f"{folder}/app.py")


def test_the_password_in_an_address_of_the_environment_is_known_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_ADDRESS", "amqp://ada:qu3ue-s3cret@queue:5672/")

    assert is_hidden(sealed(anything, {"plain": "qu3ue-s3cret"}).args[0]["plain"])


def test_a_secret_in_a_subclass_of_text_is_hidden_by_its_name() -> None:
    found = sealed(anything, {"password": Markup("abc"), "token": Markup("ghijkl-2k9x")}, Markup("kept"))

    assert is_hidden(found.args[0]["password"]) and is_hidden(found.args[0]["token"])
    assert type(found.args[0]["password"]) is Markup
    assert found.args[1] == "kept"


class Markup(str):
    pass


def test_an_array_of_numbers_under_the_name_of_a_secret_stays() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    counts = numpy.arange(4)
    frame = pandas.DataFrame({"text": ["a b", "c"], "tokens": [17, 4]})

    found = sealed(anything, frame, tokens=counts)

    assert (found.kwargs["tokens"] == counts).all()
    assert found.args[0].equals(frame)
    hidden = sealed(anything, tokens=numpy.array(["x", "tok-s3cret-13"]))
    assert is_hidden(hidden.kwargs["tokens"])


def test_a_named_place_is_redacted_whatever_it_holds() -> None:
    rules = SealRules(KEY, redact=("session",))

    found = sealed(anything, {"session": {"theme": "dark"}}, rules=rules)

    assert type(found.args[0]["session"]) is Placeholder


def test_a_secret_seen_under_its_name_is_taken_out_of_later_calls_without_one() -> None:
    earlier = EarlierSecrets()

    def stored(*args: Any, result: Any = None) -> bytes:
        return everything_in(encode(*seal(raw_call(anything, *args, result=result), SealRules(KEY), earlier)))

    stored({"ann": "hunter2secret"})  # nothing tells what this is
    stored({"password": "hunter2secret"}, {"token": "tok-s3cret-13"})

    for later in ({"ann": "hunter2secret"}, "x-hunter2secret-y:hunter2secret", ["see tok-s3cret-13"], b"tok-s3cret-13"):
        data = stored(later, result="fine")
        assert b"redacted-" in data
        assert b'"hunter2secret' not in data and b":hunter2secret" not in data and b"tok-s3cret-13" not in data
    assert b"redacted-" not in stored({"ann": "another-7-word"})


def test_what_is_remembered_of_secrets_is_bounded_and_no_text() -> None:
    earlier = EarlierSecrets()

    earlier.remember(b"s3cret-%06d-x9" % number for number in range(30_000))

    assert len(vars(earlier)["_digests"]) <= 10_000
    assert b"s3cret" not in pickle.dumps(vars(earlier))
    assert earlier.found_in(b"a \x8c\x10s3cret-029999-x9\x94.") == {b"s3cret-029999-x9"}
    assert earlier.found_in(b"\x8c0s3cret-029999-x9") == {b"s3cret-029999-x9"}


def test_an_int_of_thousands_of_digits_beside_a_secret_stays_as_it_is() -> None:
    """Its decimal text would be longer than Python makes one. As a key it stands in paths."""
    found = sealed(anything, 10**5000, {10**5000: {"password": "hunter2secret"}}, password="hunter2secret")

    assert found.args[0] == 10**5000
    assert list(found.args[1]) == [10**5000]
    assert sorted(note.partition("[0x")[0] for note in found.notes()) == ["args[1]", "kwargs.password"]


def test_plain_words_are_not_remembered() -> None:
    earlier = EarlierSecrets()
    seal(raw_call(anything, {"password": "markdown", "auth": "basic"}), SealRules(KEY), earlier)

    header, _ = seal(raw_call(anything, "markdown basic", ["markdown"]), SealRules(KEY), earlier)

    assert header.notes == ()
