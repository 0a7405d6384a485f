"""JSON text: bytes out and in, strict both ways."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from begat.errors import InvalidRecord


@dataclass(frozen=True, slots=True)
class Engine:
    """What turns JSON-ready data into bytes and back, both strict, and into lines for people."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]
    indented: Callable[[Any], str]


@functools.cache
def engine() -> Engine:
    """orjson; the standard library where that cannot be imported (subinterpreters, free-threaded builds)."""
    try:
        import orjson
    except ImportError:
        return Engine(_standard_dumps, _standard_loads, _standard_indented)

    def loads(data: bytes) -> Any:
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidRecord(f"not JSON: {error}") from None
        # orjson keeps the last of two equal keys and turns integers beyond 64 bits into floats. Had it done either,
        # the text would not come back.
        try:
            faithful = orjson.dumps(parsed) == data
        except TypeError:
            faithful = False
        if faithful:
            return parsed
        del parsed  # two trees of a long record would be one too many
        return _standard_loads(data)

    def indented(data: Any) -> str:
        try:
            text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
        except TypeError:  # integers beyond 64 bits, nesting beyond 254 levels, half a character
            return _standard_indented(data)
        # It writes NaN and the infinities as null, and says nothing.
        return _standard_indented(data) if "null" in text and not _finite(data) else text

    return Engine(orjson.dumps, loads, indented)


def _standard_dumps(data: Any) -> bytes:
    import json

    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _standard_indented(data: Any) -> str:
    import json

    return json.dumps(data, ensure_ascii=False, indent=2)


def _finite(data: Any) -> bool:
    todo = [data]
    while todo:
        here = todo.pop()
        if type(here) is float:
            if here - here != 0:
                return False
        elif isinstance(here, list | tuple | dict):
            todo.extend(here.values() if isinstance(here, dict) else here)
    return True


def _standard_loads(data: bytes) -> Any:
    import json

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidRecord(f"not JSON: the key {key!r:.80} occurs twice in one object")
            found[key] = value
        return found

    def refuse(constant: str) -> None:
        raise InvalidRecord(f"not JSON: {constant}")

    try:
        return json.loads(data, object_pairs_hook=unique, parse_constant=refuse)
    except InvalidRecord:
        raise
    except ValueError as error:
        raise InvalidRecord(f"not JSON: {error}") from None
