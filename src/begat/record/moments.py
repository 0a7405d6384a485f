"""Moments as records write them, spans as people do, and the names that runs and sweeps give themselves."""

from __future__ import annotations

import os
from datetime import datetime


def stamp(moment: datetime) -> str:
    """*moment*, of UTC, with milliseconds: ``2026-11-22T08:13:07.123Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A length of time as people write it: ``22 µs``, ``1.3 ms``, ``12.5 s``, ``3 min``, ``1 h 2 min``."""
    if round(seconds, 1) < 60:
        unit, size = next((pair for pair in _UNITS if seconds < 0.9995 * pair[1] * 1000), _UNITS[-1])
        number = f"{seconds / size:.{int(unit == 's' or seconds / size < 9.95)}f}".removesuffix(".0")
        return f"{number} {unit}"
    parts, left = [], round(seconds)
    for name, whole in _LONG:
        count, left = divmod(left, whole)
        parts.append(f"{count:,} {name}" if count else "")
    first = next(at for at, part in enumerate(parts) if part)
    return " ".join(filter(None, parts[first : first + 2]))


_UNITS = (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))
_LONG = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def identity(moment: datetime) -> str:
    """A new name that sorts by time, with so much chance that clocks which stand still or go back clash nowhere."""
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03x}{os.urandom(5).hex()}"
