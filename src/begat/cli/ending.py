"""The end of a program under `begat run`: its record is written, and one line says where."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from begat.capture.keeping import keep, stays
from begat.capture.past import SAID
from begat.capture.reading import Reader
from begat.cli.hint import hint, meant
from begat.cli.plan import Plan
from begat.intercept.interceptor import goes_on, trouble
from begat.intercept.watching import Watch
from begat.record.graph import Run
from begat.record.model import Overridden
from begat.record.names import counted

if TYPE_CHECKING:
    from begat.capture.orders import Orders


class Ending:
    """What is done when the interpreter ends: the record is written, one line says where."""

    def __init__(
        self,
        plan: Plan,
        run: Any,
        record: str,
        watching: Watch,
        main: ModuleType,
        orders: Orders | None,
        ranks: str | None,
    ) -> None:
        self.ranks = ranks
        self.plan = plan
        self.orders = orders
        self.run = run
        self.record = record
        self.watching = watching
        self.main = main
        self.begun = False  # a program that could not even be found is no run
        self.error: BaseException | None = None

    def finish(self) -> None:
        """Write the record."""
        try:
            self.run.end(self.error)
        except Exception as error:
            trouble(error, "closing a run")
        if self.plan.manner.dry:
            if self.plan.manner.save:
                self.run.save(self.plan.manner.save)
            return
        if self.orders is not None:
            self.run.change(overrides=self.orders.given())
            self.orders.end()
        if not self.begun and not self.run.nodes:
            keep(self.run, lambda: None)
            return
        if self._stays():
            self._say(written=False)
            return
        try:
            if self.ranks is not None:
                from begat.capture import ranks as together

                together.keep(self.run, self.ranks, self._write)
            else:
                keep(self.run, lambda: self._write(self.run))
        except Exception as error:
            journal = self.run.recorder.journal
            if journal is None or not journal.failed or goes_on(error):
                raise
            return  # it was said that nothing can be written
        if self.plan.codes:
            from begat.cli.again import changed

            if said := changed(self.plan.codes, self.run):
                print(f"begat: {said}", file=sys.stderr, flush=True)
        self._say()

    def _stays(self) -> bool:
        """Whether the journals are the record, for nobody asked for another."""
        manner = self.plan.manner
        asked = manner.save or manner.summary or self.ranks is not None or self.plan.codes
        return not asked and stays(self.run)

    def _write(self, run: Run) -> None:
        from begat.record.codec import dumps
        from begat.record.files import write

        try:
            if self.plan.manner.save:
                run.save(self.plan.manner.save)
        finally:
            write(self.record, dumps(run))
        if self.plan.manner.summary:
            self._summarize(self.plan.manner.summary)

    def _summarize(self, path: str) -> None:
        import json

        from begat.record.files import write
        from begat.record.summary import summary

        write(path, json.dumps(summary(self.run)).encode(), private=False)

    def _say(self, *, written: bool = True) -> None:
        if self.plan.manner.quiet:
            return
        record, elsewhere, waiting = self.record, 0, 0
        if written:
            count, own = len(self.run.nodes), sum(node.user for node in self.run.nodes)
            waiting = sum(node.user for node in self.run.unbuilt)
        else:  # the journals are the record: nothing of it is read now
            from begat.capture.merging import JOURNALS

            record = os.path.dirname(record)
            elsewhere = len(os.listdir(os.path.join(record, JOURNALS))) - 1
            count, own = Reader(self.run.recorder).counted()
        try:
            where = min(os.path.relpath(record), record, key=len)
        except OSError:  # the program deleted its folder
            where = record
        rest = f", {waiting:,} of them never built" if waiting else ""
        rest += f", and {count - own:,} by libraries" if count > own else ""
        if elsewhere:
            rest += f", and what {counted(elsewhere, 'other process', 'other processes')} built"
        if inside := self.run.children:
            rest += f", and those of {counted(len(inside), 'scope')} inside it"
        if any(mark.startswith(SAID) for mark in self.run.header.marks):
            rest += ", and more that are counted"
        unmatched = () if self.plan.is_module else self.watching.unmatched
        missed = [said for each in unmatched if (said := meant(each, self.watching))]
        said = f" (nothing matched {', '.join(missed)})" if missed else ""
        tried = hint(self.main.__dict__, self.watching) if not (count or inside) else ""
        said += f" ({tried})" if tried else ""
        if self.orders is not None:
            said += f"; {_applied(self.run.header.overrides)}"
        print(
            f"begat: {counted(own, 'construction')} recorded{rest}: {where}{said}; next: begat show last",
            file=sys.stderr,
            flush=True,
        )


def _applied(given: tuple[Overridden, ...]) -> str:
    """What became of the overrides, in a few words."""
    calls = sum(each.calls for each in given)
    return f"{counted(len(given), 'override')} changed {counted(calls, 'call')}"
