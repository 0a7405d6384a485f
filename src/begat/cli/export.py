"""`begat export`: a run in the forms that other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from begat.cli.find import RunType, load
from begat.cli.output import examples, say


@click.command(
    "export",
    epilog=examples(
        "begat export --to mermaid",
        "begat export last -o run.html",
        "begat export train.py --to html --against baseline -o compared.html",
        "begat export 20261122 --to prov -o run.prov.json",
    ),
)
@click.argument("run", type=RunType(), required=False, metavar="[RUN]")
@click.option("--to", "form", metavar="FORM", help="One of those that --list lists; else what the name of FILE says.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there, not to standard output."
)
@click.option("--against", type=RunType(), metavar="RUN", help="With html: also what differs from this run.")
@click.option("--all", "everything", is_flag=True, help="Also what libraries built for themselves.")
@click.option("--list", "listed", is_flag=True, help="List the forms, and do nothing else.")
@click.option(
    "--json", "as_json", is_flag=True, help="The record as JSON, as --to json; with --list, the list as JSON."
)
def command(
    run: Path | None,
    form: str | None,
    output: str | None,
    against: Path | None,
    everything: bool,
    listed: bool,
    as_json: bool,
) -> None:
    """Write a run in a form that other tools read; nothing that its record names is imported or called.

    RUN is a record's file or folder, a run's id or the beginning of one, its name, a script (its last run), or `last`, the default.
    """
    from begat.render.export import FORMATS, export, form_of

    if listed:
        _list(as_json)
        return
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"one form at a time: --json or --to {form}")
    wanted = "json" if as_json else form or (form_of(output) if output else None)
    if wanted is None:
        said = f"the name of {output} does not say in which form" if output else "in which form?"
        raise click.UsageError(f"{said}: --to {', '.join(FORMATS)}")
    found = load(run if run is not None else RunType().convert("last", None, None))
    try:
        text = export(found, wanted, output, all=everything, against=None if against is None else load(against))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if output:
        click.echo(f"{wanted} in {output}", err=True)
    else:
        say([text.removesuffix("\n")])


def _list(as_json: bool) -> None:
    from begat.render.export import FORMATS
    from begat.render.yaml import pretty

    if as_json:
        say([pretty([{"form": form.name, "file": form.file, "says": form.says} for form in FORMATS.values()])])
    else:
        say(f"{form.name:12} {form.file:24} {form.says}" for form in FORMATS.values())
