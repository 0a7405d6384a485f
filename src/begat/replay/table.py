"""The parameters that are not the same in all runs, and what came out: a row each, a value for each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from begat.record.canonical import canonical
from begat.record.model import ABSENT, Node
from begat.record.plain import nameless
from begat.record.tree import entries
from begat.record.values import Symbol
from begat.replay.changes import Change, Row
from begat.replay.comparison import Comparison
from begat.replay.side import Side

if TYPE_CHECKING:
    from begat.record.graph import Run

_TOLD = ("argument", "class", "added", "removed", "shared", "seed")


def pair_rows(changes: tuple[Change, ...]) -> tuple[Row, ...]:
    """The rows of two runs, which the changes have whole."""
    return tuple(_row(change) for change in changes if change.kind in _TOLD)


def rows(comparisons: list[Comparison], changes: tuple[Change, ...]) -> tuple[Row, ...]:
    """A row for each parameter (and object) that one of *changes* tells of."""
    wanted: dict[tuple[int | None, str, str | None], None] = {}
    for change in changes:
        if change.kind in _TOLD and change.argument is not None and not change.path:
            wanted[None, "", change.argument] = None
        elif change.kind in _TOLD and change.path:
            at = _base(comparisons[change.run - 1], change)
            wanted[at, change.path if at is None else "", change.argument] = None
    found = []
    for at, path, argument in wanted:
        values = _values(comparisons, at, path, argument)
        name = path if at is None else comparisons[0].before.tree.names[at]
        found.append(Row(name, argument, values))
    return tuple(found)


def _row(change: Change) -> Row:
    values: tuple[object, ...] = (change.before, change.after)
    if change.argument is None:
        values = tuple(value if value is ABSENT else Symbol(change.target or "") for value in values)
        if change.kind == "class":
            values = (Symbol(str(change.before)), Symbol(str(change.after)))
    return Row(change.was or change.path, change.argument, values)


def _base(comparison: Comparison, change: Change) -> int | None:
    """The node of the first run that *change* is about."""
    if change.kind != "added":
        return comparison.before.named(change.was or change.path)
    return None


def _values(comparisons: list[Comparison], at: int | None, path: str, argument: str | None) -> tuple[object, ...]:
    if at is None and not path:
        runs = [comparisons[0].before.run, *(comparison.after.run for comparison in comparisons)]
        return tuple(run.environment.seeds.get(argument or "", ABSENT) for run in runs)
    if at is None:  # what came in one of the runs: the first has nothing there, whatever is called so
        news = ((comparison, comparison.after.named(path)) for comparison in comparisons)
        return ABSENT, *(
            _value(comparison.after, number, argument) if number not in comparison.found.back else ABSENT
            for comparison, number in news
        )
    others = (_value(comparison.after, comparison.found.pairs.get(at), argument) for comparison in comparisons)
    return _value(comparisons[0].before, at, argument), *others


def _value(side: Side, number: int | None, argument: str | None) -> object:
    """The value at a dotted key, with what it refers to by name; the class, where no argument is asked for."""
    node = side.nodes.get(number) if number is not None else None
    if node is None:
        return ABSENT
    if argument is None:
        return Symbol(node.target)
    return _inside(node, argument)


def _inside(node: Node, argument: str) -> object:
    for name, item, _ in entries(node):
        if name == argument:
            return item
    if argument in node.arguments:
        return node.arguments[argument].value
    name, _, rest = argument.partition(".")
    value: object = next((item for key, item, _ in entries(node) if key == name), ABSENT)
    while rest and value is not ABSENT:
        value = getattr(value, "value", value)
        if isinstance(value, dict):
            # Keys may have dots themselves: the longest that fits.
            key = next((key for key in value if str(key) == rest or rest.startswith(f"{key}.")), ABSENT)
            value, rest = (ABSENT, "") if key is ABSENT else (value[key], rest[len(str(key)) + 1 :])
        elif isinstance(value, list | tuple):
            step, _, rest = rest.partition(".")
            value = value[int(step)] if step.isdigit() and len(step) < _DIGITS and int(step) < len(value) else ABSENT
        else:
            value = ABSENT
    return value


_DIGITS = 18


def results(runs: tuple[Run, ...]) -> tuple[Row, ...]:
    """What came out of the runs, where that is not the same in all."""
    names = dict.fromkeys(name for run in runs for name in run.header.result)
    found = [Row("", name, tuple(run.header.result.get(name, ABSENT) for run in runs)) for name in names]
    return tuple(row for row in found if len({_text(value) for value in row.values}) > 1)


def _text(value: object) -> str:
    return "" if value is ABSENT else canonical(value, nameless)
