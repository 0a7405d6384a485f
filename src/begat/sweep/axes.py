"""The grammar of a sweep's values: ``depth=2,4,6``, ``lr=log(1e-5,1e-2,8)``, ``dropout=uniform(0,0.5)``.

Values stay text: each is handed to a trial exactly as ``begat run train.py depth=2`` would have been given it, so that what a value
means is decided in one place.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from begat.errors import SweepError
from begat.record.names import counted
from begat.replay.override import is_override

MOST = 100_000
_CALL = re.compile(r"([A-Za-z_]\w*)\((.*)\)", re.DOTALL)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Points:
    """Values one by one."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from *low* to *high*, both possible, evenly or, with *log*, evenly in their logarithm; *whole* ones only."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What one argument of the command says: *path*, as typed, ``=`` or ``:=``, and its values."""

    said: str
    path: str
    sign: str
    values: Points | Interval

    @property
    def fixed(self) -> bool:
        """Whether every trial has the same value."""
        return isinstance(self.values, Points) and len(self.values.texts) == 1

    def word(self, text: str) -> str:
        """The override that gives a trial the value *text*."""
        return f"{self.path}{self.sign}{text}"


@dataclass(frozen=True, slots=True)
class _Item:
    """A piece of the text *said*, from *at*."""

    said: str
    text: str
    at: int

    def refuse(self, problem: str) -> SweepError:
        error = SweepError(f"{self.said!r}: {problem}, at position {self.at}")
        error.add_note(f"  {self.said}")
        error.add_note(f"  {' ' * self.at}^")
        return error


def parse(said: str) -> Axis:
    """
    Read one argument of the command.

    Raises SweepError, with the position, for what cannot be read.

    >>> parse("depth=2,range(4,8,2)").values
    Points(texts=('2', '4', '6'))
    >>> parse("lr=loguniform(1e-5,1e-2)").values
    Interval(low=1e-05, high=0.01, log=True, whole=False)
    """
    left, equals, text = said.partition("=")
    path, sign = (left[:-1], ":=") if left.endswith(":") else (left, "=")
    if not equals or not path:
        raise _Item(said, said, len(left)).refuse(
            "expected PATH=VALUE or PATH=VALUE,VALUE; what the script itself is to be given goes behind --"
        )
    if not is_override(said):
        raise _Item(said, path, 0).refuse(
            f"{path!r} is no path; expected one such as model.depth, AdamW.lr or '*.dropout'"
        )
    whole = _Item(said, text, len(left) + 1)
    if "," not in text and not _CALL.fullmatch(text.strip()):
        return Axis(said, path, sign, Points((text,)))
    found = list(map(_values, _split(whole)))
    if len(found) == 1:
        return Axis(said, path, sign, found[0])
    texts: list[str] = []
    for values in found:
        if isinstance(values, Interval):
            raise whole.refuse("uniform, loguniform and randint stand alone, not in a list")
        texts += values.texts
    return Axis(said, path, sign, Points(tuple(texts)))


def _split(whole: _Item) -> Iterator[_Item]:
    """The items between the commas that stand in no bracket and no quotes."""
    open_: list[tuple[str, int]] = []
    begin = at = 0
    text = whole.text
    while at <= len(text):
        char = text[at : at + 1]
        if char in ("'", '"') and char and (at == 0 or text[at - 1] in "([{,:= "):
            at = _quoted(whole, at)
        elif char in _CLOSERS:
            open_.append((char, at))
        elif char and char in ")]}":
            if not open_ or _CLOSERS[open_.pop()[0]] != char:
                raise _part(whole, at, at).refuse(f"{char!r} closes nothing; put quotes around a value that holds it")
        elif char in (",", "") and (not open_ or not char):
            if open_:
                raise _part(whole, open_[-1][1], at).refuse(
                    f"{open_[-1][0]!r} is not closed; put quotes around a value that holds it"
                )
            item = _part(whole, begin, at)
            if not item.text:
                raise item.refuse('expected a value; an empty text is written ""')
            yield item
            begin = at + 1
        at += 1


def _quoted(whole: _Item, begin: int) -> int:
    """Where the quotes that open at *begin* close."""
    text, at = whole.text, begin + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == text[begin]:
            return at
        at += 1
    raise _part(whole, begin, at).refuse("these quotes are not closed")


def _part(whole: _Item, begin: int, end: int) -> _Item:
    piece = whole.text[begin:end]
    lead = len(piece) - len(piece.lstrip())
    return _Item(whole.said, piece.strip(), whole.at + begin + lead)


def _values(item: _Item) -> Points | Interval:
    call = _CALL.fullmatch(item.text)
    if call is None:
        return Points((item.text,))
    name = call[1]
    if name not in _FUNCTIONS:
        near = difflib.get_close_matches(name, _FUNCTIONS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FUNCTIONS)}"
        raise item.refuse(f"no list of values is called {name}; {hint} (a text that looks so is put in quotes)")
    inside = _Item(item.said, call[2], item.at + call.start(2))
    if not inside.text.strip():
        raise inside.refuse(f"expected {_FUNCTIONS[name][1]}")
    return _FUNCTIONS[name][0](item, list(_split(inside)))


# --- the functions ------------------------------------------------------------------------------------------------------------
def _range(item: _Item, given: list[_Item]) -> Points:
    if len(given) > 3:
        raise given[3].refuse("range takes range(end), range(start,end) or range(start,end,step)")
    numbers = [_whole(one) for one in given]
    if len(numbers) == 3 and not numbers[2]:
        raise given[2].refuse("the step cannot be 0")
    found = range(*numbers)
    if not found:
        raise item.refuse("there is nothing in this range: its end is left out, as in Python")
    if found[MOST:]:
        raise item.refuse(f"more than the {MOST:,} values there may be")
    return Points(tuple(map(str, found)))


def _linear(item: _Item, given: list[_Item]) -> Points:
    return _points(*_steps("linear", item, given))


def _log(item: _Item, given: list[_Item]) -> Points:
    low, high, count = _steps("log", item, given)
    for number, one in zip((low, high), given, strict=False):
        if number <= 0:
            raise one.refuse("log takes numbers above 0")
    return _points(low, high, count, math.log, math.exp)


def _points(
    low: float, high: float, count: int, onto: Callable[[float], float] = float, back: Callable[[float], float] = float
) -> Points:
    """Points that lie evenly after *onto*. Whole ones if all are, and the ends were typed so."""
    begin, end = onto(low), onto(high)
    shares = [step / (count - 1) for step in range(1, count - 1)]
    # Twelve digits: 0.1 + 0.2 is meant to be 0.3, and the ends are what was typed.
    between = [float(f"{back(begin * (1 - share) + end * share):.12g}") for share in shares]
    points = [float(low), *between, float(high)]
    if type(low) is type(high) is int and all(map(float.is_integer, between)):
        return Points((str(low), *(str(int(point)) for point in between), str(high)))
    return Points(tuple(map(repr, points)))


def _steps(name: str, item: _Item, given: list[_Item]) -> tuple[float, float, int]:
    _count(name, item, given, 3)
    low, high, count = _number(given[0]), _number(given[1]), _whole(given[2])
    if not 2 <= count <= MOST:
        raise given[2].refuse(f"expected how many values, from 2 to {MOST:,}")
    return low, high, count


def _choice(item: _Item, given: list[_Item]) -> Points:
    return Points(tuple(one.text for one in given))


def _uniform(item: _Item, given: list[_Item]) -> Interval:
    return _interval("uniform", item, given, _number)


def _loguniform(item: _Item, given: list[_Item]) -> Interval:
    found = _interval("loguniform", item, given, _number)
    if found.low <= 0:
        raise given[0].refuse("loguniform takes numbers above 0")
    return Interval(found.low, found.high, log=True)


def _randint(item: _Item, given: list[_Item]) -> Interval:
    found = _interval("randint", item, given, _whole)
    return Interval(found.low, found.high, whole=True)


def _interval(name: str, item: _Item, given: list[_Item], read: Callable[[_Item], float]) -> Interval:
    _count(name, item, given, 2)
    low, high = read(given[0]), read(given[1])
    if low >= high:
        raise given[1].refuse(f"expected a number above {low!r}")
    return Interval(low, high)


def _count(name: str, item: _Item, given: list[_Item], wanted: int) -> None:
    if len(given) != wanted:
        raise item.refuse(f"expected {_FUNCTIONS[name][1]}, not {counted(len(given), 'value')}")


def _whole(item: _Item) -> int:
    try:
        return int(item.text)
    except ValueError:
        raise item.refuse(f"expected a whole number, not {item.text!r}") from None


def _number(item: _Item) -> float:
    """An int as an int, as far as floats go."""
    for read in (int, float):
        with contextlib.suppress(ValueError, OverflowError):
            found: float = read(item.text)
            if math.isfinite(found):
                return found
    raise item.refuse(f"expected a number, not {item.text!r}")


_FUNCTIONS: dict[str, tuple[Callable[[_Item, list[_Item]], Points | Interval], str]] = {
    "range": (_range, "range(start,end) or range(start,end,step)"),
    "linear": (_linear, "linear(from,to,count)"),
    "log": (_log, "log(from,to,count)"),
    "choice": (_choice, "choice(one,other,...)"),
    "uniform": (_uniform, "uniform(from,to)"),
    "loguniform": (_loguniform, "loguniform(from,to)"),
    "randint": (_randint, "randint(from,to), both included"),
    "int": (_randint, "int(from,to), both included"),
}
