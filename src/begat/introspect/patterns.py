"""Patterns that name modules and what is in them: ``sklearn`` is the package and all below it, ``torch.optim.*`` as a shell would."""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Collection
from typing import Any

from begat.introspect.targets import contents, is_class, name_of
from begat.record.names import short


def stem(pattern: str) -> str:
    """The part of *pattern* before its first wildcard."""
    return pattern[: min([pattern.find(c) for c in "*?[" if c in pattern], default=len(pattern))]


def covers(pattern: str, name: str) -> bool:
    """Whether *pattern* covers *name*: one without a wildcard means the package and all below it."""
    if stem(pattern) == pattern:
        return name == pattern or name.startswith(pattern + ".")
    return fnmatch.fnmatchcase(name, pattern)


def means(pattern: str, module: str) -> bool:
    """Whether *pattern* may be about *module*: who says ``*`` does not mean the interpreter's own, and nobody means ours."""
    top = module.partition(".")[0]
    if top in (
        "begat",
        "importlib",
        "_frozen_importlib",
    ):  # recording a call, and importing what records it, calls these
        return False
    return top not in sys.stdlib_module_names or stem(pattern) == pattern or pattern.partition(".")[0] == top


def shown(pattern: str) -> str:
    """The full name of the class that is imported as *pattern*: ``pkg._impl.Net`` for ``pkg.Net``. Empty if there is none."""
    module, _, name = pattern.rpartition(".")
    found: Any = contents(module).get(name) if module and stem(pattern) == pattern else None
    return name_of(found).replace(":", ".") if is_class(found) else ""


def near(pattern: str, targets: Collection[str], bare: bool = True) -> str | None:
    """What *pattern*, which covers none of the classes *targets*, was perhaps to be; *bare* names of classes will do."""
    from difflib import get_close_matches

    last = re.split("[.:]", pattern)[-1]
    names = {short(each): each.replace(":", ".") for each in targets}
    if last in names:
        return last if bare else names[last]
    every = (*names, *names.values(), *(f"{each.partition(':')[0]}.*" for each in targets))
    folded = {each.casefold(): each for each in reversed(every)}
    found = [near for said in (pattern, last) for near in get_close_matches(said.casefold(), folded, n=1, cutoff=0.7)]
    return folded[found[0]] if found else None
