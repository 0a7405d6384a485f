"""Journals as lines: what one process appends while it runs, and what is read of it, finished or not.

Each line is one JSON object with one key, its kind; what a line needs to be understood stands in lines before it. What was cut
off, or is no JSON, is lost alone: the next whole line counts again, also where it is glued to the torn one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from begat.errors import InvalidRecord
from begat.record.engine import engine
from begat.record.weighing import spare

FORMAT = "begat-journal/1"
JOURNAL, HEAD, SEEDS, ENVIRONMENT, END = "$journal", "$head", "$seeds", "$environment", "$end"
SCHEMA, PLACE, ROW, ROWS, FATE = "$schema", "$place", "$row", "$rows", "$fate"
OPEN = "$open"  # the rows whose calls go on; each says it anew
KINDS = frozenset((OPEN, JOURNAL, HEAD, SEEDS, ENVIRONMENT, END, SCHEMA, PLACE, ROW, ROWS, FATE))
TORN = "$torn"

ABOUT = frozenset((JOURNAL, HEAD, SEEDS, ENVIRONMENT, END))  # the run, and not what was built in it

_BEGIN = re.compile(rb'\{"\$(?:%s)":' % "|".join(kind[1:] for kind in sorted(KINDS)).encode())
_TRIES = 64  # of places where a line could begin within another
_LINE = 1 << 28  # bytes: a longer one is torn


def line(kind: str, content: Any) -> bytes:
    """One line."""
    return engine().dumps({kind: content}) + b"\n"


def blocks(file: BinaryIO, size: int = 1 << 22) -> Iterator[bytes]:
    """What is in *file*, about *size* bytes at a time, cut between lines; what is behind the last line's end comes last."""
    rest = b""
    while data := file.read(size):
        whole, end, data = data.rpartition(b"\n")
        if end:
            yield rest + whole + end
            rest = data
        else:
            rest += data
            if len(rest) > _LINE:
                yield rest
                rest = b""
    if rest:
        yield rest


def read(data: bytes, only: frozenset[str] = KINDS) -> Iterator[tuple[str, Any]]:
    """
    The lines in *data*, each as its kind and content; `TORN` in the place of what is no line. Of some kinds *only*, if asked.

    The end of *data* without a line's end is torn, too, whatever it says: it may be half of a number. `Malformed` for a line that
    would take more memory than there is room for.
    """
    loads = engine().loads
    begins = (b"",) if only is KINDS else tuple(b'{"%b":' % kind.encode() for kind in only)
    whole, _, rest = data.rpartition(b"\n")
    for text in whole.split(b"\n") if whole else ():
        if not text or not text.startswith(begins):
            continue
        found = _parsed(text, loads)
        if found is None:
            yield TORN, None
            # The end of a line that was begun, and a whole one glued to it. No value has a key that is a kind of line.
            for begin in islice(_BEGIN.finditer(text, 1), max(2, min(_TRIES, _LINE // len(text)))):
                found = _parsed(text[begin.start() :], loads)
                if found is not None:
                    break
        if found is not None:
            yield found
    if rest:
        yield TORN, None


def _parsed(text: bytes, loads: Any) -> tuple[str, Any] | None:
    if text[-1:] != b"}":
        return None
    spare(text)
    try:
        found = loads(text)
    except (InvalidRecord, RecursionError, UnicodeDecodeError):
        return None
    if type(found) is not dict or len(found) != 1:
        return None
    [(kind, content)] = found.items()
    return (kind, content) if kind in KINDS else None


def beside(file: str) -> str:
    """The folder of the journals of a run whose record will be *file*; of a name that is as long as names may be, its beginning."""
    folder, name = os.path.split(file)
    short = os.fsencode(name)[: _LONGEST - len(_SUFFIX)] if len(os.fsencode(name)) > _LONGEST - len(_SUFFIX) else b""
    return os.path.join(folder, (os.fsdecode(short) if short else name) + _SUFFIX)


_SUFFIX, _LONGEST = ".journal", 255
