"""Call sites: where a construction was called, and what the source calls its result.

For those who look, not for the call path: a recorder keeps ``(code, lasti)`` of the calling frame, and the two questions
here are answered from that, once per call site.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from types import CodeType, ModuleType
from typing import TypeVar

from begat.record.model import CallSite

T = TypeVar("T")
Position = tuple[int, int, int, int]
"""Line, column, end line, end column of a call: lines from 1, columns in bytes of UTF-8 from 0, as `ast` counts them."""

_BOUND = 100_000
# What the parser may raise of any text: deep in a recursion, short of memory, or (CPython 3.11) while another thread parses.
_NOT_NOW = (RecursionError, MemoryError, SystemError)
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Name:
    """
    What the source calls the object that one call builds.

    *segments* lead to it from the scope of the call or, if *on_self*, from the object whose method makes the call.
    *counted*: many objects come from here (comprehension, loop, ``append``) and the next free index is still to be added.
    *inline*: it has no name of its own, being an argument of another call; *segments* then lead to it from that call:
    ``("enc",)``, ``("#0",)`` for the first positional argument, ``("steps", "0", "1")``. *otherwise* is what the source
    calls it if nobody knows that call: ``self.body = Sequential(Block())`` is ``body.0``; *call* is that call.
    """

    segments: tuple[str, ...]
    on_self: bool = False
    counted: bool = False
    inline: bool = False
    otherwise: Name | None = None
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the source: what it calls (``("nn", "Linear")``, empty if that is no plain name), and the name of its result."""

    callee: tuple[str, ...]
    name: Name | None


# Keyed by id, with the code kept alive beside the answer: equal code objects of two files are equal keys.
_sites: dict[tuple[int, int], tuple[CodeType, CallSite]] = {}
_names: dict[tuple[int, int], tuple[CodeType, Name | None]] = {}
_files: dict[str, tuple[list[str], dict[Position, tuple[str | None, Name]]]] = {}
_failed: dict[str, int] = {}  # how often a file could not be read for want of stack or memory


def locate(code: CodeType, lasti: int) -> CallSite:
    """Where the instruction at *lasti* of *code* stands in its source: line and column are None where it has none."""
    known = _sites.get((id(code), lasti))
    if known is None:
        line, column, _, _ = _position(code, lasti)
        known = _remember(_sites, code, lasti, CallSite(code.co_filename, line, code.co_qualname, column))
    return known[1]


def name(code: CodeType, lasti: int) -> Name | None:
    """
    What the source calls the object built by the call at *lasti* of *code*.

    None where the source gives it no name (``return Net()``), where there is no source, or where the text that stands there
    now is not that call.
    """
    known = _names.get((id(code), lasti))
    if known is None:
        try:
            known = _remember(_names, code, lasti, _find(code, lasti))
        except _NOT_NOW:
            return None
    return known[1]


def _find(code: CodeType, lasti: int) -> Name | None:
    line, column, end_line, end_column = _position(code, lasti)
    if line is None or column is None or end_line is None or end_column is None:
        return None  # run with `-X no_debug_ranges`, or code made by hand
    callee, found = _calls(code.co_filename).get((line, column, end_line, end_column), (None, None))
    # The file may have been edited since: another call can stand at the same place, but hardly with the same callee.
    if callee is not None and not any(
        known == callee or (callee.startswith("__") and known.endswith(callee))  # private names are mangled
        for known in code.co_names + code.co_varnames + code.co_freevars + code.co_cellvars
    ):
        return None
    return found


def _position(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    if lasti < 0:
        return None, None, None, None
    line, end_line, column, end_column = next(islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    return line, column, end_line, end_column


def written(code: CodeType) -> str:
    """The text from the first to the last character that *code* was compiled from, of a lambda its expression; empty if not known."""
    found = [
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and end_line is not None and column is not None and end_column
    ]
    lines = _source(code.co_filename) if found else []
    start, end = min((p[:2] for p in found), default=(0, 0)), max((p[2:] for p in found), default=(0, 0))
    if not 0 < start[0] <= end[0] <= len(lines):
        return ""
    text = [line.encode() for line in lines[start[0] - 1 : end[0]]]
    text[-1] = text[-1][: end[1]]
    text[0] = text[0][start[1] :]
    return b"".join(text).decode(errors="replace")


def _calls(file: str) -> dict[Position, tuple[str | None, Name]]:
    lines = _source(file)
    known = _files.get(file)
    # Not by the file name alone: doctest and notebooks use one name again for other code.
    if known is None or known[0] != lines:
        known = _files[file] = (lines, _parsed(file, "".join(lines)))
    return known[1]


def _parsed(file: str, source: str) -> dict[Position, tuple[str | None, Name]]:
    """The named calls of *source*; raises one of `_NOT_NOW` as long as it may be read a little later."""
    from begat.introspect.callnames import named_calls

    while True:
        try:
            return named_calls(source)
        except _NOT_NOW as error:
            _failed[file] = _failed.get(file, 0) + 1
            if _failed[file] >= _ATTEMPTS:
                return {}
            if not isinstance(error, SystemError):
                raise


def _source(file: str) -> list[str]:
    import linecache

    lines = linecache.getlines(file)
    if not lines:
        # Source that only its loader can read: a module in a zip file.
        modules: list[object] = list(sys.modules.values())
        for module in modules:
            # Not by attribute: that would run the `__getattr__` of lazy modules, which imports them.
            space = object.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else {}
            if space.get("__file__") == file:
                return linecache.getlines(file, space)
    return lines


def _remember(
    cache: dict[tuple[int, int], tuple[CodeType, T]], code: CodeType, lasti: int, answer: T
) -> tuple[CodeType, T]:
    # A program that executes new code for ever must not grow for ever; all of this can be found again.
    if len(cache) >= _BOUND:
        cache.clear()
    entry = cache[id(code), lasti] = (code, answer)
    return entry
