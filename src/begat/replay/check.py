"""`check`: would this record still mean the same today? Told from source files and versions; nothing is imported or called.

What a class does can only be known by importing it. A caller that may import gives *live*, which has the objects that it lets
through; of those the signature is asked for and the code is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from begat.introspect.sources import Parameter, Sources, Unread
from begat.record.canonical import canonical
from begat.record.graph import Run
from begat.record.model import ABSENT, Argument, Node
from begat.record.moved import dotted, main_module, renamed
from begat.record.names import called
from begat.record.plain import nameless
from begat.record.tree import visible
from begat.record.values import Redacted, Ref, Symbol
from begat.replay.calling import callee
from begat.replay.changes import Change, Diff, fold, sorted_out
from begat.replay.reasons import Reasons
from begat.replay.surroundings import versions
from begat.replay.values import parts

if TYPE_CHECKING:
    from begat.record.model import Environment

# Target and kind → the object, and the fingerprint of its code. LookupError: it is not let through; ImportError: it is not there.
Live = Callable[[str, str], tuple[object, str]]


@dataclass(frozen=True, slots=True)
class _Today:
    """What a target is now: *parameters* None for the *reason* given; *code* None where nobody looked."""

    target: str
    parameters: tuple[Parameter, ...] | None
    reason: str = ""
    code: str | None = None


def check(
    run: Run, now: Environment, sources: Sources, moved: Mapping[str, str] | None = None, live: Live | None = None
) -> Diff:
    """
    What the record *run* says, against the sources and the environment *now*: as a `Diff` of the record and today.

    Classes that are missing, parameters that are not taken any more or are asked for now, defaults that are others, versions.
    What cannot be read without importing is folded, with the reason.
    """
    table = {dotted(old): dotted(new) for old, new in (moved or {}).items()}
    today = Run(run.header, (), now)
    checker = _Checker(run, sources, Reasons.of(run, today), table, live)
    found = [*checker.changes(), *versions(run, today)]
    kept, folded = sorted_out(found)
    return Diff((run,), kept, folded)


class _Checker:
    def __init__(
        self, run: Run, sources: Sources, reasons: Reasons, moved: Mapping[str, str], live: Live | None
    ) -> None:
        shown = visible(run)
        self.nodes = [node for node in run.nodes if node.id in shown]
        self.sources, self.reasons, self.moved, self.live = sources, reasons, moved, live
        self.main = main_module(run)

    def changes(self) -> Iterator[Change]:
        targets: dict[str, list[Node]] = {}
        symbols: dict[str, tuple[Node, str, str]] = {}
        for node in self.nodes:
            targets.setdefault(node.target, []).append(node)
            for name, argument in node.arguments.items():
                for part in parts(argument.value):
                    if type(part) is Symbol and part.importable and ":" in part.target:
                        symbols.setdefault(part.target, (node, name, part.kind))
        for target, nodes in targets.items():
            found = yield from self._found(target, nodes[0].kind, nodes[0], None, len(nodes))
            if found is not None:
                calls = list(self._calls(found, nodes))
                yield from calls
                yield from self._code(found, nodes, any(call.cause == "code" and not call.folded for call in calls))
        for target, (node, name, kind) in symbols.items():
            if target not in targets:
                yield from self._found(target, kind, node, name, 1)

    def _found(
        self, target: str, kind: str, node: Node, argument: str | None, count: int
    ) -> Generator[Change, None, _Today | None]:
        name = self._today(target)
        change = Change("removed", node.path, argument, cause="missing", target=target, count=count, site=node.site)
        if name.partition(":")[0] == "builtins":
            return None
        unread = ""
        try:
            found = self.sources.find(name)
        except Unread as error:
            found, unread = None, str(error)
        at = found.target if found is not None else name
        if at != name:
            yield fold(change, "module", f"{called(target)} is defined in {at} now, and still found")
        if self.live is not None:
            try:
                thing, code = self.live(at, kind)
            except ImportError as error:
                yield replace(change, why=f"{at} {error}")
                return None
            except LookupError as error:
                unread = unread and f"{unread}; {at} {error}"
            else:
                return _Today(at, _taken(thing), "it does not tell what it takes", code)
        if unread:
            yield fold(change, "unread", unread)
            return None
        if found is None:
            near = self.sources.near(name)
            hint = f"; there is {near} (--moved {target}={near})" if near is not None else ""
            yield replace(change, why=f"{name} is not there any more{hint}")
            return None
        return _Today(at, found.parameters, found.reason or "its parameters cannot be read")

    def _today(self, target: str) -> str:
        name = renamed(target, self.moved) if self.moved else target
        module, colon, qualname = name.partition(":")
        return f"{self.main}{colon}{qualname}" if module == "__main__" and self.main else name

    # --- signatures ---------------------------------------------------------------------------------------------------
    def _calls(self, found: _Today, nodes: list[Node]) -> Iterator[Change]:
        if found.parameters is None:
            change = Change("argument", nodes[0].path, target=found.target, count=len(nodes))
            yield fold(change, "unread", found.reason)
            return
        parameters = {parameter.name: parameter for parameter in found.parameters}
        told: set[tuple[str, str]] = set()
        for node in nodes:
            for change in self._call(found, parameters, node):
                key = (change.argument or "", f"{change.before!r} {change.after!r}")
                if key not in told:
                    told.add(key)
                    yield change

    def _call(self, found: _Today, parameters: dict[str, Parameter], node: Node) -> Iterator[Change]:
        kinds = {parameter.kind for parameter in parameters.values()}
        name = called(found.target)
        given: set[str] = set()
        for key, value, argument in _given(node):
            given.add(key)
            parameter = parameters.get(key)
            if parameter is None or parameter.kind in ("*", "**"):
                if argument.source == "default":
                    what = f"{name} has no such parameter"
                    yield self._change(node, key, value, ABSENT, "signature", what, folded=parameter is not None)
                elif "**" not in kinds:
                    yield self._change(node, key, value, ABSENT, "signature", f"{name} takes no {key} any more")
            elif argument.source == "default" and parameter.required:
                yield self._change(node, key, value, ABSENT, "signature", f"{name} has no default for {key} any more")
            elif argument.source == "default" and parameter.constant and not _same(value, parameter.default):
                upgrade = self.reasons.upgrade(found.target)
                cause, why = ("library", f"another default: {upgrade}") if upgrade else ("code", "another default")
                yield self._change(node, key, value, parameter.default, cause, why)
        for key, parameter in parameters.items():
            if key in given or parameter.kind in ("*", "**") or key in node.starred:
                continue
            if parameter.required and not (parameter.kind == "positional" and _has_more(node)):
                yield self._change(node, key, ABSENT, ABSENT, "signature", f"{name} asks for {key} now")
            elif not parameter.required:
                after = parameter.default if parameter.constant else ABSENT
                yield self._change(node, key, ABSENT, after, "signature", f"{name} has a new parameter")

    @staticmethod
    def _change(
        node: Node, key: str, before: object, after: object, cause: str, why: str, folded: bool = False
    ) -> Change:
        return Change("argument", node.path, key, before, after, cause, why, node.target, site=node.site, folded=folded)

    # --- code ---------------------------------------------------------------------------------------------------------
    def _code(self, found: _Today, nodes: list[Node], told: bool) -> Iterator[Change]:
        """Whether the code is another; folded where changes of the parameters have *told* of that."""
        node, name = nodes[0], called(nodes[0].target)
        if node.code is None:
            return
        change = Change("code", node.path, before=node.code, target=node.target, count=len(nodes), site=node.site)
        upgrade = self.reasons.upgrade(found.target)
        if found.code is None:
            yield fold(change, "unread", f"the code of {name} was not compared; --allow lets its module be imported")
        elif not self.reasons.same_python:
            yield fold(change, "python", "fingerprints of two versions of Python cannot be compared")
        elif found.code != node.code:
            change = replace(change, after=found.code, cause="code", why=f"the code of {name} has changed")
            if upgrade is not None:
                change = fold(change, "library", f"{change.why}: {upgrade}")
            yield fold(change, "follows", "its parameters tell of it") if told else change


def _taken(thing: object) -> tuple[Parameter, ...] | None:
    """The parameters of *thing*, which is here, with the defaults as a record has them."""
    known = callee(thing)
    if known.parameters is None:
        return None
    kinds = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "keyword"}
    found = []
    for name, parameter in known.parameters.items():
        kind = kinds.get(parameter.kind.name, "positional")
        bare = parameter.default is parameter.empty
        default = None if bare else known.default(name)
        found.append(Parameter(name, kind, bare and kind not in ("*", "**"), None, not bare, default))
    return tuple(found)


def _given(node: Node) -> Iterator[tuple[str, object, Argument]]:
    """The arguments by the names that the call used; those of ``*args`` have none."""
    for name, argument in node.arguments.items():
        if name == node.starred[1] and type(argument.value) is dict:
            for key, value in argument.value.items():
                yield str(key), value, argument
        elif name != node.starred[0]:
            yield name, argument.value, argument


def _has_more(node: Node) -> bool:
    """Whether the call gave positional arguments that have no name."""
    return node.starred[0] is not None and bool(node.arguments[node.starred[0]].value)


def _same(recorded: object, literal: object) -> bool:
    if any(type(part) in (Ref, Redacted) for part in parts(recorded)):
        return True  # an object, or a secret, of that run: nothing to compare with
    return canonical(recorded, nameless) == canonical(literal, nameless)
