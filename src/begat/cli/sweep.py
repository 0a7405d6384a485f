"""``begat sweep``: one program run many times, each time with other values."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from begat.cli.completing import complete
from begat.cli.find import home
from begat.cli.output import examples, say
from begat.cli.run import RunCommand
from begat.record.names import counted

if TYPE_CHECKING:
    from begat.sweep.book import Book
    from begat.sweep.plan import Plan
    from begat.sweep.trial import Done

# What may be said again when a sweep is gone on with; the rest stands in its plan.
_AGAIN = frozenset({"resume", "retry_failed", "jobs", "executor", "address", "trials", "as_json"})


@click.command(
    "sweep",
    cls=RunCommand,
    epilog=examples(
        "begat sweep train.py model.depth=2,4,6 'AdamW.lr=log(1e-5,1e-2,8)' -j 4",
        "begat sweep train.py 'lr=loguniform(1e-5,1e-1)' --sampler optuna --trials 50 --minimize val_loss",
        "begat sweep train.py lr=1e-3,1e-4 name='\"a,b\",c' --dry-run -- --epochs 3",
        "begat sweep --resume last --retry-failed",
    ),
)
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.option(
    "--sampler", default="grid", show_default=True, metavar="NAME", help="grid, zip, random, optuna or optuna:NAME."
)
@click.option(
    "--trials", type=click.IntRange(1), metavar="N", help="How many trials at most; random and optuna need it."
)
@click.option("--minimize", metavar="RESULT", help="The result that is to be small.")
@click.option("--maximize", metavar="RESULT", help="The result that is to be large.")
@click.option("--seed", type=int, metavar="N", help="For random and optuna: the same seed, the same values.")
@click.option("--storage", metavar="URL", help="Where Optuna keeps its study; the sweep's folder.")
@click.option("--pruner", metavar="NAME", help="The pruner of Optuna's: MedianPruner, NopPruner, ...")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="How many at a time; one for each processor.")
@click.option("--executor", default="local", show_default=True, metavar="NAME", help="local, dask or ray.")
@click.option(
    "--address", metavar="ADDRESS", help="The cluster's, for dask and ray; one of this machine is started without."
)
@click.option("--name", metavar="NAME", help="A name for the sweep; its runs are NAME.0000, NAME.0001, ...")
@click.option("--watch", multiple=True, metavar="PATTERN", help="As for begat run.")
@click.option("--lazy", multiple=True, metavar="PATTERN", help="As for begat run.")
@click.option("--config", multiple=True, metavar="FILE", help="As for begat run.")
@click.option("--resume", metavar="SWEEP", help="Go on with a sweep: an id, the beginning of one, a name, or last.")
@click.option("--retry-failed", is_flag=True, help="With --resume: do those again that failed.")
@click.option("--dry-run", is_flag=True, help="Print the commands and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="The trials as JSON.")
@click.argument(
    "words",
    nargs=-1,
    type=click.UNPROCESSED,
    shell_complete=complete,
    metavar="SCRIPT PATH=VALUES... [-- ARGUMENTS...]",
)
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **options: Any) -> None:
    """Run a program once for each set of values, several at a time, each as an ordinary `begat run` with a record of its own.

    VALUES are 2,4,6 or range(2,6), range(2,10,2), linear(0,1,5), log(1e-5,1e-2,8); for random and optuna also uniform(0,1),
    loguniform(1e-5,1e-1), randint(1,8). One value is the same for all trials. Brackets and quotes keep commas together.
    What the trials print is in .begat/sweeps/ID. The exit code is 1 if a trial failed.
    """
    from begat.sweep.book import Book, find

    if options["resume"] is not None:
        book = Book(find(str(home().absolute()), options["resume"]))
    else:
        if options["retry_failed"]:
            raise click.UsageError("--retry-failed goes with --resume: begat sweep --resume last --retry-failed", ctx)
        plan = _plan(ctx, words, options)
        if options["dry_run"]:
            say(_commands(plan))
            return
        book = Book.new(plan, str(home().absolute()))
    try:
        if options["resume"] is not None:
            book.plan = _renewed(ctx, book.plan, words, options)
        _conduct(ctx, book, options)
    finally:
        book.close()


def _only_again(ctx: click.Context, plan: Plan, words: tuple[str, ...]) -> None:
    """Refuse what the plan has already; what it does not keep may be said again."""
    from begat.introspect.secrets import MASK, scrubbed_argv
    from begat.sweep.hidden import marked

    hidden = marked(plan)
    given = [
        param.opts[-1]
        for param in ctx.command.params
        if param.name not in _AGAIN
        and not (param.name == "storage" and MASK in (plan.storage or ""))
        and param.name != "words"
        and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]
    given += [word for word in words if word.partition("=")[0].removesuffix(":") not in hidden]
    given += [] if any(MASK in word for word in plan.arguments) else ctx.meta["begat.behind"]
    if given:
        raise click.UsageError(
            f"a sweep that is gone on with has its plan already; it does not take {' '.join(scrubbed_argv(given))}", ctx
        )


def _renewed(ctx: click.Context, plan: Plan, words: tuple[str, ...], options: dict[str, Any]) -> Plan:
    from begat.sweep.hidden import reveal

    _only_again(ctx, plan, words)
    new = {
        name: options[name]
        for name in ("jobs", "executor", "address", "trials", "storage")
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    return reveal(replace(plan, **new), words, ctx.meta["begat.behind"])


def _plan(ctx: click.Context, words: tuple[str, ...], options: dict[str, Any]) -> Plan:
    from begat.record.moments import identity
    from begat.sweep.hidden import conceal
    from begat.sweep.plan import Plan

    target = options["module"]
    if target is None:
        if not words or ("=" in words[0] and not os.path.exists(words[0])):
            raise click.UsageError("give a script to run, or -m and a module, before the values", ctx)
        target, words = words[0], words[1:]
        if not os.path.exists(target):
            raise click.UsageError(f"can't open file {os.path.abspath(target)!r}: no such file", ctx)
    if not words:
        raise click.UsageError("give values to try: model.depth=2,4,6", ctx)
    if options["minimize"] and options["maximize"]:
        raise click.UsageError("--minimize or --maximize, not both", ctx)
    plan = Plan(
        identity(datetime.now(UTC)),
        target,
        options["module"] is not None,
        words,
        os.getcwd(),
        options["name"],
        tuple(
            word for key in ("watch", "lazy", "config") for pattern in options[key] for word in (f"--{key}", pattern)
        ),
        tuple(ctx.meta["begat.behind"]),
        options["sampler"],
        options["trials"],
        int.from_bytes(os.urandom(3), "big") if options["seed"] is None else options["seed"],
        options["minimize"] or options["maximize"],
        options["maximize"] is not None,
        options["storage"],
        options["pruner"],
        options["executor"],
        options["jobs"],
        options["address"],
    )
    _check(ctx, plan)
    return conceal(plan)


def _check(ctx: click.Context, plan: Plan) -> None:
    """Refuse now what would be refused when the folder is made already."""
    from begat.sweep.executors import EXECUTORS
    from begat.sweep.samplers import SAMPLERS, assignments

    kind = plan.sampler.partition(":")[0]
    if kind not in SAMPLERS or kind not in ("optuna", plan.sampler):
        raise click.UsageError(f"there is no sampler {plan.sampler!r}; there are {', '.join(SAMPLERS)}", ctx)
    if plan.executor not in EXECUTORS:
        raise click.UsageError(f"there is no executor {plan.executor!r}; there are {', '.join(EXECUTORS)}", ctx)
    if plan.address and plan.executor == "local":
        raise click.UsageError(
            f"--address {plan.address} is for --executor dask or ray; local processes have none", ctx
        )
    if kind != "optuna":
        if plan.storage or plan.pruner:
            raise click.UsageError("--storage and --pruner are for --sampler optuna", ctx)
        assignments(plan)
    else:
        from begat.sweep.study import check

        check(plan)


def _commands(plan: Plan) -> Iterator[str]:
    """What a shell would be told, line by line."""
    from begat.introspect.secrets import scrubbed_argv
    from begat.sweep.samplers import assignments

    if plan.sampler.startswith("optuna"):
        raise click.UsageError("what Optuna proposes depends on results: there is nothing to print before the trials")
    _, rows = assignments(plan)
    plan = replace(plan, hidden={}, arguments=scrubbed_argv(plan.arguments))  # what is shown may be kept
    return (shlex.join(("begat", *plan.command(number, values)[2:])) for number, values in enumerate(rows))


def _conduct(ctx: click.Context, book: Book, options: dict[str, Any]) -> None:
    from begat.cli.trials import Progress, report
    from begat.sweep import plan as plans
    from begat.sweep.driver import Sweep, heeding_signals
    from begat.sweep.executors import executor
    from begat.sweep.samplers import sampler

    done = book.read()
    retry = [one for one in done if one.ending.state == "failed"] if options["retry_failed"] else []
    plan = book.plan
    chosen = sampler(plan, book.folder, done, retry)
    workers = executor(plan.executor, plan.jobs, plan.address)
    plans.save(plan, book.folder)
    with Progress(plan, chosen.total, done, retry) as progress:
        sweep = Sweep(book, chosen, workers, progress)
        with heeding_signals(sweep) as came:
            sweep.run()
    found = book.read()
    report(plan, book.folder, found, as_json=options["as_json"])
    raise click.exceptions.Exit(_closing(book, found, chosen.total, sweep.refused, came))


def _closing(book: Book, found: list[Done], total: int, refused: str | None, came: list[int]) -> int:
    """Say how it went and what to do next; the exit code."""
    folder = os.path.relpath(book.folder)
    failed = sum(one.ending.state == "failed" for one in found)
    again = f"begat sweep --resume {book.plan.id}"
    if refused:
        click.echo(
            f"begat: given up after {len(found)} of {total} trials, because no trial can do this: {refused}", err=True
        )
        return 2
    if came:
        click.echo(f"begat: stopped after {len(found)} of {total} trials; go on with: {again}", err=True)
        return 128 + came[0]
    hint = f"; do those again that failed: {again} --retry-failed" if failed else ""
    said = f", {failed} failed" if failed else ""
    click.echo(f"begat: {counted(len(found), 'trial')}{said}: {folder}{hint}", err=True)
    return 1 if failed else 0
