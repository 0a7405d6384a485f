"""What to try when a program ran and nothing of it was recorded: the packages it uses that could have been watched."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import Any

from begat.intercept.plans import TRACKED
from begat.intercept.tracking import tracked_as
from begat.intercept.watching import Watch
from begat.introspect.patterns import near
from begat.introspect.targets import contents, dict_of, is_class, module_of, mro_of, name_of
from begat.record.names import short

_NAMED = 3


def hint(names: dict[str, object], watching: Watch) -> str:
    """What to watch in the program whose globals are *names*; empty if *watching* has all that could be."""
    found = [name for name in _used(names) if not _is_watched(name, watching) and _has_classes(name)]
    if not found:
        return ""
    where = os.path.join(os.path.relpath(watching.folders[0]), "")
    return f"only what {where} defines is watched unasked: try --watch {' --watch '.join(found[:_NAMED])}"


def unwatched(segments: Sequence[str]) -> str:
    """What to watch for the first of *segments* to be heard: a class of that name that is loaded, and that nothing tracks."""
    name = segments[0]
    places = _homes(name)
    if not places:
        return ""
    shown = " and of ".join(places[:_NAMED])
    return f"{name} of {shown} is not watched: begat run --watch {min(places, key=len)}"


def meant(pattern: str, watching: Watch) -> str:
    """*pattern*, which nothing matched, with what was perhaps meant: a class that is tracked, or one that is loaded. Empty if it is right."""
    tracked = [name_of(subject) for known in list(TRACKED.values()) if (subject := known.subject()) is not None]
    found = near(pattern, tracked, pattern in watching.lazy) or ""
    if found == pattern:
        return ""  # nothing of the class has been called
    last = pattern.rpartition(".")[2]
    if short(found) != last and (homes := _homes(last)):
        found = " or ".join(f"{home}.{last}" for home in homes[:_NAMED])
    return f"{pattern}: did you mean {found}?" if found else pattern


def _homes(name: str) -> list[str]:
    """The modules from which people import a class *name* that is loaded, and that nothing tracks."""
    found: dict[str, list[str]] = {}
    for module in list(sys.modules):
        cls: Any = contents(module).get(name)
        if is_class(cls) and _package(module_of(cls)) == _package(module) and _is_foreign(module):
            target = name_of(cls)
            if tracked_as(target) is None and target.endswith(f":{name}"):
                found.setdefault(target, []).append(module)
    # The shortest name, of those that are not private.
    return sorted({min(modules, key=lambda module: ("._" in module, len(module))) for modules in found.values()})


def _package(module: str) -> str:
    return module.partition(".")[0]


def _is_foreign(module: str) -> bool:
    return _package(module) not in {*sys.stdlib_module_names, "__main__", "begat", "?", ""}


def _used(names: dict[str, object]) -> list[str]:
    """The packages that *names* are from, in their order, without those of Python itself and begat's."""
    modules = dict.fromkeys(map(_module, list(names.values())))
    return [name for name in dict.fromkeys(map(_package, modules)) if _is_foreign(name)]


def _module(value: Any) -> str:
    if is_class(value):
        return module_of(value)
    found = value.__name__ if type(value) is ModuleType else value.__module__ if type(value) is FunctionType else ""
    return found if type(found) is str else ""


def _is_watched(package: str, watching: Watch) -> bool:
    file = contents(package).get("__file__")
    return watching.may_hold(package) or (type(file) is str and watching.holds_file(os.path.realpath(file)))


def _has_classes(package: str) -> bool:
    """Whether anything loaded in *package* is a class of its own with a constructor in Python."""
    inside = [name for name in list(sys.modules) if name == package or name.startswith(package + ".")]
    found: list[Any] = [value for name in inside for value in list(contents(name).values()) if is_class(value)]
    return any(
        _package(module_of(cls)) == package
        and any(type(dict_of(base).get("__init__")) is FunctionType for base in mro_of(cls))
        for cls in found
    )
