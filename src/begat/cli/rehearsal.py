"""A dry run: the program configures, and is stopped where the first object would have to be built."""

from __future__ import annotations

import sys
from typing import Any

from begat.capture import waiting
from begat.capture.laziness import deferred  # noqa: F401  # it readies what waits
from begat.capture.overriding import current
from begat.intercept.deferring import CHECKING, RULES, Rule, declare
from begat.introspect.callsites import locate
from begat.record.graph import Run
from begat.record.names import counted


class Needed(BaseException):
    """An object was touched: here the dry run ends. *what* it is, *where* that was."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{where} needs {what}")
        self.what = what
        self.where = where


def rehearse() -> None:
    """From now on everything that is recorded waits, and what is touched ends the program."""
    current()  # overrides have put themselves there already: what they change is seen, and then nothing is built
    declare(Rule(patterns=["*"]))
    RULES.put(CHECKING)  # where all rules are of what waits, nobody asks at a touch
    waiting.TOUCH.values = _stop


def _stop(thunk: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    code, lasti = waiting.touched()
    site = locate(code, lasti)
    raise Needed(f"{thunk.name}, called at {thunk.place()}", f"{site.file}:{site.line}")


def report(run: Run, failed: BaseException | None, quiet: bool) -> None:
    """Print what is configured, unless *quiet*, and on standard error how far the program came."""
    from begat.render import table

    sys.stdout.flush()
    for line in () if quiet else table.lines(table.rows(run)):
        print(line, file=sys.__stdout__)
    if isinstance(failed, Needed):
        how = f"executed up to {failed.where}, which needs {failed.what}"
    elif failed is None or isinstance(failed, SystemExit):
        how = "executed to its end"
    else:
        how = f"executed until it raised {type(failed).__name__}: {failed}"
    built = [node for node in run.nodes if node.outcome == "returned"]
    waits = len(run.nodes) - len(built)
    print(
        f"begat: dry run: {how}; {counted(waits, 'call')} configured, none of them made"
        + (f", but for {len(built)} that cannot wait" if built else "")
        + "; what those build inside is not known yet",
        file=sys.stderr,
        flush=True,
    )
