"""`begat check`: would a record still mean the same today?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from begat.cli.diff import show_differences, trouble
from begat.cli.find import RunType, load
from begat.cli.moved import MOVED
from begat.cli.output import examples, say

if TYPE_CHECKING:
    from begat.record.graph import Run
    from begat.replay.changes import Diff


@click.command(
    "check", epilog=examples("begat check last", "begat check baseline.json --moved mylib.nets=mylib.models")
)
@click.argument("run", type=RunType(), default="last", metavar="[RUN]")
@click.option("--all", "everything", is_flag=True, help="Also what is folded: what cannot be read, and why.")
@MOVED
@click.option("--json", "as_json", is_flag=True, help="What has changed as one JSON object.")
def command(run: Path, everything: bool, moved: dict[str, str], as_json: bool) -> None:
    """Tell whether a record would still mean the same today.

    Classes and functions that are missing, parameters and defaults that are others, versions of packages, Python and git.
    Source files are read; nothing is imported or run.

    The exit code is 0 if nothing has changed that matters, 1 if something has, and 2 for trouble.
    """
    with trouble():
        told = _checked(load(run), moved)
        if as_json:
            from begat.render.compare import data
            from begat.render.yaml import pretty

            say([pretty({key: value for key, value in data(told).items() if key in ("same", "changes", "folded")})])
        else:
            show_differences(told, everything)
        sys.stdout.flush()
    raise click.exceptions.Exit(1 if told else 0)


def _checked(run: Run, moved: dict[str, str]) -> Diff:
    from dataclasses import replace

    from begat.introspect.environment import collect, installed
    from begat.introspect.sources import Sources
    from begat.replay.check import check

    folders = [os.getcwd(), *sys.path]
    if run.header.script is not None:
        # What stands beside the script is found by its name, wherever it is run from.
        folders.insert(0, os.path.dirname(os.path.abspath(os.path.join(run.environment.cwd, run.header.script))))
    now = replace(collect((), os.getcwd()), packages=installed(run.environment.packages))
    return check(run, now, Sources(folders), moved)
