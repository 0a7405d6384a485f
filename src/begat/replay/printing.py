"""What a rebuild would call, as text: one call after the other, with full names and every argument."""

from __future__ import annotations

from collections.abc import Iterator

from begat.record.plain import escaped
from begat.replay.calling import arranged
from begat.replay.imports import Imports
from begat.replay.layout import called, laid_out
from begat.replay.plan import Plan
from begat.replay.resolver import Resolver
from begat.replay.spelling import Speller


class _Whole(Imports):
    """Names in full: who reads what would be called wants to know from where."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(set(), None)
        self._now = resolver.now

    def name(self, target: str) -> str:
        return self._now(target)


def lines(planned: Plan, resolver: Resolver) -> Iterator[str]:
    """The calls of *planned*, in their order."""
    paths = {node.id: node.path for node in planned.run.nodes}
    speller = Speller(_Whole(resolver), paths.__getitem__, lambda key: None)
    for each in planned.forced:
        said = laid_out(speller.text(each.term), before=f"# in the constructor of {each.outer.path}: {each.at} = ")
        yield from map(escaped, said.split("\n"))
    for step in planned.steps:
        call = arranged(step.passed)
        parts = speller.arguments(call.args, call.kwargs)
        if call.spread is not None or call.named is not None:
            parts.append("…")
        target = resolver.now(step.function.target)
        suffix = ".__init__" if step.event is not None and step.event.kind == "reinit" else ""
        before = f"{step.node.path} = " if step.event is None else ""
        for line in laid_out(called(f"{target}{suffix}", parts), before=before).split("\n"):
            yield escaped(line)
