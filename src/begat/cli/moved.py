"""``--moved OLD=NEW``: what a record calls otherwise than the program does now."""

from __future__ import annotations

import click


def _pairs(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for word in words:
        old, sign, new = word.partition("=")
        if not (old and sign and new):
            raise click.BadParameter(f"{word!r} is not OLD=NEW, as in mylib.nets=mylib.models", ctx, param)
        found[old] = new
    return found


MOVED = click.option(
    "--moved",
    multiple=True,
    metavar="OLD=NEW",
    callback=_pairs,
    help="A module or class that is called otherwise now; may be given again.",
)
