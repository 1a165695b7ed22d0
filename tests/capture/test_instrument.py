"""The functions of a module that become targets, their names, and the references by which they are reached."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from recording import Memories, instrumented

from snapagent.capture.instrument import Instrumenter
from snapagent.config.settings import Settings
from snapagent.config.targets import TargetPattern, TargetSet
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
from snapagent.serializer.thawing.load import thaw

Make = Callable[[str], ModuleType]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Imports a module `sample` with the given source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(source: str, name: str = "sample") -> ModuleType:
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def kinds(memories: Memories) -> dict[str, tuple[str, str]]:
    return {name.partition(":")[2]: (one.kind, one.flavor) for name, one in memories.made.items()}


def test_every_kind_of_function_is_found_with_its_kind_and_flavor(make):
    module = make("""
import functools
def f(): ...
async def co(): ...
def gen(): yield
async def agen(): yield
class C:
    def __init__(self): ...
    def m(self): ...
    @classmethod
    def c(cls): ...
    @staticmethod
    def s(): ...
    @property
    def p(self): ...
    @functools.cached_property
    def cp(self): ...
    class N:
        async def q(self): ...
@functools.cache
def cached(): ...
""")
    with instrumented(module) as memories:
        assert kinds(memories) == {
            "f": ("function", "plain"),
            "co": ("function", "coroutine"),
            "gen": ("function", "generator"),
            "agen": ("function", "async_generator"),
            "C.__init__": ("method", "plain"),
            "C.m": ("method", "plain"),
            "C.c": ("classmethod", "plain"),
            "C.s": ("staticmethod", "plain"),
            "C.p": ("method", "plain"),
            "C.cp": ("method", "plain"),
            "C.N.q": ("method", "coroutine"),
            "cached": ("function", "plain"),
        }


def test_only_what_the_module_defines_is_wrapped_by_a_glob(make):
    make("def helper(): ...\nclass Helper:\n    def m(self): ...", "other")
    module = make("from other import helper, Helper\nfrom os.path import join\ndef own(): ...")
    with instrumented(module) as memories:
        assert kinds(memories).keys() == {"own"}
        assert module.helper is sys.modules["other"].helper


def test_a_function_with_several_names_has_one_wrapper_and_one_record(make):
    module = make("def f(): return 1\ng = f\nclass C:\n    h = f\n    def m(self): return 2\n    n = m")
    with instrumented(module) as memories:
        assert module.f is module.g is vars(module.C)["h"]
        assert vars(module.C)["m"] is vars(module.C)["n"]
        module.g(), module.C().n()
        assert kinds(memories).keys() == {"f", "C.m"}
        assert len(memories.calls("f")) == len(memories.calls("C.m")) == 1


def test_a_decorator_is_inside_the_recorded_call(make):
    module = make("""
import functools
def twice(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*(2 * arg for arg in args), **kwargs)
    return inner
def careless(function):
    return lambda *args: function(*args)
@twice
def f(x, y=1): return x, y
@careless
def g(x): return x
""")
    with instrumented(module, "sample:f", "sample:g") as memories:
        assert module.f(3, y=5) == (6, 5)
        assert module.g(4) == 4
        assert memories.calls("f") == [((3,), {"y": 5}, ("returned", (6, 5)))]
        assert memories.calls("g") == [((4,), {}, ("returned", 4))]
        assert memories.made["sample:f"].function.__code__.co_varnames == ("x", "y")


def test_calls_through_references_taken_earlier_are_captured(make):
    module = make("""
REGISTRY, LISTENERS, LATER = {}, [], []
def register(f):
    REGISTRY[f.__name__] = f
    LISTENERS.append(f)
    return f
@register
def view(x): return x
@register
async def async_view(x): return x
@register
def stream(n): yield from range(n)
def helper(x): return x
def user(x, key=helper): return key(x)
class Holder:
    def __init__(self): self.callback = helper
holder = Holder()
pair = (helper,)
def closed_over(f=helper):
    return lambda x: f(x)
inner = closed_over()
""")
    with instrumented(module) as memories:
        module.REGISTRY["view"](1), module.LISTENERS[0](2), module.view(3)
        assert asyncio.run(module.REGISTRY["async_view"](4)) == 4
        assert list(module.REGISTRY["stream"](2)) == [0, 1]
        module.user(5), module.holder.callback(6), module.pair[0](7), module.inner(8), module.helper(9)
        assert [args for args, _, _ in memories.calls("view")] == [(1,), (2,), (3,)]
        assert [args for args, _, _ in memories.calls("async_view")] == [(4,)]
        assert [args for args, _, _ in memories.calls("stream")] == [(2,)]
        assert [args for args, _, _ in memories.calls("helper")] == [(5,), (6,), (7,), (8,), (9,)]
        assert module.REGISTRY["view"] is module.view


def test_an_import_in_an_earlier_or_circular_module_is_captured(make, tmp_path):
    (tmp_path / "circular.py").write_text("from sample import f\ndef use(x): return f(x)")
    module = make("def f(x): return x\nimport circular")
    with instrumented(module) as memories:
        assert sys.modules["circular"].use(1) == 1
        assert len(memories.calls("f")) == 1


def test_the_function_behind_an_object_of_a_framework_is_captured(make):
    module = make("""
class Command:
    def __init__(self, callback): self.callback = callback
    def invoke(self, *args): return self.callback(*args)
class Lazy:
    __slots__ = ("_args", "__weakref__")
    def __init__(self, function): object.__setattr__(self, "_args", (function, {}))
    def __getattr__(self, name): raise RuntimeError("forced")
    @property
    def __class__(self): raise RuntimeError("forced")
@Command
def command(x): return x
class Task:
    def apply(self, *args): return self.run(*args)
def task(function):
    return type(function.__name__, (Task,), {"run": staticmethod(function), "__module__": function.__module__})()
@task
def add(x, y): return x + y
@Lazy
def pending(x): return x
""")
    with instrumented(module) as memories:
        assert module.command.invoke(1) == 1
        assert module.add.apply(1, 2) == 3
        assert object.__getattribute__(module.pending, "_args")[0](5) == 5
        assert [len(memories.calls(name)) for name in ("command", "add", "pending")] == [1, 1, 1]


def test_inplace_keeps_the_function_object_and_restores_its_code(make):
    module = make("def f(x, y=2): return x, y")
    function, code = module.f, module.f.__code__
    with instrumented(module, mode="inplace") as memories:
        assert module.f is function
        assert function(1) == (1, 2)
        assert len(memories.calls("f")) == 1
    assert module.f is function and function.__code__ is code and vars(function) == {}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("sample:missing", "the module has no such function; the nearest names are missed"),
        ("sample:number", "it is not a Python function (its type is int)"),
        ("sample:sqrt", "it is not a Python function (its type is builtin_function_or_method)"),
        ("sample:Derived.m", "it is inherited; name it where it is defined: sample:Base.m"),
        ("sample:Base", "it is a class; name its methods: Base.__init__, or Base.* for all"),
        ("sample:callable_one", "it is an object that can be called; name its method: sample:Callable.__call__"),
        ("sample:dumps", "it is defined in another module; name it there: json:dumps"),
    ],
)
def test_a_target_that_cannot_be_reached_is_reported_with_the_reason(make, pattern, reason):
    module = make("""
from json import dumps
from math import sqrt
number = 1
def missed(): ...
class Base:
    def m(self): ...
class Derived(Base): ...
class Callable:
    def __call__(self): ...
callable_one = Callable()
""")
    with instrumented(module, pattern) as memories:
        assert memories.made == {}
        assert memories.unreachable == {pattern: reason}


def test_a_cache_that_others_refer_to_is_reported(make):
    module = make("import functools\n@functools.cache\ndef f(x): return x\nkept = [f]")
    with instrumented(module) as memories:
        module.f(1)
        assert len(memories.calls("f")) == 1
        assert "only calls through its name" in memories.unreachable["sample:f"]


def test_lazy_and_hostile_values_are_not_touched(make):
    module = make("""
class Hostile:
    def __getattribute__(self, name): raise RuntimeError(name)
    def __eq__(self, other): raise RuntimeError
    __hash__ = None
hostile = Hostile()
class Meta(type):
    def __getattribute__(cls, name): raise RuntimeError(name)
    def __setattr__(cls, name, value): raise RuntimeError(name)
class C(metaclass=Meta):
    def m(self): return 1
def f(): return C
""")
    with instrumented(module, "sample:C.m", "sample:f") as memories:
        assert object.__new__(module.C).m() == 1
        assert memories.calls("C.m")


def test_instrumenting_twice_wraps_once(make):
    module = make("def f(): return 1\nkept = []\ndef g(): return 2\nkept.append(g)")
    with instrumented(module) as first:
        wrapper = module.f
        with instrumented(module) as second:
            assert module.f is wrapper
            module.f(), module.g()
            assert second.made == {}
        assert len(first.calls("f")) == len(first.calls("g")) == 1


def test_a_call_that_is_not_captured_has_no_frame_of_ours(make):
    module = make("import sys\ndef f(): return sys._getframe(1).f_code.co_name\nclass C:\n    m = staticmethod(f)")
    with instrumented(module) as memories:
        memories.made["sample:f"].on = False
        assert module.f() == "test_a_call_that_is_not_captured_has_no_frame_of_ours"


def test_a_module_that_is_forgotten_is_freed(make):
    module = make("class C:\n    def m(self): ...\n    @property\n    def p(self): ...\ndef f(): ...")
    memories = Memories()
    targets = TargetSet([(TargetPattern.parse("sample:**"), Settings())])
    instrumenter = Instrumenter(targets, memories.recorder_for, memories.note_unreachable)
    instrumenter.instrument("sample", module)
    assert kinds(memories)
    watch = weakref.ref(module.C)
    memories.made.clear()
    del sys.modules["sample"], module
    gc.collect()
    assert watch() is None


def test_a_generator_is_suspended_between_its_steps(make):
    module = make("def gen(): yield from 'ab'\nasync def co():\n    import asyncio\n    await asyncio.sleep(0)")
    with instrumented(module) as memories:
        list(module.gen())
        asyncio.run(module.co())
        assert memories.made["sample:gen"].steps == ["begin", "suspend", "resume", "suspend", "resume"]
        assert memories.made["sample:co"].steps == ["begin", "suspend", "resume"]


def test_a_generator_says_how_it_ended(make):
    module = make("def gen(n):\n    for i in range(n): yield i")
    with instrumented(module) as memories:
        closed = module.gen(5)
        next(closed)
        closed.close()
        endless = module.gen(20_000)
        assert sum(1 for _ in endless) == 20_000
        list(module.gen(2))
        list(module.gen(0))
        seen = [(len(items), how, error) for _, _, (_, items, how, error) in memories.calls("gen")]
        assert seen == [(1, "closed", None), (10_000, "capped", None), (2, "complete", None), (0, "complete", None)]


def test_the_chunks_of_a_large_stream_are_not_kept(make):
    module = make("def gen():\n    for i in range(8): yield bytes(400_000)")
    with instrumented(module) as memories:
        assert sum(len(chunk) for chunk in module.gen()) == 3_200_000
        ((_, _, (_, items, how, _)),) = memories.calls("gen")
        assert (len(items), how) == (3, "capped")


def test_a_coroutine_that_is_never_started_is_counted(make):
    module = make("async def co(): ...")
    with instrumented(module) as memories, pytest.warns(RuntimeWarning, match="'co' was never awaited"):
        module.co()
        gc.collect()
    assert memories.made["sample:co"].skipped == ["never_started"]


def test_a_wrapped_method_keeps_the_property_objects_of_its_class(make):
    module = make("class C:\n    @property\n    def p(self): 'doc'; return 1\n    q = p")
    prop = vars(module.C)["p"]
    with instrumented(module) as memories:
        assert vars(module.C)["p"] is prop and type(prop) is property
        assert module.C().p == module.C().q == 1
        assert len(memories.calls("C.p")) == 2
    assert type(prop.fget) is types.FunctionType and prop.__doc__ == "doc"


@pytest.mark.parametrize("told", ["C", "None"], ids=["told its name by the class", "set later"])
def test_a_property_says_its_name_as_before_when_it_cannot_be_set_or_deleted(make, told):
    module = make(f"""
class C:
    {"@property" if told == "C" else ""}
    def area(self): return 1
if {told} is None:
    C.area = property(C.area)
class Settable:
    @property
    def area(self): return 1
    @area.setter
    def area(self, value): self.set = value
""")

    def messages():
        found = []
        for change in (lambda: setattr(module.C(), "area", 2), lambda: delattr(module.C(), "area")):
            with pytest.raises(AttributeError) as caught:
                change()
            found.append(str(caught.value))
        with pytest.raises(AttributeError) as caught:
            del module.Settable().area
        return [*found, str(caught.value)]

    before = messages()
    with instrumented(module) as memories:
        assert messages() == before
        assert module.C().area == 1 and len(memories.calls("C.area")) == 1
        order = module.Settable()
        order.area = 3
        assert order.set == 3
    assert messages() == before


def test_partials_and_presets_reach_the_method(make):
    module = make("""
import functools
class C:
    def m(self, x, y): return x, y
    p = functools.partialmethod(m, 1)
""")
    with instrumented(module) as memories:
        assert module.C().p(2) == (1, 2)
        assert len(memories.calls("C.m")) == 1


def test_implementations_chosen_by_type_are_recorded_as_one_method(make):
    module = make("""
import functools
class C:
    @functools.singledispatchmethod
    def m(self, x): return "any", x
    @m.register
    def _(self, x: int): return "int", x
""")
    with instrumented(module, "sample:C.m") as memories:
        assert (module.C().m("a"), module.C().m(1)) == (("any", "a"), ("int", 1))
        assert [args[1] for args, _, _ in memories.calls("C.m")] == ["a", 1]
        vars(module.C)["m"].register(float, lambda self, x: "float")
        assert module.C().m(1.5) == "float"
    assert module.C().m(1) == ("int", 1) and "Dispatcher" not in repr(vars(vars(module.C)["m"]))


def test_a_subclass_of_singledispatchmethod_is_recorded_as_the_class_itself(make):
    module = make("""
import functools
class chosen_by_type(functools.singledispatchmethod):
    def __getattribute__(self, name):
        asked.append(name)
        return super().__getattribute__(name)
class own_choice(functools.singledispatchmethod):
    def __init__(self, function): self.function = function
    def __get__(self, owner, kind=None): return self.function.__get__(owner, kind)
class direct(functools.singledispatchmethod):
    def __get__(self, owner, kind=None): return lambda value: self.dispatcher(value, owner)
asked = []
class C:
    @chosen_by_type
    def m(self, x): return "any", x
    @m.register
    def _(self, x: int): return "int", x
    @own_choice
    def own(self, x): return x
    @direct
    def turned(x, self): return "turned", x
    asked.clear()
""")
    with instrumented(module, "sample:C.m", "sample:C.own", "sample:C.turned") as memories:
        assert module.asked == []
        assert (module.C().m("a"), module.C().m(1)) == (("any", "a"), ("int", 1))
        assert [args[1] for args, _, _ in memories.calls("C.m")] == ["a", 1]
        assert module.C().own(2) == 2
        assert module.C().turned(3) == ("turned", 3)
    assert module.C().m(1) == ("int", 1) and "Dispatcher" not in repr(vars(vars(module.C)["m"]))


def test_a_plain_decorator_that_hands_on_a_coroutine_is_recorded_when_it_ends(make):
    module = make("""
import functools
def decorator(function):
    @functools.wraps(function)
    def inner(*args): return function(*args)
    return inner
@decorator
async def co(x): return x * 2
""")
    with instrumented(module, "sample:co") as memories:
        assert asyncio.run(module.co(4)) == 8
        assert memories.calls("co") == [((4,), {}, ("returned", 8))]
        assert memories.made["sample:co"].flavor == "coroutine"


def test_a_function_that_looks_at_its_caller_keeps_its_code_and_is_reported(make):
    module = make("""
import sys
def caller(): return sys._getframe(1).f_globals["__name__"]
kept = [caller]
""")
    with instrumented(module) as memories:
        assert module.kept[0]() == module.caller() == __name__
        assert len(memories.calls("caller")) == 1
        assert "only calls through its name" in memories.unreachable["sample:caller"]


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_a_function_that_reads_its_callers_variables_is_left_alone_and_reported(make, mode):
    """`zope.interface.moduleProvides` and decorators of class bodies do; one that reads its own is left alone too."""
    module = make("""
import sys
def caller(): return sys._getframe(1).f_locals
class C:
    @staticmethod
    def note(name): sys._getframe().f_back.f_locals.setdefault("names", []).append(name)
    @classmethod
    def kept(cls): return 1
kept = [caller]
""")
    with instrumented(module, mode=mode) as memories:
        mine = 5
        assert module.caller()["mine"] == module.kept[0]()["mine"] == mine

        class Body:
            names: list[str]
            module.C.note("one")

        assert Body.names == ["one"]
        assert module.C.kept() == 1 and len(memories.calls("C.kept")) == 1
        assert set(memories.unreachable) == {"sample:caller", "sample:C.note"}
        assert "its caller's local variables" in memories.unreachable["sample:caller"]


def test_a_function_that_only_holds_itself_is_wrapped(make):
    module = make("""
namespace = {}
exec("def generated(self, x): return x", namespace)
class C:
    m = namespace["generated"]
    m.__module__ = __name__
del namespace
def recursive():
    def inner(x): return x and inner(x - 1)
    return inner
walk = recursive()
""")
    with instrumented(module, "sample:C.m", "sample:walk"):
        assert type(vars(module.C)["m"]).__name__ == type(module.walk).__name__ == "SnapWrapper"
        assert module.C().m(3) == 3 and module.walk(2) == 0


def test_methods_of_a_class_that_names_its_public_package_are_found(make):
    module = make("""
class C:
    def m(self): return 1
    class N:
        def q(self): return 2
C.__module__ = "public"
""")
    with instrumented(module, "sample:C.m", "sample:C.N.q") as memories:
        assert (module.C().m(), module.C.N().q()) == (1, 2)
        assert memories.unreachable == {}
        assert len(memories.calls("C.m")) == len(memories.calls("C.N.q")) == 1


def test_a_function_that_is_instrumented_already_is_not_reported(make):
    module = make("""
class C:
    def m(self): ...
    @classmethod
    def c(cls): ...
    @property
    def p(self): ...
def f(): ...
""")
    wanted = ("sample:f", "sample:C.m", "sample:C.c", "sample:C.p")
    with instrumented(module, *wanted), instrumented(module, *wanted) as again:
        assert (again.made, again.unreachable) == ({}, {})


def test_a_name_imported_from_a_target_module_is_reported_with_its_home(make):
    home = make("def f(): ...", "home")
    with instrumented(home, "home:f"):
        module = make("from home import f")
        with instrumented(module, "sample:f") as memories:
            assert memories.unreachable == {"sample:f": "it is defined in another module; name it there: home:f"}


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_a_method_that_chooses_by_type_is_captured_in_both_modes(make, mode):
    module = make("""
import functools
class C:
    @functools.singledispatchmethod
    def m(self, value): return "any"
    @m.register
    def _(self, value: int): return "int"
""")
    with instrumented(module, "sample:C.m", mode=mode) as memories:
        assert (module.C().m(1), module.C().m("")) == ("int", "any")
        assert len(memories.calls("C.m")) == 2


@pytest.mark.parametrize("kind", ["classmethod", "staticmethod"])
def test_implementations_that_are_class_or_static_methods_are_called_as_such(make, kind):
    first = "cls, " if kind == "classmethod" else ""
    module = make(f"""
import functools
class C:
    @functools.singledispatchmethod
    @{kind}
    def m({first}value): return "any"
    @m.register
    @{kind}
    def _({first}value: int): return "int"
    @m.register(str)
    @{kind}
    @functools.lru_cache
    def _({first}value): return "str"
""")
    with instrumented(module, "sample:C.m") as memories:
        for holder in (module.C, module.C()):
            assert [holder.m(value) for value in (1, "a", b"")] == ["int", "str", "any"]
        assert [args[-1] for args, _, _ in memories.calls("C.m")][:3] == [1, "a", b""]


def test_an_implementation_that_a_decorator_made_an_object_of_is_captured_where_it_binds(make):
    module = make("""
import functools
class Decorated:
    def __init__(self, function): self.function = function
    def __call__(self, *args): return self.function(*args)
    def __get__(self, owner, kind=None): return functools.partial(self.function, owner)
class Unbindable:
    def __call__(self, value): return "never"
class C:
    @functools.singledispatchmethod
    def m(self, value): return "any"
    @m.register(int)
    @Decorated
    def _(self, value): return "int"
    m.register(str, Unbindable())
""")
    with instrumented(module, "sample:C.m") as memories:
        assert module.C().m(1) == "int"
        with pytest.raises(AttributeError, match="__get__"):
            module.C().m("a")
        assert [args[-1] for args, _, _ in memories.calls("C.m")] == [1]


def test_a_bound_method_of_a_target_whose_function_has_another_name_is_stored(make):
    module = make("""
def checked(function):
    def inner(self, x): return function(self, x)
    return inner
class Api:
    @checked
    def view(self, x): return x + 1
""")
    with instrumented(module, "sample:Api.view"):
        api = module.Api()
        endpoints = thaw(freeze_outcome({api.view: api.view}, False, FreezeRules()).data)
        ((key, method),) = endpoints.items()
        assert method(2) == key(2) == 3
        assert type(method.__self__) is module.Api
