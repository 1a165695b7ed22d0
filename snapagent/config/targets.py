"""Names of functions, patterns that match them, and the set of targets that the import hook queries.

The grammar of a pattern is `module:qualname`, or the dotted form `module.qualname`. In both parts `*` stands for one
segment (or for a part of one, as in `get_*`) and never crosses a dot; `**` stands for any number of segments, also
none. Names that begin with two underscores are matched only by `**` or by their own name. A wildcard in the first
segment does not reach the standard library, nor the libraries that snapagent itself runs on; nothing reaches snapagent,
pytest, pip and setuptools.

The dotted form does not say where the module ends, so it is read as all of its splits at once: `shop.orders.Cart.add`
is `shop.orders:Cart.add` or `shop.orders.Cart:add` or `shop:orders.Cart.add`, whichever exists.
"""

from __future__ import annotations

import sys

from ..core.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set
    from typing import Any

    from ..errors import ConfigError
    from .settings import Settings

    Segments = tuple[str, ...]
    Test = Callable[[str], bool]
    NameTests = tuple[list[tuple[Test, Settings]], list[Test]]
    Split = tuple[Segments, Segments]  # module part, name part

_MAX_ANSWERS = 4096  # module names that a TargetSet remembers: more than most programs import
_MAX_LENGTH = 1000  # characters of a pattern
_OWN_PACKAGE = __name__.partition(".")[0]
# Top-level modules that are never targets: a bundle of theirs would tell about the tool that runs, not the program.
_NEVER = frozenset(
    {_OWN_PACKAGE, "pytest", "_pytest", "pluggy", "pip", "setuptools", "pkg_resources", "_distutils_hack"}
)
# Third-party libraries that the runtime half imports, and what starts a process. Patterns reach them by name only.
_BY_NAME_ONLY = frozenset({"dill", "filelock", "wrapt", "yaml", "_yaml", "zstandard", "sitecustomize", "usercustomize"})


class Target(Record):
    """A function, named the way its module spells it: `shop.orders` and `OrderService.place`."""

    module: str
    qualname: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """From `module:qualname`. Raises ConfigError for anything else; `candidates` reads the dotted form."""
        module, _, qualname = text.strip().partition(":")
        if not module or not qualname or ":" in qualname:
            raise _refusal(f"target {text!r} must look like 'package.module:function'")
        return cls(module, qualname)

    @classmethod
    def read(cls, text: str) -> Target | None:
        """As `parse`, but None for anything else: a stored name may be odd, and must not stop a listing."""
        from ..errors import ConfigError

        try:
            return cls.parse(text)
        except ConfigError:
            return None

    @classmethod
    def candidates(cls, text: str) -> tuple[Target, ...]:
        """The targets that `text` may name: one, or each split of the dotted form, the longest module first."""
        if ":" in text:
            return (cls.parse(text),)
        parts = text.strip().split(".")
        return tuple(cls(".".join(parts[:end]), ".".join(parts[end:])) for end in range(len(parts) - 1, 0, -1))

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.qualname}"


class TargetPattern(Record):
    """One entry of `targets` or `exclude_targets`, parsed. `splits` are its readings, the longest module first."""

    text: str
    splits: tuple[Split, ...]

    @classmethod
    def parse(cls, text: str) -> TargetPattern:
        """Raises ConfigError that says what is wrong with `text` and how it is written."""
        try:
            return cls.read(text)
        except ValueError as error:
            raise _refusal(str(error)) from None

    @classmethod
    def read(cls, text: str) -> TargetPattern:
        """As `parse`, but raises ValueError."""
        text = text.strip()
        if len(text) > _MAX_LENGTH:
            raise ValueError(f"a target of {len(text)} characters is too long")
        if not text.isascii():
            from unicodedata import normalize

            text = normalize("NFKC", text)  # as the Python compiler does to identifiers
        if not _is_plain(text):
            from .target_flaws import flaw_of  # nearly no configuration needs the words

            problem = flaw_of(text)
            if problem:
                raise ValueError(f"target {text!r}: {problem}")
        return cls(text, _splits(text))

    def __str__(self) -> str:
        return self.text

    @property
    def is_exact(self) -> bool:
        """Whether it has no wildcard, so that it names one function."""
        return "*" not in self.text

    @property
    def is_dotted(self) -> bool:
        return ":" not in self.text

    def matches(self, target: Target) -> bool:
        return any(_fits(module, target.module) and _fits(name, target.qualname) for module, name in self.splits)

    def could_match_module(self, module: str) -> bool:
        """Whether a function of this module may match; the dotted form may mean any package above it too."""
        return any(_fits(segments, module) for segments, _ in self.splits)

    def spells_out(self, first: str) -> bool:
        """Whether the pattern names this top-level package or module without a wildcard."""
        return any(segments[0] == first for segments, _ in self.splits)

    def covers_module(self, module: str) -> bool:
        """Whether everything in this module matches."""
        return any(name == ("**",) and _fits(segments, module) for segments, name in self.splits)


class TargetSet:
    """The compiled `targets` and `exclude_targets` of a config.

    `rule_for` finds the one rule that decides for a function: what `exclude_targets` matches has none; a rule without
    wildcards goes before a glob; among equals the later one in the file wins. Rules are not merged.
    """

    wants_module: Callable[[str], bool]
    """Whether a function of this module may be a target. The finder asks it for every import: 30 to 100 ns."""

    def __init__(self, rules: Iterable[tuple[TargetPattern, Settings]], excluded: Iterable[TargetPattern] = ()) -> None:
        self._exact: dict[tuple[str, str], Settings] = {}
        self._names: dict[str, dict[str, bool]] = {}  # module -> qualname -> whether the dotted form named it
        self._exact_names: dict[str, Segments] = {}  # module -> see exact_names
        self._globs: list[tuple[TargetPattern, Settings]] = []
        self._excluded = tuple(excluded)
        self._name_tests = _Answers(self._name_tests_of)
        for pattern, settings in rules:
            if pattern.is_exact:
                self._add_exact(pattern, settings)
            else:
                self._globs.insert(0, (pattern, settings))
        possible = (module for module in self._names if module.partition(".")[0] not in _NEVER)
        exact = frozenset(module for module in possible if not self._excludes_module(module))
        self.wants_module = self._asking(exact) if self._globs else exact.__contains__

    def _asking(self, exact: frozenset[str]) -> Callable[[str], bool]:
        """`wants_module` where there are globs."""
        answers = _Answers(self._glob_wants)
        firsts = {segments[0] for pattern, _ in self._globs for segments, _ in pattern.splits}
        if any("*" in first for first in firsts):
            return lambda name: name in exact or answers[name]
        # Most globs spell the package out: then the first segment answers for the modules of all other packages.
        return lambda name: name in exact or (name.partition(".")[0] in firsts and answers[name])

    def _add_exact(self, pattern: TargetPattern, settings: Settings) -> None:
        for segments, name_segments in pattern.splits:
            module, name = ".".join(segments), ".".join(name_segments)
            self._exact[module, name] = settings
            names = self._names.setdefault(module, {})
            names[name] = pattern.is_dotted and names.get(name, True)

    def _excludes_module(self, module: str) -> bool:
        return any(pattern.covers_module(module) for pattern in self._excluded)

    def _glob_wants(self, module: str) -> bool:
        return self.has_globs(module) and not self._excludes_module(module)

    def has_globs(self, module: str) -> bool:
        """Whether a glob may match in this module, so that all its functions must be checked."""
        return any(pattern.could_match_module(module) for pattern, _ in self._globs_for(module))

    def _globs_for(self, module: str) -> Iterable[tuple[TargetPattern, Settings]]:
        """The globs that may mean this module. Who writes `**:get` means programs: not Python itself, and not us."""
        first = module.partition(".")[0]
        if first in _NEVER:
            return ()
        if first in sys.stdlib_module_names or first in _BY_NAME_ONLY:
            return [rule for rule in self._globs if rule[0].spells_out(first)]
        return self._globs

    @property
    def exact_modules(self) -> Set[str]:
        """The modules of all entries without a wildcard, and those that a dotted form may mean."""
        return self._names.keys()

    @property
    def reaches_standard_library(self) -> bool:
        """Whether modules are named that snapagent itself may need."""
        firsts = {segments[0] for pattern, _ in self._globs for segments, _ in pattern.splits}
        firsts.update(module.partition(".")[0] for module in self._names)
        return "wrapt" in firsts or not firsts.isdisjoint(sys.stdlib_module_names)

    def rule_for(self, target: Target) -> Settings | None:
        """The settings for this function, or None when it is not a target."""
        return self.settings_of(target.module, target.qualname)

    def settings_of(self, module: str, qualname: str) -> Settings | None:
        """The same, of a function that has no Target yet: most functions of a module that a glob reaches."""
        settings = self._exact.get((module, qualname))
        globs, excluded = self._name_tests[module]
        if settings is None:
            for fits, found in globs:
                if fits(qualname):
                    settings = found
                    break
            else:
                return None
        for fits in excluded:
            if fits(qualname):
                return None
        return settings

    def _name_tests_of(self, module: str) -> NameTests:
        """For the functions of this module: the tests of globs, with their settings, and of what is excluded."""
        from .name_tests import name_test

        globs = [
            (name_test(name), settings)
            for pattern, settings in self._globs_for(module)
            for segments, name in pattern.splits
            if _fits(segments, module)
        ]
        splits = [split for pattern in self._excluded for split in pattern.splits]
        return globs, [name_test(name) for segments, name in splits if _fits(segments, module)]

    def exact_names(self, module: str) -> tuple[str, ...]:
        """The qualnames that `module:qualname` entries ask for: one that is not there deserves a report."""
        found = self._exact_names.get(module)
        if found is None:
            names = self._names.get(module)
            if not names:
                return ()
            exact = (name for name, dotted in names.items() if not dotted)
            found = tuple(name for name in exact if self.rule_for(Target(module, name)) is not None)
            self._exact_names[module] = found
        return found


class _Answers(dict[str, "Any"]):
    """What `decide` says of a module name; each is worked out once, as long as there are not too many."""

    def __init__(self, decide: Callable[[str], Any]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, name: str) -> Any:
        answer = self._decide(name)
        if len(self) < _MAX_ANSWERS:
            self[name] = answer
        return answer


def why_never_target(module: str) -> str | None:
    """Why nothing in this module can be a target: it runs programs, as snapagent, pytest and pip do. Else None."""
    first = module.partition(".")[0]
    if first == _OWN_PACKAGE:
        return "snapagent cannot capture itself"
    return f"{first} runs or installs programs, and is never captured" if first in _NEVER else None


def _fits(segments: Segments, dotted: str) -> bool:
    from .name_tests import name_test

    return name_test(segments)(dotted)


def _splits(text: str) -> tuple[Split, ...]:
    """Every reading of a pattern. The dotted form is cut in each way; a cut through `**` leaves it on both sides."""
    module, colon, name = text.partition(":")
    segments = tuple(module.split("."))
    if colon:
        return ((segments, tuple(name.split("."))),)
    splits: list[Split] = []
    for end in range(len(segments), 0, -1):
        if end < len(segments):
            splits.append((segments[:end], segments[end:]))
        if segments[end - 1] == "**":
            splits.append((segments[:end], segments[end - 1 :]))
    return tuple(splits)


def _is_plain(text: str) -> bool:
    """Whether the text is certainly valid. Most entries are, so most of a long list needs only this check."""
    segments = text.replace(":", ".", 1).split(".")
    return len(segments) > 1 and all(map(_is_plain_segment, segments))


def _is_plain_segment(segment: str) -> bool:
    if "*" not in segment:
        return segment.isidentifier()
    is_partial = not segment.startswith("__") and "**" not in segment
    return segment == "**" or (is_partial and segment.replace("*", "a").isidentifier())


def _refusal(problem: str) -> ConfigError:
    from ..errors import ConfigError  # many classes, for which a program with a good config has no use

    return ConfigError(problem)
