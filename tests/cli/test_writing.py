"""Files that commands write: whole or unchanged, never over another one unasked."""

from __future__ import annotations

import os

import click
import pytest

from snapagent.cli.writing import replaced, write_new


def test_a_failed_replacement_changes_nothing_and_leaves_no_draft(tmp_path):
    path = tmp_path / "keys"
    path.write_text("earlier\n")

    with pytest.raises(OSError, match="disk"), replaced(str(path)) as file:
        file.write("half")
        raise OSError("disk")

    assert path.read_text() == "earlier\n"
    assert os.listdir(tmp_path) == ["keys"]


def test_a_replacement_has_its_mode_while_it_is_written(tmp_path):
    path = tmp_path / "keys"

    with replaced(str(path), 0o600) as file:
        modes = [os.stat(tmp_path / name).st_mode & 0o777 for name in os.listdir(tmp_path)]
        file.write("secret\n")

    assert modes == [0o600]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_file_gets_its_folders_and_overwrites_only_when_forced(tmp_path):
    path = tmp_path / "tests" / "unit" / "test_quote.py"

    write_new(str(path), "one\n", force=False)
    with pytest.raises(click.ClickException, match="already exists and was not changed"):
        write_new(str(path), "two\n", force=False)
    assert path.read_text() == "one\n"

    write_new(str(path), "three\n", force=True)
    assert path.read_text() == "three\n"


def test_a_link_under_the_name_of_a_draft_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f"x.{os.getpid()}.tmp").symlink_to(victim)

    with replaced(str(tmp_path / "x")) as file:
        file.write("data")

    assert victim.read_text() == "precious"
    assert (tmp_path / "x").read_text() == "data"
