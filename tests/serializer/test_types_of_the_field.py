"""Values of libraries and of the operating system that real programs pass around: each has a form that can be loaded.

C7, C8, C11, C12, C14 and A3 of the list of faults that real programs showed.
"""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
import pydantic
import pytest
import requests
import sqlalchemy_models as models
from freezes import frozen, kept, notes_by_path
from lxml import etree
from sealing_support import sealed
from sqlalchemy import create_engine, insert, select
from sqlalchemy.orm import Session, aliased

from snapagent.compare.comparing import examine
from snapagent.placeholder import Placeholder
from snapagent.serializer import exceptions
from snapagent.serializer.freezing.library_forms import LARGEST_FILE
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw

Item = TypeVar("Item")


class Model(pydantic.BaseModel):
    size: int


class Page(pydantic.BaseModel, Generic[Item]):
    items: list[Item]


def invalid(**values: Any) -> Exception:
    with pytest.raises(pydantic.ValidationError) as caught:
        Model(**values)
    return caught.value


def not_xml(text: str = "<a>") -> Exception:
    with pytest.raises(etree.XMLSyntaxError) as caught:
        etree.fromstring(text)
    return caught.value


# -- exceptions of compiled classes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [invalid(size="x"), not_xml()], ids=["pydantic", "lxml"])
def test_an_exception_of_a_compiled_class_comes_back(error: Exception) -> None:
    loaded = thaw(frozen([error]).data)[0]

    assert type(loaded) is type(error) and str(loaded) == str(error)
    assert examine(loaded, error)


def test_its_details_come_back() -> None:
    error: Any = invalid(size="x")

    assert thaw(frozen(error).data).errors() == error.errors()


def test_exceptions_of_a_compiled_class_with_other_texts_are_different() -> None:
    assert not examine(invalid(size="x"), invalid(size=None))


@pytest.fixture
def unmakeable(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The stream of an exception whose class has no way left to make it."""
    monkeypatch.setattr(exceptions, "_compiled_form", lambda error: (str(error), None, ()))
    return frozen(invalid(size="x")).data


def test_a_stand_in_has_type_and_text_of_an_exception_that_cannot_be_made(unmakeable: bytes) -> None:
    loaded = thaw(unmakeable)

    assert isinstance(loaded, ValueError) and str(loaded) == str(invalid(size="x"))
    assert examine(loaded, invalid(size="x"))
    assert not examine(loaded, invalid(size=None))
    assert not examine(loaded, ValueError())


def test_a_stand_in_can_be_stored_again(unmakeable: bytes) -> None:
    assert str(thaw(frozen(thaw(unmakeable)).data)) == str(invalid(size="x"))


# -- parametrized generics --------------------------------------------------------------------------------------------


def test_an_object_of_a_generic_model_that_a_function_made_is_kept() -> None:
    page = Page[int](items=[1, 2])

    result = frozen([page, Page[int]])
    loaded, cls = thaw(result.data)

    assert result.by_value == () and type(loaded) is Page[int] is cls
    assert loaded.items == [1, 2]


def test_a_generic_model_of_a_generic_model_is_kept() -> None:
    page = Page[Page[str]](items=[Page[str](items=["a"])])

    assert kept(page).items[0].items == ["a"]
    assert thaw(encode(decode(frozen(page).data))) == page


def test_an_object_of_a_generic_model_is_shown_by_its_class() -> None:
    def handle(page: object) -> None: ...

    assert sealed(handle, Page[int](items=[1])).header.previews["page"].startswith("Page[int](")


# -- rows and elements ------------------------------------------------------------------------------------------------


def test_a_row_of_sqlite3_comes_back() -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute("""select 1 as a, 'x' as "b ""c", null as d""").fetchone()

    loaded = kept([row])[0]

    assert type(loaded) is sqlite3.Row and loaded == row
    assert loaded["a"] == 1 and tuple(loaded) == (1, "x", None) and loaded.keys() == row.keys()
    connection.close()


def test_elements_of_lxml_come_back() -> None:
    root = etree.fromstring("<a xmlns:n='urn:n'><n:b x='1'>tëxt</n:b>tail</a>")

    one, below, tree = kept([root, root[0], root.getroottree()])

    assert etree.tostring(one) == etree.tostring(root)
    assert below.tag == "{urn:n}b" and below.text == "tëxt" and below.tail is None
    assert etree.tostring(tree) == etree.tostring(root)
    assert examine(one, root) and not examine(one, etree.fromstring("<a/>"))


def test_a_comment_of_lxml_is_left_out() -> None:
    comment = etree.fromstring("<a><!-- c --></a>")[0]

    assert notes_by_path(frozen([comment]))["result[0]"].kind == "unstorable"


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("one\ntwö\nthree\n", encoding="utf-8")
    return path


def test_a_text_file_that_is_open_for_reading_comes_back_at_its_position(file: Path) -> None:
    with file.open(encoding="utf-8") as opened:
        opened.readline()
        data = frozen([opened]).data
        assert opened.readline() == "twö\n", "its own position is where it was"
    file.unlink()

    (loaded,) = thaw(data)

    assert loaded.readline() == "twö\n" and loaded.read() == "three\n"
    assert (loaded.name, loaded.mode, loaded.encoding) == (str(file), "r", "utf-8")


def test_a_binary_file_that_is_open_for_reading_comes_back_at_its_position(file: Path) -> None:
    with file.open("rb") as opened:
        opened.read(2)
        loaded = kept(opened)
        assert opened.tell() == 2

    assert loaded.read(2) == b"e\n" and loaded.name == str(file)
    assert loaded.seek(0) == 0 and loaded.read(3) == b"one"


@pytest.mark.parametrize("mode", ["a", "r+", "ab", "rb+"])
def test_a_file_that_can_be_written_is_left_out(file: Path, mode: str) -> None:
    with file.open(mode) as opened:
        assert type(thaw(frozen(opened).data)) is Placeholder


def test_a_large_file_and_a_closed_one_are_left_out(file: Path) -> None:
    file.write_bytes(b"x" * (LARGEST_FILE + 1))
    with file.open("rb") as opened:
        assert type(thaw(frozen(opened).data)) is Placeholder
    assert type(thaw(frozen(opened).data)) is Placeholder


def test_a_file_in_the_middle_of_a_loop_and_a_pipe_are_left_out(file: Path) -> None:
    with file.open() as opened:
        assert next(opened) == "one\n"
        assert type(thaw(frozen(opened).data)) is Placeholder
        assert next(opened).startswith("tw")
    with subprocess.Popen([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE) as child:
        assert type(thaw(frozen(child.stdout).data)) is Placeholder
        assert child.stdout is not None and child.stdout.read().strip() == b"1"


def test_an_iterator_that_reads_on_demand_is_left_out_and_not_consumed() -> None:
    numbers = map(str, [1, 2])

    assert type(thaw(frozen(numbers).data)) is Placeholder
    assert list(numbers) == ["1", "2"]


# -- responses --------------------------------------------------------------------------------------------------------


class Body(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def read(self, *sizes: Any) -> bytes:
        self.reads += 1
        return super().read(*sizes)


def response() -> requests.Response:
    made = requests.Response()
    made.status_code, made.raw, made.url = 200, Body(b"body"), "http://shop.test/"
    made.headers["Content-Type"] = "text/plain"
    return made


def test_a_response_whose_body_was_not_read_is_not_read() -> None:
    streamed = response()

    result = frozen([streamed])
    (loaded,) = thaw(result.data)

    assert streamed.raw.reads == 0 and not streamed._content_consumed  # type: ignore[attr-defined]
    assert streamed.content == b"body"
    assert (loaded.status_code, loaded.headers["content-type"], loaded.url) == (200, "text/plain", "http://shop.test/")
    assert type(loaded.content) is Placeholder
    assert notes_by_path(result)["result[0]._content"].kind == "unstorable"


def test_a_response_whose_body_was_read_comes_back_with_it() -> None:
    whole = response()
    assert whole.content == b"body"

    assert thaw(frozen(whole).data).text == "body"


def test_a_streamed_response_of_httpx_is_not_read() -> None:
    class Stream(httpx.SyncByteStream):
        reads = 0

        def __iter__(self) -> Iterator[bytes]:
            Stream.reads += 1
            yield b"body"

    streamed = httpx.Response(200, headers={"a": "b"}, stream=Stream())

    (loaded,) = thaw(frozen([streamed]).data)

    assert Stream.reads == 0 and loaded.status_code == 200 and loaded.headers["a"] == "b"
    assert streamed.read() == b"body"


def test_a_request_of_httpx_keeps_a_body_that_is_in_memory() -> None:
    request = httpx.Request("POST", "http://shop.test/", json={"size": 1}, extensions={"timeout": object()})
    del request._content

    (loaded,) = thaw(frozen([request]).data)

    assert loaded.read() == b'{"size":1}' and loaded.method == "POST" and str(loaded.url) == "http://shop.test/"


# -- the ORM of SQLAlchemy --------------------------------------------------------------------------------------------

LOADS = """
import sys
sys.path[:0] = {paths!r}
import sqlalchemy_models as models
from snapagent.serializer.thawing.load import thaw
for loaded in thaw(open({file!r}, "rb").read()):
    print(" ".join(str(loaded).split()))
"""


def test_statements_of_an_orm_load_in_another_process(tmp_path: Path) -> None:
    order = models.Order
    statements = [
        select(order),
        select(order.id).where(order.name == "ann").order_by(order.name.desc()),
        insert(order),
        order.name == "ann",
        order.__table__,
        order.__table__.c.name,
        order.__mapper__,
    ]
    result = frozen(statements)
    file = tmp_path / "statements"
    file.write_bytes(result.data)
    source = LOADS.format(paths=[str(Path(models.__file__).parent), *sys.path], file=str(file))

    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == [" ".join(str(each).split()) for each in statements], done.stderr
    assert result.notes == () and result.by_value == () and len(result.data) < 5000


def test_a_statement_that_was_loaded_runs_and_can_be_continued() -> None:
    order = models.Order
    engine = create_engine("sqlite://")
    models.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([order(id=1, name="ann"), order(id=2, name="bob")])
        session.commit()

        loaded = kept(select(order.name).where(order.id > 0))

        assert sorted(session.scalars(loaded)) == ["ann", "bob"]
        assert list(session.scalars(loaded.where(order.name == "ann"))) == ["ann"]
    assert kept(aliased(order)) is not None
    engine.dispose()
