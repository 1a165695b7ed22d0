"""The quick check of a target's text says no more than the full one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from snapagent.config.target_flaws import flaw_of
from snapagent.config.targets import _is_plain

PIECES = ["*", "**", "a", "_", "__", "1", "-", "é", "shop", "class", "", "get_", " ", "<locals>", "(", "/"]
SEGMENTS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
TEXTS = st.lists(st.tuples(SEGMENTS, st.sampled_from([".", ":"])), min_size=1, max_size=5).map(
    lambda parts: "".join(map("".join, parts))[:-1]
)


@settings(deadline=None)
@given(TEXTS)
def test_a_text_that_passes_the_quick_check_has_no_flaw(text: str) -> None:
    if _is_plain(text):
        assert flaw_of(text) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["shop", "*", "**", "get_*", "*_of", "_x"]), min_size=1, max_size=4))
def test_the_usual_globs_pass_the_quick_check(segments: list[str]) -> None:
    assert _is_plain(f"shop.orders:{'.'.join(segments)}")
