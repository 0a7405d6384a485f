"""JSON-like data as TOML 1.0. TOML has no null: what holds one stands there as a comment, and so does what is no 64-bit integer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from begat.record.plain import NotFinite, elided
from begat.render.yaml import visible

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class _Said(str):
    """A piece of the output, among values that are still to be written."""

    __slots__ = ()


def emit(data: dict[str, Any]) -> str:
    """*data* (dicts with text keys, lists, scalars) as a TOML document: what `tomllib` reads back is *data* without its nulls."""
    lines = list(_tables(data))
    missing = sum(line.startswith("# ") for line in lines)
    if missing:
        lines.insert(
            0, f"# {missing} of these TOML cannot say; they are comments, and what reads this leaves them alone"
        )
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def _tables(data: dict[str, Any]) -> Iterator[str]:
    """Every table with the values in it before those below it, as TOML wants it."""
    todo: list[tuple[str, dict[str, Any], str]] = [("", data, "")]
    while todo:
        path, table, header = todo.pop()
        if header:
            yield from ("", header)
        below: list[tuple[str, dict[str, Any], str]] = []
        for key, value in table.items():
            name = _key(key)
            at = f"{path}.{name}" if path else name
            if isinstance(value, dict):
                below.append((at, value, f"[{at}]"))
            elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                below += [(at, item, f"[[{at}]]") for item in value]
            elif _can(value):
                yield f"{name} = {_inline(value)}"
            else:
                yield f"# {name} = {elided(visible(json.dumps(value, ensure_ascii=False)), 200)}"
        todo.extend(reversed(below))


def _can(value: Any) -> bool:
    """Whether TOML can say *value*, whole."""
    todo = [value]
    while todo:
        here = todo.pop()
        if isinstance(here, list | dict):
            todo.extend(here if isinstance(here, list) else here.values())
        elif here is None or (isinstance(here, int) and not _SMALLEST <= here <= _LARGEST):
            return False
    return True


def _inline(value: Any) -> str:
    # Not recursive: pipelines in pipelines nest as deep as somebody cares to write.
    pieces: list[str] = []
    todo = [value]
    while todo:
        here = todo.pop()
        if type(here) is _Said:
            pieces.append(here)
        elif isinstance(here, list):
            todo += reversed([_Said("["), *_separated((item,) for item in here), _Said("]")])
        elif isinstance(here, dict):
            items = ((_Said(f"{_key(key)} = "), item) for key, item in here.items())
            todo += reversed([_Said("{"), *_separated(items), _Said("}")])
        else:
            pieces.append(_scalar(here))
    return "".join(pieces)


def _separated(groups: Iterator[tuple[Any, ...]]) -> Iterator[Any]:
    for position, group in enumerate(groups):
        if position:
            yield _Said(", ")
        yield from group


def _scalar(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NotFinite):
        return str(value)  # TOML says nan and inf as Python does
    if isinstance(value, str):
        return _text(value)
    return repr(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    # A JSON text is a basic string of TOML, except for the letter 0x7f, which `visible` escapes.
    return visible(json.dumps(value, ensure_ascii=False))
