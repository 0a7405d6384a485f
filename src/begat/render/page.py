"""What the page of a run shows, as data: texts, ready to be shown, and numbers that say what belongs to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from begat.record.edges import edges
from begat.record.model import ABSENT, Argument, Node, Overridden
from begat.record.names import counted
from begat.record.paths import segment
from begat.record.plain import escaped, plain, text
from begat.record.tree import Folded, Tree, entries, folded, grow
from begat.record.values import Ref
from begat.render.outline import SIBLINGS, Line, outline

if TYPE_CHECKING:
    from begat.record.graph import Run

WHOLE = 20_000  # objects; of a run that has more, the page tells of those made alike by one call only the first
_LONGEST = 2_000  # characters of a value


def page(run: Run, everything: bool = False, against: Run | None = None) -> dict[str, Any]:
    """What the page of *run* shows, with what differs from the run *against*."""
    tree = grow(run, everything)
    whole = outline(run, everything, limit=60, siblings=None if len(tree.nodes) <= WHOLE else SIBLINGS)
    lines = whole.lines[:WHOLE]
    index = {line.node.id: number for number, line in enumerate(lines)}
    head = dict(whole.head)
    head.pop("run")
    head.pop("nodes")
    outcome = head.pop("outcome")
    inside = {} if everything else folded(run)
    rest = len(run.nodes) - len(tree.nodes)
    head["objects"] = f"{len(tree.nodes):,}" + (f", and {rest:,} by libraries" if rest else "")
    if len(lines) < len(whole.lines):
        head["note"] = f"{len(whole.lines) - len(lines):,} more objects: the record and `begat show` have them"
    return {
        "title": escaped(run.name or run.id),
        "outcome": outcome,
        "head": [["id", escaped(run.id)], *([label, words] for label, words in head.items())],
        "nodes": [_node(line, tree, index, inside) for line in lines],
        "edges": [
            [index[edge.source], index[edge.sink], None if edge.parameter is None else escaped(edge.parameter)]
            for edge in edges(run, tree)
            if edge.source in index and edge.sink in index
        ],
        "environment": [
            *([title, facts] for title, facts in _environment(run) if facts),
            *([["Built by libraries", [["", words] for words in whole.folded]]] if whole.folded else []),
        ],
        "difference": None if against is None else _difference(against, run, everything),
    }


def _node(
    line: Line, tree: Tree, index: dict[int, int], inside: dict[int | None, tuple[Folded, ...]]
) -> dict[str, Any]:
    node = line.node
    parent = tree.parents[node.id]
    return {
        "parent": -1 if parent is None else index.get(parent, -1),
        "name": line.segment,
        "path": line.path,
        "called": line.called,
        "target": escaped(node.target),
        "kind": node.kind,
        "outcome": node.outcome,
        "error": line.error,
        "site": line.site,
        "args": [_argument(node, tree, name, value, argument) for name, value, argument in entries(node)],
        "notes": list(line.notes),
        "folded": list(line.folded),
        "hidden": sum(len(group.nodes) for group in inside.get(node.id, ())),
    }


def _argument(node: Node, tree: Tree, name: str, value: object, argument: Argument) -> list[Any]:
    """Name, value, source, type, what it replaced, and whether it is a row of its own: an object below its owner has one."""
    shown = text(value, lambda ref: f"→ {tree.name(ref)}", _LONGEST)
    was = None if argument.was is ABSENT else text(argument.was, tree.name, _LONGEST)
    owned = type(value) is Ref and tree.name(value) == f"{tree.names[node.id]}.{segment(name)}"
    return [escaped(name), shown, argument.source, escaped(node.annotations.get(argument.name, "")), was, not owned]


def _environment(run: Run) -> list[tuple[str, list[list[str]]]]:
    header, environment = run.header, run.environment
    run_facts = {
        "id": run.id,
        "name": run.name,
        "started": header.started,
        "ended": header.ended,
        "script": header.script,
        "arguments": " ".join(header.argv),
        "inside": header.parent,
    }
    machine = {
        "python": f"{environment.python} {environment.implementation}".strip(),
        "platform": environment.platform,
        "host": environment.host,
        "user": environment.user,
        "folder": environment.cwd,
    }
    return [
        ("Run", _facts(run_facts)),
        ("Result", _facts(header.result)),
        ("Overrides", [[escaped(each.address), escaped(_overridden(each))] for each in header.overrides]),
        ("Machine", _facts(machine)),
        ("Git", _facts(environment.git or {})),
        ("Seeds", _facts(environment.seeds)),
        ("Packages", _facts(environment.packages)),
        ("Runs inside", [[escaped(child.name or child.id), escaped(child.header.outcome)] for child in run.children]),
        ("What the record does not know", [["", escaped(mark)] for mark in header.marks]),
    ]


def _overridden(each: Overridden) -> str:
    return f"{each.value} ({each.source}{f', {each.place}' if each.place else ''}; {counted(each.calls, 'call')})"


def _facts(facts: Any) -> list[list[str]]:
    return [
        [escaped(str(name)), escaped(value) if isinstance(value, str) else text(value, limit=_LONGEST)]
        for name, value in facts.items()
        if value not in (None, "")
    ]


def _difference(before: Run, after: Run, everything: bool) -> dict[str, Any]:
    """What differs, as rows: kind, path, before, after, why."""
    from begat.record.views import flat

    one, other = flat(before, everything), flat(after, everything)
    rows = []
    for key in dict.fromkeys((*one, *other)):
        if key not in other:
            rows.append(["removed", escaped(key), _said(one[key]), "", ""])
        elif key not in one:
            rows.append(["added", escaped(key), "", _said(other[key]), ""])
        elif one[key] != other[key] or type(one[key]) is not type(other[key]):
            rows.append(["changed", escaped(key), _said(one[key]), _said(other[key]), ""])
    return {"before": _called(before), "after": _called(after), "rows": rows}


def _said(value: Any) -> str:
    return text(plain(value), limit=_LONGEST)


def _called(run: Run) -> str:
    return escaped(f"{run.name} ({run.id})" if run.name else run.id)
