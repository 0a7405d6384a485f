"""Which files belong to installed packages: told by the folders that every installer uses."""

from __future__ import annotations

import re

_ROOT = re.compile(r"(?:^|[\\/])(?:site|dist)-packages[\\/]")


def is_installed(path: str) -> bool:
    """Whether *path* lies in a folder of installed packages."""
    return _ROOT.search(path) is not None


def in_packages(path: str) -> str | None:
    """*path* as seen from the innermost folder of installed packages it lies in, or None."""
    *_, rest = [None, *(path[found.end() :] for found in _ROOT.finditer(path))]
    return rest
