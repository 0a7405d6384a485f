"""Random constructors and random calls of them, as source text and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NAMES = ["a", "b", "c", "d", "e", "self", "cls", "args", "kwargs", "this_", "type", "lane", "_x", "ü"]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=5)


@dataclass(frozen=True)
class Heading:
    """The parameters of a constructor as source, after the object itself; *defaults* by name."""

    text: str
    defaults: dict[str, Any]
    names: tuple[str, ...]
    first: str

    def source(self, body: str = "    pass") -> str:
        """``def __init__(…): body``; defaults come from a dict called ``_defaults``."""
        return f"def __init__({self.text}):\n{body}\n"


@st.composite
def headings(draw: st.DrawFn) -> Heading:
    """Any list of parameters that Python accepts."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=7))
    first = "me" if "self" in names else "self"
    cuts = sorted(draw(st.tuples(*[st.integers(0, len(names))] * 2)))
    positional_only, positional, keyword = names[: cuts[0]], names[cuts[0] : cuts[1]], names[cuts[1] :]
    star = keyword.pop() if keyword and draw(st.booleans()) else None
    stars = keyword.pop() if keyword and draw(st.booleans()) else None
    defaults: dict[str, Any] = {}
    in_order = positional_only + positional
    for name in in_order[draw(st.integers(0, len(in_order))) :] + [n for n in keyword if draw(st.booleans())]:
        defaults[name] = draw(VALUES)

    def spelled(group: list[str]) -> list[str]:
        return [f"{n}=_defaults[{n!r}]" if n in defaults else n for n in group]

    parts = [first, *spelled(positional_only)]
    if positional_only or draw(st.booleans()):
        parts.append("/")
    parts += spelled(positional)
    if star:
        parts.append(f"*{star}")
    elif keyword:
        parts.append("*")
    parts += spelled(keyword)
    if stars:
        parts.append(f"**{stars}")
    order = (*in_order, *([star] if star else []), *keyword, *([stars] if stars else []))
    return Heading(", ".join(parts), defaults, order, first)


def calls(heading: Heading) -> st.SearchStrategy[tuple[list[Any], dict[str, Any]]]:
    """Arguments for *heading*, many of which fit."""
    keywords = st.sampled_from([*heading.names, "z", "zz"]) if heading.names else st.sampled_from(["z", "zz"])
    return st.tuples(st.lists(VALUES, max_size=6), st.dictionaries(keywords, VALUES, max_size=5))


# --- bodies -----------------------------------------------------------------------------------------------------------
_EXPRESSIONS = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "len(log)",
        "a + 1",
        "b * 2",
        "(a, b)",
        "[k for k in range(c)]",
        "1 // a",
        "(lambda: a)()",
        "log[b]",
    ]
)
_CONDITIONS = st.sampled_from(["a", "b > 1", "len(log) % 2", "c == a", "not log", "True", "False", "a is b", "tick()"])
_ERRORS = st.sampled_from(["ValueError", "KeyError", "Stop", "ZeroDivisionError"])
_CATCHES = st.sampled_from(["ValueError", "(KeyError, IndexError)", "Exception", "BaseException", "ZeroDivisionError"])


@st.composite
def _simple(draw: st.DrawFn, loop: bool) -> list[str]:
    kind = draw(st.integers(0, 11 if loop else 9))
    if kind <= 2:
        return [f"log.append({draw(_EXPRESSIONS)})"]
    if kind == 3:
        return [f"{draw(st.sampled_from('abc'))} = {draw(st.integers(0, 3))}"]
    if kind == 4:
        return [f"raise {draw(_ERRORS)}({draw(st.integers(0, 9))})"]
    if kind == 5:
        return [draw(st.sampled_from(["return", "return None"]))]
    if kind == 6:
        return [f"self.x{draw(st.integers(0, 3))} = {draw(_EXPRESSIONS)}"]
    if kind == 7:
        return ["def inner():", "    nonlocal b", "    b += 1", "    log.append((b, self is not None))", "inner()"]
    if kind == 8:
        return ["del c", "c = 4"]
    if kind == 9:
        return [
            draw(
                st.sampled_from(["pass", "assert a", "log += [*rest, *more]", "log.append(sorted(locals()))", "a += 1"])
            )
        ]
    return [draw(st.sampled_from(["break", "continue"]))]


@st.composite
def _block(draw: st.DrawFn, depth: int, loop: bool, final: bool = False) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            lines += draw(_compound(depth - 1, loop))
        else:
            lines += draw(_simple(loop))
    return lines


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def _compound(draw: st.DrawFn, depth: int, loop: bool) -> list[str]:
    def block(inside: bool = loop) -> list[str]:
        return _indented(draw(_block(depth, inside)))

    kind = draw(st.sampled_from(["if", "for", "while", "try", "finally", "both", "with", "match", "group"]))
    maybe = draw(st.booleans())
    if kind == "if":
        return [f"if {draw(_CONDITIONS)}:", *block(), *(["else:", *block()] if maybe else [])]
    if kind == "for":
        return [f"for i in range({draw(st.integers(0, 3))}):", *block(True), *(["else:", *block()] if maybe else [])]
    if kind == "while":
        return ["while tick():", *block(True), *(["else:", *block()] if maybe else [])]
    if kind == "try":
        handler = [f"except {draw(_CATCHES)} as error:", "    log.append(repr(error))", *block()]
        again = ["    raise"] if draw(st.booleans()) else []
        return ["try:", *block(), *handler, *again, *(["else:", *block()] if maybe else [])]
    if kind == "finally":
        return ["try:", *block(), "finally:", *block()]
    if kind == "both":
        return ["try:", *block(), f"except {draw(_CATCHES)}:", *block(), "finally:", *block()]
    if kind == "with":
        return [f"with manager({draw(st.booleans())}, log) as m:", *block()]
    if kind == "group":
        # break, continue and return may not stand in an except* clause
        return ["try:", *block(), "except* ValueError as group:", "    log.append(len(group.exceptions))"]
    return [
        f"match {draw(_EXPRESSIONS)}:",
        "    case (x, y):",
        *_indented(block()),
        "    case 1 | 2:",
        *_indented(block()),
        "    case _:",
        *_indented(block()),
    ]


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A class ``C`` whose constructor is random nested control flow; every loop ends."""
    lines = draw(_block(3, False))
    head = ["log = self.log = []", "super().__init__()"] if draw(st.booleans()) else ["log = self.log = []"]
    heading = draw(st.sampled_from(["self, a=1, b=2, *rest, c=3, **more", "self, a, /, b=2, c=3, *rest, **more"]))
    return "\n".join(["class C:", f"    def __init__({heading}):", *_indented(_indented(head + lines)), ""])


class Stop(BaseException):
    """An exception that ``except Exception`` lets through."""


class Manager:
    """A context manager that notes what it sees and swallows it if told to."""

    def __init__(self, swallow: bool, log: list[Any]) -> None:
        self.swallow, self.log = swallow, log

    def __enter__(self) -> Manager:
        self.log.append("enter")
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.log.append(("exit", kind and kind.__name__))
        return self.swallow


def compiled(source: str) -> tuple[type, list[int]]:
    """The class ``C`` of *source*, and the counter that ends its ``while`` loops: set it to [0] before each call."""
    import warnings

    fuel = [0]

    def tick() -> bool:
        fuel[0] += 1
        return fuel[0] < 12

    space: dict[str, Any] = {"tick": tick, "manager": Manager, "Stop": Stop, "__name__": "random_body"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a return in a finally clause
        exec(compile(source, "<random body>", "exec"), space)
    return space["C"], fuel
