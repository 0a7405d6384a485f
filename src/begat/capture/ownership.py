"""Whose code a file is: the user's own, or a library's. Views start from what the user's own code built."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache

from begat.record.installed import is_installed

_roots: list[str] = []


def claim(folder: str) -> None:
    """Count everything under *folder* as the user's, also where it is installed: ``begat run`` does, for the script's."""
    folder = os.path.join(os.path.realpath(folder), "")
    if folder not in _roots:
        _roots.append(folder)
        is_users.cache_clear()


def claimed() -> list[str]:
    """The folders that `claim` was given."""
    return list(_roots)


@lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Whether *file* is outside the standard library and the installed packages."""
    if file.startswith("<"):
        return not file.startswith(("<frozen", "<begat", "<__array_function__", "<attrs generated", "<string>"))
    path = os.path.realpath(file)
    if any(path.startswith(root) for root in _roots if not is_installed(path[len(root) :])):
        return True
    return not (is_installed(path) or path.startswith(_libraries()))


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    found = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}
    return tuple(os.path.join(os.path.realpath(path), "") for path in found if path and path != sys.prefix)
