"""What a trial said: the results of its run, JSON lines on its standard output, the last line of its standard error."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from typing import Any

_TAIL = 1 << 16
_LINE = 500
# What stands in an error of begat's own that says: this override cannot be done.
REFUSED = "[begat-O"
# JSON has no word for these. Python writes them all the same; what is kept is to be read by others too.
_NOT_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def of_summary(path: str) -> tuple[str | None, dict[str, Any]]:
    """The id and the results in the file that ``begat run --summary`` wrote; nothing if it did not come to that."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None, {}
    return found["id"], found["result"]


def last_object(path: str) -> dict[str, Any]:
    """The last line of the file at *path* that is a JSON object; empty if there is none near its end."""
    for line in reversed(_tail(path).splitlines()):
        found = _object(line)
        if found is not None:
            return found
    return {}


def finite(value: float | None) -> float | str | None:
    """*value* for JSON: the opposite of `number`."""
    return value if value is None or math.isfinite(value) else str(value)


def complaint(path: str) -> str | None:
    """The last line with anything in it of the file at *path*; all lines of an error of begat's own, as one."""
    lines = [line.strip() for line in _tail(path).splitlines() if line.strip()]
    begin = next((at for at, line in enumerate(lines) if REFUSED in line), -1)
    return " ".join(lines[begin:])[:_LINE].removeprefix("begat: ") or None


def number(value: object) -> float | None:
    """*value*, out of JSON, as a number, if it is one."""
    if isinstance(value, str) and value in _NOT_FINITE.values():
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


class Steps:
    """The intermediate values in a growing file: lines such as ``{"step": 3, "val_loss": 0.4}``."""

    def __init__(self, path: str, objective: str) -> None:
        self.path = path
        self.objective = objective
        self._at = 0
        self._rest = b""

    def new(self) -> Iterator[tuple[int, float]]:
        """What has come since the last time."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError:
            return
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_TAIL:]
        for line in lines:
            found = _object(line.decode("utf-8", "replace")) or {}
            step, value = number(found.get("step")), number(found.get(self.objective))
            if step is not None and step >= 0 and value is not None and not math.isnan(value):
                yield int(step), value


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _object(line: str) -> dict[str, Any] | None:
    line = line.strip()
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line, parse_constant=_NOT_FINITE.get)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
