"""Running a program again as a record says that it ran: what has to be the same, and what is to be said where it is not."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from begat.cli.find import home, load
from begat.cli.plan import Manner, Plan
from begat.introspect.environment import git, installed
from begat.introspect.secrets import MASK
from begat.record.graph import Run
from begat.record.plain import elided, escaped
from begat.replay.override import ENVIRONMENT, Override, distinct, is_override, parse

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Again:
    """The program of a run: *target*, whether that is a module, its arguments, overrides and patterns, as they were."""

    target: str
    is_module: bool
    arguments: tuple[str, ...]
    overrides: tuple[Override, ...]
    watch: tuple[str, ...]
    lazy: tuple[str, ...]


def plan_of(
    record: Path, words: tuple[str, ...], watch: tuple[str, ...], lazy: tuple[str, ...], manner: Manner
) -> Plan:
    """
    The plan to run again what the run in *record* ran, with the overrides among *words*; says what, and what differs from then.

    A record from elsewhere does not choose what runs here: the command is shown, for people to read and to give.
    """
    run = load(record)
    again = program_of(run)
    if not _is_kept(record):
        raise click.UsageError(
            f"{escaped(str(record))} is not a run kept in {home()}, and a file does not choose what runs here; "
            f"what it says is\n  {command_of(again)}"
        )
    odd = [word for word in words if not is_override(word)]
    if odd:
        raise click.UsageError(
            f"--again takes the program and its arguments from the record: {odd[0]!r} is no PATH=VALUE"
        )
    overrides = distinct([*again.overrides, *(parse(word, place="command line") for word in words)])
    for line in (command_of(replace(again, overrides=overrides)), *differences(run, again)):
        click.echo(f"begat: {escaped(line)}", err=True)
    patterns, waiting = (tuple(dict.fromkeys((*old, *new))) for old, new in ((again.watch, watch), (again.lazy, lazy)))
    return Plan(
        again.target,
        again.is_module,
        again.arguments,
        patterns,
        waiting,
        manner if manner.name is not None else replace(manner, name=run.header.name),
        overrides,
        codes(run),
    )


def _is_kept(record: Path) -> bool:
    return (home() / "runs").resolve() in record.resolve().parents


def command_of(again: Again) -> str:
    """The command line that says the same."""
    options = [
        word
        for option, names in (("--watch", again.watch), ("--lazy", again.lazy))
        for n in names
        for word in (option, n)
    ]
    program = ["-m", again.target] if again.is_module else [again.target]
    words = ["begat", "run", *options, *program, *(f"{o.address}={o.value}" for o in again.overrides)]
    return escaped(shlex.join([*words, *(["--", *again.arguments] if again.arguments else [])]))


def program_of(run: Run) -> Again:
    """
    What *run* ran.

    Raises click.UsageError where that cannot be had: no script, one that is gone, arguments or overrides that were redacted.
    """
    header = run.header
    said = header.script
    if said is None:
        raise click.UsageError("the record is not of a program that begat run has run: it names no script")
    if said == "-":
        raise click.UsageError("the program came from standard input, and the record does not hold it")
    is_module = said.startswith("-m ")
    hidden = [word for word in header.argv if MASK in word] + [o.address for o in header.overrides if MASK in o.value]
    if hidden:
        shown = ", ".join(escaped(elided(word, 80)) for word in hidden)
        raise click.UsageError(
            f"the record hides a secret of the command line ({shown}): give it again, with begat run"
        )
    target = said.removeprefix("-m ").strip()
    if not is_module:
        target = _script(target, run)
    # Weaker than what is said now: `begat run --again last model.dim=64` is that run with one change.
    overrides = tuple(
        Override(o.address, o.value, o.source, o.place, ENVIRONMENT, text=True, folded=o.source == "env")
        for o in header.overrides
    )
    return Again(target, is_module, header.argv[1:], overrides, header.watch, header.lazy)


def _script(said: str, run: Run) -> str:
    if os.path.exists(said):
        return said
    cwd, git_then = run.environment.cwd, run.environment.git or {}
    there = os.path.join(cwd, said)
    if os.path.exists(there):
        raise click.UsageError(
            f"there is no {escaped(said)} here; it ran in {escaped(cwd)}: begat run --again from there"
        )
    commit = f"; it was there at git commit {_short(git_then)}" if git_then.get("commit") else ""
    raise click.UsageError(f"the script {escaped(there)} is gone{commit}")


def differences(run: Run, again: Again) -> Iterator[str]:
    """What is not as it was in *run*, as far as it can be known before the program runs."""
    then = run.environment
    here = os.getcwd()
    if then.cwd and os.path.realpath(then.cwd) != os.path.realpath(here):
        yield f"that run was in {then.cwd}, this one is in {here}"
    yield from _code(then.git, git(os.path.dirname(os.path.abspath(again.target)) if not again.is_module else here))
    now = ".".join(map(str, sys.version_info[:3]))
    if then.python and then.python.split()[0] != now:
        yield f"Python {then.python} then, {now} now"
    present = installed(then.packages)
    changed = [
        f"{name} {version} then, {present.get(name, 'not installed')} now"
        for name, version in then.packages.items()
        if present.get(name) != version
    ]
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        yield f"other versions: {'; '.join(changed[:_NAMED])}{more}"


def _code(then: dict[str, object] | None, now: dict[str, object] | None) -> Iterator[str]:
    if then is None or now is None:
        if then is not now:
            yield "the code was in a git repository then" if then else "the code is in a git repository only now"
        return
    if then.get("commit") != now.get("commit"):
        yield f"the code was at git commit {_short(then)} then, it is at {_short(now)} now"
    if then.get("dirty"):
        yield "that run had changes that were not committed"
    if now.get("dirty") and not then.get("dirty"):
        yield "there are changes now that are not committed"


def _short(state: dict[str, object]) -> str:
    return str(state.get("commit"))[:12]


def codes(run: Run) -> dict[str, str]:
    """The fingerprint of the code of every class and function that *run* called."""
    return {node.target: node.code for node in run.nodes if node.code is not None}


def changed(then: dict[str, str], run: Run) -> str:
    """What to say of classes and functions whose code is not what it was *then*; nothing if all of it is."""
    names = sorted(target for target, code in codes(run).items() if then.get(target, code) != code)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"other code than in that run: {', '.join(map(escaped, names[:_NAMED]))}{more}" if names else ""
