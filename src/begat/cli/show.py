"""`begat show`: one run, as a tree, or as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from begat.cli.find import RunType, load
from begat.cli.output import console, say

if TYPE_CHECKING:
    from begat.record.graph import Run


@click.command("show")
@click.argument("run", type=RunType(), default="last", metavar="[RUN]")
@click.option("--all", "everything", is_flag=True, help="Also what libraries built for themselves.")
@click.option("--json", "form", flag_value="json", help="The whole record as JSON.")
@click.option("--yaml", "form", flag_value="yaml", help="Every argument as YAML: the config file that you never wrote.")
@click.option("--flat", "form", flag_value="flat", help="Every argument as one JSON object with dotted keys.")
@click.option("--dot", "form", flag_value="dot", help="The graph for Graphviz.")
def command(run: Path, everything: bool, form: str | None) -> None:
    r"""Show what a run built, and with which arguments.

    RUN is a record's file or folder, a run's id or the beginning of one, a script (its last run), or `last`.

    \b
    Examples:
      begat show
      begat show train.py --yaml
      begat show 20261122 --dot | dot -Tsvg > run.svg
    """
    from begat.render import tree

    found = load(run)
    if form is not None:
        say([_formed(form, found, everything)])
        return
    screen = console()
    if screen.is_terminal:
        screen.print(tree.tree(found, everything, screen.width))
    else:
        say(tree.lines(found, everything))


def _formed(form: str, run: Run, everything: bool) -> str:
    from begat.record import codec, dot, views
    from begat.render.yaml import emit, pretty

    match form:
        case "yaml":
            return emit(views.config(run, everything)).removesuffix("\n")
        case "flat":
            return pretty(views.flat(run, everything))
        case "dot":
            return dot.dot(run, everything).removesuffix("\n")
        case _:
            return pretty(json.loads(codec.dumps(run)))
