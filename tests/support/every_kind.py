"""One of each kind of callable that a module can have; loaded afresh for each test, bare or instrumented."""

import abc
import asyncio
import contextlib
import dataclasses
import enum
import functools
import logging
import sys
import types
import typing
import warnings


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    code: int


def plain(a, b=2, *rest, c: int = 3, **named):
    """Adds nothing.

    >>> plain(1)
    (1, 2, (), 3, {})
    """
    return a, b, rest, c, named


def only_by_position(a, /, b):
    return a, b


def raises(error):
    raise error


def raises_from(error, cause):
    raise error from cause


def raises_while_handling(error):
    try:
        raise KeyError("first")
    except KeyError:
        raise error  # noqa: B904


def changes(items):
    items.append(1)
    return items


def same(value):
    return value


def warns():
    warnings.warn("old", DeprecationWarning, stacklevel=2)


def logs(logger):
    logger.warning("seen", stacklevel=2)


def callers_module():
    return sys._getframe(1).f_globals["__name__"]


def make_tuple_type():
    from collections import namedtuple

    return namedtuple("Point", "x y")


def recurses(depth):
    return 0 if depth == 0 else 1 + recurses(depth - 1)


def with_attribute():
    return with_attribute.counter


with_attribute.counter = 5


async def coroutine(value, *, fail=None):
    await asyncio.sleep(0)
    if fail is not None:
        raise fail
    return value


async def waits(log):
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        log.append("cancelled inside")
        raise


async def outer_task_name():
    return asyncio.current_task().get_name()


def generator(count, log=None):
    log = [] if log is None else log
    try:
        for number in range(count):
            try:
                log.append((yield number))
            except ValueError as error:
                log.append(repr(error))
    finally:
        log.append("over")
    return "returned"


def delegating(count):
    return (yield from generator(count))


def stubborn():
    while True:
        try:
            yield 1
        except GeneratorExit:
            yield 2


async def async_generator(count, log=None):
    log = [] if log is None else log
    try:
        for number in range(count):
            await asyncio.sleep(0)
            try:
                log.append((yield number))
            except ValueError as error:
                log.append(repr(error))
    finally:
        log.append("over")


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield "value"
    finally:
        log.append("out")


@contextlib.asynccontextmanager
async def async_managed(log):
    log.append("in")
    yield "value"
    log.append("out")


@functools.lru_cache
def cached(value):
    return object()


def to_be_filled_in(a, b=2, *, c=3):
    return a, b, c


partial = functools.partial(to_be_filled_in, 1, c=9)


@functools.singledispatch
def dispatched(value):
    return "anything"


@dispatched.register
def dispatched_int(value: int):
    return "a number"


def decorator(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return "decorated", function(*args, **kwargs)

    return inner


def careless(function):
    return lambda *args: ("careless", function(*args))


@decorator
def decorated(x, y=1):
    return x, y


@careless
def carelessly_decorated(x):
    return x


twin = plain
anonymous = lambda x: x + 1  # noqa: E731

REGISTRY = {}


def register(function):
    REGISTRY[function.__name__] = function
    return function


@register
def registered(value):
    return value, "registered"


def takes_callback(value, callback=registered):
    return callback(value)


@typing.overload
def overloaded(value: int) -> int: ...
@typing.overload
def overloaded(value: str) -> str: ...
def overloaded(value):
    return value


class Base:
    def __init__(self, number=1):
        self.number = number

    def method(self, value=0):
        """Of the base."""
        return type(self).__name__, self.number, value

    def inherited(self):
        return "inherited", self.number

    @classmethod
    def made(cls, number):
        return cls(number)

    @staticmethod
    def static(value):
        return value

    @property
    def prop(self):
        """A property."""
        return self.number

    @prop.setter
    def prop(self, value):
        self.number = value

    @functools.cached_property
    def computed(self):
        return object()

    @functools.lru_cache  # noqa: B019
    def cached_method(self, value):
        return object()

    @functools.singledispatchmethod
    def by_type(self, value):
        return "anything", self.number

    @by_type.register
    def _(self, value: int):
        return "a number", self.number

    preset = functools.partialmethod(method, 7)
    second_name = method

    def __call__(self, value):
        return "called", value

    def __eq__(self, other):
        return isinstance(other, Base) and self.number == other.number

    def __hash__(self):
        return hash(self.number)

    def __len__(self):
        return self.number

    def __getitem__(self, key):
        return key

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def __iter__(self):
        yield from (1, 2)

    def __getattr__(self, name):
        if name.startswith("dynamic"):
            return name
        raise AttributeError(name)

    def __repr__(self):
        return f"Base({self.number})"

    async def async_method(self, value):
        return value, self.number

    def gen_method(self):
        yield self.number

    class Nested:
        def method(self):
            return "nested"


class Derived(Base):
    def method(self, value=0):
        return "derived", super().method(value)

    @classmethod
    def made(cls, number):
        return super().made(number + 1)


class Mix:
    def inherited(self):
        return "mixed in"


class Diamond(Derived, Mix): ...


class Slotted:
    __slots__ = ("__weakref__", "x")

    def __new__(cls, *args):
        self = super().__new__(cls)
        self.x = None
        return self

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x


@dataclasses.dataclass(order=True)
class Data:
    x: int
    y: int = 2

    def total(self):
        return self.x + self.y


class Color(enum.Enum):
    RED = 1

    def shade(self):
        return self.name.lower()

    @classmethod
    def _missing_(cls, value):
        return cls.RED


class Abstract(abc.ABC):
    @abc.abstractmethod
    def must(self): ...

    @property
    @abc.abstractmethod
    def must_prop(self): ...


class Meta(type):
    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)

    def __setattr__(cls, name, value):
        raise AttributeError("frozen class")

    @property
    def shadowed(cls):
        return "the metaclass's"


class WithMeta(metaclass=Meta):
    def method(self):
        return "with meta"

    def shadowed(self):
        return "the class's"


class Subscribed:
    subclasses: typing.ClassVar[list] = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.subclasses.append(cls.__name__)

    def __class_getitem__(cls, item):
        return item


class Lazy:
    """Forces itself when looked at."""

    forced = 0

    @property
    def __class__(self):
        Lazy.forced += 1
        return int

    def __getattr__(self, name):
        Lazy.forced += 1
        raise AttributeError(name)


lazy = Lazy()
module_value = types.SimpleNamespace(function=to_be_filled_in)
LOGGER = logging.getLogger("every_kind")
