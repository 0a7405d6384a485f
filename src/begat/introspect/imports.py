"""Import paths to the objects they name, as people write them: ``mylib.BigNet``, ``mylib:BigNet``, ``nn.GELU`` in that code's own words."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def named(path: str, space: Mapping[str, Any], load: bool = True) -> Any:
    """
    The object that *path* names, for code whose names are *space*.

    With *load*, modules are imported to find it. Raises LookupError if there is none.
    """
    module, colon, rest = path.partition(":")
    if colon:
        return _below(_module(module, load), rest.split("."), path)
    steps = path.split(".")
    for at in range(len(steps) - 1, 0, -1):
        try:
            found = _module(".".join(steps[:at]), load)
        except LookupError:
            continue
        return _below(found, steps[at:], path)
    if steps[0] in space:
        return _below(space[steps[0]], steps[1:], path)
    if len(steps) == 1 and hasattr(builtins, steps[0]):
        return getattr(builtins, steps[0])
    raise LookupError(f"nothing is called {path}")


def _module(name: str, load: bool) -> ModuleType:
    found = sys.modules.get(name)
    if found is None and load:
        try:
            found = import_module(name)
        except ImportError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                raise LookupError(f"there is no module {name}") from None
            raise LookupError(f"{name} cannot be imported: {error}") from error
    if found is None:
        raise LookupError(f"{name} is not imported")
    return found


def _below(found: Any, steps: list[str], path: str) -> Any:
    for step in steps:
        try:
            found = getattr(found, step)
        except AttributeError:
            raise LookupError(f"{path}: {getattr(found, '__name__', type(found).__name__)} has no {step!r}") from None
    return found
