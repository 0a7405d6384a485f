"""Animals whose ``__init__`` is not a plain function."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from zoo_support.animal import animal, call


def _through(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args, **kwargs):
        return function(*args, **kwargs)

    return around


@animal(call(1, b=2).given(a=1, b=2), call(1).given(a=1).default(b=5), call(1, 2, 3).unknown())
def wrapped_by_functools() -> type:
    class C:
        @_through
        def __init__(self, a, b=5):
            self.a, self.b = a, b

    return C


@animal(call(1, b=2).given(a=1, b=2), call(1).given(a=1).default(b=5), call(1, 2, 3).unknown())
def new_wrapped_by_functools() -> type:
    class C:
        @_through
        def __new__(cls, a, b=5):
            self = object.__new__(cls)
            self.a, self.b = a, b
            return self

    return C


@animal(call(1, k=2).given(args=(1,), k=2), call().given(args=()).default(k=5))
def class_among_args() -> type:
    class C:
        def __new__(*args, k=5):
            self = object.__new__(args[0])
            self.args, self.k = args[1:], k
            return self

    return C


@animal(call(1).given(a=1).default(b=5))
def wrapped_twice() -> type:
    class C:
        @_through
        @_through
        def __init__(self, a, b=5):
            self.a, self.b = a, b

    return C


@animal(call(1))
def wrapped_without_wraps() -> type:
    def around(function):
        def inner(self, *args, **kwargs):
            return function(self, *args, **kwargs)

        return inner

    class C:
        @around
        def __init__(self, a, b=5):
            self.a, self.b = a, b

    return C


@contextlib.contextmanager
def _mode() -> Any:
    yield


@animal(call(1).given(a=1).default(b=5))
def wrapped_by_a_context_manager() -> type:
    class C:
        @_mode()
        def __init__(self, a, b=5):
            self.a, self.b = a, b

    return C


@animal(call(1), tracked=None)
def static_init() -> type:
    class C:
        @staticmethod
        def __init__(a):
            print(end="")

    return C


@animal(call(1), tracked=None)
def class_method_init() -> type:
    class C:
        @classmethod
        def __init__(cls, a):
            cls.a = a

    return C


@animal(call(1), tracked=None)
def partial_method_init() -> type:
    class C:
        def _build(self, b, a):
            self.state = (a, b)

        __init__ = functools.partialmethod(_build, 10)  # type: ignore[assignment]

    return C


@animal(call(1), call("x"), tracked=None)
def single_dispatch_init() -> type:
    class C:
        @functools.singledispatchmethod
        def __init__(self, a):
            self.a = a

        @__init__.register
        def _(self, a: str):
            self.text = a

    return C


@animal(call(1), tracked=None)
def property_init() -> type:
    class C:
        @property
        def __init__(self):
            return lambda a: None

    return C


@animal(call(1), tracked=None)
def callable_object_init() -> type:
    class Build:
        def __call__(self, *args):
            self.args = args

    class C:
        __init__ = Build()

    return C


@animal(call(a=1), tracked=None)
def builtin_init() -> type:
    class C(dict):
        __init__ = dict.update

    return C


@animal(call(1), tracked=None)
def c_descriptor_init() -> type:
    class C(list):
        __init__ = list.append

    return C


@animal(call(1), tracked=None)
def wrapt_init() -> type:
    import wrapt

    @wrapt.decorator
    def around(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    class C:
        @around
        def __init__(self, a):
            self.a = a

    return C


@animal(call(1), call(1), tracked=None)
def cached_class() -> Any:
    @functools.lru_cache
    class C:
        def __init__(self, a):
            self.a = a

    return C


@animal(call(), tracked=None)
def init_is_none() -> type:
    class C:
        __init__ = None

    return C
