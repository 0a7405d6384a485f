"""The `begat` command: a table of verbs, each imported when it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

import click

from begat.cli.output import examples
from begat.errors import BegatError

if TYPE_CHECKING:
    from begat.cli.plan import Plan

VERBS = {
    "run": "begat.cli.run:command",
    "params": "begat.cli.params:command",
    "show": "begat.cli.show:command",
    "runs": "begat.cli.runs:command",
    "sweep": "begat.cli.sweep:command",
    "diff": "begat.cli.diff:command",
    "check": "begat.cli.check:command",
    "code": "begat.cli.code:command",
    "rebuild": "begat.cli.rebuild:command",
    "export": "begat.cli.export:command",
}


class Meant:
    """What is to be done when the command line has been read, outside click, which has its own ideas of exceptions."""

    plan: Plan | None = None


class Verbs(click.Group):
    """A group whose commands are named in a table, so that one verb does not pay for the imports of the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb; a word that is none is answered with what was meant."""
        word = args[0]
        if word not in VERBS and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(word, VERBS, n=1)
            meant = f"run {word}" if os.path.exists(word) else near[0] if near else None
            ctx.fail(f"No such command {word!r}" + (f"; did you mean 'begat {meant}'?" if meant else "."))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error that begat raises on purpose, or the system, is one message without a traceback."""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()  # a full disk says so here, and not when nobody listens any more
        except BegatError as error:
            raise Refused(error) from error
        except BrokenPipeError:
            raise  # click knows what to do
        except OSError as error:
            _give_up_output()
            raise click.ClickException(str(error)) from error
        return found


def _give_up_output() -> None:
    """Send what is still to be written nowhere, if it cannot be written: the interpreter would fail with it at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Refused(click.ClickException):
    """A `BegatError` on its way to the terminal."""

    exit_code = 2

    def __init__(self, error: BegatError) -> None:
        lines = [f"{type(error).__name__} {error}", *getattr(error, "__notes__", ())]
        super().__init__("\n".join(lines))

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to stderr."""
        from begat.record.plain import escaped

        for line in self.message.splitlines():
            click.echo(escaped(line), file=file, err=file is None)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"begat {version('begat')}")
        except PackageNotFoundError:
            click.echo("begat, not installed")
        ctx.exit()


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("begat run train.py", "begat show", "begat params train.py '*.lr'"),
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def command() -> None:
    """Know every argument of every object that your program builds."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the `begat` command."""
    plan = None
    try:
        command(arguments, prog_name="begat", obj=(meant := Meant()))
    except SystemExit as done:
        plan = meant.plan
        if plan is None or done.code not in (None, 0):
            raise
    # Not inside the handler, which would be the context of every exception of the program.
    if plan is not None:
        from begat.cli.launch import start

        start(plan)
