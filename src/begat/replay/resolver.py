"""The one way from a name in a record to an object: what may be had, decided before any import, and how it is had.

A record never runs code by itself. A name is let through only if the very object is held already (it is tracked in this
process, or was given as an object) or if the caller named it: exactly, or by a pattern, which lets classes through and
nothing else. The audit, the dry run and the execution ask the same `Resolver`.

Invariant: `refusal` imports nothing and asks no object of the program anything but its name; `find` imports one module, the
one that the permitted name says, and returns an object only if its own ``__module__`` and ``__qualname__`` are that name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any

from begat.introspect.describe import snapshot
from begat.introspect.patterns import covers, stem
from begat.introspect.targets import contents, dict_of, is_class, mro_of, name_of
from begat.record.moved import dotted, renamed
from begat.record.values import Symbol
from begat.replay.terms import Name

Allow = Iterable[Any]


class Unfound(Exception):
    """A permitted name led to nothing, or to something else; the text says what."""


class Resolver:
    """
    *allow* holds class and function objects, exact names (``"module:qualname"``) and patterns (``"mylib.*"``).

    *tracked* gives the object that is tracked in this process under a name. *moved* maps the modules and classes of the
    record to what they are now. Raises TypeError or ValueError for entries that are neither.
    """

    def __init__(
        self, allow: Allow = (), tracked: Callable[[str], Any] = lambda _: None, moved: Mapping[str, str] | None = None
    ) -> None:
        if isinstance(allow, str):
            raise TypeError(f"allow takes a collection: allow=[{allow!r}]")
        self._tracked = tracked
        self._moved = {dotted(old): dotted(new) for old, new in (moved or {}).items()}
        self._held: dict[str, Any] = {}
        self._known: dict[tuple[str, str], str | None] = {}
        exact: list[str] = []
        patterns: list[str] = []
        for entry in allow:
            if not isinstance(entry, str):
                self._hold(entry)
            elif ":" in entry:
                exact.append(_exact(entry))
            else:
                patterns.append(_pattern(entry))
        self.exact, self.patterns = frozenset(exact), tuple(patterns)

    def _hold(self, thing: Any) -> None:
        described = snapshot(thing, lambda _: None)
        if type(described) is not Symbol:
            raise TypeError(
                f"allow takes classes, functions, names and patterns, not an instance of {name_of(type(thing))}"
            )
        self._held[described.target] = thing

    def held(self, target: str) -> Any:
        """The object called *target* that is at hand without an import, or None."""
        found = self._held.get(target)
        return found if found is not None else self._tracked(target)

    def now(self, target: str) -> str:
        """*target* as it is called now."""
        return renamed(target, self._moved) if self._moved else target

    # --- before any import ------------------------------------------------------------------------------------------------
    def refusal(self, name: Name) -> str | None:
        """Why *name* is not let through; None if it is. Imports nothing."""
        if name.ours or self._granted(name) is not None:
            return None
        target = self.now(name.target)
        if not _is_name(target):
            return "is no name that an import leads to, and nothing tracked in this process has it"
        return (
            f"is a {name.kind}, which no pattern allows"
            if name.kind != "class" and self._covered(target)
            else "is not allowed"
        )

    def _granted(self, name: Name) -> str | None:
        """The spelling under which *name* may be had: as it is called now, or as the record has it. Decided once for each."""
        key = (name.target, name.kind)
        if key not in self._known:
            self._known[key] = self._grant(name)
        return self._known[key]

    def _grant(self, name: Name) -> str | None:
        for target in (self.now(name.target), name.target):
            if self.held(target) is not None:
                return target
            if not _is_name(target):
                continue
            if target in self.exact or (name.kind == "class" and self._covered(target)):
                return target
            owner = target.rpartition(".")[0]
            if name.kind == "method" and ":" in owner and (owner in self.exact or self.held(owner) is not None):
                return target
        return None

    def _covered(self, target: str) -> bool:
        dotted = target.replace(":", ".")
        return any(covers(pattern, dotted) for pattern in self.patterns)

    # --- after it ---------------------------------------------------------------------------------------------------------
    def find(self, name: Name) -> Any:
        """
        The object that *name*, which was let through, means; imports its module if it has to.

        Raises `Unfound` if there is none, or another.
        """
        if name.ours:
            return _ours(name)
        target = self._granted(name)
        if target is None:
            raise Unfound(self.refusal(name))
        found = self.held(target)
        if found is not None:
            if (name.kind == "class") is not is_class(found):
                raise Unfound(f"is no {name.kind}")
            return found
        found = _walk(target)
        if is_class(found):
            actual = name_of(found)
        else:
            described = snapshot(found, lambda _: None)
            actual = described.target if type(described) is Symbol else f"an object of {name_of(type(found))}"
        if (name.kind == "class") is not is_class(found):
            raise Unfound(f"is no {name.kind}")
        if actual != target:
            raise Unfound(f"leads to {actual}: a name has to be the object's own")
        return found


def _exact(entry: str) -> str:
    if not _is_name(entry):
        raise ValueError(f"not a name: {entry!r}; an exact name is 'module:qualname', such as 'mylib.nets:Net'")
    return entry


def _pattern(entry: str) -> str:
    first = stem(entry).partition(".")[0]
    if stem(entry) != entry and not (first.isidentifier() and "." in stem(entry)):
        raise ValueError(f"{entry!r} allows too much: a pattern begins with the name of a package, such as 'mylib.*'")
    if not first.isidentifier():
        raise ValueError(
            f"not a pattern: {entry!r}; a pattern is 'mylib' or 'mylib.*', an exact name 'module:qualname'"
        )
    if first in sys.stdlib_module_names:
        raise ValueError(
            f"{entry!r} would allow Python's own modules: name exactly what you need, as 'module:qualname'"
        )
    return entry


def _is_name(target: str) -> bool:
    module, colon, qualname = target.partition(":")
    return bool(colon) and all(step.isidentifier() for step in (*module.split("."), *qualname.split(".")))


def _walk(target: str) -> Any:
    """What lies under *target*: through the dictionaries of its module and of classes, never through an attribute."""
    module, _, qualname = target.partition(":")
    space = _space(module)
    first, *steps = qualname.split(".")
    if first not in space:
        raise Unfound(f"is not there: {module} has no {first}")
    found: Any = space[first]
    for position, step in enumerate(steps):
        if not is_class(found):
            raise Unfound("leads through something that is no class")
        last = position == len(steps) - 1
        owner = next((base for base in (mro_of(found) if last else (found,)) if step in dict_of(base)), None)
        if owner is None:
            raise Unfound(f"is not there: {name_of(found)} has no {step}")
        below: Any = dict_of(owner)[step]
        if type(below) is classmethod and type(below.__func__) is FunctionType:
            below = MethodType(below.__func__, found)
        elif type(below) is staticmethod:
            below = below.__func__
        found = below
    return found


def _space(module: str) -> Mapping[str, Any]:
    space = contents(module)
    if not space:
        package = module.rpartition(".")[0]
        # To import below something that is no package asks its module-level `__getattr__` for a path.
        if package and "__path__" not in _space(package):
            raise Unfound(f"is not there: {package} is no package")
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            missing = error.name or module
            there = "is not there" if f"{module}.".startswith(f"{missing}.") else "cannot be imported"
            raise Unfound(f"{there}: no module named {missing}") from error
        except (Exception, SystemExit) as error:  # a script without a guard may end itself
            raise Unfound(f"cannot be imported: {type(error).__name__}: {error}") from error
        space = contents(module)
    return space


# --- names of begat's own ---------------------------------------------------------------------------------------------
_CONSTANTS = frozenset(
    {
        "torch:dtype",
        "torch:layout",
        "torch:memory_format",
        "pandas._libs.missing:NAType",
        "pandas._libs.tslibs.nattype:NaTType",
    }
)


def _ours(name: Name) -> Any:
    module, _, attribute = name.target.partition(":")
    found = _space(module).get(attribute)
    if found is None:
        raise Unfound(f"is not there: {module} has no {attribute}")
    if name.kind == "constant" and name_of(type(found)) not in _CONSTANTS:
        raise Unfound(f"is no constant of {module}")
    return found
