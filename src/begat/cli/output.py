"""Where output goes: a terminal gets color and its own width, a file or a pipe gets plain, whole lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console(*, stderr: bool = False) -> Console:
    """The terminal as rich sees it; it heeds NO_COLOR, then without links too, and FORCE_COLOR."""
    from rich.console import Console
    from rich.segment import Segment

    class Linkless(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            return Segment.strip_links(super().render(renderable, options))

    kind = Linkless if os.environ.get("NO_COLOR") else Console
    return kind(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show(lines: Callable[[], Iterable[str]], screen: Callable[[int], RenderableType]) -> None:
    """Write what *screen* makes for a width to a terminal, and *lines* to anything else."""
    there = console()
    if there.is_terminal:
        there.print(screen(there.width))
    else:
        say(lines())


def say(lines: Iterable[str]) -> None:
    """Write *lines*; what the output's encoding cannot take is written as an escape."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in lines:
        try:
            line.encode(encoding)
        except UnicodeEncodeError:
            line = line.encode(encoding, "backslashreplace").decode(encoding)
        click.echo(line)


def examples(*commands: str) -> str:
    """What `--help` ends with."""
    # Click keeps the lines of a paragraph apart where a backspace stands before it. Not in the docstrings, which are raw.
    return "\n".join(("\b", "Examples:", *(f"  {command}" for command in commands)))
