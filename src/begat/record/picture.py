"""A run as one piece of static HTML for notebooks: a drawing of the graph and a tree that opens. No scripts, nothing fetched.

Colors are the page's own (``currentColor``) or middle tones, so that it reads on dark and on light.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from begat.record.edges import Edge, edges, given
from begat.record.layers import Arrow, Key, arrange
from begat.record.model import Node
from begat.record.names import called, counted
from begat.record.plain import elided, escaped, text
from begat.record.tree import Tree, entries, folded, grow

if TYPE_CHECKING:
    from begat.record.graph import Run

_DRAWN = 60
_LISTED = 500
_DEPTH = 40
_ROWS = 6
_LETTER, _ROW, _HEAD, _PAD = 6.7, 16.0, 40.0, 12.0
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_COLORS = ("#4a90d9", "#d9822b", "#43a571", "#c8608a", "#8f74d6", "#2fa0ab", "#b08d2e", "#7d8a99")
_RED = "#d9534f"


def html(run: Run, everything: bool = False) -> str:
    """*run* as a self-contained fragment of HTML; the drawing is left out where it would have more than 60 boxes."""
    tree = grow(run, everything)
    name = f"{run.name} · {run.id}" if run.name else run.id
    count = len(run.nodes)
    title = f"{_safe(name)} <span style='opacity:.65'>{_safe(run.header.outcome)}, {counted(count, 'node')}</span>"
    drawing = svg(run, tree) if 0 < len(tree.nodes) <= _DRAWN else ""
    return (
        f"<div style=\"font:13px/1.5 {_FONT};overflow-x:auto\"><div style='margin:2px 0 8px'><b>run</b> {title}</div>"
        f"{drawing}{''.join(_outline(run, tree, everything))}</div>"
    )


def _safe(words: str) -> str:
    return escape(escaped(words), quote=True)


# --- the drawing ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Box:
    node: Node
    title: str
    called: str
    rows: tuple[tuple[str, str], ...]
    ports: dict[str, float]
    width: float
    height: float


def svg(run: Run, tree: Tree) -> str:
    """The shown nodes as boxes in layers: what is used stands left of what uses it, and ends at the parameter it became."""
    arrows = edges(run, tree)
    boxes = {node.id: _box(node, tree, arrows) for node in tree.nodes.values()}
    sizes: dict[Key, tuple[float, float]] = {number: (box.width, box.height) for number, box in boxes.items()}
    lines: list[Arrow] = [
        (edge.source, edge.sink, _HEAD / 2, boxes[edge.sink].ports.get(edge.parameter or "", _HEAD / 2))
        for edge in arrows
    ]
    layout = arrange(sizes, lines)
    width, height = layout.width + 2 * _PAD, layout.height + 2 * _PAD
    paths = [_curve(edge, route) for edge, route in zip(arrows, layout.routes, strict=True)]
    drawn = [_drawn(box, *layout.corners[number]) for number, box in boxes.items()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_PAD:.0f} {-_PAD:.0f} {width:.0f} {height:.0f}" fill="currentColor" '
        f'font-family="{_FONT}" font-size="11" role="img">'
        f"<title>{_safe(run.name or run.id)}</title>{''.join(paths)}{''.join(drawn)}</svg>"
    )


def _box(node: Node, tree: Tree, arrows: list[Edge]) -> _Box:
    inputs = [edge.parameter for edge in arrows if edge.sink == node.id and edge.parameter is not None]
    chosen = given(node, tree, 22)
    if node.outcome == "raised":
        chosen = [("✗", elided(escaped(node.error or "raised"), 30)), *chosen]
    rows = [(elided(name, 20), "") for name in inputs[:_ROWS]]
    room = max(_ROWS - len(rows), 2)
    rows += [(elided(escaped(name), 16), value) for name, value in chosen[:room]]
    left = len(inputs[_ROWS:]) + len(chosen[room:])
    if left:
        rows.append((f"… {left} more", ""))
    ports = {name: _HEAD + _ROW * (position + 0.5) for position, name in enumerate(inputs[:_ROWS])}
    title = escaped(tree.names[node.id])
    title = title if len(title) <= 30 else "…" + title[-29:]
    name = elided(escaped(called(node.target)), 34)
    letters = max(_letters(title) * 1.1, _letters(name), *(_letters(f"{name} {value}") for name, value in rows), 10)
    height = _HEAD + _ROW * len(rows) + (6 if rows else 0)
    return _Box(node, title, name, tuple(rows), ports, letters * _LETTER + 26, height)


def _letters(words: str) -> float:
    """How wide *words* are, in letters of a monospaced font: East Asian ones take two."""
    if words.isascii():
        return len(words)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in words)


def _drawn(box: _Box, x: float, y: float) -> str:
    node = box.node
    package = node.target.partition(":")[0].partition(".")[0]
    color = _RED if node.outcome == "raised" else _COLORS[zlib.crc32(package.encode("utf-8", "replace")) % len(_COLORS)]
    dashes = ' stroke-dasharray="4 3"' if node.outcome == "deferred" else ""
    parts = [
        (
            f'<g transform="translate({x:.1f} {y:.1f})"><title>{_safe(f"{node.path} = {node.target}")}</title>'
            f'<rect width="{box.width:.1f}" height="{box.height:.1f}" rx="7" fill="{color}" fill-opacity=".13" '
            f'stroke="{color}" stroke-opacity=".85"{dashes}/>'
            f'<text x="13" y="17" font-size="12" font-weight="bold">{_safe(box.title)}</text>'
            f'<text x="13" y="32" fill="{color}">{_safe(box.called)}</text>'
        )
    ]
    for position, (name, value) in enumerate(box.rows):
        at = _HEAD + _ROW * position + 11
        if position < len(box.ports):
            parts.append(f'<circle cy="{at - 3:.1f}" r="3" fill="{color}"/>')
        shown = f'<tspan fill-opacity=".62">{_safe(name)}</tspan>'
        if value:
            shown += f'<tspan x="{13 + (_letters(name) + 1) * _LETTER:.1f}">{_safe(value)}</tspan>'
        parts.append(f'<text x="13" y="{at:.1f}">{shown}</text>')
    return "".join([*parts, "</g>"])


def _curve(edge: Edge, route: list[tuple[float, float]]) -> str:
    """The arrow through the points of *route*: straight through a column, a soft S between two."""
    (x, y), *points = route
    steps = [f"M{x:.1f} {y:.1f}"]
    for position, (to_x, to_y) in enumerate(points):
        middle = (x + to_x) / 2
        straight = position % 2 == 0 and position < len(points) - 1
        bend = f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        steps.append(f"H{to_x:.1f}" if straight else bend)
        x, y = to_x, to_y
    dashes = ' stroke-dasharray="4 4"' if edge.parameter is None else ""
    return f'<path d="{"".join(steps)}" fill="none" stroke="currentColor" stroke-opacity=".45" stroke-width="1.3"{dashes}/>'


# --- the tree ---------------------------------------------------------------------------------------------------------
def _outline(run: Run, tree: Tree, everything: bool) -> Iterator[str]:
    """Nested ``<details>``, one for each node; deep chains are cut to a depth that browsers draw."""
    groups = {} if everything else folded(run)
    opened = 0
    for number, (depth, node) in enumerate(tree.walk()):
        if number == _LISTED:
            yield "</details>" * opened + f"<div>… {len(tree.nodes) - number:,} more nodes</div>"
            opened = 0
            break
        depth = min(depth, _DEPTH)
        yield "</details>" * (opened - depth)
        opened = min(opened, depth)
        chosen = ", ".join(f"{name}={value}" for name, value in given(node, tree, 40))
        color = f";color:{_RED}" if node.outcome == "raised" else ""
        yield (
            f"<details style='margin-left:{'1.2em' if depth else '0'}{color}'><summary><b>{_safe(tree.below(node.id))}</b> "
            f"{_safe(called(node.target))}({_safe(elided(chosen, 160))})</summary>{_facts(node, tree)}"
        )
        opened += 1
        for group in groups.get(node.id, ()):
            yield f"<div style='margin-left:1.2em;opacity:.65'>{_safe(str(group))}</div>"
    yield "</details>" * opened
    for group in groups.get(None, ()):
        yield f"<div style='opacity:.65'>{_safe(str(group))}</div>"


def _facts(node: Node, tree: Tree) -> str:
    """Every argument of *node* with its source, and where the call stands."""
    rows = [
        f"<tr><td>{_safe(name)}</td><td>{_safe(text(value, tree.name, 200))}</td>"
        f"<td style='opacity:.65'>{_safe(argument.source)}</td></tr>"
        for name, value, argument in entries(node)
    ]
    site = f"{node.site.file}:{node.site.line}" if node.site is not None else ""
    words = " · ".join(filter(None, (node.target, site, node.error)))
    return (
        f"<div style='margin-left:1.2em;opacity:.75'>{_safe(words)}</div>"
        f"<table style='margin-left:1.2em;text-align:left'>{''.join(rows)}</table>"
    )
