"""`begat code`: Python that builds the same objects."""

from __future__ import annotations

from pathlib import Path

import click

from begat.cli.find import RunType, load
from begat.cli.output import examples, say


@click.command(
    "code",
    epilog=examples(
        "begat code last", "begat code train.py model > model.py", "begat code last --defaults -o build.py"
    ),
)
@click.argument("run", type=RunType(), default="last", metavar="[RUN]")
@click.argument("path", required=False, metavar="[PATH]")
@click.option("--defaults", is_flag=True, help="Write arguments that were left out as well.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write it to a file.")
@click.option("--json", "as_json", is_flag=True, help="The code, and what the record does not hold, as a JSON object.")
def command(run: Path, path: str | None, defaults: bool, output: str | None, as_json: bool) -> None:
    """Write Python that builds what a run built, or what is at PATH and all that went into it.

    It has the names that the program gave, and only the arguments that the program gave. What a library or a constructor built
    for itself is left to it. What the record does not hold is a call of `missing`, which raises an error that says what it
    was. Nothing is imported or called to write it.
    """
    from begat.replay.codegen import generate

    found = load(run)
    if path is not None and path not in found:
        raise click.BadParameter(str(_unknown(found, path)), param_hint="PATH")
    made = generate(found, path, defaults=defaults)
    if as_json:
        from begat.render.yaml import pretty

        say([pretty({"code": made.text, "missing": list(made.gaps)})])
    elif output:
        from begat.record.files import write

        write(output, made.text.encode("utf-8", "backslashreplace"), private=False)
    else:
        say([made.text.removesuffix("\n")])
    for gap in made.gaps if not as_json else ():
        click.echo(f"begat: not in the record, to be put in by hand: {gap}", err=True)


def _unknown(run: object, path: str) -> object:
    try:
        return run[path]  # type: ignore[index]  # it raises, with the nearest paths
    except KeyError as error:
        return error.args[0]
