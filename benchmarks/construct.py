"""What one construction costs: plain, tracked and paused, recorded.

python benchmarks/construct.py
"""

from __future__ import annotations

import sys
from typing import Any

import begat
from stopwatch import Way, best


def class_of(parameters: str) -> type:
    """A class that keeps its *parameters*, as most do."""
    names = [parameter.partition("=")[0] for parameter in parameters.split(", ")]
    body = "\n".join(f"        self.{name} = {name}" for name in names if name != "*")
    scope: dict[str, Any] = {}
    exec(f"class C:\n    def __init__(self, {parameters}):\n{body}", scope)
    return scope["C"]


def letters(count: int, default: str = "") -> str:
    return ", ".join(f"p{number}{default}" for number in range(count))


def given(count: int) -> str:
    return ", ".join(f"p{number}={number}" for number in range(count))


CASES = {
    "3 positional": ("a, b, c", "C(1, 2.0, 3)"),
    "4, one of them by keyword, one default": ("a, b, dropout=0.1, hidden=64", "C(1, 2.0, hidden=128)"),
    "10, 5 of them given": (letters(10, "=0"), "C(1, 2, 3, 4, 5)"),
    "10 by keyword": (letters(10), f"C({given(10)})"),
    "30, 5 of them given": (letters(30, "=0"), "C(1, 2, 3, 4, 5)"),
    "a list of 3": ("sizes", "C([1, 2, 3])"),
    "a tracked object": ("part", "C(part)"),
    "a tracked object built for it": ("part", "C(Part(1))"),
}


class Holder:
    """Builds its parts in its own constructor."""

    def __init__(self, part: type, size: int) -> None:
        self.first = part(size)
        self.second = part(size)


def main() -> None:
    print(f"CPython {sys.version.split()[0]}, nanoseconds added to plain (ratio to plain)")
    print(f"{'':40}{'plain':>8}{'paused':>18}{'recorded':>18}")
    for name, (parameters, statement) in CASES.items():
        part, plain, tracked = class_of("size"), class_of(parameters), class_of(parameters)
        tracked_part = class_of("size")
        begat.trackable(tracked)
        begat.trackable(tracked_part)
        show(
            name,
            statement,
            {"C": plain, "Part": part, "part": part(1)},
            {"C": tracked, "Part": tracked_part, "part": tracked_part(1)},
        )
    part, tracked_part = class_of("size"), class_of("size")
    plain_holder = type("Holder", (), {"__init__": Holder.__init__})
    begat.trackable(tracked_part)
    begat.trackable(Holder)
    plain_holder.__init__ = _copy(Holder)
    show(
        "one that builds two more", "C(Part, 3)", {"C": plain_holder, "Part": part}, {"C": Holder, "Part": tracked_part}
    )


def _copy(cls: type) -> Any:
    from begat.intercept.woven import original

    init: Any = cls.__init__
    return type(init)(original(init), init.__globals__)


def show(name: str, statement: str, plain: dict[str, Any], tracked: dict[str, Any]) -> None:
    ways = {
        "plain": Way(statement, plain),
        "paused": Way(statement, tracked, begat.paused),
        "recorded": Way(statement, tracked, begat.capture),
    }
    spent = best(ways)
    base = spent["plain"]
    columns = "".join(f"{spent[way] - base:+9.0f} ({spent[way] / base:4.2f} ×)" for way in ("paused", "recorded"))
    print(f"{name:40}{base:8.0f}{columns}")


if __name__ == "__main__":
    main()
