"""`begat rebuild`: build objects of a record again, or say what that would call."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from begat.cli.find import RunType, load
from begat.cli.moved import MOVED
from begat.cli.output import examples, say
from begat.errors import CannotRebuild

if TYPE_CHECKING:
    from begat.record.graph import Run
    from begat.replay.rebuild import Prepared


@click.command(
    "rebuild",
    epilog=examples(
        "begat rebuild last model --dry-run",
        "begat rebuild last model --allow 'mylib.*' --allow mylib.data:load",
        "begat rebuild train.py model model.hidden=256 --allow train.py -i",
    ),
)
@click.argument("run", type=RunType(), metavar="RUN")
@click.argument("words", nargs=-1, metavar="[PATH]... [PATH=VALUE]...")
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="What may be called: a pattern ('mylib.*') for classes, an exact module:qualname, a script for its classes; may be given again.",
)
@MOVED
@click.option("--lazy", is_flag=True, help="Let objects wait until they are touched.")
@click.option("--dry-run", is_flag=True, help="Show what would be called; import and call nothing.")
@click.option("-i", "--interactive", is_flag=True, help="Open a Python prompt with the objects.")
@click.option("--json", "as_json", is_flag=True, help="Calls, problems and what was built as a JSON object.")
def command(
    run: Path,
    words: tuple[str, ...],
    allow: tuple[str, ...],
    moved: dict[str, str],
    lazy: bool,
    dry_run: bool,
    interactive: bool,
    as_json: bool,
) -> None:
    """Build the objects at PATH again, and all that went into them; without PATH everything that the program built.

    Nothing is called that --allow does not name: the record alone decides nothing. --dry-run shows what would be called, and
    everything that stands in the way. PATH=VALUE changes an argument. The current folder is searched for modules first.
    """
    from begat.replay.rebuild import prepare

    found = load(run)
    paths = [word for word in words if "=" not in word] or None
    overrides = dict(_pair(word) for word in words if "=" in word)
    names = [allowed(entry) for entry in allow]
    # A script that reads its arguments reads them when it is imported, too: those of the run, not ours.
    sys.argv[:] = found.header.argv or sys.argv[:1]
    options: dict[str, Any] = {"overrides": overrides, "moved": moved}
    try:
        prepared = prepare(found, paths, allow=names, **options)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="PATH") from error
    except (TypeError, ValueError) as error:
        if hasattr(error, "code"):
            raise
        raise click.BadParameter(str(error), param_hint="--allow") from error
    if dry_run:
        _show(prepared, as_json)
        if prepared.problems:
            raise click.exceptions.Exit(1)
        return
    if prepared.problems:
        raise _with_hint(prepared)
    if prepared.plan.forced:
        _watch(names)
    _build(found, paths, {**options, "allow": names, "lazy": lazy}, interactive, as_json)


def _watch(names: list[str]) -> None:
    """What overrides set inside of constructors is set there again, which takes tracked classes: those that are allowed."""
    import begat.capture.session  # noqa: F401  # tracked constructions are its business
    from begat.intercept.watching import watch

    if names:
        watch(*(name.replace(":", ".") for name in names))


def allowed(entry: str) -> str:
    """*entry* of ``--allow``; a script stands for the classes that it defines, imported by its name from its folder."""
    path = os.path.abspath(entry)
    # Where modules are looked for first: as python itself does, here.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    if not entry.endswith(".py"):
        return entry
    if not os.path.isfile(path):
        raise click.BadParameter(f"there is no file {entry}", param_hint="--allow")
    folder, name = os.path.split(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return name.removesuffix(".py")


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{word!r} is not of the form NAME=VALUE")
    return name, value


def _with_hint(prepared: Prepared) -> CannotRebuild:
    try:
        prepared.refuse()
    except CannotRebuild as error:
        wanted = dict.fromkeys(problem.allow for problem in error.problems if problem.allow)
        if wanted:
            import shlex

            names = " ".join(f"--allow {shlex.quote(name)}" for name in wanted)
            error.__notes__ = [f"Allow what you trust: {names}; a pattern such as 'mylib.*' allows classes"]
        return error
    raise AssertionError("it has problems")


def _show(prepared: Prepared, as_json: bool) -> None:
    from begat.record.plain import escaped, plain
    from begat.render.yaml import pretty
    from begat.replay.printing import lines

    problems = list({str(problem): problem for problem in prepared.problems}.values())
    if as_json:
        steps = [
            {
                "path": step.node.path,
                "target": prepared.resolver.now(step.node.target),
                "arguments": {p.name: plain(p.value) for p in step.passed if not p.default},
            }
            for step in prepared.plan.steps
        ]
        found = [{"path": p.path, "what": p.what, "way": p.way, "allow": p.allow} for p in problems]
        say([pretty({"calls": steps, "problems": found})])
        return
    say(lines(prepared.plan, prepared.resolver))
    for problem in problems:
        click.echo(escaped(f"{problem}"), err=True)


def _build(run: Run, paths: list[str] | None, options: dict[str, Any], interactive: bool, as_json: bool) -> None:
    import begat.capture.session  # noqa: F401  # what waits, and what is tracked, are its business
    from begat.introspect.targets import name_of
    from begat.replay.rebuild import rebuild

    built = rebuild(run, paths, **options)
    if as_json:
        from begat.render.yaml import pretty

        say([pretty({"built": {path: name_of(type(thing)) for path, thing in built.items()}})])
    else:
        say(f"{path}: {name_of(type(thing))}" for path, thing in built.items())
    if interactive:
        import code

        names = {path: thing for path, thing in built.items() if path.isidentifier()}
        code.interact(
            f"The objects are {', '.join(names)}; all of them by path are in `objects`.",
            local={**names, "objects": built},
        )
