"""``begat run``: run a program unchanged and keep the record of everything it built."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import click

from begat.cli.completing import complete
from begat.cli.find import RunType, home
from begat.cli.output import examples
from begat.cli.plan import STDIN, Manner, Plan
from begat.errors import UnknownRun
from begat.replay.override import Override, distinct, is_override, parse

_KNOWN = ("watch", "lazy")


class RunCommand(click.Command):
    """
    Takes the program's own arguments apart before click sees them: everything behind the first ``--`` is the program's, and,
    where options stand in front alone, none behind ``-m MODULE`` is begat's, as none is Python's.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what is behind ``--`` aside."""
        behind: list[str] = []
        if "--" in args:
            at = args.index("--")
            args, behind = args[:at], args[at + 1 :]
        ctx.meta["begat.behind"] = behind
        at = 0 if ctx.allow_interspersed_args else self._module(args)
        return super().parse_args(ctx, [*args[:at], "--", *args[at:]] if 0 < at <= len(args) else args)

    def _module(self, args: list[str]) -> int:
        """Where the words behind ``-m MODULE`` begin; 0 if there is none before a script."""
        valued = {name for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "-":
            if args[at] == "-m":
                return at + 2
            at += 2 if args[at] in valued else 1
        return 0


@click.command(
    cls=RunCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples(
        "begat run train.py",
        "begat run --watch torch.optim train.py model.hidden_size=256 AdamW.lr=1e-4",
        "begat run --config prod.yaml train.py",
        "begat run --watch torch.optim train.py --epochs 3",
        "begat run --lazy Encoder train.py",
        "begat run -m pkg.train -- --epochs 3",
        "begat run --again last model.hidden_size=512",
    ),
)
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.option(
    "--watch", multiple=True, metavar="PATTERN", help="Track these classes too: sklearn, torch.optim, 'mylib.*'."
)
@click.option(
    "--lazy", multiple=True, metavar="PATTERN", help="Build these only when they are touched: Net, 'transformers.*'."
)
@click.option("--config", multiple=True, metavar="FILE", help="Overrides from a YAML, TOML or JSON file.")
@click.option("--dry-run", is_flag=True, help="Configure, build nothing: stop where the first object is needed.")
@click.option("--help-params", is_flag=True, help="List what can be overridden, and do not run.")
@click.option(
    "--again", type=RunType(), metavar="RUN", help="Run what that run ran, in the same way; PATH=VALUE changes it."
)
@click.option("--name", metavar="NAME", help="A name for the run.")
@click.option("--save", type=click.Path(dir_okay=False), metavar="FILE", help="Write the record here as well.")
@click.option(
    "--durability",
    type=click.Choice(("soon", "always")),
    default="soon",
    help="When what was built is on the disk: a tenth of a second later, or before a constructor goes on.",
)
@click.option(
    "--summary", type=click.Path(dir_okay=False), metavar="FILE", help="Write id, outcome and results here, as JSON."
)
@click.option("-q", "--quiet", is_flag=True, help="Do not say where the record is.")
@click.argument(
    "words",
    nargs=-1,
    type=click.UNPROCESSED,
    shell_complete=complete,
    metavar="SCRIPT [PATH=VALUE]... [-- ARGUMENTS...]",
)
@click.pass_context
def command(
    ctx: click.Context,
    module: str | None,
    watch: tuple[str, ...],
    lazy: tuple[str, ...],
    config: tuple[str, ...],
    dry_run: bool,
    help_params: bool,
    again: Path | None,
    name: str | None,
    save: str | None,
    durability: str,
    summary: str | None,
    quiet: bool,
    words: tuple[str, ...],
) -> None:
    """Run a program as python would, and record every object it builds.

    The classes that the program itself defines, in its file or in modules beside it, are tracked without asking; more by
    --watch, or in pyproject.toml under [tool.begat]: watch = ["sklearn"]. What --lazy names, there lazy = ["Net"], waits until it is
    touched, by the same calls. PATH=VALUE changes an argument of whatever is built, whatever the code
    passes: by a path of the code's own names, or a class; `begat params` lists them. The record goes to .begat/runs/ID: the
    file run.json, or, of very many objects, the journals.
    """
    behind = ctx.meta["begat.behind"]
    saved, summed = (_whole(file) if file else None for file in (save, summary))
    manner = Manner(name, saved, quiet, _whole(os.fspath(home())), dry_run, summed, durability == "always")
    if again is not None:
        from begat.cli.again import plan_of

        words = (*words, *behind, *filter(None, (module, *config)))
        ctx.obj.plan = plan_of(again, words, watch, lazy, manner)
        return
    if module is None:
        if not words:
            raise click.UsageError("give a script to run, - for standard input, or -m and a module", ctx)
        target, words = words[0], words[1:]
        if target != STDIN and not os.path.exists(target):
            raise click.UsageError(f"can't open file {os.path.abspath(target)!r}: no such file", ctx)
    else:
        target = module
    if help_params:
        _help_params(target, module is not None)
        return
    given = [word for word in words if is_override(word)]
    rest = [word for word in words if not is_override(word)]
    overrides = _overrides(ctx, given, config, "." if module is not None else os.path.dirname(target))
    configured = _configured(target if module is None else ".")
    patterns, waiting = (_joined(configured.get(key, ()), more) for key, more in (("watch", watch), ("lazy", lazy)))
    ctx.obj.plan = Plan(target, module is not None, (*rest, *behind), patterns, waiting, manner, overrides)


def _whole(path: str) -> str:
    """*path* from the root: the program may change its folder. As it is where there is no present folder."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def _joined(*patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (pattern.strip() for pattern in chain(*patterns)))))


def _overrides(ctx: click.Context, given: Iterable[str], files: Iterable[str], folder: str) -> tuple[Override, ...]:
    """All overrides there are for a run: of files, ``.env``, the environment, the command line."""
    from begat.replay import sources

    found = []
    for file in files:
        if not os.path.isfile(file):
            raise click.UsageError(f"--config: there is no file {file!r}", ctx)
        found += sources.from_file(file, _printed(sources.run_of(file), file))
    environment = {name.upper(): value for name, value in os.environ.items()}
    local = os.path.join(folder or ".", ".env")
    if os.path.isfile(local):
        found += [
            each for each in sources.from_dotenv(local) if each.place.partition(",")[0].upper() not in environment
        ]
    found += sources.from_environment(os.environ)
    found += [parse(word, place="command line") for word in given]
    return distinct(found)


def _printed(run: str | None, file: str) -> str | None:
    """The configuration of *run* as it is printed into *file*, but as its code alone would have it, if the record is there."""
    if run is None:
        return None
    from begat.cli.find import find, load
    from begat.render import toml, yaml
    from begat.replay.known import undone

    emit = toml.emit if file.lower().endswith(".toml") else yaml.emit
    try:
        return emit(undone(load(find(run))).config())
    except UnknownRun:
        return None


def _help_params(target: str, is_module: bool) -> None:
    """List what the last run of *target* could have been given."""
    from begat.cli.find import find, load
    from begat.cli.output import say
    from begat.render import table
    from begat.replay.known import undone

    run = undone(load(find(f"-m {target}" if is_module else target)))  # as the code alone would have it
    rows = [row for row in table.rows(run) if row.source not in _KINDS]
    width = max((len(row.path) for row in rows), default=0)
    say(f"{row.path:{width}}  {row.type or '?'} = {row.value}" for row in rows)


_KINDS = ("class", "factory", "function")


def _configured(start: str) -> dict[str, list[str]]:
    """The lists of patterns under ``[tool.begat]`` in the nearest pyproject.toml at or above *start*."""
    folder = os.path.dirname(os.path.abspath(os.path.join(start, "x" if os.path.isdir(start) else "")))
    while True:
        file = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(file):
            return _patterns_in(file)
        above = os.path.dirname(folder)
        if above == folder:
            return {}
        folder = above


def _patterns_in(file: str) -> dict[str, list[str]]:
    import tomllib

    try:
        with open(file, "rb") as source:
            table: Any = tomllib.load(source).get("tool", {}).get("begat", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"cannot read {file}: {error}") from error
    unknown = sorted(set(table) - set(_KNOWN))
    if unknown:
        raise click.UsageError(f"{file}: [tool.begat] has {', '.join(unknown)}; it takes {', '.join(_KNOWN)}")
    for key, patterns in table.items():
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise click.UsageError(f'{file}: [tool.begat] {key} takes a list of patterns: {key} = ["sklearn"]')
    return dict(table)
