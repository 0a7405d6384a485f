"""JSON-like data as YAML that YAML 1.1 and 1.2 readers take for the same data, and as JSON that a terminal can be shown."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from begat.record.engine import engine
from begat.record.plain import NotFinite

# A plain scalar is written only where no reader could take it for something else: letters first, and nothing in it
# that means something in a block (": ", " #") or in a flow (",", "[").
_PLAIN = re.compile(r"[A-Za-z_](?:[\w./+-]|:(?=[\w.])| (?=[\w./+-]))*", re.ASCII)
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"})
_LINE = 96
_LONGEST_KEY = 120
READ = 2_000  # constructions; of more, indentation is a third of a document that nobody reads

# What JSON leaves as it is and no reader should meet: C1 controls, line and paragraph separators, byte order marks,
# surrogates, and the marks that reorder text.
_INVISIBLE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]")

Scalar = str | int | float | bool | None


def emit(data: Any) -> str:
    """*data* (dicts with text keys, lists, scalars) as a YAML document in block style, short lists of scalars in one line."""
    return "".join(f"{line}\n" for line in _document(data))


def pretty(data: Any) -> str:
    """*data* as indented JSON, readable in any language, with nothing in it that a terminal would obey."""
    return visible(engine().indented(data))


def written(document: str, constructions: int) -> str:
    """*document*, JSON in one line, in indented lines while it is of a size to be read."""
    return (pretty(json.loads(document)) if constructions <= READ else document) + "\n"


def packed(data: Any) -> str:
    """*data* as JSON in one line, for documents that nobody reads; as harmless as `pretty`."""
    try:
        return visible(engine().dumps(data).decode())
    except TypeError:  # what JSON has room for and orjson has not
        return visible(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def visible(text: str) -> str:
    """*text* in which what no reader should meet is written as JSON, YAML and TOML escape it."""
    # Most texts are ASCII, where the search for one letter is forty times as fast.
    return text if text.isascii() and "\x7f" not in text else _INVISIBLE.sub(_escape, text)


def _document(data: Any) -> Iterator[str]:
    inline = _inline(data)
    if inline is not None:
        yield inline
        return
    # One frame per open container: its items, its indentation, and what stands before its first line instead ("- ").
    frames: list[list[Any]] = [[_items(data), 0, ""]]
    while frames:
        frame = frames[-1]
        item = next(frame[0], None)
        if item is None:
            frames.pop()
            continue
        lead, value = item
        indent, before = frame[1], frame[2]
        frame[2] = " " * indent
        if lead.startswith("? "):
            yield before + lead
            lead, before = ":", " " * indent
        inline = _inline(value, _LINE - len(before) - len(lead))
        if inline is not None:
            yield f"{before}{lead} {inline}"
        elif lead == "-":
            frames.append([_items(value), indent + 2, f"{before}- "])
        else:
            yield before + lead
            frames.append([_items(value), indent + 2, " " * (indent + 2)])


def _items(data: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            name = _scalar(str(key))
            yield (f"{name}:" if len(name) <= _LONGEST_KEY else f"? {name}"), value
    else:
        for value in data:
            yield "-", value


def _inline(value: Any, room: int = _LINE) -> str | None:
    """*value* in one line, or None if it has to be a block."""
    if isinstance(value, dict):
        return None if value else "{}"
    if not isinstance(value, list | tuple):
        return _scalar(value)
    if len(value) > room or any(isinstance(item, dict | list | tuple) for item in value):
        return None
    line = f"[{', '.join(_scalar(item, _PLAIN_IN_FLOW) for item in value)}]"
    return line if len(line) <= room or not value else None


def _scalar(value: Scalar, plain: re.Pattern[str] = _PLAIN) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, NotFinite):
        return _float(float(value))
    if plain.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return visible(json.dumps(value, ensure_ascii=False))


def _float(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    # YAML 1.1 takes `1e-05` for a text: it wants the point.
    digits, exponent, power = repr(value).partition("e")
    return f"{digits if '.' in digits else digits + '.0'}{exponent}{power}"


def _escape(letter: re.Match[str]) -> str:
    return f"\\u{ord(letter[0]):04x}"
