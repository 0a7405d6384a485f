"""Animals that differ in what their constructor takes."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

from zoo_support.animal import animal, call

# ruff: noqa: B006, N805, PLW0642  # the odd spellings are the point


@animal(call().bare())
def nothing() -> type:
    class C:
        def __init__(self):
            self.x = 1

    return C


@animal(call().bare(), call(1).unseen())
def empty() -> type:
    class C:
        pass

    return C


@animal(
    call(1, 2).given(a=1, b=2),
    call(b=2, a=1).given(a=1, b=2),
    call(1, b=None).given(a=1, b=None),
    call().unseen(),
    call(1).unseen(),
    call(1, 2, 3).unseen(),
    call(1, 2, a=3).unseen(),
    call(1, 2, c=3).unseen(),
)
def positional() -> type:
    class C:
        def __init__(self, a, b):
            self.a, self.b = a, b

    return C


@animal(
    call().default(a=1, b=2.5, c="x", d=None, e=(1, "two"), f=True),
    call(1, 2.5, "x", None, (1, "two"), True).given(a=1, b=2.5, c="x", d=None, e=(1, "two"), f=True),
    call(7, f=False).given(a=7).default(b=2.5, c="x", d=None, e=(1, "two")).given(f=False),
    call(c="x").default(a=1, b=2.5).given(c="x").default(d=None, e=(1, "two"), f=True),
    call(g=1).unseen(),
)
def defaults() -> type:
    class C:
        def __init__(self, a=1, b=2.5, c="x", d=None, e=(1, "two"), f=True):
            self.state = (a, b, c, d, e, f)

    return C


@animal(
    call(1, b=2).given(a=1, b=2).default(c=3),
    call(b=2, c=3, a=1).given(a=1, b=2, c=3),
    call(1).unseen(),
    call(1, 2).unseen(),
)
def keyword_only() -> type:
    class C:
        def __init__(self, a, *, b, c=3):
            self.a, self.b, self.c = a, b, c

    return C


@animal(call(b=1).default(a=1).given(b=1), call(a=2, b=1).given(a=2, b=1), call().unseen())
def keyword_default_before_required() -> type:
    class C:
        def __init__(self, *, a=1, b):
            self.a, self.b = a, b

    return C


@animal(
    call(1).given(a=1).default(b=2, c=3),
    call(1, 2, 3).given(a=1, b=2, c=3),
    call(1, c=4).given(a=1).default(b=2).given(c=4),
    call(a=1).unseen(),
    call(1, b=2).unseen(),
)
def positional_only() -> type:
    class C:
        def __init__(self, a, b=2, /, c=3):
            self.a, self.b, self.c = a, b, c

    return C


@animal(call(1, 2).given(a=1, rest=(2,)), call(1).given(a=1, rest=()), call().unseen())
def star_args() -> type:
    class C:
        def __init__(self, a, *rest):
            self.a, self.rest = a, rest

    return C


@animal(call(a=1, z=2).given(a=1, more={"z": 2}), call(1).given(a=1, more={}), call(1, a=2).unseen())
def star_kwargs() -> type:
    class C:
        def __init__(self, a, **more):
            self.a, self.more = a, more

    return C


@animal(
    call(1, 2, 3, 4, e=5, f=6).given(a=1, b=2, c=3, args=(4,), e=5, kwargs={"f": 6}).default(d=40),
    call(1, 2).given(a=1, b=2, args=(), kwargs={}).default(c=30, d=40, e=50),
    call(1, 2, 3, 4, 5, a=6).given(a=1, b=2, c=3, args=(4, 5), kwargs={"a": 6}).default(d=40, e=50),
    call(1).unseen(),
)
def everything() -> type:
    class C:
        def __init__(self, a, /, b, c=30, *args, d=40, e=50, **kwargs):
            self.state = [a, b, c, args, d, e, kwargs]

    return C


@animal(call(1, 2, x=3).given(args=(1, 2), kwargs={"x": 3}), call().given(args=(), kwargs={}))
def only_stars() -> type:
    class C:
        def __init__(self, *args, **kwargs):
            self.args, self.kwargs = args, kwargs

    return C


@animal(
    call(1, 2, x=3).given(args=(1, 2), kwargs={"x": 3}),
    call(self=1).given(args=(), kwargs={"self": 1}),
)
def self_among_the_stars() -> type:
    class C:
        def __init__(*args, **kwargs):
            args[0].args, args[0].kwargs = args[1:], kwargs

    return C


@animal(
    call(1, 2, k=3).given(args=(1, 2), k=3, kwargs={}),
    call(1, x=4).given(args=(1,), kwargs={"x": 4}).default(k=5),
)
def self_among_args_before_keywords() -> type:
    class C:
        def __init__(*args, k=5, **kwargs):
            args[0].args, args[0].k, args[0].kwargs = args[1:], k, kwargs

    return C


@animal(call(1, 2).given(args=(1, 2)), call().given(args=()), call(x=1).unseen())
def self_among_args_alone() -> type:
    class C:
        def __init__(*args):
            args[0].args = args[1:]

    return C


@animal(call(5).given(self=5), call(self=5).given(self=5), call(this=5).unseen())
def parameter_called_self() -> type:
    class C:
        def __init__(this, self):
            this.value = self

    return C


@animal(call(self=1, cls=2).given(data={"self": 1, "cls": 2}), call().given(data={}))
def self_by_keyword() -> type:
    class C:
        def __init__(self, /, **data):
            self.data = data

    return C


@animal(
    call(1, 2, 3).given(args=1, kwargs=2, cls=3),
    call(kwargs=2, cls=3, args=1).given(args=1, kwargs=2, cls=3),
)
def parameters_called_args_kwargs_cls() -> type:
    class C:
        def __init__(self, args, kwargs, cls):
            self.state = (args, kwargs, cls)

    return C


@animal(call(1, b=2).given(_C__a=1, b=2), call(_C__a=1, b=2).given(_C__a=1, b=2))
def mangled_parameter() -> type:
    class C:
        def __init__(self, __a, b):
            self.state = (__a, b)

    return C


@animal(call(3).given(größe=3), call(größe=3).given(größe=3))
def parameter_outside_ascii() -> type:
    class C:
        def __init__(self, größe):
            self.größe = größe

    return C


def _spelled(source: str, name: str = "C") -> Any:
    namespace: dict[str, Any] = {"__name__": "zoo_spelled"}
    exec(compile(source, "<zoo>", "exec"), namespace)  # a shape no hand would type
    return namespace[name]


MANY = {f"p{i}": i for i in range(300)}


@animal(
    call(*range(150), p299=0)
    .given(**{f"p{i}": i for i in range(150)}, p299=0)
    .default(**{f"p{i}": i for i in range(150, 299)}),
    call().default(**MANY),
    call(*range(301)).unseen(),
)
def three_hundred_parameters() -> type:
    heading = ", ".join(f"p{i}={i}" for i in range(300))
    return _spelled(f"class C:\n    def __init__(self, {heading}):\n        self.sum = p0 + p150 + p299\n")


@animal(call(**MANY).given(**MANY), call().unseen())
def three_hundred_required_keywords() -> type:
    heading = ", ".join(MANY)
    body = "self.all = dict(locals())\n        del self.all['self']"
    return _spelled(f"class C:\n    def __init__(self, *, {heading}):\n        {body}\n")


@animal(
    call().default(items=[], table={}),
    call([5]).given(items=[5]).default(table={}),
    call().default(items=[1], table={}),
)
def mutable_defaults() -> type:
    """The record says what the default was when the call was made."""

    class C:
        def __init__(self, items=[], table={}):
            self.items = list(items)
            items.append(1)

    return C


@animal(call().default(x=ANY), call(1).given(x=1))
def sentinel_default() -> type:
    missing = object()

    class C:
        def __init__(self, x=missing):
            self.given = x is not missing

    return C


@animal(call(1).given(x=1).default(y="y"))
def unresolvable_annotations() -> type:
    class C:
        def __init__(self, x: "Nowhere[int]", y: "1 +" = "y") -> None:  # noqa: F821, F722
            self.x, self.y = x, y

    return C


@animal(call(1).given(a=1).default(b=2))
def lambda_as_init() -> type:
    class C:
        __init__ = lambda self, a, b=2: setattr(self, "state", (a, b))  # noqa: E731

    return C


@animal(call("zwei").given(a="zwei").default(b=9))
def defaults_assigned_later() -> type:
    class C:
        def __init__(self, a, b):
            self.state = (a, b)

    C.__init__.__defaults__ = (9,)  # type: ignore[assignment]
    return C
