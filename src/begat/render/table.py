"""`begat params`: every argument of a run as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from begat.record.model import ABSENT
from begat.record.names import called
from begat.record.paths import matches, segment
from begat.record.plain import elided, escaped, plain, text
from begat.record.tree import entries, grow
from begat.record.values import Ref
from begat.render.outline import where

if TYPE_CHECKING:
    from rich.table import Table

    from begat.record.graph import Run

COLUMNS = ("path", "value", "source", "type", "site")


@dataclass(frozen=True, slots=True)
class Row:
    """One argument, or one object (then *source* is its kind): *value* as text, *data* as JSON-ready data."""

    path: str
    value: str
    source: str
    type: str
    site: str
    data: Any
    was: Any
    names: tuple[str, ...]  # what a pattern may call it by

    def data_row(self) -> dict[str, Any]:
        """The row as JSON-ready data."""
        row = {
            "path": self.path,
            "value": self.data,
            "source": self.source,
            "type": self.type or None,
            "site": self.site or None,
        }
        return row if self.was is ABSENT else {**row, "was": self.was}


def rows(run: Run, everything: bool = False) -> Iterator[Row]:
    """Every argument of every shown node, in the order of the tree, each node before its arguments."""
    tree = grow(run, everything)
    for _, node in tree.walk():
        path, site, name = tree.names[node.id], where(node.site, run.environment.cwd), called(node.target)
        yield Row(path, escaped(node.target), node.kind, "", site, node.target, ABSENT, (path, name, node.target))
        for parameter, value, argument in entries(node):
            at = f"{path}.{segment(parameter)}"
            if type(value) is Ref and tree.name(value) == at:
                continue  # the object's own row says it
            shown = text(value, lambda ref: f"→ {tree.name(ref)}")
            was = argument.was
            if was is not ABSENT:
                shown += f" (was {text(was, tree.name)})"
            yield Row(
                at,
                shown,
                argument.source,
                escaped(node.annotations.get(argument.name, "")),
                site,
                plain(value, tree.name, at),
                was if was is ABSENT else plain(was, tree.name, at),
                (at, f"{name}.{segment(parameter)}", f"{node.target.replace(':', '.')}.{segment(parameter)}"),
            )


def chosen(found: Iterable[Row], patterns: Iterable[str]) -> list[Row]:
    """
    The rows that one of *patterns* means: a path and what lies below, ``Class.param``, or a bare name; with ``*`` and ``?``.

    Raises ValueError for a pattern that is no path.
    """
    wanted = [wide for pattern in patterns for wide in (pattern, f"{pattern}.*")]
    bare = {pattern for pattern in wanted if pattern.isidentifier()}
    return [
        row
        for row in found
        if not wanted
        or row.names[0].rpartition(".")[2] in bare
        or any(matches(pattern, name) for pattern in wanted for name in row.names)
    ]


def lines(found: Iterable[Row]) -> Iterator[str]:
    """The rows for files and pipes, separated by tabs, under their column names; nothing cut, no value holds a tab."""
    yield "\t".join(COLUMNS)
    for row in found:
        yield "\t".join((escaped(row.path), row.value, row.source, row.type, row.site))


def table(found: Iterable[Row], width: int) -> Table:
    """The rows for a terminal *width* columns wide; values take what room there is."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in COLUMNS:
        grid.add_column(
            column, overflow="ellipsis" if column in ("type", "site") else "fold", no_wrap=column in ("source", "site")
        )
    for row in found:
        is_node = row.source in ("class", "factory", "function")
        style = "bold" if is_node else "dim" if row.source == "default" else ""
        grid.add_row(
            Text(escaped(row.path), style),
            Text(elided(row.value, max(24, width)), "cyan" if is_node else style),
            Text(row.source, "" if row.source in ("override", "config", "env") else "dim"),
            Text(elided(row.type, 40), "dim"),
            Text(row.site, "dim"),
        )
    return grid
