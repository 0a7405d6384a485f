"""`begat diff`: what differs between runs, and why."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from begat.cli.find import RECORD, RunType, home, ids, load
from begat.cli.moved import MOVED
from begat.cli.output import examples, say, show
from begat.errors import BegatError

if TYPE_CHECKING:
    from begat.record.graph import Run
    from begat.replay.changes import Diff


@click.command(
    "diff",
    epilog=examples(
        "begat diff", "begat diff baseline", "begat diff a.json b.json --markdown", "begat diff last --now train.py",
        "begat diff a b c --ignore git --ignore '*.verbose'",
    ),
)  # fmt: skip
@click.argument("runs", type=RunType(), nargs=-1, metavar="[A [B [C]...]]")
@click.option(
    "--now",
    metavar="SCRIPT.py",
    help="Run this script, or '-m MODULE', now, with the words of A, and compare A with that.",
)
@click.option(
    "--watch", "watched", multiple=True, metavar="PATTERN", help="With --now: watch these classes too; repeatable."
)
@click.option("--all", "everything", is_flag=True, help="Also what libraries built for themselves, and what is folded.")
@MOVED
@click.option(
    "--ignore", multiple=True, metavar="KIND|PLACE", help="Leave out `git`, `*.verbose`, `Net.name`; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Changes, what is folded, and the table, as one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="A table for a pull request.")
def command(
    runs: tuple[Path, ...], now: str | None, watched: tuple[str, ...], everything: bool, moved: dict[str, str],
    ignore: tuple[str, ...], as_json: bool, as_markdown: bool,
) -> None:  # fmt: skip
    """Compare runs: what differs, and why, most important first.

    Each is a record's file or folder, a run's id or the beginning of one, its name, a script (its last run), or `last`. With
    three or more, a table of the parameters that differ. Without B it is the newest run, without A the one before it.
    Instead of B, --now runs a script as it is today.

    The exit code is 0 if nothing differs that matters, 1 if something does, and 2 for trouble.
    """
    from begat.replay.diff import diff

    if as_json and as_markdown:
        raise click.UsageError("one form at a time: --json or --markdown")
    if now is not None and not runs:
        raise click.UsageError("name the run to compare with what --now runs")
    with trouble():
        runs = runs if now is not None or len(runs) > 1 else _newest(runs)
        found = [load(run) for run in runs]
        if now is not None:
            found.append(_run_now(now, found[0], watched))
        told = diff(*found, all=everything, moved=moved, ignore=ignore)
        _tell(told, everything, as_json, as_markdown)
    raise click.exceptions.Exit(1 if told else 0)


def _newest(named: tuple[Path, ...]) -> tuple[Path, ...]:
    """The run *named* and the newest; the newest two if none is."""
    folder = home()
    newest = [folder / "runs" / each / RECORD for each in ids(folder)[:2]]
    other = named or tuple(newest[1:])
    if not newest or not other or os.path.realpath(other[0]) == os.path.realpath(newest[0]):
        raise click.UsageError(f"there is no other run in {folder}: name two runs, or one and --now SCRIPT.py")
    return (*other, newest[0])


@contextmanager
def trouble() -> Iterator[None]:
    """Whatever goes wrong inside is exit code 2: 1 would say that something differs."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, BegatError, BrokenPipeError):
        raise
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(2) from error
    except Exception as error:
        traceback.print_exc()
        raise click.exceptions.Exit(2) from error


def _tell(told: Diff, everything: bool, as_json: bool, as_markdown: bool) -> None:
    if as_json:
        from begat.render.compare import data
        from begat.render.yaml import pretty

        say([pretty(data(told))])
    elif as_markdown:
        from begat.render.markdown import markdown

        say(markdown(told))
    else:
        show_differences(told, everything)
    sys.stdout.flush()


def show_differences(told: Diff, everything: bool) -> None:
    """Write *told* for people."""
    from begat.render import compare

    show(lambda: compare.lines(told, everything), lambda width: compare.screen(told, everything, width))


def _run_now(script: str, first: Run, watched: tuple[str, ...]) -> Run:
    """The record of *script* as it is today, run in a process of its own; what it prints goes to standard error."""
    module = script.startswith("-m ")
    if not module and not os.path.isfile(script):
        raise click.BadParameter(f"there is no file {script!r}", param_hint="--now")
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "now.json"
        patterns = [word for pattern in watched for word in ("--watch", pattern)]
        line = [
            sys.executable,
            "-m",
            "begat",
            "run",
            "-q",
            "--save",
            str(record),
            *patterns,
            *(script.split(None, 1) if module else (script,)),
            "--",
            *first.header.argv[1:],
        ]
        # In a store of its own: a comparison is no run of the user's.
        environment = {**os.environ, "BEGAT_HOME": folder}
        done = subprocess.run(line, env=environment, stdout=sys.stderr, check=False)
        if not record.is_file():
            click.echo(f"Error: {script} left no record (exit code {done.returncode})", err=True)
            raise click.exceptions.Exit(2)
        if done.returncode:
            click.echo(f"{script} ended with exit code {done.returncode}", err=True)
        return load(record)
