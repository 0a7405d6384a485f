"""JSON text: bytes out and in, strict both ways."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from begat.errors import InvalidRecord


@dataclass(frozen=True, slots=True)
class Engine:
    """What turns JSON-ready data into bytes and back; both strict."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


@functools.cache
def engine() -> Engine:
    """orjson; the standard library where that cannot be imported (subinterpreters, free-threaded builds)."""
    try:
        import orjson
    except ImportError:
        return Engine(_standard_dumps, _standard_loads)

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
        return parsed if faithful else _standard_loads(data)

    return Engine(orjson.dumps, loads)


def _standard_dumps(data: Any) -> bytes:
    import json

    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


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
