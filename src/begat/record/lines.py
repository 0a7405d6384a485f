"""Journals as lines: what one process appends while it runs, and what is read of it, finished or not.

Each line is one JSON object with one key, its kind; what a line needs to be understood stands in lines before it. A line that is
cut or is no JSON ends the part that can be trusted of it alone: the next whole line counts again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from begat.errors import InvalidRecord
from begat.record import limits
from begat.record.engine import engine

FORMAT = "begat-journal/1"


def line(kind: str, content: Any) -> bytes:
    """One line."""
    return engine().dumps({kind: content}) + b"\n"


def read(data: bytes) -> Iterator[tuple[str, Any]]:
    """
    The lines in *data*, each as its kind and content; ``("torn", bytes)`` in the place of what is no line.

    Raises InvalidRecord where there is more than a reader has to take.
    """
    if len(data) > limits.BYTES:
        raise InvalidRecord(f"a journal larger than {limits.BYTES:,} bytes")
    loads = engine().loads
    for text in data.split(b"\n"):
        if not text:
            continue
        try:
            found = loads(text)
        except (InvalidRecord, RecursionError):
            # A line that was begun, and another glued to it: the whole one can still be told by where it starts.
            at = text.rfind(b'{"', 1)
            yield "torn", text if at < 0 else text[:at]
            continue
        if isinstance(found, dict) and len(found) == 1:
            yield from found.items()
        else:
            yield "torn", text
