"""`watch`: track classes by pattern, in modules that are loaded already and in those that will be."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from typing import Any, Self

from begat.errors import CannotTrack
from begat.intercept.deferring import Rule, declare, revoke
from begat.intercept.importing import FINDER, is_ours
from begat.intercept.plans import TRACKED
from begat.intercept.schema import Options
from begat.intercept.tracking import release, track
from begat.introspect.patterns import covers, means, stem
from begat.introspect.targets import dict_of, module_of, name_of
from begat.record.installed import is_installed

_OPTIONS = Options()
_FACTORIES = ("from_*", "load", "load_*", "create", "create_*")


class Watch:
    """
    What `watch` gives: the patterns, what they reached, and the way to take them back.

    *skipped* maps the full names of classes that match but cannot be tracked to the reason; what *lazy* names waits
    until it is touched.
    """

    __module__ = "begat"

    def __init__(self, patterns: Sequence[str] = (), folders: Sequence[str] = (), lazy: Sequence[str] = ()) -> None:
        self.patterns = tuple(dict.fromkeys((*patterns, *lazy)))
        self.lazy = tuple(lazy)
        self._rule = Rule(patterns=lazy)
        self.folders = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
        self.skipped: dict[str, str] = {}
        self._matched: set[str] = set()

    @property
    def tracked(self) -> tuple[str, ...]:
        """The full names of the classes and factories that are tracked because of this watch."""
        found = (known.subject() for known in list(TRACKED.values()) if self in known.by)
        return tuple(sorted(name_of(subject) for subject in found if subject is not None))

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The patterns that have reached nothing so far."""
        waited = self._rule.matched
        return tuple(pattern for pattern in self.patterns if pattern not in self._matched and pattern not in waited)

    def start(self) -> Self:
        """Watch, from now on and in what is loaded already."""
        if self.lazy:
            declare(self._rule)
        FINDER.add(self)
        return self

    def remove(self) -> None:
        """Stop watching, and leave every class as it was found. Harmless when done already."""
        FINDER.remove(self)
        revoke(self._rule)
        for known in list(TRACKED.values()):
            subject = known.subject()
            if self in known.by and subject is not None:
                release(subject, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<begat.Watch {', '.join(self.patterns + self.folders)}: {len(self.tracked)} tracked, {len(self.skipped)} skipped>"

    # --- what the finder asks -------------------------------------------------------------------------------------------
    def may_hold(self, module: str) -> bool:
        """Whether *module* may define a class that matches."""
        for pattern in self.patterns:
            if not means(pattern, module):
                continue
            start = stem(pattern)
            if covers(pattern, module) or (start and (start + ".").startswith(module + ".")):
                return True
            if start != pattern and (module.startswith(start) or start.startswith(module + ".") or not start):
                return True
        return False

    def holds_file(self, file: str) -> bool:
        """Whether *file* is in one of the folders and no installed package."""
        return any(file.startswith(folder) and not is_installed(file[len(folder) :]) for folder in self.folders)

    def offer(self, cls: Any, module: str | None = None, file: str = "") -> None:
        """Track *cls*, defined in *module*, if it matches; note why where that cannot be."""
        home = module or module_of(cls)
        if is_ours(home):
            return
        name = name_of(cls).replace(":", ".")
        hits = [p for p in self.patterns if means(p, home) and (covers(p, home) or covers(p, name))]
        if not hits and not (self.folders and self.holds_file(file)):
            return
        self._matched.update(hits)
        self._track(cls)
        for key, value in list(dict_of(cls).items()):
            if type(value) is classmethod and any(fnmatch.fnmatchcase(key, pattern) for pattern in _FACTORIES):
                self._track(value.__func__)

    def _track(self, subject: Any) -> None:
        try:
            track(subject, _OPTIONS, self)
        except CannotTrack as error:
            self.skipped[name_of(subject)] = str(error).partition(": ")[2]
        except Exception as error:  # a metaclass that refuses: the class stays as it is
            self.skipped[name_of(subject)] = f"{type(error).__name__}: {error}"


def _said(thing: Any) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else type(thing).__name__


def watch(*patterns: str, lazy: Sequence[str] = ()) -> Watch:
    """
    Track every class that a pattern names, now and in modules imported later; returns a `Watch` with ``remove()``.

    ``"sklearn"`` means the package and all below it, ``"torch.optim.AdamW"`` one class by the name under which it is
    imported, ``"mylib.*Encoder"`` whatever matches. Class methods called ``from_…``, ``load…`` and ``create…`` are tracked as
    factories. What matches and cannot be tracked is in ``skipped``, with the reason; nothing is raised. What a pattern in
    *lazy* names is tracked too, and waits to be built until it is touched; so does a class that is called so: ``lazy=["Net"]``.

    >>> import begat
    >>> with begat.watch("fractions") as watching:
    ...     from fractions import Fraction
    >>> watching.patterns
    ('fractions',)
    """
    given: Any = lazy
    if isinstance(given, str | bool):
        meant = ", ".join(map(repr, patterns if given is True else [given]))
        raise TypeError(f"lazy takes a list of patterns: lazy=[{meant}]")
    for pattern in (*patterns, *lazy):
        if not isinstance(pattern, str):
            raise TypeError(
                f"watch takes patterns as strings, not {_said(pattern)}; classes go to begat.trackable, with lazy=True to wait"
            )
        if not pattern.strip():
            raise ValueError(f"watch takes names of modules and classes; {pattern!r} names nothing")
    if not patterns and not lazy:
        raise TypeError('watch takes at least one pattern: begat.watch("sklearn", "mylib.*")')
    return Watch(patterns, lazy=lazy).start()
