"""Names, globs over them, and which rule decides."""

from __future__ import annotations

import itertools
import pickle
import tracemalloc

import pytest

from snapagent.config.settings import DEFAULT_SETTINGS
from snapagent.config.targets import Target, TargetPattern, TargetSet
from snapagent.core.near_names import near_matches
from snapagent.errors import ConfigError


def pattern(text: str) -> TargetPattern:
    return TargetPattern.parse(text)


def matches(text: str, target: str) -> bool:
    return pattern(text).matches(Target.parse(target))


def target_set(*texts: str, excluded: tuple[str, ...] = ()) -> TargetSet:
    """A rule's `keep` is its place in the list, from 1."""
    rules = [(pattern(text), DEFAULT_SETTINGS.replace(keep=place)) for place, text in enumerate(texts, 1)]
    return TargetSet(rules, [pattern(text) for text in excluded])


def deciding(targets: TargetSet, name: str) -> float | None:
    """The place of the rule that decides for a function."""
    settings = targets.rule_for(Target.parse(name))
    return settings.keep if settings else None


def test_a_target_reads_and_prints_as_module_and_name():
    target = Target.parse("shop.orders:OrderService.place")

    assert (target.module, target.qualname) == ("shop.orders", "OrderService.place")
    assert str(target) == "shop.orders:OrderService.place"
    assert target.dotted == "shop.orders.OrderService.place"
    assert pickle.loads(pickle.dumps(target)) == target


@pytest.mark.parametrize("text", ["", "shop", "shop.pricing", ":quote", "shop:", "a:b:c"])
def test_what_is_no_target_is_refused_with_the_form_it_should_have(text):
    with pytest.raises(ConfigError, match=r"package\.module:function"):
        Target.parse(text)


def test_the_dotted_form_may_mean_each_of_its_splits_the_longest_module_first():
    assert [str(target) for target in Target.candidates("shop.orders.Cart.add")] == [
        "shop.orders.Cart:add",
        "shop.orders:Cart.add",
        "shop:orders.Cart.add",
    ]
    assert Target.candidates("shop.orders:Cart.add") == (Target("shop.orders", "Cart.add"),)
    assert Target.candidates("shop") == ()


@pytest.mark.parametrize(
    ("text", "fits", "fits_not"),
    [
        ("shop.pricing:quote", ["shop.pricing:quote"], ["shop.pricing:quotes", "shop:quote", "shop.pricing.eu:quote"]),
        (
            "shop.pricing.quote",
            ["shop.pricing:quote", "shop:pricing.quote"],
            ["shop.pricing:x.quote", "pricing:quote"],
        ),
        (
            "shop.services.*:*",
            ["shop.services.mail:send", "shop.services.mail:_private"],
            ["shop.services:send", "shop.services.mail.smtp:send", "shop.services.mail:Sender.send"],
        ),
        (
            "shop.**:**",
            ["shop:run", "shop.a:run", "shop.a.b:C.D.run", "shop.a:C.__init__", "shop.__main__:run"],
            ["shopping:run", "my.shop:run"],
        ),
        ("shop.*:run", ["shop.a:run"], ["shop.__main__:run", "shop:run"]),
        ("shop.__main__:run", ["shop.__main__:run"], ["shop.main:run"]),
        ("shop.a:C.*", ["shop.a:C.run", "shop.a:C._run"], ["shop.a:C.__init__", "shop.a:C.__secret", "shop.a:C"]),
        ("shop.a:C.__init__", ["shop.a:C.__init__"], ["shop.a:C.init"]),
        ("shop.a:**.__call__", ["shop.a:C.__call__", "shop.a:__call__", "shop.a:A.B.__call__"], ["shop.a:C.call"]),
        ("shop.a:C.**", ["shop.a:C.run", "shop.a:C.D.run", "shop.a:C.__init__"], ["shop.a:D.run"]),
        ("**.services.*:*", ["services.a:f", "shop.services.a:f", "x.y.services.a:f"], ["shop.services:f"]),
        ("**:**", ["shop:run", "a.b.c:D.e.__f__"], []),
        ("shop.services.*.*", ["shop.services.mail:send", "shop.services:Mail.send"], ["shop.services:send"]),
        ("shop.**", ["shop:run", "shop.a.b:C.run", "shop.a:__call__"], ["shopping:run"]),
        ("shop.a:get_*", ["shop.a:get_", "shop.a:get_one"], ["shop.a:forget_one", "shop.a:get_one.two"]),
        ("shop.*_api:on_*_done", ["shop.v1_api:on_x_done", "shop._api:on__done"], ["shop.__v1_api:on_x_done"]),
        ("shop.migrations.0001_initial:forwards", ["shop.migrations.0001_initial:forwards"], []),
        ("my-app.views:index", ["my-app.views:index"], ["my.app.views:index"]),
    ],
)
def test_a_pattern_matches_what_the_grammar_says_and_nothing_else(text, fits, fits_not):
    assert [target for target in fits if not matches(text, target)] == []
    assert [target for target in fits_not if matches(text, target)] == []


def plainly_fits(segments: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """The grammar as its sentence says it, with no thought for speed."""
    if not segments:
        return not names
    first, rest = segments[0], segments[1:]
    if first == "**":
        return any(plainly_fits(rest, names[taken:]) for taken in range(len(names) + 1))
    if not names:
        return False
    one = names[0] == first if "*" not in first else not names[0].startswith("__") and starry(first, names[0])
    return one and plainly_fits(rest, names[1:])


def starry(part: str, name: str) -> bool:
    if part == "*":
        return True
    before, _, after = part.partition("*")
    return len(name) >= len(before + after) and name.startswith(before) and name.endswith(after)


def test_globs_of_every_small_shape_agree_with_the_plain_reading_of_the_grammar():
    words = [names for n in (1, 2, 3) for names in itertools.product(("a", "ab", "__a"), repeat=n)]
    shapes = [parts for n in (1, 2, 3) for parts in itertools.product(("a", "__a", "*", "**", "a*"), repeat=n)]
    wrong = []
    for parts in shapes:
        in_module = pattern(".".join(parts) + ":f")
        in_name = pattern("m:" + ".".join(parts))
        for names in words:
            expected = plainly_fits(parts, names)
            dotted = ".".join(names)
            if (
                in_module.could_match_module(dotted) is not expected
                or in_name.matches(Target("m", dotted)) is not expected
            ):
                wrong.append((parts, names, expected))
    assert wrong == []


def test_a_dotted_glob_matches_wherever_the_module_may_end():
    shapes = [parts for n in (2, 3) for parts in itertools.product(("a", "*", "**", "a*"), repeat=n)]
    words = [names for n in (2, 3, 4) for names in itertools.product(("a", "ab", "__a"), repeat=n)]
    wrong = []
    for parts in shapes:
        dotted = pattern(".".join(parts))
        for names in words:
            expected = plainly_fits(parts, names)
            for end in range(1, len(names)):
                target = Target(".".join(names[:end]), ".".join(names[end:]))
                if dotted.matches(target) is not expected or (
                    expected and not dotted.could_match_module(target.module)
                ):
                    wrong.append((parts, str(target), expected))
    assert wrong == []


def test_a_glob_of_many_stars_answers_at_once():
    many = pattern("m:" + "*a" * 25 + "b")

    assert not many.matches(Target("m", "a" * 200))
    assert many.matches(Target("m", "a" * 200 + "b"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("shop", "'shop:*' for all functions of the module"),
        ("shop/pricing.py:quote", "did you mean 'shop.pricing:quote'?"),
        ("./shop/pricing.py", "did you mean 'shop.pricing'?"),
        ("shop.pricing:quote()", "did you mean 'shop.pricing:quote'?"),
        ("shop.pricing::quote", "did you mean 'shop.pricing:quote'?"),
        ("shop:Cart:add", "did you mean 'shop:Cart.add'?"),
        ("shop.pricing quote", "no spaces"),
        ("shop..pricing:quote", "nothing between two dots"),
        ("shop.pricing:", "nothing between two dots"),
        ("shop.pricing:quote?", "the wildcards are * and **"),
        ("shop.[ab]:quote", "the wildcards are * and **"),
        ("shop.a**:quote", "'**' stands for whole segments"),
        ("shop.***:quote", "'**' stands for whole segments"),
        ("shop.a:__*", "matched only by '**' or by their own name"),
        ("shop.a:2fast", "cannot be the name of a function"),
        ("shop.a:b-c", "cannot be the name of a function"),
        ("shop.a:outer.<locals>.inner", "use @capture() there"),
        ("a:" + "b" * 2000, "2002 characters"),
    ],
)
def test_a_misspelt_pattern_is_refused_in_words_that_help(text, says):
    with pytest.raises(ConfigError) as caught:
        pattern(text)

    assert says in str(caught.value)


def test_a_name_is_the_same_however_its_letters_are_encoded():
    assert matches("caf\u0065\u0301:f", "caf\u00e9:f")


def test_a_pattern_says_what_it_knows_of_a_module():
    assert pattern("shop.a:f").is_exact and not pattern("shop.*:f").is_exact
    assert pattern("shop.*:**").covers_module("shop.a")
    assert not pattern("shop.*:*").covers_module("shop.a")


def test_an_exact_rule_decides_before_a_glob_and_a_later_one_before_an_earlier():
    targets = target_set("shop.a:f", "shop.**:**", "shop.*:*", "shop.b:f", "shop.b.f")

    assert deciding(targets, "shop.a:f") == 1
    assert deciding(targets, "shop.a:g") == 3
    assert deciding(targets, "shop.a:C.m") == 2
    assert deciding(targets, "shop.b:f") == 5
    assert deciding(targets, "shop.a.b.c:f") == 2
    assert deciding(targets, "other:f") is None


def test_what_is_excluded_is_no_target_even_where_a_rule_names_it():
    targets = target_set("shop.**:**", "shop.legacy:f", excluded=("shop.legacy:*", "shop.a.C.m"))

    assert deciding(targets, "shop.legacy:f") is None
    assert deciding(targets, "shop.legacy:C.m") == 1
    assert deciding(targets, "shop.a:C.m") is None
    assert deciding(targets, "shop.a:C.n") == 1


@pytest.mark.parametrize("more", [(), ("billing.**:*",), ("**.jobs:run",)])
def test_only_modules_that_may_hold_a_target_are_wanted(more):
    wants = target_set("shop.a:f", "shop.b.g", *more).wants_module

    for _ in range(2):  # the second time from memory
        assert wants("shop.a") and wants("shop.b") and wants("shop")
        assert not wants("shop.a.b") and not wants("json") and not wants("shops")
        assert wants("billing.x") is ("billing.**:*" in more)
        assert wants("x.jobs") is ("**.jobs:run" in more)


def test_a_module_that_is_excluded_whole_is_not_wanted():
    targets = target_set("shop.**:**", "shop.legacy.db:f", excluded=("shop.legacy.**:**", "shop.b:*"))

    assert not targets.wants_module("shop.legacy") and not targets.wants_module("shop.legacy.db")
    assert targets.wants_module("shop.b"), "its methods are no part of 'shop.b:*'"


def test_any_number_of_names_may_be_asked_for_in_bounded_memory():
    targets = target_set("**.jobs:run")
    tracemalloc.start()
    try:
        answers = [targets.wants_module(f"pkg.mod{number}") for number in range(20_000)]
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not any(answers)
    assert kept < 1_000_000, "all twenty thousand would be 1.8 MB"
    assert targets.wants_module("pkg.jobs")


def test_exact_names_of_a_module_are_told_apart_from_those_that_may_live_elsewhere():
    targets = target_set("shop.a:f", "shop.a:C.m", "shop.a.g", "shop.a.f", "shop.*:h", excluded=("shop.a:C.*",))

    assert targets.exact_names("shop.a") == ("f",)
    assert targets.exact_names("shop") == ()
    assert targets.has_globs("shop.a") and not targets.has_globs("shop")


def test_the_nearest_names_come_first_and_a_moved_function_is_found():
    known = ["shop.pricing:quote", "shop.orders:place", "billing.core.rates:discount", "shop.pricing:Quote"]

    assert near_matches("shop.pricing:quot", known)[0] == "shop.pricing:quote"
    assert near_matches("shop.prices:discount", known)[0] == "billing.core.rates:discount"
    assert set(near_matches("SHOP.PRICING:QUOTE", known)) == {"shop.pricing:quote", "shop.pricing:Quote"}
    assert near_matches("zzz:yyy", known) == ()
    assert len(near_matches("shop.pricing:q", [f"shop.pricing:q{n}" for n in range(9)])) == 3


@pytest.mark.parametrize(
    "module",
    ["snapagent.store", "pytest", "_pytest.runner", "pluggy", "pip", "setuptools.dist", "_distutils_hack"],
)
@pytest.mark.parametrize("text", ["**:**", "MODULE:**", "MODULE:f"])
def test_tools_that_run_programs_are_never_targets(module: str, text: str) -> None:
    targets = target_set(text.replace("MODULE", module), "shop:*")
    assert not targets.wants_module(module)
    assert targets.wants_module("shop")


@pytest.mark.parametrize("module", ["filelock._unix", "wrapt", "dill", "yaml.reader", "zstandard", "sitecustomize"])
def test_libraries_that_capturing_runs_on_are_targets_only_by_name(module: str) -> None:
    assert not target_set("**:**").wants_module(module)
    assert not target_set("*:*").wants_module(module)
    assert target_set(f"{module}:**").wants_module(module)
    assert target_set(f"{module}:f").wants_module(module)
