"""No secret reaches a bundle: not under its name, not by its look, and not as an equal value somewhere else."""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import os
import pickle
import sys
import time
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_support import KEY, everything_in, raw_call, sealed

import snapagent.sealing.redaction.redact
from snapagent.placeholder import Placeholder, note_of
from snapagent.sealing.redaction.names import SecretNames
from snapagent.sealing.redaction.patterns import is_card_number, may_hold_secrets, secrets_in
from snapagent.sealing.seal import SealRules, seal

SECRET = "correct-horse-7-battery"


def anything(*args: Any, **kwargs: Any) -> Any: ...


def log_in(user: str, password: str, attempts: int = 3) -> Any: ...


@dataclasses.dataclass
class Account:
    name: str
    api_key: str


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenAccount:
    name: str
    api_key: str


class SlottedAccount:
    __slots__ = ("access_token", "name")

    def __init__(self, name: str, access_token: str) -> None:
        self.name = name
        self.access_token = access_token


Login = collections.namedtuple("Login", "user passwd")


class Refused(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


def with_default(user: str, db_password: str = "default-pw-31337") -> Any: ...


def closure_over(client_secret: str) -> Any:
    return lambda: client_secret


def make_function(secret: str) -> Any:
    def connect(host: str, password: str = secret) -> str:
        return host + password

    return connect


PLANTED = {
    "parameter": "parameter-s3cret-one",
    "nested key": "nested-s3cret-two",
    "bytes key": "bytes-s3cret-three",
    "dataclass field": "field-s3cret-four",
    "exception text": "exception-s3cret-five",
    "URL": "url-s3cret-six",
    "header": "header-s3cret-seven",
    "environment": "environment-s3cret-eight",
    "closure": "closure-s3cret-nine",
    "slots": "slots-s3cret-ten",
    "default argument": "default-pw-31337",
    "return value": "returned-s3cret-twelve",
}


def planted_calls() -> dict[str, Any]:
    """Twelve calls, each with one secret where the key says; most of them show it a second time somewhere plain."""
    value = PLANTED
    environment = os._Environ(  # type: ignore[attr-defined]
        {b"HOME": b"/home/ada", b"SERVICE_TOKEN": value["environment"].encode()},
        *[str.encode, bytes.decode] * 2,
    )
    return {
        "parameter": (log_in, ("ada", value["parameter"]), {}, f"user ada with {value['parameter']} is in", None),
        "nested key": (anything, ([{"x": {"Secret-Key": value["nested key"]}}],), {}, {value["nested key"]: 1}, None),
        "bytes key": (anything, ({b"x-api-key": value["bytes key"].encode()},), {}, value["bytes key"], None),
        "dataclass field": (anything, (Account("ada", value["dataclass field"]),), {}, Login("ada", "x"), None),
        "exception text": (anything, (), {}, None, Refused(401, f"password={value['exception text']} was refused")),
        "URL": (anything, (f"postgres://ada:{value['URL']}@db:5432/shop?sslmode=require",), {}, [value["URL"]], None),
        "header": (anything, ({"headers": [f"Authorization: Bearer {value['header']}"]},), {}, None, None),
        "environment": (anything, (environment,), {}, None, None),
        "closure": (anything, (closure_over(value["closure"]),), {}, [closure_over("x"), value["closure"]], None),
        "slots": (anything, (SlottedAccount("ada", value["slots"]),), {}, quote(value["slots"]), None),
        "default argument": (
            with_default,
            ("ada",),
            {},
            base64.b64encode(b"ada:" + value["default argument"].encode()),
            None,
        ),
        "return value": (
            anything,
            (f"token {value['return value']}",),
            {},
            {"access_token": value["return value"]},
            None,
        ),
    }


@pytest.mark.parametrize("place", PLANTED)
@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_planted_secret_is_in_no_byte_of_the_bundle(place: str, compression: str) -> None:
    """S8."""
    function, args, kwargs, result, error = planted_calls()[place]

    found = sealed(function, *args, result=result, error=error, rules=SealRules(KEY, compression=compression), **kwargs)

    secret = PLANTED[place].encode()
    assert secret not in everything_in(found.file)
    assert any(note.kind == "redacted" for note in found.header.notes)
    assert len(found.call) == 3  # what is stored still loads
    assert isinstance(found.outcome, Refused) is (error is not None)


def test_secrets_of_positional_fields_are_found_by_their_names() -> None:
    values = [Login("ada", SECRET), FrozenAccount("ada", SECRET), [SECRET]]

    found = sealed(anything, values)

    assert SECRET.encode() not in everything_in(found.file)
    login, account, (copy,) = found.args[0]
    assert login.passwd == account.api_key == copy
    assert (login.user, account.name) == ("ada", "ada")


def test_secrets_of_functions_by_value_are_found_by_their_names() -> None:
    found = sealed(anything, make_function(SECRET), closure_over(SECRET), result={"plain": SECRET})

    assert SECRET.encode() not in everything_in(found.file)
    connect, closure = found.args
    assert connect("host ") == "host " + closure() == "host " + found.outcome["plain"]


def test_equal_secrets_get_equal_pseudonyms_of_their_own_type() -> None:
    found = sealed(log_in, "ada", SECRET, result={"echo": SECRET, "raw": SECRET.encode(), "other": "untouched"})

    pseudonym = found.args[1]
    assert pseudonym.startswith("redacted-")
    assert found.outcome == {"echo": pseudonym, "raw": pseudonym.encode(), "other": "untouched"}
    assert sealed(log_in, "bob", SECRET).args[1] == pseudonym
    assert sealed(log_in, "bob", SECRET + "!").args[1] != pseudonym
    assert sealed(log_in, "bob", SECRET, rules=SealRules(b"another key")).args[1] != pseudonym


def test_what_has_no_pseudonym_becomes_a_placeholder_with_its_path() -> None:
    value = {"pin": 4711, "credentials": {"user": "ada", "secret": SECRET}}

    found = sealed(anything, value, result=SECRET)

    assert SECRET.encode() not in everything_in(found.file)
    placeholder = found.args[0]["pin"]
    assert type(placeholder) is Placeholder
    assert note_of(placeholder).path == "args[0].pin"
    assert note_of(placeholder).kind == "redacted"
    assert found.args[0]["credentials"] == {"user": "ada", "secret": found.outcome}


def test_what_the_configuration_names_goes_whole_whatever_it_is() -> None:
    value = {"credentials": {"user": "ada", "level": 3}, "is_admin": True, "kind": Method.BASIC, "none": None}
    rules = SealRules(KEY, redact=("credentials", "isAdmin", "kind", "none", "result.rows"))

    found = sealed(anything, value, result={"rows": [1, 2]}, rules=rules)

    for name in ("credentials", "is_admin", "kind"):
        assert type(found.args[0][name]) is Placeholder, name
    assert found.args[0]["none"] is None
    assert type(found.outcome["rows"]) is Placeholder


def test_notes_say_path_and_rule_but_never_the_value() -> None:
    found = sealed(log_in, "ada", SECRET, result=[SECRET])

    assert [(note.path, note.kind) for note in found.header.notes] == [
        ("password", "redacted"),
        ("result[0]", "redacted"),
    ]
    assert "password" in found.header.notes[0].reason
    assert SECRET not in repr(found.header)


def test_secrets_that_are_keys_are_replaced_in_the_data_and_in_paths() -> None:
    found = sealed(anything, {"token": SECRET}, {SECRET: {"session_id": "0123456789abcdef"}})

    assert SECRET.encode() not in everything_in(found.file)
    pseudonym = found.args[0]["token"]
    assert list(found.args[1]) == [pseudonym]


def test_sharing_and_cycles_survive_redaction() -> None:
    shared = {"password": SECRET}
    value: dict[str, Any] = {"one": (shared, 1), "two": [shared]}
    value["self"] = (value,)

    (found,) = sealed(anything, value).args

    assert found["one"][0] is found["two"][0]
    assert found["self"][0] is found
    assert found["one"][0]["password"].startswith("redacted-")


SECRET_NAMES = """
    password db_password PASSWORD x-api-key xApiKey access_token refreshToken client_secret private_key
    Authorization set-cookie sessionid csrf_token DATABASE_URL stripe_secret_key user.passwd
"""
INNOCENT_NAMES = "name tokens_used tokenizer secretary compass pinned authority passenger monkey bypass author keys"


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_name_is_secret_however_it_is_spelled(name: str) -> None:
    assert SecretNames().rule(name) is not None
    assert SecretNames().rule(name.encode()) is not None


@pytest.mark.parametrize("name", INNOCENT_NAMES.split())
def test_innocent_name_is_left_alone(name: str) -> None:
    assert SecretNames().rule(name) is None


def test_counts_under_names_that_are_only_like_secrets_stay() -> None:
    value = {"max_tokens": 4096, "password_length": 12, "use_token": True, "token": None, "secret": ""}

    assert sealed(anything, value).args == (value,)


def test_the_user_adds_and_exempts_names_and_paths() -> None:
    value = {"email": SECRET, "session": "a session that is a plain word", "rows": [{"owner": "ada.lovelace"}]}
    rules = SealRules(KEY, redact=("e-mail", "args[*].rows[*].owner"), redact_allow=("session",))

    (found,) = sealed(anything, value, rules=rules).args

    assert found["email"].startswith("redacted-")
    assert found["rows"][0]["owner"].startswith("redacted-")
    assert found["session"] == value["session"]


def test_an_exempted_path_stays_while_its_name_is_redacted_elsewhere() -> None:
    rules = SealRules(KEY, redact_allow=("args[0].public.*",))
    public = {"token": "abcdef-1", "card": "4111 1111 1111 1111"}

    (found,) = sealed(anything, {"public": public, "token": "ghijkl-2"}, rules=rules).args

    assert found["public"] == public
    assert found["token"].startswith("redacted-")


SHAPES = {
    "bearer": "Bearer mF_9.B5f-4.1JqM",
    "basic": "Basic " + base64.b64encode(b"ada:lovelace1815").decode(),
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIzaSyA-1234567890abcdefghijklmnopqrstu",
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "slack": "xoxb-123456789012-abcdefGHIJKL",
    "stripe": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "card": "4111 1111 1111 1111",
    "url": "amqp://ada:lovelace1815@queue/",
    "query": "https://api/x?page=2&access_token=lovelace1815",
    "json": '{"user": "ada", "password": "lovelace1815"}',
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [str, bytes])
def test_value_that_looks_like_a_secret_is_redacted_under_any_name(shape: str, kind: type) -> None:
    """S11."""
    text = f"see {SHAPES[shape]} there"
    value = text if kind is str else text.encode()

    (found,) = sealed(anything, [{"note": value}]).args

    new = found[0]["note"]
    assert type(new) is kind
    assert (b"redacted-" if kind is bytes else "redacted-") in new
    assert new[:4] == value[:4] and new[-5:] == value[-5:]
    assert secrets_in(text, SecretNames())
    assert may_hold_secrets(text.encode(), SecretNames())


@pytest.mark.parametrize(
    "text",
    [
        "the bearer certificates of basic research",
        "tokens: 4096, max_tokens=100",
        "https://example.org/a?page=2#key",
        "order 4111111111111112 and 1234567890123456 at 1763804048123456",
        "see also: password",
        "sk-1 AKIA eyJ",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert secrets_in(text, SecretNames()) == []


def test_card_numbers_are_told_by_issuer_and_check_digit() -> None:
    assert is_card_number("4111-1111-1111-1111") and is_card_number("378282246310005")
    assert not is_card_number("4111111111111112") and not is_card_number("1763804048123456")
    (found,) = sealed(anything, {"n": 4111111111111111, "order": 4111111111111112}).args
    assert type(found["n"]) is Placeholder and found["order"] == 4111111111111112


def test_card_number_that_is_an_int_is_found_as_text_too() -> None:
    found = sealed(anything, {"cardnumber": 4111111111111111}, result="charged 4111111111111111")

    assert b"4111111111111111" not in everything_in(found.file)


@pytest.mark.parametrize(
    "spell",
    [
        lambda secret: base64.b64encode(b"x" + secret.encode()),
        lambda secret: base64.urlsafe_b64encode(b"xy" + secret.encode() + b"z"),
        lambda secret: secret.encode().hex(),
        lambda secret: quote(secret, safe=""),
        lambda secret: secret.encode("utf-16-le"),
        lambda secret: [f"before {secret} after"],
    ],
)
def test_secret_is_found_in_other_spellings(spell: Any) -> None:
    secret = "p@ss/w0rd & more ä"

    found = sealed(log_in, "ada", secret, result=spell(secret))

    assert b"redacted-" in found.payload["outcome"]
    assert secret.encode() not in everything_in(found.file)


def test_numpy_texts_and_frames_do_not_keep_secrets() -> None:
    numpy = pytest.importorskip("numpy")
    found = sealed(log_in, "ada", SECRET, result=numpy.array([SECRET, "x"], dtype=object))
    assert SECRET.encode() not in everything_in(found.file)

    for texts in (numpy.array([SECRET, "x"]), numpy.array([SECRET.encode(), b"x"]), numpy.str_(SECRET)):
        found = sealed(log_in, "ada", SECRET, result=[texts, "kept"])
        assert SECRET.encode("utf-32-le") not in found.file
        assert SECRET.encode() not in found.file
        assert type(found.outcome[0]) is Placeholder
        assert found.outcome[1] == "kept"


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


def texts_of_numpy() -> dict[str, Any]:
    numpy = pytest.importorskip("numpy")
    return {
        "wide": numpy.array(["x", TOKEN]),
        "wide, big-endian": numpy.array(["x", TOKEN]).astype(">U60"),
        "wide, two-dimensional": numpy.array([["x", TOKEN], ["y", "z"]]).T,
        "narrow": numpy.array([b"x", TOKEN.encode()]),
        "in a record": numpy.array([(1, TOKEN)], dtype=[("n", "i4"), ("note", "U80")]),
        "one alone": numpy.str_(TOKEN),
        "one of bytes": numpy.bytes_(TOKEN.encode()),
        "beside a full-width neighbour": numpy.array(["y" * len(TOKEN), TOKEN]),
    }


@pytest.mark.parametrize(
    "name",
    [
        "wide",
        "wide, big-endian",
        "wide, two-dimensional",
        "narrow",
        "in a record",
        "one alone",
        "one of bytes",
        "beside a full-width neighbour",
    ],
)
def test_texts_of_numpy_that_look_like_secrets_go_as_a_whole(name: str) -> None:
    found = sealed(anything, texts_of_numpy()[name], f"and again: {TOKEN}")

    for encoding in ("ascii", "utf-32-le", "utf-32-be"):
        assert TOKEN.encode(encoding) not in everything_in(found.file)
    assert type(found.args[0]) is Placeholder
    assert found.args[1].startswith("and again: redacted-")


def test_numbers_of_numpy_are_never_taken_for_texts() -> None:
    numpy = pytest.importorskip("numpy")
    numbers = numpy.frombuffer(TOKEN.encode().ljust(80), dtype="f8").copy()

    found = sealed(log_in, "ada", SECRET, result=numbers)

    assert found.outcome.tobytes() == numbers.tobytes()


def test_a_bytearray_that_holds_what_looks_like_a_secret_is_cleaned() -> None:
    found = sealed(anything, bytearray(b"token is " + TOKEN.encode()))

    assert type(found.args[0]) is bytearray
    assert TOKEN.encode() not in everything_in(found.file)


def test_short_secrets_are_redacted_where_their_name_is_and_not_looked_for_elsewhere() -> None:
    found = sealed(log_in, "ada", "abc", result="abc")

    assert found.args[1].startswith("redacted-")
    assert found.outcome == "abc"


def test_failing_redaction_drops_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = raw_call(log_in, "ada", SECRET)
    monkeypatch.setattr(snapagent.sealing.redaction.redact, "put", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        seal(raw, SealRules(KEY))


def test_call_without_secrets_is_stored_byte_for_byte() -> None:
    raw = raw_call(anything, {"name": "ada", "rows": [1, 2]}, result="fine")

    header, payload = seal(raw, SealRules(KEY))

    assert payload == {"call": raw.call, "outcome": raw.outcome}
    assert header.notes == ()


def test_pairs_of_name_and_value_are_looked_at() -> None:
    headers = [(b"host", b"example.org"), (b"authorization", b"Bearer abcdef-0123456789")]
    fields = [["password", "h0rse-battery"], ["pass", "fail"], ("token", "abc")]

    found = sealed(anything, headers, fields).args

    assert found[0][0] == headers[0] and found[0][1][1].startswith(b"redacted-")
    assert found[1][0][1].startswith("redacted-") and found[1][1:] == fields[1:]


def test_the_token_inside_a_redacted_header_is_looked_for_too() -> None:
    found = sealed(
        anything,
        {"Authorization": "Bearer abcdef-0123456789", "cookie": "theme=dark; sessionid=fedcba-9876543210"},
        result=["abcdef-0123456789", "fedcba-9876543210", "dark"],
    )

    assert b"abcdef-0123456789" not in everything_in(found.file)
    assert b"fedcba-9876543210" not in everything_in(found.file)
    assert found.outcome[2] == "dark"


class Method(enum.Enum):
    BASIC = 1


def test_schemas_types_and_empty_values_are_no_secrets() -> None:
    value = {"password": str, "auth": Method.BASIC, "token": len, "session": {}, "cookies": []}

    assert sealed(anything, value).args == (value,)


def test_secrets_of_the_environment_are_known_wherever_they_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", SECRET)
    monkeypatch.setenv("SNAPAGENT_KEY", "first-key-0123,second-key-4567")
    monkeypatch.setenv("APP_SECRET", "production")  # a plain word

    found = sealed(
        anything,
        {"anything": [f"uses {SECRET}", base64.b64encode(SECRET.encode())], "mode": "production"},
        "second-key-4567",
    )

    assert SECRET.encode() not in everything_in(found.file)
    assert b"second-key-4567" not in everything_in(found.file)
    assert found.args[0]["mode"] == "production"
    monkeypatch.delenv("SHOP_DB_PASSWORD")
    assert sealed(anything, SECRET).args == (SECRET,)


def test_keys_that_hold_secrets_inside_are_replaced() -> None:
    found = sealed(anything, {("ada", SECRET): 1, frozenset([SECRET]): 2}, token=SECRET)

    assert SECRET.encode() not in everything_in(found.file)
    pseudonym = found.kwargs["token"]
    assert found.args == ({("ada", pseudonym): 1, frozenset([pseudonym]): 2},)


def test_frames_and_arrays_with_a_secret_column_go_as_a_whole() -> None:
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    frame = pandas.DataFrame({"user": ["ada"], "password": [SECRET]})
    array = numpy.array([(1, b"S3cret!")], dtype=[("n", "i4"), ("passwd", "S20")])

    found = sealed(anything, frame, array, frame["password"], frame[["user"]])

    assert SECRET.encode() not in everything_in(found.file)
    assert [type(value) is Placeholder for value in found.args] == [True, True, True, False]
    assert found.args[3].equals(frame[["user"]])


words = st.sampled_from(
    [
        *SHAPES.values(),
        "password",
        "token=",
        ": ",
        "=",
        '"',
        "'",
        " ",
        "x",
        "Bearer ",
        "1234",
        "eyJ",
        "://",
        "é",
        "\ud800",
    ]
)


@given(st.lists(words, max_size=6).map("".join))
@settings(max_examples=300, deadline=None)
def test_the_quick_look_misses_nothing_that_the_patterns_find(text: str) -> None:
    names = SecretNames()

    if secrets_in(text, names):
        assert may_hold_secrets(pickle.dumps({"note": [text]}), names)


@pytest.mark.parametrize("text", ["a" * 300_000 + "=", "a:" * 100_000, "-----BEGIN " * 30_000, "eyJ" * 100_000 + "="])
def test_patterns_take_time_in_proportion_to_the_text(text: str) -> None:
    began = time.process_time()
    secrets_in(text, SecretNames())
    assert time.process_time() - began < 2


def library_values() -> dict[str, Any]:
    attrs = pytest.importorskip("attrs")
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    pydantic = pytest.importorskip("pydantic")
    module = sys.modules[__name__]
    if not hasattr(module, "Attrs"):
        module.Attrs = attrs.make_class("Attrs", ["name", "api_key"], slots=True)  # type: ignore[attr-defined]
        module.Attrs.__module__ = __name__  # type: ignore[attr-defined]
        module.Model = pydantic.create_model("Model", __module__=__name__, name=str, password=str)  # type: ignore[attr-defined]
    return {
        "attrs": module.Attrs("ada", SECRET),  # type: ignore[attr-defined]
        "pydantic": module.Model(name="ada", password=SECRET),  # type: ignore[attr-defined]
        "numpy": [numpy.arange(6.0).reshape(2, 3).T, numpy.float32(2), numpy.array([{"a": SECRET}], dtype=object)],
        "pandas": pandas.DataFrame({"n": [1, 2], "t": ["a", "b"], "w": pandas.to_datetime(["2026-01-01"] * 2)}),
        "exceptions": ExceptionGroup("several", [Refused(1, "no"), KeyError(SECRET)]),
        "standard": [uuid.UUID(int=3), decimal.Decimal("1.1"), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)],
    }


@pytest.mark.parametrize("library", ["attrs", "pydantic", "numpy", "pandas", "exceptions", "standard"])
def test_objects_of_libraries_survive_being_written_again(library: str) -> None:
    value = library_values()[library]

    found = sealed(anything, value, password=SECRET)

    assert SECRET.encode() not in everything_in(found.file)
    again, pseudonym = found.args[0], found.kwargs["password"]
    match library:
        case "attrs":
            assert (again.name, again.api_key) == ("ada", pseudonym)
        case "pydantic":
            assert again.model_dump() == {"name": "ada", "password": pseudonym}
        case "numpy":
            assert again[0].tolist() == value[0].tolist() and again[1] == value[1]
            assert again[2][0] == {"a": pseudonym}
        case "pandas":
            assert again.equals(value)
        case "exceptions":
            assert [type(error) for error in again.exceptions] == [Refused, KeyError]
            assert again.exceptions[1].args == (pseudonym,)
        case _:
            assert again == value
