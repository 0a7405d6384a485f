"""`begat runs`: what has been run, newest first."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

import click

from begat.cli.find import heads, home
from begat.cli.output import examples, say


@click.command(
    "runs", epilog=examples("begat runs", "begat runs train.py", "begat runs 'base*' raised", "begat runs --json -n 5")
)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("-n", "--last", type=click.IntRange(1), metavar="N", help="Only the N newest.")
@click.option("--json", "as_json", is_flag=True, help="What each run says of itself, as a list of JSON objects.")
def command(patterns: tuple[str, ...], last: int | None, as_json: bool) -> None:
    """List what has been run: id, outcome, time, name and script.

    PATTERN keeps the runs whose id, name, script, outcome or error it matches, all of them if there are several; `*` and
    `?` match anything. The exit code is 1 if there are none.
    """
    from begat.render.yaml import pretty

    found = [head for head in heads(home()) if all(_matches(head, pattern) for pattern in patterns)][:last]
    if as_json:
        say([pretty(found)])
    elif found:
        say(_aligned([("run", "outcome", "took", "name", "script"), *map(_row, found)]))
    if not found:
        if not as_json:
            said = f"no run matches {' and '.join(patterns)}" if patterns else f"{home()} holds no run yet"
            click.echo(f"{said}; make one with `begat run train.py`", err=True)
        raise click.exceptions.Exit(1)


def _matches(head: dict[str, Any], pattern: str) -> bool:
    texts = [str(head.get(key) or "") for key in ("id", "name", "script", "outcome", "error")]
    texts += [texts[2].replace("\\", "/").rpartition("/")[2], texts[4].rpartition(":")[2]]
    return any(fnmatch.fnmatchcase(text, pattern) for text in texts)


def _row(head: dict[str, Any]) -> tuple[str, ...]:
    from begat.record.plain import escaped
    from begat.render.outline import duration

    error = str(head.get("error") or "").rpartition(":")[2]
    code = head.get("exit_code")
    outcome = (
        str(head.get("outcome") or "") + (f": {error}" if error else "") + (f" {code}" if code is not None else "")
    )
    took = duration(str(head.get("started") or ""), head.get("ended"))
    row = (head.get("id"), outcome, took, head.get("name"), head.get("script"))
    return tuple(escaped(str(cell or "")) for cell in row)


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
