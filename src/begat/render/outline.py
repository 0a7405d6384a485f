"""What `show` says, line by line, before anything is colored or cut to a terminal."""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from begat.record.installed import in_packages
from begat.record.model import ABSENT, Argument, CallSite, Node, Process
from begat.record.moments import span
from begat.record.names import called, counted
from begat.record.plain import elided, escaped, text
from begat.record.tree import Folded, Tree, entries, folded, grow, place
from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.record.graph import Run


@dataclass(frozen=True, slots=True)
class Line:
    """
    One node: ``segment = called(given…) defaults…``, where it stands, what is not known of it, and what is folded under it.

    Arguments are names and texts; those of ``*args`` have no name, as in the call.
    """

    node: Node
    depth: int
    path: str
    segment: str
    called: str
    given: tuple[tuple[str, str], ...]
    defaults: tuple[tuple[str, str], ...]
    site: str
    error: str | None
    notes: tuple[str, ...]
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The head of a run, its shown nodes, and what is folded at the top."""

    head: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    folded: tuple[str, ...]


def outline(run: Run, everything: bool = False, limit: int = 1_000_000, siblings: int | None = None) -> Outline:
    """
    Every shown node of *run*, parents before children; each value at most *limit* characters.

    Of nodes made alike by one call, in a loop say, only the first *siblings* are told one by one.
    """
    tree = grow(run, everything)
    groups = {} if everything else folded(run)
    skipped, rest = _alike(tree, siblings)
    under = {
        parent: tuple(
            [escaped(f"… {group} (--all)") for group in rest.get(parent, ())]
            + [escaped(group) for group in _told(groups.get(parent, ()))]
        )
        for parent in {*rest, *groups}
    }
    late, makers = _late(run), _makers(run)
    lines = tuple(
        _line(
            run, tree, node, depth, limit, under.get(node.id, ()), late.get(node.id, ()), makers.get(node.process, "")
        )
        for depth, node in tree.walk()
        if node.id not in skipped
    )
    return Outline(tuple(head(run, len(tree.nodes))), lines, under.get(None, ()))


SIBLINGS = 20  # objects made alike by one call that are told one by one
_NOTE = 500
_TOLD = 5  # groups under one node that are told one by one
_FEW = 3  # objects of a group that is told together with others as small


def _told(groups: tuple[Folded, ...]) -> list[str]:
    """The largest groups, and the rest as one; several small ones, such as switches of torch's modes, as one too."""
    small = [group for group in groups if len(group.nodes) <= _FEW]
    large = [group for group in groups if len(group.nodes) > _FEW]
    if len(small) < 2 or len(groups) > _TOLD + 1:
        small, large = [], list(groups)
    if len(large) > _TOLD + 1:
        large.sort(key=lambda group: -len(group.nodes))
        large, rest = large[:_TOLD], large[_TOLD:]
        return [*map(str, large), f"{_count(rest):,} more of {len(rest)} kinds (--all)"]
    names = ", ".join(dict.fromkeys(called(group.target) for group in small))
    return [*map(str, large), *([f"{_count(small)} × {names} (--all)"] if small else [])]


def _count(groups: list[Folded]) -> int:
    return sum(len(group.nodes) for group in groups)


def _alike(tree: Tree, siblings: int | None) -> tuple[set[int], dict[int | None, list[Folded]]]:
    """The nodes beyond the first *siblings* of their kind under one parent, with all below them, and the groups they make."""
    skipped: set[int] = set()
    groups: dict[tuple[int | None, str, CallSite | None], list[int]] = {}
    for _, node in tree.walk():
        parent = tree.parents[node.id]
        if parent in skipped:
            skipped.add(node.id)
        elif siblings is not None:
            alike = groups.setdefault((parent, node.target, node.site), [])
            alike.append(node.id)
            if len(alike) > siblings:
                skipped.add(node.id)
    rest: dict[int | None, list[Folded]] = {}
    for (parent, target, site), ids in groups.items():
        if siblings is not None and len(ids) > siblings:
            rest.setdefault(parent, []).append(Folded(target, place(site), tuple(ids[siblings:])))
    return skipped, rest


def _late(run: Run) -> dict[int, tuple[str, ...]]:
    """What is said of objects that waited: where they were built in the end, and how long it took."""
    said: dict[int, tuple[str, ...]] = {node.id: ("not built: nothing has touched it",) for node in run.unbuilt}
    failed = {node.id for node in run.nodes if node.outcome == "raised"}
    for event in run.events:
        if event.kind == "built":
            seconds, process = (event.arguments[name].value if name in event.arguments else None for name in _BUILD)
            took = f" in {span(seconds)}" if isinstance(seconds, float) else ""
            took += f", in process {process}" if isinstance(process, int) else ""
            word = "failed" if event.node in failed else "built"
            said[event.node] = (f"{word} at {where(event.site, run.environment.cwd)}{took}",)
    return said


_BUILD = ("seconds", "process")


def _makers(run: Run) -> dict[Process | None, str]:
    """How each process but the first is told from it: by its rank, or, as a worker of a rank's, by its number."""
    ranks: set[int | None] = set()
    found: dict[Process | None, str] = {}
    for process in dict.fromkeys(node.process for node in run.nodes):
        if process is not None:
            named = process.rank is not None and process.rank not in ranks
            ranks.add(process.rank)
            found[process] = "" if not found else f"rank {process.rank}" if named else f"process {process.pid}"
    return found


def _line(
    run: Run, tree: Tree, node: Node, depth: int, limit: int, under: tuple[str, ...], late: tuple[str, ...], maker: str
) -> Line:
    given: list[tuple[str, str]] = []
    defaults: list[tuple[str, str]] = []
    for name, value, argument in entries(node):
        shown = _value(tree, node, value, limit)
        shown = "↓" if shown == f"↓ {name}" else shown
        name = "" if argument.name == node.starred[0] and name.partition(":")[0].isdigit() else name
        if argument.source == "default":
            defaults.append((escaped(name), shown))
        else:
            given.append((escaped(name), shown + origin(argument, limit)))
    return Line(
        node,
        depth,
        escaped(tree.names[node.id]),
        escaped(tree.below(node.id)),
        escaped(called(node.target)),
        tuple(given),
        tuple(defaults),
        f"{where(node.site, run.environment.cwd)} in {maker}".lstrip()
        if maker
        else where(node.site, run.environment.cwd),
        escaped((node.error or "raised").removeprefix("builtins:")) if node.outcome == "raised" else None,
        tuple(elided(escaped(note), _NOTE) for note in (*_unfinished(node), *late, *node.notes)),
        under,
    )


def _unfinished(node: Node) -> tuple[str, ...]:
    return ("unfinished",) if node.outcome == "unfinished" else ()


def _value(tree: Tree, node: Node, value: object, limit: int) -> str:
    def named(ref: Ref) -> str:
        if ref.run is None and tree.parents.get(ref.node, -1) == node.id:
            return f"↓ {tree.below(ref.node)}"
        return f"→ {tree.name(ref)}"

    return text(value, named, limit)


def origin(argument: Argument, limit: int = 60) -> str:
    """Where a value came from, when neither the call nor a default: `` (override, was 128)``."""
    if argument.source in ("given", "default"):
        return ""
    was = "" if argument.was is ABSENT else f", was {text(argument.was, limit=limit)}"
    return f" ({argument.source}{was})"


def where(site: CallSite | None, cwd: str = "") -> str:
    """``train.py:31``: the file as seen from the run's folder."""
    if site is None:
        return ""
    file = site.file.replace("\\", "/")
    home = cwd.replace("\\", "/").rstrip("/") + "/"
    if len(home) > 1 and file.startswith(home):
        file = file[len(home) :]
    file = in_packages(file) or file
    return escaped(f"{file}:{site.line}" if site.line is not None else file)


_OVERRIDES = 20


def head(run: Run, shown: int) -> Iterator[tuple[str, str]]:
    """What the run says of itself, as labels and texts."""
    header, environment = run.header, run.environment
    yield "run", escaped(f"{header.id} {header.name}" if header.name else header.id)
    lasted = duration(header.started, header.ended)
    error = f": {header.error.removeprefix('builtins:')}" if header.error else ""
    error += f", exit code {header.exit_code}" if header.exit_code is not None else ""
    yield "outcome", escaped(f"{header.outcome}{f' in {lasted}' if lasted else ''}{error}")
    if header.script:
        home = environment.cwd.rstrip("/") + "/"
        yield "script", escaped(header.script.removeprefix(home) if len(home) > 1 else header.script)
    for each in header.overrides[:_OVERRIDES]:
        place = f"{each.place}, " if each.place else ""
        yield "override", elided(escaped(f"{each.address}={each.value} ({place}{counted(each.calls, 'call')})"), _NOTE)
    if len(header.overrides) > _OVERRIDES:
        yield "override", f"and {len(header.overrides) - _OVERRIDES:,} more"
    if environment.git:
        commit, branch, dirty = (environment.git.get(fact) for fact in ("commit", "branch", "dirty"))
        words = [str(commit)[:12] if commit else "no commit", str(branch) if branch else "", "dirty" if dirty else ""]
        yield "git", escaped(" ".join(filter(None, words)))
    if environment.python:
        yield "python", escaped(f"{environment.python} {environment.implementation}".strip())
    processes = len({node.process for node in run.nodes})
    if processes > 1:
        yield "processes", f"{processes:,}"
    count = len(run.nodes)
    yield "nodes", f"{count:,}" if shown == count else f"{shown:,} shown of {count:,} (--all opens the rest)"
    if header.result:
        yield "result", ", ".join(f"{escaped(name)}={text(value, limit=80)}" for name, value in header.result.items())
    if run.children:
        yield "inside", ", ".join(escaped(child.name or child.id) for child in run.children)
    for mark in header.marks:
        yield "note", elided(escaped(mark), _NOTE)


def duration(started: str, ended: str | None) -> str:
    """The time between two ISO 8601 texts; nothing if one is missing or is no time, or if the clock went back."""
    try:
        seconds = (
            datetime.datetime.fromisoformat(ended or "") - datetime.datetime.fromisoformat(started)
        ).total_seconds()
    except (ValueError, TypeError):
        return ""
    return span(seconds) if seconds >= 0 else ""


def absolute(site: CallSite, cwd: str) -> str:
    """The file of *site* as a full path."""
    return posixpath.join(cwd, site.file) if cwd and not site.file.startswith("<") else site.file
