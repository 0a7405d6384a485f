"""Animals that differ in where their constructor comes from and how classes are put together."""

from __future__ import annotations

import abc
import types
import weakref
from typing import Any

from zoo_support.animal import animal, call
from zoo_support.signatures import _spelled


@animal(call(1).given(a=1).default(b=2), call().unseen())
def inherited_init() -> type:
    class Base:
        def __init__(self, a, b=2):
            self.a, self.b = a, b

    class C(Base):
        pass

    return C


@animal(call(1, 2).given(a=1, b=2))
def super_chain() -> type:
    class Root:
        def __init__(self, a):
            self.root = a

    class Middle(Root):
        def __init__(self, a, b):
            super().__init__(a)
            self.middle = b

    class C(Middle):
        def __init__(self, a, b):
            super().__init__(a * 10, b * 10)
            self.own = (a, b)

    return C


@animal(call(1, 2).given(a=1, b=2))
def two_argument_super() -> type:
    class Base:
        def __init__(self, a):
            self.a = a

    class C(Base):
        def __init__(self, a, b):
            super(C, self).__init__(a)
            self.b = b

    return C


@animal(call(1).given(a=1))
def explicit_base_init() -> type:
    class Left:
        def __init__(self, a):
            self.left = a

    class Right:
        def __init__(self, a):
            self.right = a

    class C(Left, Right):
        def __init__(self, a):
            Left.__init__(self, a)
            Right.__init__(self, a + 1)

    return C


@animal(call(a=1, b=2, c=3).given(a=1, rest={"b": 2, "c": 3}))
def cooperative_diamond() -> type:
    class Top:
        def __init__(self, **rest):
            self.rest = rest

    class Left(Top):
        def __init__(self, b, **rest):
            super().__init__(**rest)
            self.b = b

    class Right(Top):
        def __init__(self, c, **rest):
            super().__init__(**rest)
            self.c = c

    class C(Left, Right):
        def __init__(self, a, **rest):
            super().__init__(**rest)
            self.a = a

    return C


@animal(call(1).given(a=1))
def mixin_without_init() -> type:
    class Mixin:
        def hello(self):
            return self.a

    class Base:
        def __init__(self, a):
            self.a = a

    class C(Mixin, Base):
        pass

    return C


@animal(call(1).given(a=1))
def mixin_before_a_builtin() -> type:
    class Base:
        def __init__(self, a):
            super().__init__([a])

    class C(Base, list):
        pass

    return C


@animal(call(1).given(a=1))
def base_from_another_class() -> type:
    """Two classes share one function object."""

    class Other:
        def __init__(self, a):
            self.a = a

    class C:
        __init__ = Other.__init__

    C.other = Other  # type: ignore[attr-defined]
    return C


@animal(call(1).given(a=1))
def made_by_type() -> type:
    def __init__(self, a):
        self.a = a

    return type("C", (), {"__init__": __init__, "__module__": __name__})


@animal(call(1).given(a=1))
def made_by_new_class() -> type:
    def fill(space):
        def __init__(self, a):
            self.a = a

        space["__init__"] = __init__

    return types.new_class("C", (), {}, fill)


@animal(call(1).given(a=1))
def made_by_exec() -> type:
    return _spelled("class C:\n    def __init__(self, a):\n        self.a = a\n")


@animal(call(1).given(a=1))
def nested_class() -> type:
    class Outer:
        class C:
            def __init__(self, a):
                self.a = a

    return Outer.C


@animal(call(1).given(a=1))
def init_assigned_later() -> type:
    class C:
        pass

    def build(self, a):
        self.a = a

    C.__init__ = build  # type: ignore[method-assign, assignment]
    return C


@animal(call(1).given(a=1))
def concrete_class_of_an_abc() -> type:
    class Base(abc.ABC):
        def __init__(self, a):
            self.a = a

        @abc.abstractmethod
        def go(self): ...

    class C(Base):
        def go(self):
            return self.a

    return C


@animal(call(1).unseen())
def abstract_class() -> type:
    class C(abc.ABC):
        def __init__(self, a):
            self.a = a

        @abc.abstractmethod
        def go(self): ...

    return C


@animal(call(1).given(a=1))
def init_subclass_with_keywords() -> type:
    registry = []

    class Base:
        def __init_subclass__(cls, /, key, **rest):
            super().__init_subclass__(**rest)
            registry.append((key, cls.__name__))

    class C(Base, key="k"):
        def __init__(self, a):
            self.a = (a, list(registry))

    return C


@animal(call(1).given(a=1))
def slots() -> type:
    class C:
        __slots__ = ("a",)

        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).given(a=1))
def slots_with_weakref() -> type:
    class C:
        __slots__ = ("__weakref__", "a")

        def __init__(self, a):
            self.a = a

    return C


@animal(call(1, 2).given(a=1, b=2))
def slots_over_slots() -> type:
    class Base:
        __slots__ = ("a",)

        def __init__(self, a):
            self.a = a

    class C(Base):
        __slots__ = ("b",)

        def __init__(self, a, b):
            super().__init__(a)
            self.b = b

    return C


@animal(call(1).given(a=1))
def new_and_init() -> type:
    class C:
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.made = (args, kwargs)
            return self

        def __init__(self, a):
            self.a = a

    return C


@animal(call(1, 2).given(a=1, b=2), call(1).given(a=1).default(b=9))
def only_new() -> type:
    class C:
        def __new__(cls, a, b=9):
            self = object.__new__(cls)
            self.state = (a, b)
            return self

    return C


@animal(call(1).given(a=1).raises())
def new_that_raises() -> type:
    class C:
        def __new__(cls, a):
            raise LookupError(a)

    return C


@animal(call(1).given(a=1), call(2).reinit(), call(3).reinit())
def singleton() -> type:
    class C:
        only = None

        def __new__(cls, a):
            if cls.only is None:
                cls.only = object.__new__(cls)
            return cls.only

        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).unseen())
def new_that_returns_another_class() -> type:
    class Other:
        def __init__(self):
            self.other = True

    class C:
        def __new__(cls, a):
            return Other()

        def __init__(self, a):
            self.a = a

    return C


@animal(call(1).given(a=1))
def weakref_taken_in_new() -> type:
    class C:
        seen: Any = weakref.WeakSet()

        def __new__(cls, a):
            self = object.__new__(cls)
            cls.seen.add(self)
            self.ref = weakref.ref(self)
            return self

        def __init__(self, a):
            self.a = (a, self.ref() is self, len(weakref.getweakrefs(self)) > 0)

    return C


@animal(call(1).given(a=1))
def finalizer() -> type:
    class C:
        dead: Any = []

        def __init__(self, a):
            self.a = a

        def __del__(self):
            self.dead.append(self.a)

    return C


@animal(call(1).given(a=1))
def getattr_for_everything() -> type:
    class C:
        def __init__(self, a):
            self.a = a

        def __getattr__(self, name):
            return (name, self.a)

    return C


@animal(call(1).given(a=1))
def getattribute_that_raises() -> type:
    class C:
        def __init__(self, a):
            object.__setattr__(self, "a", a)

        def __getattribute__(self, name):
            raise RuntimeError(f"asked for {name}")

    return C


@animal(call(1).given(a=1))
def setattr_that_raises() -> type:
    class C:
        def __init__(self, a):
            object.__setattr__(self, "a", a)

        def __setattr__(self, name, value):
            raise RuntimeError(f"set {name}")

        def __delattr__(self, name):
            raise RuntimeError(f"del {name}")

    return C


@animal(call(1).given(a=1))
def class_that_lies() -> type:
    class C:
        def __init__(self, a):
            self.a = a

        @property
        def __class__(self):
            raise RuntimeError("asked for my class")

    return C


@animal(call(1).given(a=1))
def dict_that_lies() -> type:
    class C:
        __slots__ = ("a",)

        def __init__(self, a):
            self.a = a

        @property
        def __dict__(self):
            raise RuntimeError("asked for my dict")

    return C


@animal(call(1).given(a=1))
def unhashable_and_never_equal() -> type:
    class C:
        def __init__(self, a):
            self.a = a

        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = None

        def __bool__(self):
            raise RuntimeError("bool")

        def __len__(self):
            raise RuntimeError("len")

        def __iter__(self):
            raise RuntimeError("iter")

        def __repr__(self):
            raise RuntimeError("repr")

        def __reduce_ex__(self, protocol):
            raise RuntimeError("reduce")

    return C


@animal(call(1).given(a=1))
def class_assignment_in_init() -> type:
    class Later:
        pass

    class C:
        def __init__(self, a):
            self.a = a
            self.__class__ = Later

    return C


@animal(call(1).given(a=1), call().unseen())
def callable_instances_and_class_getitem() -> type:
    class C:
        def __init__(self, a):
            self.a = a

        def __call__(self, b):
            return self.a + b

        def __class_getitem__(cls, item):
            return (cls.__name__, item)

    return C
