"""Animals whose metaclass interferes, and types that cannot be tracked."""

from __future__ import annotations

import collections
import datetime
import enum
import io
import typing
from typing import Any

from zoo_support.animal import animal, call, refused


@animal(call(1).given(a=1))
def metaclass_with_call() -> type:
    class Meta(type):
        def __call__(cls, *args, **kwargs):
            made = super().__call__(*args, **kwargs)
            made.stamped = True
            return made

    class C(metaclass=Meta):
        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).given(a=2, b=3))
def metaclass_that_changes_arguments() -> type:
    class Meta(type):
        def __call__(cls, a):
            return super().__call__(a + 1, b=3)

    class C(metaclass=Meta):
        def __init__(self, a, b):
            self.a, self.b = a, b

    return C


@animal(call(1).given(a=1), call(1).unseen(), call(2).given(a=2))
def metaclass_that_caches() -> type:
    class Meta(type):
        def __init__(cls, *args):
            super().__init__(*args)
            cls.cache = {}

        def __call__(cls, a):
            if a not in cls.cache:
                cls.cache[a] = super().__call__(a)
            return cls.cache[a]

    class C(metaclass=Meta):
        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).unseen())
def metaclass_that_skips_init() -> type:
    class Meta(type):
        def __call__(cls, *args):
            made = cls.__new__(cls)
            made.skipped = args
            return made

    class C(metaclass=Meta):
        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).given(a=1))
def metaclass_with_prepare() -> type:
    class Meta(type):
        @classmethod
        def __prepare__(cls, name, bases, **kwargs):
            return collections.OrderedDict(prepared=True)

    class C(metaclass=Meta):
        def __init__(self, a):
            self.a = (a, self.prepared)

    return C


def _hostile(*names: str) -> Any:
    """A metaclass on which these methods raise."""

    def deny(name: str) -> Any:
        def raising(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError(f"metaclass {name}")

        return raising

    return type("Meta", (type,), {name: deny(name) for name in names})


def _owner_of(meta: Any) -> type:
    class C(metaclass=meta):
        def __init__(self, a):
            object.__setattr__(self, "a", a)

    return C


@animal(call(1).given(a=1), tracked=None)
def metaclass_setattr_raises() -> type:
    return _owner_of(_hostile("__setattr__", "__delattr__"))


@animal(call(1).given(a=1), tracked=None)
def metaclass_getattribute_raises() -> type:
    return _owner_of(_hostile("__getattribute__", "__getattr__"))


@animal(call(1).given(a=1), tracked=None)
def metaclass_hash_and_eq_raise() -> type:
    return _owner_of(_hostile("__hash__", "__eq__", "__ne__"))


@animal(call(1).given(a=1), tracked=None)
def metaclass_repr_bool_len_raise() -> type:
    return _owner_of(_hostile("__repr__", "__str__", "__bool__", "__len__", "__iter__", "__contains__"))


@animal(call(1).given(a=1), tracked=None)
def metaclass_checks_raise() -> type:
    return _owner_of(_hostile("__instancecheck__", "__subclasscheck__", "__dir__", "mro_entries"))


@animal(call(1).given(a=1), tracked=None)
def metaclass_module_raises() -> type:
    class Meta(type):
        @property
        def __module__(cls):
            raise RuntimeError("metaclass __module__")

    return _owner_of(Meta)


@animal(call(1), tracked=None)
def module_is_a_property() -> type:
    class C:
        def __init__(self, a):
            self.a = a

        @property
        def __module__(self):
            return "nowhere"

    return C


@animal(call(1), tracked=None)
def module_is_no_string() -> type:
    class C:
        __module__ = 7

        def __init__(self, a):
            self.a = a

    return C


@refused
def builtin_int() -> type:
    return int


@refused
def builtin_dict() -> type:
    return dict


@refused
def builtin_object() -> type:
    return object


@refused
def builtin_type() -> type:
    return type


@refused
def c_type_datetime() -> type:
    return datetime.datetime


@refused
def c_type_stringio() -> type:
    return io.StringIO


@refused
def enumeration() -> type:
    class C(enum.Enum):
        A = 1

    return C


@refused
def enumeration_with_init() -> type:
    class C(enum.Enum):
        A = (1, 2)

        def __init__(self, a, b):
            self.a = a

    return C


@refused
def flag() -> type:
    class C(enum.IntFlag):
        A = 1
        B = 2

    return C


@refused
def protocol() -> type:
    class C(typing.Protocol):
        def go(self) -> int: ...

    return C


@refused
def typed_dict() -> Any:
    class C(typing.TypedDict):
        a: int

    return C


@refused
def exception_without_init() -> type:
    class C(Exception):
        pass

    return C


@refused
def array_subclass() -> type:
    import numpy

    class C(numpy.ndarray):
        def __new__(cls, data):
            return numpy.asarray(data).view(cls)

    return C


@refused
def numpy_array() -> type:
    import numpy

    return numpy.ndarray


@refused
def generic_alias() -> Any:
    return list[int]


@refused
def an_instance() -> Any:
    return 3


@refused
def builtin_function() -> Any:
    return len
