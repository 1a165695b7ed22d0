"""What the commands print at 80 columns can be read to its end, and at 200 columns the room is used."""

from __future__ import annotations

import io
import json
import sys

import pytest

from snapagent.bundle import Note
from snapagent.cli import main

from .conftest import node


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_a_terminal(monkeypatch):
    """The lines that a command prints on a terminal of this width, stdout and stderr as they come.

    The progress line, which a busy machine makes a command show, is erased as a terminal erases it.
    """

    def lines(width: int, *words: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("NO_COLOR", "1")
        terminal = Terminal()
        with monkeypatch.context() as patched, pytest.raises(SystemExit):
            patched.setattr(sys, "stdout", terminal)
            patched.setattr(sys, "stderr", terminal)
            main(words)
        return [line.rpartition("\r\x1b[K")[2] for line in terminal.getvalue().removesuffix("\n").split("\n")]

    return lines


def test_show_folds_what_is_long_and_shows_it_all(shop, on_a_terminal):
    reason = "an open handle to the operating system that nobody could bring back"
    note = Note("rows", "unstorable", "TextIOWrapper", reason)
    shop.add(tree={"rows": node("<TextIOWrapper>", "TextIOWrapper"), "result": node("3")}, notes=(note,))

    lines = on_a_terminal(80, "show", "shop.pricing.quote")

    at = next(number for number, line in enumerate(lines) if "rows: TextIOWrapper" in line)
    assert lines[at].startswith("└── rows") and lines[at + 1].startswith(" " * 8)
    assert reason in " ".join(f"{lines[at]} {lines[at + 1].strip()}".split())
    assert max(map(len, lines)) <= 80


def test_diff_never_cuts_a_value_before_the_place_where_it_differs(shop, on_a_terminal):
    for end in ("one", "two"):
        shop.add(tree={"rows": node("'" + "x" * 150 + end + "'", "str"), "result": node("3")}, rows=end)

    for width in (80, 200):
        text = "".join(line.strip() for line in on_a_terminal(width, "diff", "shop.pricing.quote"))
        assert "xone'" in text and "xtwo'" in text


def test_diff_stands_side_by_side_where_all_of_it_has_room(shop, on_a_terminal):
    shop.add(tree={"rows": node("[1]", "list"), "result": node("3")}, rows="[1]")
    shop.add(tree={"rows": node("[2]", "list"), "result": node("3")}, rows="[2]")

    assert any("BEFORE" in line for line in on_a_terminal(80, "diff", "shop.pricing.quote"))


def test_verify_puts_the_reason_below_the_file_where_both_do_not_fit(shop, on_a_terminal):
    entry = shop.add()
    (shop.base_path / "shop.pricing.quote" / entry.name).write_bytes(b"torn")

    narrow = on_a_terminal(80, "verify")
    assert narrow[0].startswith("corrupt  captures/shop.pricing.quote/") and narrow[0].endswith(".pkl")
    assert narrow[1].startswith("    ")
    assert on_a_terminal(200, "verify")[0].split() == ["PROBLEM", "FILE", "REASON"]


def test_promote_names_bundles_by_time_and_hash_and_tells_the_folder_once(shop, on_a_terminal):
    entry = shop.add()

    lines = on_a_terminal(80, "promote", "shop.pricing.quote", "--to", "tests/captures", "--dry-run")

    assert lines[0].split() == ["FUNCTION", "TIME", "HASH", "REDACTED", "NOW"]
    assert entry.short_hash in lines[1] and ".pkl" not in lines[1]


def test_why_and_errors_break_between_words(shop, on_a_terminal):
    entry = shop.add()
    shop.count(calls=9, captured=1, skipped={"too_slow": 8})

    lines = on_a_terminal(60, "why", "shop.pricing.quote")
    assert any(line.startswith("      ") and not line.strip().startswith("->") for line in lines)
    assert max(map(len, lines)) <= 60
    assert "".join(f"{line.strip()} " for line in on_a_terminal(60, "diff", "shop.pricing.quote")) == (
        f"snapagent: shop.pricing:quote has only one bundle, {entry.short_hash}; a comparison needs two "
    )


def test_check_and_status_go_on_below_their_text(shop, on_a_terminal):
    file = shop.base_path.parent / "snapagent.yaml"
    file.write_text("version: 1\ntargets: [shop.of.nowhere:quote, shop.of.nowhere:OrderService.place]\n")

    checked = on_a_terminal(60, "check", "snapagent.yaml")
    stated = on_a_terminal(50, "status", "--config", "snapagent.yaml")

    assert any(line.startswith("     ") for line in checked) and max(map(len, checked)) <= 60
    assert any(line.startswith(" " * 10) for line in stated) and max(map(len, stated)) <= 50


def test_what_is_said_of_targets_stands_in_one_column(shop, on_a_terminal):
    file = shop.base_path.parent / "snapagent.yaml"
    file.write_text("version: 1\ntargets: [time:sleep, textwrap:shorten, 'textwrap:TextWrapper.fill']\n")

    lines = on_a_terminal(200, "check", "snapagent.yaml")[:3]

    assert len({len(line) - len(line[5:].partition(" ")[2].lstrip()) for line in lines}) == 1


def test_the_file_that_init_writes_can_be_read_at_80_columns(shop, on_a_terminal):
    assert [line for line in on_a_terminal(80, "init", "--dry-run") if len(line) > 80] == []


def test_replay_has_columns_for_what_has_happened_only(shop, on_a_terminal):
    shop.add()

    titles = next(line for line in on_a_terminal(80, "replay", "--jobs", "1") if "FUNCTION" in line)

    assert titles.split()[-5:] == ["FUNCTION", "EQUAL", "NOT", "REPLAYABLE", "TIME"]


def test_pause_and_resume_tell_programs_what_they_did(shop, run):
    shop.add()

    paused, resumed = (json.loads(run(name, "--json").stdout) for name in ("pause", "resume"))

    assert (paused["paused"], paused["processes"]) == (True, 0)
    assert (resumed["paused"], resumed["was_paused"]) == (False, True)


def test_wrong_usage_is_told_in_whole_words(shop, on_a_terminal):
    lines = on_a_terminal(60, "list", "--sort", "nonsense")

    assert max(map(len, lines)) <= 60
    assert "'bundles', 'failed', 'time', 'size', 'duration'." in " ".join(line.strip() for line in lines)


def test_verify_of_an_empty_store_says_that_there_is_nothing(shop, run):
    assert "there are no bundles under" in run("verify").stderr


def test_a_wrong_name_is_not_told_as_an_empty_store(shop, run):
    shop.add()

    assert "nothing has been captured" not in run("show", "zzz").stderr
    assert "none of the names there (1) is similar" in run("show", "zzz").stderr


def test_a_missing_name_comes_with_the_command_that_shows_the_names(shop, run):
    result = run("diff")

    assert result.exit_code == 2
    assert "Missing argument 'TARGET'. 'snapagent list' lists the names." in result.stderr


def test_why_of_an_unknown_name_does_not_send_back_to_why(shop, run):
    result = run("why", "zzz")

    assert result.exit_code == 2
    assert "'zzz'" in result.stderr and "snapagent why" not in result.stderr
