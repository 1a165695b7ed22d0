"""Forms for values that cannot be pickled, or whose hooks would do I/O: open files, rows, XML elements.

Each form is read by descriptors and functions in C of the type's own module. Nothing is imported, since the objects are
met only when the program has imported their library. None is returned for an object that has no such form.
"""

from __future__ import annotations

import codecs
import io
import os
import stat

from ...core.type_facts import mro, type_name
from ..naming import lookup
from ..rebuild import rebuild_element, rebuild_row, reopen_file
from .reduce import Unstorable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Form = tuple[Any, ...]

LARGEST_FILE = 64 * 1024  # bytes: of a larger file nothing is stored
_ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "utf-8-sig", "utf-16", "utf-32"})
_buffer_of: Any = vars(io.TextIOWrapper)["buffer"].__get__
_raw_of: Any = vars(io.BufferedReader)["raw"].__get__


def file_form(file: Any) -> Form | None:
    """The form of a small regular file that is open for reading: its name, position and content."""
    is_text = type(file) is io.TextIOWrapper
    try:
        binary = _buffer_of(file) if is_text else file
        if type(binary) is not io.BufferedReader or (is_text and not _is_usual(file)):
            return None
        raw = _raw_of(binary)
        if type(raw) is not io.FileIO or raw.mode != "rb" or type(raw.name) is not str:
            return None
        number = raw.fileno()
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_FILE:
            return None
        position = io.TextIOWrapper.tell(file) if is_text else io.BufferedReader.tell(file)
        content = os.pread(number, LARGEST_FILE, 0)  # leaves the position alone
    except (OSError, ValueError):  # closed, or a text file in the middle of a `for` loop
        return None
    text = (file.encoding, file.errors) if is_text else None
    return reopen_file, (raw.name, position, content, text)


def _is_usual(file: Any) -> bool:
    """Whether the encoding is one of Python's own, so that telling the position runs no code of the program."""
    return codecs.lookup(file.encoding).name in _ENCODINGS


def row_form(row: Any) -> Form | None:
    """The form of a `sqlite3.Row`: the names of its columns and its values."""
    kind: Any = lookup("sqlite3", "Row")
    return (rebuild_row, (tuple(kind.keys(row)), tuple(kind.__iter__(row)))) if type(row) is kind else None


def error_fields_form(result: Any) -> Form | None:
    """The form of the result that an error of psycopg holds: its fields, as the error's own pickle hook gives them."""
    fields: Any = lookup("psycopg.errors", "_info_to_dict")
    found = fields(result) if fields is not None and result.error_message else None
    return (dict, (list(found.items()),)) if type(found) is dict else None


def element_form(element: Any) -> Form | None:
    """The form of an element of lxml: itself with all that is inside it, as XML."""
    to_bytes = lookup("lxml.etree", "tostring")
    if to_bytes is None or any(type_name(base) == "lxml.etree.__ContentOnlyElement" for base in mro(type(element))):
        raise Unstorable("a comment or a processing instruction of lxml")
    return rebuild_element, (to_bytes(element, with_tail=False), False)


def tree_form(tree: Any) -> Form | None:
    """The form of an ElementTree of lxml."""
    to_bytes = lookup("lxml.etree", "tostring")
    return (rebuild_element, (to_bytes(tree), True)) if to_bytes is not None else None
