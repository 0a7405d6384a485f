"""`begat diff`: what differs, for a terminal, a pipe and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from begat.record.model import ABSENT
from begat.record.names import called, counted
from begat.record.plain import escaped, plain, text
from begat.record.tree import grow
from begat.render.outline import where
from begat.replay.changes import Change, Diff, Row
from begat.replay.words import SIGNS, Words, naming

if TYPE_CHECKING:
    from rich.console import RenderableType

    from begat.record.graph import Run

_SECTIONS = {
    "changed": ("class", "argument", "shared", "outcome", "event"),
    "added and removed": ("added", "removed"),
    "moved and renamed": ("renamed", "moved", "call"),
    "code": ("code",),
    "around": ("argv", "seed", "package", "python", "platform", "git", "lacking"),
}
_SECTION_OF = {kind: section for section, kinds in _SECTIONS.items() for kind in kinds}
_COLORS = {"added": "green", "removed": "red"}
_ALIKE = 3  # equal steps of one parameter that are told one by one
LIMIT = 80
"""Characters of a value where people look."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line: a change, with the places of those that say the same of other objects of the class."""

    change: Change
    others: tuple[str, ...]


def sections(diff: Diff, words: Words) -> Iterator[tuple[str, list[Told]]]:
    """The changes by what they are about; those that are the same step of one parameter together."""
    grouped: dict[str, dict[tuple[object, ...], list[Change]]] = {}
    for change in diff.changes:
        key: tuple[object, ...] = (id(change),)
        if change.kind in ("argument", "class"):
            key = (
                change.kind,
                change.target,
                change.argument,
                words.before(change),
                words.after(change),
                change.why,
                change.run,
            )
        elif change.kind in ("added", "removed"):
            key = (change.kind, change.target, change.site, change.run)
        grouped.setdefault(_SECTION_OF.get(change.kind, "around"), {}).setdefault(key, []).append(change)
    for section in _SECTIONS:
        told: list[Told] = []
        for alike in grouped.get(section, {}).values():
            if len(alike) > _ALIKE:
                told.append(Told(alike[0], tuple(change.place for change in alike[1:])))
            else:
                told += [Told(change, ()) for change in alike]
        if told:
            yield section, told


def lines(diff: Diff, everything: bool = False) -> Iterator[str]:
    """The changes for files and pipes, under the names of the runs; nothing colored."""
    words = Words(diff)
    yield from _heads(diff)
    for section, told in sections(diff, words):
        yield ""
        yield f"# {section}"
        for entry in told:
            yield _line(entry, words, len(diff.runs))
    if len(diff.runs) > 2:
        yield ""
        yield from _tabbed(diff)
    elif diff.results:
        yield ""
        yield "# results"
        yield from (f"~ {_result(row)}" for row in diff.results)
    if not diff.changes:
        yield ""
        yield _same(diff)
    yield from folded(diff, words, everything)


def _heads(diff: Diff) -> Iterator[str]:
    for sign, run in zip(_signs(diff), diff.runs, strict=True):
        yield f"# {sign}: {_name(run)}"


def _signs(diff: Diff) -> list[str]:
    if len(diff.runs) == 1:
        return ["record"]
    return ["before", "after"] if len(diff.runs) == 2 else [f"run {number}" for number in range(len(diff.runs))]


def _same(diff: Diff) -> str:
    if len(diff.runs) == 1:
        return "as far as sources tell, it would mean the same today"
    return "the same configuration: nothing differs that matters"


def _name(run: Run) -> str:
    script = (run.header.script or "").replace("\\", "/").rpartition("/")[2]
    return escaped("  ".join(filter(None, (run.id, run.name, script, f"{counted(len(run.nodes), 'node')}"))))


def _line(entry: Told, words: Words, runs: int) -> str:
    change = entry.change
    sign = SIGNS.get(change.kind, "~")
    of = f" [run {change.run}]" if runs > 2 else ""
    site = where(change.site, words.later(change).environment.cwd) if change.kind in _AT else ""
    return f"{sign} {words.line(change, 400)}{also(entry)}{of}  ({escaped(change.why)}){f'  {site}' if site else ''}"


_AT = ("argument", "class", "added", "shared", "call")


def also(entry: Told) -> str:
    """The others of which *entry* says the same."""
    if not entry.others:
        return ""
    name = called(entry.change.target or "")
    return escaped(f" and {len(entry.others):,} more of {name}, to {entry.others[-1]}")


def _result(row: Row) -> str:
    values = ("(none)" if value is ABSENT else text(value, limit=LIMIT) for value in row.values)
    return f"{escaped(row.place)}: {' → '.join(values)}"


def folded(diff: Diff, words: Words, everything: bool) -> Iterator[str]:
    """What was folded, counted; one by one with *everything*."""
    if not diff.folded:
        return
    yield ""
    if everything:
        yield "# follows from the above, or says nothing about the configuration"
        for change in diff.folded:
            yield f"  {words.line(change, 400)}  ({escaped(change.why)})"
        return
    counts: dict[tuple[str, str], int] = {}
    for change in diff.folded:
        label = _FOLDS.get((change.kind, change.cause)) or _FOLDS.get(change.cause) or _FOLDS.get(change.kind)
        label = label or ("fact of the run itself", "facts of the run itself")
        counts[label] = counts.get(label, 0) + (change.count if change.kind in ("line", "source") else 1)
    said = ", ".join(counted(count, *label) for label, count in counts.items())
    yield f"folded: {said} (--all shows them)"


_FOLLOWS = "that follows from the above", "that follow from the above"
_VERSIONS = "class whose code follows the versions", "classes whose code follows the versions"
_FOLDS: dict[object, tuple[str, str]] = {
    "follows": _FOLLOWS,
    "line": ("call on another line", "calls on other lines"),
    "source": ("call that gives the default", "calls that give the default"),
    "file": ("file called otherwise", "files called otherwise"),
    "library": ("group that libraries made for themselves", "groups that libraries made for themselves"),
    "unread": ("not to be read without an import",) * 2,
    ("code", "unread"): ("class whose code was not compared", "classes whose code was not compared"),
    ("code", "library"): _VERSIONS,
    ("package", "library"): ("package imported in one run only", "packages imported in one run only"),
    "argument": ("argument that follows from the class", "arguments that follow from the class"),
    "code": _VERSIONS,
    "renamed": ("parameter that follows from the class", "parameters that follow from the class"),
    "added": _FOLLOWS,
    "removed": _FOLLOWS,
}


# --- several runs -----------------------------------------------------------------------------------------------------
def cells(diff: Diff, limit: int = LIMIT) -> Iterator[tuple[str, ...]]:
    """The table of several runs: a row for each parameter that differs, then the results."""
    for row in diff.rows:
        values = (cell(value, run, limit) for value, run in zip(row.values, diff.runs, strict=True))
        yield (escaped(row.place), *values)
    for row in diff.results:
        values = (cell(value, run, limit) for value, run in zip(row.values, diff.runs, strict=True))
        yield (f"result {escaped(row.place)}", *values)


def cell(value: object, run: Run, limit: int) -> str:
    """*value*, of *run*, in a table."""
    return "" if value is ABSENT else text(value, naming(run), limit)


def _tabbed(diff: Diff) -> Iterator[str]:
    yield "\t".join(("parameter", *(escaped(run.name or run.id) for run in diff.runs)))
    for row in cells(diff, 400):
        yield "\t".join(row)


# --- other forms ------------------------------------------------------------------------------------------------------
def screen(diff: Diff, everything: bool, width: int) -> RenderableType:
    """The changes for a terminal *width* columns wide: what was there in red, what is there in green."""
    from rich.console import Group
    from rich.text import Text

    words = Words(diff)
    shown: list[RenderableType] = [Text(line.removeprefix("# "), "dim") for line in _heads(diff)]
    for section, told in sections(diff, words):
        shown += [Text(), Text(section, "bold")]
        shown += [_colored(entry, words, len(diff.runs)) for entry in told]
    if len(diff.runs) > 2:
        shown += [Text(), _grid(diff, width)]
    elif diff.results:
        shown += [Text(), Text("results", "bold"), *(Text(f"  {_result(row)}") for row in diff.results)]
    if not diff.changes:
        shown += [Text(), Text(_same(diff), "green")]
    shown += [Text(line.removeprefix("# "), "dim") for line in folded(diff, words, everything)]
    return Group(*shown)


def _colored(entry: Told, words: Words, runs: int) -> RenderableType:
    from rich.text import Text

    change = entry.change
    line = Text(f"  {SIGNS.get(change.kind, '~')} ", _COLORS.get(change.kind, "yellow"))
    if change.kind in ("argument", "class", "shared", "outcome", "seed", "package", "git", "python"):
        line.append(words.label(change), "bold")
        line.append(": ")
        line.append(words.before(change, LIMIT), "red")
        line.append(" → ", "dim")
        line.append(words.after(change, LIMIT), "green")
    else:
        line.append(words.line(change, LIMIT), _COLORS.get(change.kind, ""))
    line.append(also(entry), "bold")
    line.append(f"  [run {change.run}]" if runs > 2 else "", "cyan")
    line.append(f"  {escaped(change.why)}", "dim")
    site = where(change.site, words.later(change).environment.cwd) if change.kind in _AT else ""
    line.append(f"  {site}" if site else "", "dim")
    return line


def _grid(diff: Diff, width: int) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("parameter", *(escaped(run.name or run.id) for run in diff.runs)):
        grid.add_column(name, overflow="fold")
    for name, first, *others in cells(diff, max(20, width // (len(diff.runs) + 1))):
        grid.add_row(Text(name, "bold"), first, *(Text(value, "" if value == first else "green") for value in others))
    return grid


# --- for programs -----------------------------------------------------------------------------------------------------
def data(diff: Diff) -> dict[str, Any]:
    """The whole of *diff* as JSON-ready data; values as `begat show --flat` writes them."""
    names = [grow(run, everything=True).name for run in diff.runs]

    def value(found: object, which: int) -> Any:
        return plain(found, names[min(which, len(names) - 1)])  # a record beside its sources is one run

    def told(change: Change) -> dict[str, Any]:
        entry: dict[str, Any] = {"kind": change.kind, "path": change.path, "argument": change.argument}
        if change.before is not ABSENT:
            entry["before"] = value(change.before, 0)
        if change.after is not ABSENT:
            entry["after"] = value(change.after, change.run)
        entry |= {
            "cause": change.cause,
            "why": change.why,
            "target": change.target,
            "was": change.was,
            "count": change.count,
        }
        entry["site"] = where(change.site, diff.runs[min(change.run, len(names) - 1)].environment.cwd) or None
        return entry | ({"run": change.run} if len(diff.runs) > 2 else {})

    def row(found: Row) -> dict[str, Any]:
        values = [None if item is ABSENT else value(item, which) for which, item in enumerate(found.values)]
        return {"path": found.path, "argument": found.argument, "values": values}

    return {
        "same": not diff.changes,
        "runs": [{"id": run.id, "name": run.name, "fingerprint": run.fingerprint} for run in diff.runs],
        "changes": [told(change) for change in diff.changes],
        "folded": [told(change) for change in diff.folded],
        "rows": [row(found) for found in diff.rows],
        "results": [row(found) for found in diff.results],
    }
