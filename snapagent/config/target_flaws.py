"""What is wrong with the text of a target, in words: slips that are common elsewhere, and violations of the grammar."""

from __future__ import annotations

_LOCALS = "<locals>"


def flaw_of(text: str) -> str | None:
    """The problem and its correction; None for a valid target."""
    return _slip(text) or _flaw(text)


def _slip(text: str) -> str | None:
    """The correction for a path, a call, or the notation of another tool."""
    form = "write 'package.module:function'"
    if not text:
        return f"it is empty; {form}"
    if "/" in text or "\\" in text:
        path = text.replace("\\", "/").replace(".py:", ":").removesuffix(".py")
        return f"it looks like a path; did you mean {path.strip('./').replace('/', '.')!r}?"
    if "(" in text or ")" in text:
        return f"a target is a name, not a call; did you mean {text.partition('(')[0]!r}?"
    if len(text.split()) > 1:
        return f"a name has no spaces; {form}"
    if "::" in text:
        return f"did you mean {text.replace('::', ':', 1).replace('::', '.')!r}?"
    if text.count(":") > 1:
        first, _, rest = text.partition(":")
        return f"it has more than one ':'; did you mean {first + ':' + rest.replace(':', '.')!r}?"
    if _LOCALS in text or "<lambda>" in text:
        return "a function made inside another one cannot be found by name; use @capture() there"
    if ":" not in text and "." not in text and text != "**":
        return f"it names no function; {form}, or '{text}:*' for all functions of the module"
    return None


def _flaw(text: str) -> str | None:
    """The first violation of the grammar, segment by segment."""
    module, colon, name = text.partition(":")
    for segment in (*module.split("."), *(name.split(".") if colon else ())):
        problem = _segment_flaw(segment)
        if problem:
            return problem
    for segment in name.split(".") if colon else (module.rpartition(".")[2],):
        if not segment.replace("*", "a").isidentifier():
            return f"{segment!r} cannot be the name of a function or class"
    return None


def _segment_flaw(segment: str) -> str | None:
    if not segment:
        return "there is nothing between two dots, or before or after ':'"
    odd = next((char for char in segment if not (char.isalnum() or char in "_-*")), None)
    if odd is not None:
        return f"{odd!r} is not allowed in a name; the wildcards are * and **"
    if "**" in segment and segment != "**":
        return f"'**' stands for whole segments; {segment!r} has more in its segment"
    if "*" in segment and segment.startswith("__"):
        return "names that begin with two underscores are matched only by '**' or by their own name"
    return None
