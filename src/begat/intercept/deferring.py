"""Which calls wait, or go on with other arguments: rules, asked by the hooks after a row is written and before the body runs.

A rule stands for a `begat.deferred` block, and then holds in the context that opened it, or for a class or pattern that
was declared lazy, and then holds everywhere. Hooks ask only while there is a rule at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from threading import RLock
from typing import Any
from weakref import ref

from begat.intercept.schema import Schema
from begat.introspect.patterns import covers, means, shown
from begat.introspect.targets import mro_of


class Rule:
    """Constructions of *classes* and of what *patterns* cover wait; *exactly* these classes, or subclasses too."""

    __slots__ = ("_known", "classes", "counts", "exactly", "matched", "met", "patterns", "rng", "seeds", "waiting")

    def __init__(
        self,
        classes: Sequence[Any] = (),
        patterns: Sequence[str] = (),
        *,
        exactly: bool = False,
        rng: str | None = None,
    ) -> None:
        self.classes = [ref(cls) for cls in classes]
        self.patterns = tuple(patterns)
        self.exactly = exactly
        self.rng = rng
        self.seeds: Callable[[str, int], Any] = _no_seeds  # by target, and which one of its constructions it is
        # What waits by this rule, if it is to be built in order. Held: what the program drops has its turn, too.
        self.waiting: list[Any] = []
        self.matched: set[str] = set()  # the patterns that have covered anything so far
        self.met: set[str] = set()  # what was called of which they have not
        self.counts: dict[str, int] = {}
        self._known: dict[int, tuple[ref[Any], bool]] = {}

    def covers(self, subject: Any, target: str) -> bool:
        """Whether calls of *subject*, which is called *target*, wait."""
        known = self._known.get(id(subject))
        if known is None or known[0]() is not subject:
            known = self._known[id(subject)] = (ref(subject), self._decide(subject, target))
        return known[1]

    def counted(self, target: str) -> int:
        """How many calls of *target* this rule has seen, this one included."""
        self.counts[target] = self.counts.get(target, 0) + 1
        return self.counts[target]

    def _decide(self, subject: Any, target: str) -> bool:
        family = (subject,) if self.exactly or not isinstance(subject, type) else mro_of(subject)
        if any(cls() is each for cls in self.classes for each in family):
            return True
        name = target.replace(":", ".")
        names = (name, target.partition(":")[2], name.rpartition(".")[2])
        module = target.partition(":")[0]
        hits = {each for each in self.patterns if means(each, module) and any(covers(each, one) for one in names)}
        hits |= {each for each in self.patterns if each not in hits and (home := shown(each)) and covers(home, name)}
        self.matched |= hits
        if not hits:
            self.met.add(target)
        return bool(hits)


def _no_seeds(target: str, number: int) -> None:
    return None


class Rules(list[Any]):
    """All there are that may change a call: those of what waits, and overrides. A hook finds it empty and goes on.

    *now* is another object after each change: a schema for which nothing holds keeps it, and is not asked about again.
    In it are the calls of other schemas for which nothing holds: the ids of code and schema, and the instruction.
    *alike*: there are none but those of what waits.
    """

    __slots__ = ("_busy", "alike", "now")

    def __init__(self) -> None:
        super().__init__()
        self.now: set[tuple[int, int, int]] = set()
        self.alike = True
        self.forked()

    def forked(self) -> None:
        """No other thread is here: one may have held the lock."""
        self._busy = RLock()  # threads come and go in blocks of their own; and so do signal handlers

    def put(self, rule: object) -> None:
        """*rule* holds from now on."""
        with self._busy:
            self.append(rule)
            self.now = set()
            if type(rule) is not Rule:
                self.alike = False

    def drop(self, rule: object) -> None:
        """*rule*, once put, holds no more."""
        with self._busy:
            at = len(self) - 1
            while at >= 0 and self[at] is not rule:
                at -= 1
            if at >= 0:
                del self[at]
                self.now = set()
                if type(rule) is not Rule:
                    self.alike = all(type(each) is Rule for each in self)


RULES = Rules()
os.register_at_fork(after_in_child=RULES.forked)
CHECKING = "the arguments of some classes are checked"  # stands among the rules for good once there is such a class
BLOCKS: ContextVar[tuple[Rule, ...]] = ContextVar("begat.deferred", default=())
EVERYWHERE: list[Rule] = []


def declare(rule: Rule) -> None:
    """From now on *rule* holds everywhere."""
    EVERYWHERE.append(rule)
    RULES.put(rule)


def revoke(rule: Rule) -> None:
    """*rule* does not hold any more."""
    EVERYWHERE[:] = [each for each in EVERYWHERE if each is not rule]
    RULES.drop(rule)


def called_by(rule: Rule, thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call *thing*, whose calls wait by *rule*, for somebody else: hooks look for who that is."""
    before = BLOCKS.get()
    try:
        BLOCKS.set((rule,))
        RULES.put(rule)
        return thing(*args, **kwargs)
    finally:
        BLOCKS.set(before)
        RULES.drop(rule)


def rule_for(subject: Any, target: str) -> Rule | None:
    """The innermost rule by which calls of *subject* wait here."""
    for rules in (BLOCKS.get(), EVERYWHERE):
        for rule in reversed(rules):
            if rule.covers(subject, target):
                return rule
    return None


Answer = tuple[tuple[Any, ...], None] | tuple[bool | None, Any]
"""The arguments with which a call goes on, and None; or None, or False, and what the call returns at once, or raises."""


class _Door:
    """
    Where capture, which lives above, puts what rules do to a call.

    A hook *asks* whether anything is changed, and, more quickly, whether the call *waits*: there is no answer where it goes on as
    it is. An entry (`entries`) whose call cannot wait in its own way hands it on: *anew* where the class has changed since,
    *plainly* where nothing is recorded, *otherwise* with an answer that is not to wait.
    """

    asks: Callable[..., Answer | None]
    waits: Callable[..., Answer | None]
    asked: Callable[..., None]
    anew: Callable[[Any, Schema, tuple[Any, ...]], Any]
    plainly: Callable[[Any, Schema, tuple[Any, ...]], Any]
    otherwise: Callable[[Answer | None, Any, Schema, tuple[Any, ...]], Any]


DOOR = _Door()


def answered(result: object) -> Answer:
    """The call is not made, or later: it returns *result* at once."""
    return None, result


WAITS = answered(None)


def refused(error: Exception) -> Answer:
    """The call cannot be made as it was asked for. It is raised where the program can be seen."""
    return False, error
