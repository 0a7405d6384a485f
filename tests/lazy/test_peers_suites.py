"""
What the public test suites of lazy-object-proxy (tests/test_lazy_object_proxy.py, test_async_py3.py) and wrapt
(tests/core/test_lazy_object_proxy.py, test_object_proxy.py) ask of their proxies, asked of ours and of ghosts.

Their cases are written here as one law: an expression gives with what waits, in any of its places, what it gives with the
values themselves. Where begat's proxy answers otherwise on purpose, the docs say so, and the test is of that.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import itertools
import operator
import pickle
import types
import weakref
from typing import Any

import pytest

import begat


def proxied(value: Any) -> Any:
    """A proxy for *value*, made when it is touched."""
    return begat.lazy(lambda: value)()


class Number:
    """An int by all its operators, of either side: what a ghost of it stands for."""

    def __init__(self, n: Any) -> None:
        self.n = n

    def __repr__(self) -> str:
        return f"Number({self.n})"

    def __bool__(self) -> bool:
        return bool(self.n)

    def __hash__(self) -> int:
        return hash(self.n)


def plain(value: Any) -> Any:
    return value.n if isinstance(value, Number) else value


for _name in "lt le eq ne gt ge".split():
    setattr(Number, f"__{_name}__", lambda a, b, f=getattr(operator, _name): f(plain(a), plain(b)))
for _name in "add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor".split():
    _op, _dunder = getattr(operator, _name), _name.strip("_")
    setattr(Number, f"__{_dunder}__", lambda a, *b, f=_op: Number((pow if len(b) > 1 else f)(plain(a), *map(plain, b))))
    setattr(Number, f"__r{_dunder}__", lambda a, b, f=_op: Number(f(plain(b), plain(a))))
for _name in "neg pos abs invert index".split():
    setattr(Number, f"__{_name}__", lambda a, f=getattr(operator, _name): f(plain(a)))
for _name, _type in (("int", int), ("float", float), ("complex", complex)):
    setattr(Number, f"__{_name}__", lambda a, f=_type: f(plain(a)))
for _name in ("round", "trunc", "floor", "ceil"):
    setattr(Number, f"__{_name}__", lambda a, *rest, f=_name: getattr(plain(a), f"__{f}__")(*rest))
Number.__divmod__ = lambda a, b: divmod(plain(a), plain(b))  # type: ignore[attr-defined]
Number.__rdivmod__ = lambda a, b: divmod(plain(b), plain(a))  # type: ignore[attr-defined]

BINARY = [
    *("a < b", "a <= b", "a == b", "a != b", "a > b", "a >= b"),
    *("a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "a << b", "a >> b", "a & b", "a | b", "a ^ b"),
    *(
        "divmod(a, b)",
        "pow(a, b)",
        "max(a, b) == b",
        "min(a, b) == a",
        "sum([a, b])",
        "sorted([b, a])",
        "a in [b]",
        "{a: 1}.get(b)",
    ),
]
IN_PLACE = ["+=", "-=", "*=", "/=", "//=", "%=", "**=", "<<=", ">>=", "&=", "|=", "^="]
UNARY = [
    *("-a", "+a", "abs(a)", "~a", "int(a)", "float(a)", "complex(a)", "hash(a)", "bool(a)", "not a", "not not a"),
    *(
        "oct(a)",
        "hex(a)",
        "bin(a)",
        "range(9)[a]",
        "[0, 1, 2, 3, 4][a]",
        "round(a)",
        "round(a, 1)",
        "pow(a, 2, 5)",
        "'%d' % a",
    ),
    *("__import__('math').floor(a)", "__import__('math').ceil(a)", "__import__('math').trunc(a)"),
]
WAYS = {"ghost": begat.lazy(Number), "proxy": proxied}


def outcome(act: Any) -> Any:
    """What *act* gives, or the type of its error."""
    try:
        return plain(begat.materialize(act()))
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("expression", BINARY)
def test_an_operator_takes_what_waits_on_either_side(way: str, expression: str) -> None:
    """Left, right and both; three pairs of numbers."""
    code = compile(expression, "<expression>", "eval")
    for left, right in ((3, 2), (2, 3), (2, 2)):
        expected = outcome(lambda: eval(code, {"a": left, "b": right}))  # noqa: B023
        for waits in ((True, False), (False, True), (True, True)):
            a, b = (WAYS[way](n) if late else n for n, late in zip((left, right), waits, strict=True))
            assert outcome(lambda: eval(code, {"a": a, "b": b})) == expected, (left, right, waits)  # noqa: B023


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sign", IN_PLACE)
def test_an_operator_in_place(way: str, sign: str) -> None:
    """What is assigned is the value; begat's proxy does not stay one, since a number does not change in place."""
    for other in (2, WAYS[way](2)):
        space, expected = {"a": WAYS[way](10), "b": other}, {"a": 10, "b": 2}
        exec(f"a {sign} b\na {sign} b", space)
        exec(f"a {sign} b\na {sign} b", expected)
        assert plain(space["a"]) == expected["a"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("expression", UNARY)
def test_a_function_of_one(way: str, expression: str) -> None:
    """Signs, conversions, indices, rounding."""
    for number in (3, 0, 1):
        waiting = WAYS[way](number)
        assert outcome(lambda: eval(expression, {"a": waiting})) == outcome(lambda: eval(expression, {"a": number}))  # noqa: B023


CONTAINERS: list[tuple[Any, list[str]]] = [
    (
        [0, 1, 2, 3],
        [
            "len(a)",
            "2 in a",
            "9 in a",
            "a[1]",
            "a[1:3]",
            "a[9]",
            "list(iter(a))",
            "[*a]",
            "list(reversed(a))",
            "a == [0, 1, 2, 3]",
        ],
    ),
    (
        [0, 1, 2, 3],
        [
            "a + [4]",
            "[4] + a",
            "a * 2",
            "2 * a",
            "a.index(2)",
            "bool(a)",
            "str(a)",
            "hash(a)",
            "dict(enumerate(a))",
            "sum(a)",
        ],
    ),
    (
        {0: False, 1: True},
        [
            "len(a)",
            "1 in a",
            "a[1]",
            "a[9]",
            "dict(a)",
            "{**a}",
            "list(a.items())",
            "a | {5: 1}",
            "a == {0: False, 1: True}",
        ],
    ),
    (
        "text",
        [
            "len(a)",
            "'e' in a",
            "a[1]",
            "a + '!'",
            "'!' + a",
            "a * 2",
            "a.upper()",
            "str(a)",
            "f'{a:>8}'",
            "a == 'text'",
            "a < 'u'",
            "a % ()",
        ],
    ),
    (b"bytes", ["len(a)", "bytes(a)", "a[0]", "a + b'!'", "a.hex()", "a == b'bytes'", "a.decode()"]),
    (1, ["iter(a)", "len(a)", "a[0]", "list(a)", "a()", "[x for x in a]", "dict(a)"]),
    ({1, 2}, ["a | {3}", "{3} | a", "a & {1}", "a - {1}", "a < {1, 2, 3}", "sorted(a)", "len(a)"]),
    (3.7, ["round(a)", "int(a)", "a // 1", "a.is_integer()", "f'{a:.1f}'", "a.__class__"]),
]


@pytest.mark.parametrize(("value", "expression"), [(v, e) for v, many in CONTAINERS for e in many])
def test_a_proxy_for_a_builtin(value: Any, expression: str) -> None:
    """Containers, texts, and errors of what is none."""
    waiting = proxied(copy.copy(value))
    assert outcome(lambda: eval(expression, {"a": waiting})) == outcome(lambda: eval(expression, {"a": value}))


def test_changes_go_through() -> None:
    """Items and slices are set and deleted in what it stands for."""
    items = list(range(5))
    waiting = proxied(items)
    waiting[1] = -1
    waiting[2:4] = [8, 9]
    del waiting[0]
    del waiting[-1:]
    assert items == waiting == [-1, 8, 9]
    table: dict[int, int] = {}
    waiting = proxied(table)
    waiting[1] = 2
    waiting.setdefault(3, 4)
    del waiting[1]
    assert table == {3: 4}


def function(*args: Any, **kwargs: Any) -> Any:
    """A function."""
    return args, kwargs


class Class:
    """A class."""

    attribute = "of the class"

    def __init__(self, n: int = 1) -> None:
        self.n = n

    def method(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    @classmethod
    def of_class(cls, *args: Any, **kwargs: Any) -> Any:
        return cls, args, kwargs

    @staticmethod
    def static(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    @property
    def double(self) -> int:
        return 2 * self.n


CALLS = [((), {}), ((1, 2), {}), ((), {"one": 1, "two": 2}), ((1, 2), {"one": 1})]
CALLABLES = [function, Class().method, Class.of_class, Class().of_class, Class.static, Class().static]


@pytest.mark.parametrize("target", CALLABLES)
@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_a_call(target: Any, args: Any, kwargs: Any) -> None:
    """Functions and methods of every kind, by a proxy, and off an object that waits."""
    assert proxied(target)(*args, **kwargs) == target(*args, **kwargs)
    for waiting in (begat.lazy(Class)(), proxied(Class())):
        assert getattr(waiting, target.__name__, target)(*args, **kwargs) == target(*args, **kwargs)


@pytest.mark.parametrize("name", ["__module__", "__doc__", "__name__", "__qualname__", "__wrapped__", "__dict__"])
@pytest.mark.parametrize("target", [function, Class, Class()])
def test_special_attributes(target: Any, name: str) -> None:
    """Those of what it stands for; ``__wrapped__`` is the proxy's own."""
    found = outcome(lambda: getattr(proxied(target), name))
    assert found == (target if name == "__wrapped__" else outcome(lambda: getattr(target, name)))


def test_attributes_of_the_object_and_of_the_class() -> None:
    """Read, set, deleted; and never on the class."""
    for waiting in (begat.lazy(Class)(3), proxied(Class(3))):
        assert (waiting.attribute, waiting.double, waiting.n) == ("of the class", 6, 3)
        waiting.attribute = "its own"
        assert (waiting.attribute, Class.attribute) == ("its own", "of the class")
        del waiting.attribute
        assert waiting.attribute == "of the class"
        with pytest.raises(AttributeError):
            _ = waiting.missing
        with pytest.raises(AttributeError):
            waiting.double = 1
        assert {"n", "attribute", "method"} <= set(dir(waiting))
        assert vars(waiting) == {"n": 3}


def test_isinstance_and_classes() -> None:
    """The class of what waits, by `isinstance`, `issubclass` of a proxy for a class, `inspect`."""
    assert isinstance(begat.lazy(Class)(), Class)
    assert isinstance(proxied(Class()), Class)
    assert isinstance(proxied(function), types.FunctionType)
    assert isinstance(Class(), proxied(Class))
    assert issubclass(proxied(Class), object)
    assert inspect.signature(proxied(function)) == inspect.signature(function)
    assert inspect.getdoc(begat.lazy(Class)()) == "A class."


def test_it_is_made_once_and_not_before() -> None:
    """And what the factory returns is not asked anything."""
    made = []

    def make() -> Any:
        made.append(1)
        return 42

    waiting = begat.lazy(make)()
    assert begat.is_lazy(waiting)
    assert repr(waiting)
    assert not made
    assert (int(waiting), int(waiting), waiting + 1, made) == (42, 42, 43, [1])


def test_a_factory_that_fails_is_asked_again() -> None:
    """Nothing is kept of the failure."""
    attempts = []

    def make() -> Any:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("not there")
        return 42

    waiting = begat.lazy(make)()
    for _ in range(2):
        with pytest.raises(OSError, match="not there"):
            int(waiting)
    assert (int(waiting), len(attempts)) == (42, 3)


def test_hashes_keys_and_weak_references() -> None:
    """A proxy and what it stands for are one key."""
    waiting = proxied(function)
    assert hash(waiting) == hash(function)
    assert {function: 1}[waiting] == {waiting: 1}[function] == 1
    assert weakref.ref(waiting)() is waiting
    ghost = begat.lazy(Class)()
    table = weakref.WeakKeyDictionary({ghost: 1})
    assert begat.materialize(ghost) is ghost
    assert table[ghost] == 1


def test_context_managers_and_generators() -> None:
    """``with``, ``yield from``, iterators."""

    class Managed:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def __enter__(self) -> Any:
            self.seen.append("in")
            return self

        def __exit__(self, *error: object) -> bool:
            self.seen.append("out")
            return True

    for waiting in (begat.lazy(Managed)(), proxied(Managed())):
        with waiting as inside:
            assert inside.seen == ["in"]
            raise ValueError
        assert waiting.seen == ["in", "out"]

    def through(items: Any) -> Any:
        yield from items

    assert list(through(proxied([1, 2]))) == [1, 2]
    assert list(itertools.islice(proxied(iter([1, 2, 3])), 2)) == [1, 2]
    with pytest.raises(TypeError, match="iterator"):  # a proxy is no iterator: one for a list would be taken for it
        next(proxied(iter([1])))
    assert next(iter(proxied(iter([1])))) == 1


def test_async() -> None:
    """What waits and has the methods of asynchronous code; coroutines that a proxy calls."""

    class Asynchronous:
        def __init__(self, items: list[int]) -> None:
            self.items = list(items)

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *error: object) -> None:
            self.items.append(9)

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> int:
            if not self.items:
                raise StopAsyncIteration
            return self.items.pop()

        def __await__(self) -> Any:
            yield from ()
            return len(self.items)

    async def work(waiting: Any) -> Any:
        async with waiting as inside:
            assert inside.items == [1, 2]
        return [item async for item in waiting]

    async def count(waiting: Any) -> Any:
        return await waiting

    async def double(n: int) -> int:
        return 2 * n

    assert asyncio.run(work(begat.lazy(Asynchronous)([1, 2]))) == [9, 2, 1]
    assert asyncio.run(count(begat.lazy(Asynchronous)([1, 2]))) == 2
    assert asyncio.run(proxied(double)(4)) == 8


@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, *(functools.partial(pickle.dumps, protocol=p) for p in range(6))]
)
def test_copies_of_what_was_made(way: Any) -> None:
    """What a proxy stands for, and not the proxy."""
    waiting = begat.lazy(Class)(5)
    assert waiting.n == 5
    found = way(waiting)
    found = pickle.loads(found) if type(found) is bytes else found
    assert (type(found), found.n) == (Class, 5)


def test_decorators_over_what_waits() -> None:
    """`functools.wraps`, partials, caches take a function that waits."""
    waiting = proxied(function)

    @functools.wraps(waiting)
    def around(*args: Any, **kwargs: Any) -> Any:
        return waiting(*args, **kwargs)

    assert around(1, a=2) == function(1, a=2)
    assert (around.__name__, around.__doc__) == ("function", "A function.")
    assert functools.partial(waiting, 1)(2) == ((1, 2), {})
    assert functools.lru_cache(waiting)(1) == ((1,), {})
    assert list(map(proxied(len), [[1], []])) == [1, 0]
