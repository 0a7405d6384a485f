"""The design that was not chosen: a generated ``__init__`` around the original one, made to look as much like it as it can.

The same parameter names in the same order, sentinels resolved into those very locals, a ``__class__`` cell for frame
walkers, ``__wrapped__`` and true ``__defaults__`` for readers of signatures. It writes the same row into the same lane as
the prologue does, in one function less. For ``class Net`` with parameters ``a`` and ``b`` it reads::

    def __init__(self, a, b=D):
        lane = LANE() if LISTENING else None
        if lane is not None and lane.thread == IDENT() and TYPE(self) is __class__ and not COUNT(self):
            token = REF(self); stack = lane.stack; frame = FRAME(1)
            note = lane.extend
            note((token, SCHEMA, frame.f_code, frame.f_lasti, stack[-1] if stack else None, 8,
                  a if <its type is that of a scalar> else SNAP(a), b if <so is this one's> else SNAP(b)))
            if LEN(lane.log) > LIMIT: lane.sink.settle()
            stack.append(token)
            if b is D: b = d_b
            try: INIT(self, a, b)
            except BaseException as error:
                FAILED(lane.leave, error)
                raise
            lane.leave()
        else:
            if b is D: b = d_b
            INIT(self, a, b)

Only for comparison: nothing here is part of begat.
"""

from __future__ import annotations

from functools import lru_cache, update_wrapper
from types import FunctionType
from typing import Any

from begat.intercept.constants import LISTENING, NOT_GIVEN, Defaults, KeywordDefaults
from begat.intercept.hooks import GLOBALS, SCALAR
from begat.intercept.interceptor import HEAD, failed
from begat.intercept.schema import Options, schema_of

_SOURCE = """\
def make({cells}):
    def __init__({signature}):
        lane = LANE() if LISTENING else None
        if lane is not None and lane.thread == IDENT() and TYPE({me}) is __class__ and not COUNT({me}):
            token = {token}
            stack = lane.stack
            frame = FRAME(1)
            note = lane.extend
            note((token, SCHEMA, frame.f_code, frame.f_lasti, stack[-1] if stack else None, {length}, {values}))
            if LEN(lane.log) > LIMIT: lane.sink.settle()
            stack.append(token)
            {defaults}
            try: INIT({arguments})
            except BaseException as error:
                FAILED(lane.leave, error)
                raise
            lane.leave()
        else:
            {defaults}
            INIT({arguments})
    return __init__
"""


def install(cls: type) -> None:
    """Put a shim in the place of the ``__init__`` that *cls* defines."""
    cls.__init__ = around(cls, cls.__dict__["__init__"])


def remove(cls: type) -> None:
    """Put the original back."""
    cls.__init__ = cls.__dict__["__init__"].__wrapped__


def around(cls: type, original: FunctionType) -> Any:
    """The shim of *cls* around *original*."""
    code = original.__code__
    defaults, keywords = original.__defaults__ or (), original.__kwdefaults__ or {}
    named = code.co_argcount + code.co_kwonlyargcount
    stars = bool(code.co_flags & 4) + bool(code.co_flags & 8)
    names = code.co_varnames[: named + stars]
    first_default = code.co_argcount - len(defaults)
    defaulted = (
        *names[first_default : code.co_argcount],
        *(name for name in names[code.co_argcount : named] if name in keywords),
    )
    shape = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 12
    options = Options()
    schema = schema_of(
        cls, f"{cls.__module__}:{cls.__qualname__}", "class", original, code, defaults, keywords,
        skip=1, options=options, notes=(),
    )  # fmt: skip
    known = dict(zip(names[first_default:], defaults, strict=False)) | keywords
    shim = _maker(shape, names, defaulted, bool(type.__dict__["__weakrefoffset__"].__get__(cls)))(
        __class__=cls,
        SCHEMA=schema,
        INIT=original,
        **{f"d_{name}": known[name] for name in defaulted},
    )
    update_wrapper(shim, original)
    shim.__defaults__ = Defaults(defaults) if defaults else None
    shim.__kwdefaults__ = KeywordDefaults(keywords) if keywords else None
    return shim


@lru_cache(maxsize=512)
def _maker(shape: tuple[int, int, int, int], names: tuple[str, ...], defaulted: tuple[str, ...], weak: bool) -> Any:
    positional, positional_only, keyword_only, stars = shape
    named = positional + keyword_only
    args = f"*{names[named]}" if stars & 4 else None
    kwargs = f"**{names[-1]}" if stars & 8 else None
    written = [f"{name}=D" if name in defaulted else name for name in names[:named]]
    if positional_only:
        written.insert(positional_only, "/")
    signature = [*written[: positional + bool(positional_only)], *([args] if args else ["*"] if keyword_only else [])]
    signature += [*written[positional + bool(positional_only) :], *([kwargs] if kwargs else [])]
    passed = [*names[:positional], *([args] if args else [])]
    passed += [*(f"{name}={name}" for name in names[positional:named]), *([kwargs] if kwargs else [])]
    source = _SOURCE.format(
        cells=", ".join(["__class__", "SCHEMA", "INIT", *(f"d_{name}" for name in defaulted)]),
        signature=", ".join(signature),
        me=names[0],
        token=f"REF({names[0]})" if weak else f"TOKEN({names[0]}, lane)",
        length=HEAD + len(names) - 1,
        values="".join(f"{name} if {SCALAR.format(name)} else SNAP({name}), " for name in names[1:]),
        defaults="\n            ".join(f"if {name} is D: {name} = d_{name}" for name in defaulted) or "pass",
        arguments=", ".join(passed),
    )
    scope: dict[str, Any] = {**GLOBALS, "LISTENING": LISTENING, "FAILED": failed, "D": NOT_GIVEN}
    exec(compile(source, f"<shim {shape}>", "exec"), scope)
    return scope["make"]
