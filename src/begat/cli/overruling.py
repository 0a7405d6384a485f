"""Overrides of a whole program: what the last run says of them before it starts, and what became of them when it ends."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
from typing import Any

from begat.capture.foretelling import is_as_it_was
from begat.capture.orders import Orders, children
from begat.capture.overriding import hold
from begat.capture.tally import Tally
from begat.capture.tasks import handed
from begat.cli.find import last_finished
from begat.cli.plan import HANDED_ON, Plan
from begat.errors import OverrideError
from begat.record.graph import Run
from begat.replay.known import known_paths, meant, takes_of
from begat.replay.override import COMMAND, Override, names_something, unmatched


def overrule(plan: Plan) -> Orders:
    """
    Let the overrides of *plan* hold from now on, and those that a `begat run` around this one hands on.

    Ends the process where the last run shows that one matches nothing.
    """
    known = last_finished(f"-m {plan.target}" if plan.is_module else plan.target)
    if known is not None and _is_of_today(plan, known):
        _refuse_unknown(plan, known)
    orders = _orders(plan.overrides, os.environ.get(HANDED_ON))
    if known is not None:
        orders.learn(known)
    if not plan.manner.dry:
        _hand_on(orders)
    return hold(orders)


def _orders(own: tuple[Override, ...], around: str | None) -> Orders:
    """Those of this run's *own*, and those of the run *around* it, which are weaker, and of which others count the calls."""
    known = {(each.segments, str(each.value)): each for each in own}
    found, ways = list(own), {}
    for address, value, (source, place, level, *rest), counted in json.loads(around) if around is not None else ():
        override = Override(address, value, source, f"{place} of the run around", level - 1, *rest)
        mine = known.setdefault((override.segments, str(value)), override)
        ways[mine.number] = tuple((file, number) for file, number in counted)
        if mine is override:
            found.append(mine)
    return Orders(found, tally=Tally(ways))


def _hand_on(orders: Orders) -> None:
    """Let other programs that this one starts by `begat run` know of *orders*."""
    os.environ[HANDED_ON] = json.dumps(handed(orders), default=str)


def _is_of_today(plan: Plan, known: Run) -> bool:
    """Whether the program was not changed since: then what it built is what it will build."""
    if plan.is_module:
        return False
    folder = os.path.dirname(os.path.abspath(plan.target))
    files = (entry for entry in os.scandir(folder) if entry.name.endswith(".py") and entry.is_file())
    return all(is_as_it_was(entry.path, known.header.started) for entry in files)


def _refuse_unknown(plan: Plan, known: Run) -> None:
    if known.header.overrides or any(names_something(each.value) for each in plan.overrides):
        return  # what it would have built nobody knows
    found = {id(override) for override, _, _ in meant(known, plan.overrides)}
    # Those of files and the environment may be meant for other programs too, and other arguments build other things.
    missed = [each for each in plan.overrides if each.level == COMMAND and id(each) not in found]
    if missed and tuple(known.header.argv[1:]) == plan.arguments:
        text = unmatched(missed, known_paths(known), takes_of(known))
        _end(
            OverrideError(f"nothing was run, for the last run of {plan.target} built nothing that this means:\n{text}")
        )


def judged(orders: Orders, run: Any, failed: BaseException | None) -> BaseException | None:
    """What the program ends with: *failed*, or the complaint that an override was not to be honored."""
    if isinstance(failed, OverrideError):
        _say(failed)
        return SystemExit(2)
    if failed is not None and not (isinstance(failed, SystemExit) and failed.code in (None, 0)):
        if isinstance(failed, Exception | SystemExit) and (error := _complaint(orders, run)) is not None:
            error.add_note("The program ended by itself; what it did not come to may have matched.")
            _say(error)
        return failed
    _wait(orders)
    error = _complaint(orders, run)
    if error is None:
        return failed
    words = [
        shlex.quote(each.said.removesuffix(f" ({each.place})")) for each in orders.missed() if each.level == COMMAND
    ]
    if words:
        program = os.path.basename(run.header.script or "train.py")
        error.add_note(f"If it is an argument of the program, put it behind --: begat run {program} -- {words[0]}")
    _say(error)
    return SystemExit(2)


def _wait(orders: Orders) -> None:
    """For threads, and for processes that may still be changed, as the interpreter would: they build things too."""
    # Not by their `join`: the threads of an executor end only when they are told to, which this does.
    threading._shutdown()  # type: ignore[attr-defined]
    if orders.missed():
        for child in children():
            child.join()


def _complaint(orders: Orders, run: Any) -> OverrideError | None:
    try:
        orders.check(run)
    except OverrideError as error:
        from begat.cli.hint import unwatched

        for override in orders.missed():
            if said := unwatched(override.segments):
                error.add_note(said)
        return error
    return None


def rehearsed(orders: Orders | None, run: Run, failed: BaseException | None, quiet: bool) -> BaseException:
    """What a dry run ends with: the report, and the complaint of overrides that mean nothing that was configured."""
    from begat.cli.rehearsal import Needed, report

    report(run, failed, quiet)
    if isinstance(failed, OverrideError):
        _say(failed)
        return SystemExit(2)
    if orders is not None and (orders.refused or orders.missed()):
        waiting = [node.path for node in run.nodes if node.outcome == "deferred"]
        if orders.refused or not all(_is_inside(each, waiting) for each in orders.missed()):
            try:
                orders.check(run)
            except OverrideError as error:
                _say(error)
                return SystemExit(2)
    return SystemExit(0 if failed is None or isinstance(failed, Needed | SystemExit) else 1)


def _is_inside(override: Override, waiting: list[str]) -> bool:
    """Whether *override* may mean what is built inside of one of the objects that wait, at these paths."""
    address = ".".join(override.segments)
    outer = [path for path in waiting if address.startswith(f"{path}.")]
    return bool(outer) and "." in address[len(max(outer, key=len)) + 1 :]


def _say(error: OverrideError) -> None:
    from begat.record.plain import escaped

    sys.stdout.flush()
    lines = [f"begat: {type(error).__name__} {error}", *getattr(error, "__notes__", ())]
    for line in "\n".join(lines).splitlines():
        print(escaped(line), file=sys.stderr, flush=True)


def _end(error: OverrideError) -> None:
    _say(error)
    raise SystemExit(2)
