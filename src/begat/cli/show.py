"""`begat show`: one run, as a tree, or as data."""

from __future__ import annotations

from pathlib import Path

import click

from begat.cli.find import RunType, load
from begat.cli.output import examples, say, show


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
    from begat.render.export import export

    asked = [name.removeprefix("as_") for name, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise click.UsageError(f"one form at a time: --{' or --'.join(asked)}")
    found = load(run)
    if asked:
        say([export(found, asked[0], all=everything).removesuffix("\n")])
        return
    show(lambda: tree.lines(found, everything), lambda width: tree.tree(found, everything, width))
