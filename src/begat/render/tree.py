"""`begat show`: a run as a tree that looks like the code that built it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from begat.record.plain import elided
from begat.render.outline import SIBLINGS, Line, absolute, outline

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
    from rich.tree import Tree

    from begat.record.graph import Run

_LONGEST = 200  # of a value in a line for a pipe: one can still grep for what begins it
_DEEPEST = 12  # further in, indentation says nothing any more: the path does


def lines(run: Run, everything: bool = False) -> Iterator[str]:
    """
    The tree of *run* for files and pipes: one line per node with its whole path, nothing colored.

    Long values are elided and long loops counted, as on a terminal; the record and `flat` have all of it.
    """
    whole = outline(run, everything, _LONGEST, None if everything else SIBLINGS)
    for label, words in whole.head:
        yield f"# {label}: {words}"
    for line in whole.lines:
        pad = "  " * min(line.depth, _DEEPEST)
        arguments = ", ".join(f"{name}={value}" if name else value for name, value in line.given)
        defaults = "".join(f" {name}={value}" for name, value in line.defaults)
        error = f"  raised {line.error}" if line.error else ""
        site = f"  {line.site}" if line.site else ""
        yield f"{pad}{line.path} = {line.called}({arguments}){defaults}{error}{site}"
        for under in (*(f"note: {note}" for note in line.notes), *line.folded):
            yield f"{pad}  {under}"
    yield from whole.folded
    for child in run.children:
        yield ""
        yield from lines(child, everything)


def tree(run: Run, everything: bool = False, width: int = 100) -> RenderableType:
    """The tree of *run* for a terminal *width* columns wide."""
    from rich.console import Group
    from rich.text import Text
    from rich.tree import Tree

    whole = outline(run, everything, limit=max(30, width // 2), siblings=None if everything else SIBLINGS)
    label = max(len(name) for name, _ in whole.head)
    heads = [Text.assemble((f"{name:<{label}}  ", "dim"), (words, _tone(name, words))) for name, words in whole.head]
    top = Tree(Text(), hide_root=True, guide_style="dim")
    branches: list[Tree] = [top]
    for line in whole.lines:
        depth = min(line.depth, _DEEPEST)
        del branches[depth + 1 :]
        branch = branches[depth].add(_words(line, line.segment, run.environment.cwd, width - 4 * depth - 4))
        branches.append(branch)
        for under in (*(f"note: {note}" for note in line.notes), *line.folded):
            branch.add(Text(under, "dim"))
    for group in whole.folded:
        top.add(Text(group, "dim"))
    below = [item for child in run.children for item in (Text(), tree(child, everything, width))]
    return Group(*heads, Text(), top, *below)


def _tone(name: str, words: str) -> str:
    if name == "outcome":
        return "red" if words.startswith(("raised", "killed")) else ""
    return {"run": "bold", "note": "yellow"}.get(name, "")


def _words(line: Line, name: str, cwd: str, room: int) -> Text:
    """One node: what was given first and whole, then where, then as many defaults as fit."""
    from rich.text import Text

    words = Text()
    words.append(name, "bold red" if line.error else "bold")
    words.append(" = ", "dim")
    words.append(line.called, "red" if line.error else "cyan")
    words.append("(")
    for position, (parameter, value) in enumerate(line.given):
        words.append(", " if position else "")
        words.append(f"{parameter}=" if parameter else "", "dim")
        words.append(value, "green" if value.startswith(("→", "↓")) else "")
    words.append(")")
    if line.error:
        words.append(f"  raised {elided(line.error, 300)}", "red")
    if line.site:
        words.append("  ")
        words.append(line.site, _link(line, cwd))
    for position, (parameter, value) in enumerate(line.defaults):
        left = len(line.defaults) - position
        if words.cell_len + len(parameter) + len(value) + 2 > room - (12 if left > 1 else 0):
            words.append(f"  +{left} default{'s' if left > 1 else ''}", "dim")
            break
        words.append(f"{' ' if position else '  '}{parameter}={value}", "dim")
    return words


def _link(line: Line, cwd: str) -> str:
    """The style of a call site: dim, and a link to the file where that has an address."""
    site = line.node.site
    if site is None:
        return "dim"
    file = PurePath(absolute(site, cwd))
    return f"dim link {file.as_uri()}#{site.line}" if file.is_absolute() else "dim"
