"""`begat check`: would a record still mean the same today?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from begat.cli.diff import show_differences, trouble
from begat.cli.find import RunType, find, load
from begat.cli.moved import MOVED
from begat.cli.output import examples, say
from begat.cli.rebuild import allowed

if TYPE_CHECKING:
    from begat.record.graph import Run
    from begat.replay.changes import Diff
    from begat.replay.check import Live


@click.command(
    "check",
    epilog=examples(
        "begat check last", "begat check train.py --allow train.py --allow 'mylib.*'",
        "begat check baseline.json --moved mylib.nets=mylib.models",
    ),
)  # fmt: skip
@click.argument("run", type=RunType(), required=False, metavar="[RUN]")
@click.option("-m", "module", metavar="MODULE", help="Check the last run of this module, as in `begat run -m MODULE`.")
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="What may be imported to be looked at, as `begat rebuild` names it: a pattern ('mylib.*') for classes, an exact module:qualname, a script; may be given again.",
)
@click.option("--all", "everything", is_flag=True, help="Also what is folded: what cannot be read, and why.")
@MOVED
@click.option("--json", "as_json", is_flag=True, help="What has changed as one JSON object.")
def command(
    run: Path | None, module: str | None, allow: tuple[str, ...], everything: bool, moved: dict[str, str], as_json: bool
) -> None:
    """Tell whether a record would still mean the same today.

    Classes and functions that are missing, parameters and defaults that are others, versions of packages, Python and git: all
    that is read from source files, and nothing is imported or run. Code is compared for what --allow names: its modules are
    imported, which runs what stands in them outside of functions.

    The exit code is 0 if nothing has changed that matters, 1 if something has, and 2 for trouble.
    """
    if run is not None and module is not None:
        raise click.UsageError("one run at a time: RUN or -m MODULE")
    with trouble():
        names = [allowed(entry) for entry in allow]
        record = run or find("last" if module is None else f"-m {module}")
        told = _checked(load(record), moved, names)
        if as_json:
            from begat.render.compare import data
            from begat.render.yaml import pretty

            say([pretty({key: value for key, value in data(told).items() if key in ("same", "changes", "folded")})])
        else:
            show_differences(told, everything)
        sys.stdout.flush()
    raise click.exceptions.Exit(1 if told else 0)


def _checked(run: Run, moved: dict[str, str], allow: list[str]) -> Diff:
    from dataclasses import replace

    from begat.introspect.environment import collect, installed
    from begat.introspect.sources import Sources
    from begat.replay.check import check

    folders = [os.getcwd(), *sys.path]
    if run.header.script is not None:
        # What stands beside the script is found by its name, wherever it is run from.
        folders.insert(0, os.path.dirname(os.path.abspath(os.path.join(run.environment.cwd, run.header.script))))
    now = replace(collect((), os.getcwd()), packages=installed(run.environment.packages))
    return check(run, now, Sources(folders), moved, _live(allow) if allow else None)


def _live(allow: list[str]) -> Live:
    """What has the classes and functions that *allow* lets through, as `begat rebuild` would, and calls none of them."""
    from contextlib import redirect_stdout

    from begat.intercept.woven import original
    from begat.introspect.targets import code_fingerprint
    from begat.replay.resolver import Resolver, Unfound
    from begat.replay.terms import Name

    resolver = Resolver(allow)

    def live(target: str, kind: str) -> tuple[object, str]:
        name = Name(target, kind, "")
        refused = resolver.refusal(name)
        if refused is not None:
            raise LookupError(refused)
        try:
            with redirect_stdout(sys.stderr):  # what a module prints is no part of the answer
                found = resolver.find(name)
        except Unfound as error:
            raise ImportError(str(error)) from error
        # A module may track its own classes.
        return found, code_fingerprint(found, original)

    return live
