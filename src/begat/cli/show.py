"""`begat show`: one run, as a tree, or as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from begat.cli.find import RunType, load
from begat.cli.output import console, examples, say

if TYPE_CHECKING:
    from begat.record.graph import Run


@click.command(
    "show",
    epilog=examples("begat show", "begat show train.py --yaml", "begat show 20261122 --dot | dot -Tsvg > run.svg"),
)
@click.argument("run", type=RunType(), default="last", metavar="[RUN]")
@click.option("--all", "everything", is_flag=True, help="Also what libraries built for themselves.")
@click.option("--json", "as_json", is_flag=True, help="The whole record as JSON.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Every argument as YAML: the config file that you never wrote.")
@click.option("--flat", "as_flat", is_flag=True, help="Every argument as one JSON object with dotted keys.")
@click.option("--dot", "as_dot", is_flag=True, help="The graph for Graphviz.")
def command(run: Path, everything: bool, **forms: bool) -> None:
    """Show what a run built, and with which arguments.

    RUN is a record's file or folder, a run's id or the beginning of one, its name, a script (its last run), or `last`.
    """
    from begat.render import tree

    asked = [name.removeprefix("as_") for name, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise click.UsageError(f"one form at a time: --{' or --'.join(asked)}")
    found = load(run)
    if asked:
        say([_formed(asked[0], found, everything)])
        return
    screen = console()
    if screen.is_terminal:
        screen.print(tree.tree(found, everything, screen.width))
    else:
        say(tree.lines(found, everything))


# `begat run --config` reads the first line of this.
_BACK = (
    "# To use it: begat run --config FILE SCRIPT. What is changed here is an override, the rest is left to the code."
)


def _formed(form: str, run: Run, everything: bool) -> str:
    from begat.record import codec, dot, views
    from begat.render.yaml import emit, pretty

    match form:
        case "yaml":
            return f"# run: {run.id}\n{_BACK}\n" + emit(views.config(run, everything)).removesuffix("\n")
        case "flat":
            return pretty(views.flat(run, everything))
        case "dot":
            return dot.dot(run, everything).removesuffix("\n")
        case _:
            return pretty(json.loads(codec.dumps(run)))
