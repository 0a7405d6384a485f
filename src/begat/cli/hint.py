"""What to try when a program ran and nothing of it was recorded: the packages it uses that could have been watched."""

from __future__ import annotations

import os
import sys
from types import FunctionType, ModuleType
from typing import Any

from begat.intercept.constructors import mro, own
from begat.intercept.importing import Watch
from begat.introspect.targets import contents, is_class, module_of

_NAMED = 3


def hint(names: dict[str, object], watching: Watch) -> str:
    """What to watch in the program whose globals are *names*; empty if *watching* has all that could be."""
    found = [name for name in _used(names) if not _is_watched(name, watching) and _has_classes(name)]
    if not found:
        return ""
    where = os.path.join(os.path.relpath(watching.folders[0]), "")
    return f"only what {where} defines is watched unasked: try --watch {' --watch '.join(found[:_NAMED])}"


def _used(names: dict[str, object]) -> list[str]:
    """The packages that *names* are from, in their order, without those of Python itself and begat's."""
    modules = dict.fromkeys(map(_module, list(names.values())))
    packages = dict.fromkeys(module.partition(".")[0] for module in modules)
    return [name for name in packages if name not in {*sys.stdlib_module_names, "__main__", "begat", "?", ""}]


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
        module_of(cls).partition(".")[0] == package
        and any(type(own(base).get("__init__")) is FunctionType for base in mro(cls))
        for cls in found
    )
