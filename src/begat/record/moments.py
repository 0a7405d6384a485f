"""Moments as records write them, and the names that runs and sweeps give themselves."""

from __future__ import annotations

import os
from datetime import datetime


def stamp(moment: datetime) -> str:
    """*moment*, of UTC, with milliseconds: ``2026-11-22T08:13:07.123Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identity(moment: datetime) -> str:
    """A new name that sorts by time, with so much chance that clocks which stand still or go back clash nowhere."""
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03x}{os.urandom(5).hex()}"
