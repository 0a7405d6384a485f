"""Patterns that name modules and what is in them: ``sklearn`` is the package and all below it, ``torch.optim.*`` as a shell would."""

from __future__ import annotations

import fnmatch


def stem(pattern: str) -> str:
    """The part of *pattern* before its first wildcard."""
    return pattern[: min([pattern.find(c) for c in "*?[" if c in pattern], default=len(pattern))]


def covers(pattern: str, name: str) -> bool:
    """Whether *pattern* covers *name*: one without a wildcard means the package and all below it."""
    if stem(pattern) == pattern:
        return name == pattern or name.startswith(pattern + ".")
    return fnmatch.fnmatchcase(name, pattern)
