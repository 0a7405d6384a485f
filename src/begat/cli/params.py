"""`begat params`: every argument of a run, its value, and where that came from."""

from __future__ import annotations

import atexit
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from begat.cli.find import RunType, load
from begat.cli.output import examples, say, show
from begat.errors import UnknownRun

if TYPE_CHECKING:
    from begat.render.table import Row


class ThisRun(RunType):
    """A run; people forget that it stands before the patterns."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The record's path."""
        try:
            found = super().convert(value, param, ctx)
            if ctx is not None and str(value).endswith(".py"):
                ctx.meta["begat.script"] = value
            return found
        except UnknownRun as error:
            if value.endswith(".py") and os.path.isfile(value):
                return rehearsed(value)
            if value != "last" and not os.path.dirname(value):
                error.add_note(f"If it is a pattern, name the run before it: begat params last {value}")
            raise


def rehearsed(script: str) -> Path:
    """A record of *script*, which has not been run yet, from a dry run."""
    import subprocess  # begat itself
    import sys
    import tempfile

    folder = tempfile.mkdtemp(prefix="begat-")
    record = os.path.join(folder, "run.json")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    words = [sys.executable, "-m", "begat", "run", "--dry-run", "-q", "--save", record, script]
    done = subprocess.run(words, check=False)  # it says itself how far it came
    if not os.path.exists(record):
        raise click.exceptions.Exit(done.returncode or 2)
    return Path(record)


@click.command(
    "params",
    epilog=examples(
        "begat params train.py", "begat params last model.enc", "begat params last '*.lr' Encoder.dim --json"
    ),
)
@click.argument("run", type=ThisRun(), default="last", metavar="[RUN|SCRIPT.py]")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--all", "everything", is_flag=True, help="Also what libraries built for themselves.")
@click.option("--json", "as_json", is_flag=True, help="The rows as a list of JSON objects.")
@click.pass_context
def command(ctx: click.Context, run: Path, patterns: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """List every argument of a run: its value, its type, and where it came from. What it lists, `begat run` can override.

    Of a script that has not been run yet a dry run tells what it configures.

    PATTERN keeps what lies at or below a path, a parameter by its bare name or as Class.param; `*` and `?` match anything.
    The exit code is 1 if nothing matches.
    """
    from begat.record.plain import escaped
    from begat.render import table
    from begat.render.yaml import pretty

    known = load(run)
    found = list(table.rows(known, everything))
    try:
        kept = table.chosen(found, patterns)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="PATTERN") from error
    if as_json:
        say([pretty([row.data_row() for row in kept])])
    elif not kept and patterns:
        click.echo(_nothing(patterns, found), err=True)
    else:
        show(lambda: table.lines(kept), lambda width: table.table(kept, width))
    script, given = ctx.meta.get("begat.script"), known.header.overrides
    if script is not None and given:
        said = ", ".join(escaped(f"{each.address}={each.value}") for each in given)
        click.echo(
            f"begat: the last run of {script} was overridden: {said}; what the code says stands behind `was`", err=True
        )
    if patterns and not kept:
        raise click.exceptions.Exit(1)


def _nothing(patterns: tuple[str, ...], found: list[Row]) -> str:
    import difflib

    from begat.record.names import counted

    paths = [row.path for row in found]
    near = [path for pattern in patterns for path in difflib.get_close_matches(pattern, paths, n=3, cutoff=0.5)]
    hint = f"; did you mean {', '.join(near)}?" if near else f"; it has {counted(len(paths), 'row')}"
    return f"nothing matches {' '.join(patterns)}{hint}"
