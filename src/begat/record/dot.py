"""A run in Graphviz's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from begat.record.edges import edges, hidden, label
from begat.record.plain import escaped
from begat.record.tree import grow

if TYPE_CHECKING:
    from begat.record.graph import Run


def dot(run: Run, everything: bool = False) -> str:
    """
    The graph of *run* for ``dot -Tsvg``: arrows go from what was used to what used it, dashed from what was built inside.

    What libraries built for themselves is counted beside what caused it.
    """
    tree = grow(run, everything)
    lines = [
        f"digraph {_quoted(run.name or run.id)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=9, color="#777777"];',
    ]
    for node in tree.nodes.values():
        rows = label(node, tree)
        color = ', color="#cc3333"' if node.outcome == "raised" else ""
        lines.append(f"  n{node.id} [label={_quoted(*rows)}{color}];")
    for edge in edges(run, tree):
        if edge.parameter is None:
            lines.append(f"  n{edge.source} -> n{edge.sink} [style=dashed];")
        else:
            lines.append(f"  n{edge.source} -> n{edge.sink} [label={_quoted(edge.parameter)}];")
    for number, (cause, group) in enumerate(() if everything else hidden(run)):
        lines.append(f'  f{number} [label={_quoted(group)}, shape=plaintext, fontcolor="#777777"];')
        if cause is not None:
            lines.append(f"  f{number} -> n{cause} [style=dotted, arrowhead=none];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(*rows: str) -> str:
    r"""*rows* as one Graphviz string; ``\l`` would be read as an order, so every backslash is doubled."""
    texts = [escaped(row).replace("\\", "\\\\").replace('"', '\\"') for row in rows]
    return '"' + "\\n".join(texts) + '"'
