"""A run in Mermaid's language, which GitHub, GitLab, Jupyter and many wikis draw where it stands in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from begat.record.edges import edges, hidden, label
from begat.record.plain import escaped
from begat.record.tree import grow

if TYPE_CHECKING:
    from begat.record.graph import Run

# Mermaid looks for its own words (styles, directives, HTML, Markdown) in labels too: all but what cannot be one goes as a number.
_UNSAFE = re.compile(r"[^\w .,()\[\]=→↓×…/-]|(?<!\w)_|_(?!\w)")
# These it also finds spelled as numbers, and takes for a line's end, a formula, an icon: a space of no width keeps them apart.
_TRAPS = re.compile(r"\\(?=n)|\$(?=\$)|fa[bklrs]?:(?=fa-)")
_EDGES = 500  # Mermaid draws no more unless its settings say so


def mermaid(run: Run, everything: bool = False) -> str:
    """The graph of *run* as a flowchart: arrows go from what was used to what used it, dotted from what was built inside."""
    tree = grow(run, everything)
    arrows = edges(run, tree)
    lines = ["flowchart LR"]
    if len(arrows) > _EDGES:
        lines.append(
            f"  %% {len(arrows)} arrows: Mermaid draws {_EDGES}, and more only where maxEdges and maxTextSize allow it"
        )
    lines += [f"  n{node.id}[{_quoted(*label(node, tree))}]" for node in tree.nodes.values()]
    for edge in arrows:
        way = "-.->" if edge.parameter is None else f"-->|{_quoted(edge.parameter)}|"
        lines.append(f"  n{edge.source} {way} n{edge.sink}")
    for number, (cause, group) in enumerate(() if everything else hidden(run)):
        lines.append(f"  f{number}({_quoted(group)}):::folded")
        if cause is not None:
            lines.append(f"  f{number} -.- n{cause}")
    raised = [f"n{node.id}" for node in tree.nodes.values() if node.outcome == "raised"]
    if raised:
        lines += ["  classDef raised stroke:#cc3333,stroke-width:2px", f"  class {','.join(raised)} raised"]
    lines.append("  classDef folded fill:transparent,stroke-dasharray:3 3")
    return "\n".join(lines) + "\n"


def _quoted(*rows: str) -> str:
    return '"' + "<br/>".join(_UNSAFE.sub(_numbered, _TRAPS.sub("\\g<0>\u200b", escaped(row))) for row in rows) + '"'


def _numbered(letter: re.Match[str]) -> str:
    return f"#{ord(letter[0])};"
