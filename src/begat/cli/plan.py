"""What `begat run` is to run, and how: made from words or from a record, carried out by `launch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from begat.replay.override import Override

STDIN = "-"
HANDED_ON = "BEGAT_HANDED_ON"
"""The environment variable by which a run hands its overrides to programs that it starts by `begat run`."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What is to be done beside running: the run's *name*, where to *save* it too, whether to be *quiet*, whether it is *dry*.

    *home* is the ``.begat`` folder, *summary* the file for what the run says of itself. With *durable* every row is written
    before its call goes on.
    """

    name: str | None
    save: str | None
    quiet: bool
    home: str
    dry: bool
    summary: str | None
    durable: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and how: *target* is a path, `STDIN`, or a module if *is_module*; *codes* are those of a run that is made again."""

    target: str
    is_module: bool
    arguments: tuple[str, ...]
    watch: tuple[str, ...]
    lazy: tuple[str, ...]
    manner: Manner
    overrides: tuple[Override, ...] = ()
    codes: dict[str, str] | None = None
