"""Animals that a library or a decorator wrote the constructor for."""

from __future__ import annotations

import collections
import dataclasses
import typing
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

import attrs
import pydantic
import pydantic.dataclasses

from begat.record.values import Made, Symbol
from zoo_support.animal import animal, call

LIST = Made(Symbol("builtins:list"))


@animal(
    call(1).given(a=1).default(b=2, c=LIST),
    call(1, 2, [3]).given(a=1, b=2, c=[3]),
    call(c=[], a=1).given(a=1, c=[]).default(b=2),
    call().unseen(),
)
def plain_dataclass() -> type:
    @dataclass
    class C:
        a: int
        b: int = 2
        c: list[int] = field(default_factory=list)

    return C


@animal(call(1).given(a=1).default(b=2), call(1, 3).given(a=1, b=3))
def frozen_dataclass() -> type:
    @dataclass(frozen=True, order=True)
    class C:
        a: int
        b: int = 2

    return C


@animal(call(1).given(a=1).default(b=2), call(1, b=2).given(a=1, b=2))
def slots_dataclass() -> type:
    @dataclass(slots=True)
    class C:
        a: int
        b: int = 2

    return C


@animal(call(1).given(a=1).default(b=LIST))
def frozen_slots_dataclass() -> type:
    @dataclass(frozen=True, slots=True)
    class C:
        a: int
        b: list[int] = field(default_factory=list)

    return C


@animal(call(1).given(a=1).default(b=2))
def slots_dataclass_with_weakref() -> type:
    @dataclass(slots=True, weakref_slot=True)
    class C:
        a: int
        b: int = 2

    return C


@animal(call(1, b=2).given(a=1, b=2).default(c=3), call(a=1, b=2, c=4).given(a=1, b=2, c=4), call(1, 2).unseen())
def keyword_only_dataclass() -> type:
    @dataclass
    class C:
        a: int
        _: dataclasses.KW_ONLY
        b: int
        c: int = 3

    return C


@animal(call(1, 5).given(a=1, scale=5), call(1).given(a=1).default(scale=2), call(1, -1).given(a=1, scale=-1).raises())
def dataclass_with_initvar_and_post_init() -> type:
    @dataclass
    class C:
        a: int
        scale: InitVar[int] = 2
        derived: int = field(init=False)

        def __post_init__(self, scale):
            if scale < 0:
                raise ValueError(scale)
            self.derived = self.a * scale

    return C


@animal(call(1, 2).given(a=1, b=2).default(c=3))
def inherited_dataclass() -> type:
    @dataclass
    class Base:
        a: int

    @dataclass
    class C(Base):
        b: int
        c: int = 3

    return C


@animal(call(1).given(a=1).default(b=2))
def dataclass_without_its_own_init() -> type:
    @dataclass(init=False)
    class C:
        a: int
        b: int = 2

        def __init__(self, a, b=2):
            self.a, self.b = a, b

    return C


@animal(call().bare())
def dataclass_without_fields() -> type:
    @dataclass
    class C:
        pass

    return C


@animal(call(1).given(a=1).default(b=2), call(1, "3").given(a=1, b="3"))
def attrs_define() -> type:
    @attrs.define
    class C:
        a: int
        b: int = attrs.field(default=2, converter=int)

    return C


@animal(call(1).given(a=1).default(b=LIST), call(-1).given(a=-1).default(b=LIST).raises())
def attrs_frozen_with_factory_and_validator() -> type:
    @attrs.frozen
    class C:
        a: int = attrs.field(validator=attrs.validators.ge(0))
        b: list[int] = attrs.field(factory=list)

    return C


@animal(call(a=1).given(a=1).default(b=2), call(1).unseen())
def attrs_keyword_only_without_slots() -> type:
    @attrs.define(kw_only=True, slots=False)
    class C:
        a: int
        b: int = 2

    return C


@animal(call(1).given(a=1), call(1, hidden=3).unseen())
def attrs_private_and_no_init_fields() -> type:
    @attrs.define
    class C:
        _a: int
        hidden: int = attrs.field(default=3, init=False)

    return C


@animal(call(1).given(a=1))
def attrs_with_its_own_init() -> type:
    @attrs.define
    class C:
        a: int
        b: int

        def __init__(self, a):
            self.__attrs_init__(a, a + 1)

    return C


@animal(call(1).given(x=1).default(y=2))
def attrs_old_api() -> type:
    import attr

    @attr.s(auto_attribs=True, these=None)
    class C:
        x: int
        y: int = 2

    return C


@animal(call(a="1").given(a="1").default(b=LIST), call(a="x").given(a="x").default(b=LIST).raises(), call(1).unseen())
def pydantic_model() -> type:
    class C(pydantic.BaseModel):
        a: int
        b: list[int] = pydantic.Field(default_factory=list)

        @pydantic.field_validator("a")
        @classmethod
        def positive(cls, a):
            if a < 0:
                raise ValueError("negative")
            return a

        @pydantic.model_validator(mode="after")
        def checked(self):
            return self

    return C


@animal(call(1).given(a=1).default(b=2), call(-1).given(a=-1).default(b=2).raises())
def pydantic_model_with_its_own_init() -> type:
    class C(pydantic.BaseModel):
        a: pydantic.NonNegativeInt
        b: int

        def __init__(self, a, b=2):
            super().__init__(a=a, b=b)

    return C


@animal(call(1, b="2"), call(a="x").raises())
def pydantic_dataclass() -> type:
    @pydantic.dataclasses.dataclass
    class C:
        a: int
        b: int = 2

    return C


@animal(call(1).given(a=1).default(b=2), call(a=1, b=3).given(a=1, b=3), call().unseen(), call(1, 2, 3).unseen())
def named_tuple() -> type:
    class C(NamedTuple):
        a: int
        b: int = 2

    return C


@animal(call(1, 2).given(a=1, b=2), call(b=1, a=2).given(a=2, b=1), call(1).unseen())
def named_tuple_by_function() -> type:
    return collections.namedtuple("C", "a b")  # noqa: PYI024  # this spelling is the point


@animal(call(1).given(a=1).default(b=2))
def typing_named_tuple_by_function() -> type:
    C = NamedTuple("C", [("a", int), ("b", int)])  # noqa: UP014  # this spelling is the point
    C.__new__.__defaults__ = (2,)
    return C


@animal(call(1).given(a=1).default(b=2))
def named_tuple_subclass() -> type:
    class Base(NamedTuple):
        a: int
        b: int = 2

    class C(Base):
        __slots__ = ()

        def total(self):
            return self.a + self.b

    return C


@animal(call(3, "m").given(value=3, unit="m"))
def int_subclass_with_new() -> type:
    class C(int):
        def __new__(cls, value, unit="s"):
            self = super().__new__(cls, value)
            self.unit = unit
            return self

    return C


@animal(call("a", "b").given(parts=("a", "b")))
def str_subclass_with_new() -> type:
    class C(str):
        __slots__ = ()

        def __new__(cls, *parts):
            return str.__new__(cls, "/".join(parts))

    return C


@animal(call(1, 2).given(a=1, b=2), call(2, 1).given(a=2, b=1).raises())
def tuple_subclass_with_new() -> type:
    class C(tuple):
        def __new__(cls, a, b):
            if a > b:
                raise ValueError((a, b))
            return tuple.__new__(cls, (a, b))

    return C


@animal(call({"a": 1}, strict=True).given(items={"a": 1}, strict=True))
def dict_subclass() -> type:
    class C(dict):
        def __init__(self, items=(), *, strict=False):
            super().__init__(items)
            self.strict = strict

    return C


@animal(call(1, 2).given(a=1, b=2))
def list_subclass() -> type:
    class C(list):
        def __init__(self, a, b):
            super().__init__([a, b])

    return C


@animal(call("no", code=3).given(text="no", code=3))
def exception_subclass() -> type:
    class C(Exception):
        def __init__(self, text, code=1):
            super().__init__(text)
            self.code = code

    return C


@animal(call("worker", 3).given(name="worker", size=3))
def thread_subclass() -> type:
    import threading

    class C(threading.Thread):
        def __init__(self, name, size):
            super().__init__(name=name, daemon=True)
            self.size = size

    return C


@animal(call({"a": 1}).given(data={"a": 1}))
def user_dict_subclass() -> type:
    class C(collections.UserDict):
        def __init__(self, data):
            super().__init__(data)

    return C


T = typing.TypeVar("T")


@animal(call(1).given(a=1))
def generic_class() -> type:
    class C(typing.Generic[T]):
        def __init__(self, a: T) -> None:
            self.a = a

    return C


@animal(call(1).given(a=1))
def protocol_implementation() -> type:
    class P(typing.Protocol):
        a: Any

    class C(P):
        def __init__(self, a):
            self.a = a

    return C
