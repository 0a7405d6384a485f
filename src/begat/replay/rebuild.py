"""Building objects of a record again: everything is decided before anything is imported, and imported before anything is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from begat.errors import CannotRebuild, CannotTrack, Problem, add_note
from begat.record.collector import resting
from begat.record.graph import Run
from begat.record.model import Node
from begat.record.moved import main_module
from begat.record.names import counted
from begat.record.plain import elided, escaped
from begat.replay.calling import Call, Callee, callee, fitted
from begat.replay.door import DOOR
from begat.replay.evaluation import Evaluation
from begat.replay.forcing import Forced
from begat.replay.plan import Plan, Step, absent, plan, terms, users
from begat.replay.replacing import located
from begat.replay.resolver import Resolver, Unfound
from begat.replay.terms import Name, below

_MOST = 1_000_000  # calls; more than that is no model that somebody wrote


def rebuild(
    run: Run,
    path: str | int | Node | Iterable[str | int | Node] | None = None,
    *,
    allow: Iterable[Any] = (),
    overrides: Mapping[str, object] | None = None,
    supply: Mapping[str, object] | None = None,
    lazy: bool = False,
    moved: Mapping[str, str] | None = None,
) -> Any:
    """
    Build the object at *path* of *run* again, and all that went into it, in the order in which it was built.

    What two objects shared they share again. What a constructor builds is left to that constructor; functions and factories
    are called again too. For several paths, or None, which means everything that the user's own code built, the result is a
    dict of objects by path. With *lazy*, objects of classes wait until they are touched.

    A record never runs code by itself: only what is tracked in this process is called, and what *allow* names: class and
    function objects, exact names (``"mylib.nets:Net"``), or patterns (``"mylib.*"``), which allow classes only. Callables
    among the arguments need the same. *overrides* are other values for arguments, by path; *supply* has the objects that the
    record cannot hold, by path: ``{"model.callback": print}``. *moved* maps modules and classes of the
    record to what they are called now.

    Raises `begat.errors.CannotRebuild`, a ValueError, with everything that stands in the way, before anything is called;
    KeyError for a path that is not in the record; whatever a constructor raises, with a note that says which.

    >>> import begat
    >>> @begat.trackable
    ... class Net:
    ...     def __init__(self, hidden=128): self.hidden = hidden
    >>> with begat.capture() as run:
    ...     model = Net(hidden=64)
    >>> begat.rebuild(run, "model").hidden
    64
    >>> begat.rebuild(run, "model", overrides={"model.hidden": 32}).hidden
    32
    """
    several = path is None or not isinstance(path, str | int | Node)
    prepared = prepare(run, path, allow=allow, overrides=overrides, supply=supply, moved=moved)
    prepared.refuse()
    built = _built(prepared, lazy)
    return built if several else next(iter(built.values()))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rebuild that was decided: the *plan*, who lets names through, and the *problems*, before any import."""

    plan: Plan
    resolver: Resolver
    problems: tuple[Problem, ...]

    def refuse(self) -> None:
        """Raise `CannotRebuild` if anything stands in the way."""
        if self.problems:
            raise _cannot(self.plan, self.problems)


def prepare(
    run: Run,
    path: str | int | Node | Iterable[str | int | Node] | None,
    *,
    allow: Iterable[Any] = (),
    overrides: Mapping[str, object] | None = None,
    supply: Mapping[str, object] | None = None,
    moved: Mapping[str, str] | None = None,
) -> Prepared:
    """Decide what is to be called for *path*, and what stands in the way. Imports and calls nothing."""
    # First of all what is allowed, and for good: nothing that is read from here on can change it.
    resolver = Resolver(allow, DOOR.tracked, _moved(run, moved))
    wanted = _wanted(run, path)
    replaced = {**(supply or {}), **located(run, overrides or {})}
    with resting():
        planned = plan(run, wanted, replaced)
        return Prepared(planned, resolver, tuple(_problems(planned, resolver)))


def _wanted(run: Run, path: str | int | Node | Iterable[str | int | Node] | None) -> tuple[Node, ...]:
    if path is None:
        return users(run)
    if isinstance(path, str | int | Node):
        path = (path,)
    return tuple(one if isinstance(one, Node) else run[one] for one in path)


def _moved(run: Run, moved: Mapping[str, str] | None) -> dict[str, str]:
    """The module ``__main__`` of a run goes by the name of its script: it is another program's now."""
    home = main_module(run)
    return {**({"__main__": home} if home else {}), **(moved or {})}


# --- what stands in the way -------------------------------------------------------------------------------------------
def _problems(planned: Plan, resolver: Resolver) -> Iterator[Problem]:
    if len(planned.steps) > _MOST:
        yield Problem("", f"{len(planned.steps):,} calls, more than {_MOST:,}")
        return
    for path, what in planned.problems:
        yield Problem(path, _shown(what), f"supply it: supply={{{path!r}: …}}")
    for step in planned.said:
        for name in names(step):
            reason = resolver.refusal(name)
            if reason is not None:
                yield _refused(name, resolver, reason)
        for missing in absent(step):
            inside = isinstance(step, Forced)  # out of the caller's hands
            way = "begat run --again runs the program" if inside else f"supply it: supply={{{missing.at!r}: …}}"
            yield Problem(missing.at, _shown(missing.what), way)
    for path in planned.unused:
        outer = _decides(planned, path)
        if outer is None:
            yield Problem(path, "stands nowhere in what is to be built")
        else:
            yield Problem(
                path, f"the constructor of {outer} decides that", "begat.override reaches it where its class is tracked"
            )


def _decides(planned: Plan, path: str) -> str | None:
    """The path of the object to be built whose constructor makes what *path* is about, if one does."""
    steps = {step.node.id for step in planned.steps}
    while path and path not in planned.run:
        path = path.rpartition(".")[0]
    node = planned.run[path] if path else None
    while node is not None and node.id not in steps:
        node = planned.run[node.within] if node.within is not None and node.within in planned.run else None
    return node.path if node is not None and node.path != path else None


def _refused(name: Name, resolver: Resolver, reason: str) -> Problem:
    target = resolver.now(name.target)
    said = elided(escaped(target), 200)
    if reason != "is not allowed" and not reason.startswith("is a "):
        return Problem(name.at, f"{said} {reason}", f"supply it: supply={{{name.at!r}: …}}")
    return Problem(name.at, f"{said} {reason}", allow=target)


def names(said: Step | Forced) -> Iterator[Name]:
    """Every name that what is *said* needs."""
    if isinstance(said, Step):
        yield said.function
    for term in terms(said):
        yield from (part for part in below(term) if type(part) is Name)


def _shown(text: str) -> str:
    return elided(escaped(text), 300)


def _cannot(planned: Plan, problems: tuple[Problem, ...]) -> CannotRebuild:
    paths = ", ".join(repr(node.path) for node, _ in planned.wanted[:3]) + (", …" if len(planned.wanted) > 3 else "")
    unique = tuple({str(problem): problem for problem in problems}.values())
    things = counted(len(unique), "thing stands", "things stand")
    error = CannotRebuild(f"{paths} cannot be rebuilt; {things} in the way:", unique)
    allowable = list(dict.fromkeys(problem.allow for problem in unique if problem.allow))
    if allowable:
        shown = elided(repr(allowable), 2_000)
        error.add_note(f"Allow what you trust: allow={shown}, or a pattern for classes: 'mylib.*'")
    return error


# --- building ---------------------------------------------------------------------------------------------------------
def _built(prepared: Prepared, lazy: bool) -> dict[str, Any]:
    planned = prepared.plan
    found, problems = _found(prepared)
    if problems:
        raise _cannot(planned, tuple(problems))
    with resting():
        calls, problems = _fitted(planned, found)
        problems += _out_of_reach(prepared)
    if problems:
        raise _cannot(planned, tuple(problems))
    evaluation = Evaluation(found, prepared.resolver.now)
    inside: dict[int, list[Forced]] = {}
    for each in planned.forced:
        inside.setdefault(each.outer.id, []).append(each)
    for step, call in zip(planned.steps, calls, strict=True):
        there = inside.get(step.node.id) if step.event is None else None
        if there is None:
            _make(step, call, evaluation, lazy)
        else:  # at once: overrides hold for the call, not for a touch that comes later
            changes = {_address(each, prepared.resolver): evaluation.value(each.term) for each in there}
            with DOOR.overridden(changes):
                _make(step, call, evaluation, lazy=False)
    return {node.path: evaluation.value(term) for node, term in planned.wanted}


def _found(prepared: Prepared) -> tuple[dict[Name, Any], list[Problem]]:
    """The object of every name. This is where modules are imported, those that were let through."""
    found: dict[Name, Any] = {}
    known: dict[tuple[str, str, bool], Any] = {}
    problems: list[Problem] = []
    planned = prepared.plan
    every = [name for said in planned.said for name in names(said)]
    every += [name for _, term in planned.wanted for name in below(term) if type(name) is Name]
    for name in every:
        key = (name.target, name.kind, name.ours)
        try:
            if key not in known:
                known[key] = prepared.resolver.find(name)
            found[name] = known[key]
        except Unfound as error:
            problems.append(Problem(name.at, f"{prepared.resolver.now(name.target)} {error}"))
    return found, problems


def _fitted(planned: Plan, found: dict[Name, Any]) -> tuple[list[Call], list[Problem]]:
    """The arguments of every step as its class or function takes them today."""
    calls: list[Call] = []
    problems: list[Problem] = []
    known: dict[tuple[str, bool], Callee] = {}
    for step in planned.steps:
        key = (step.node.target, step.event is not None and step.event.kind == "reinit")
        if key not in known:
            known[key] = callee(found[step.function])
        call, misfits = fitted(step, known[key])
        calls.append(call)
        problems += [Problem(path, what, f"supply or override it: {path}") for path, what in misfits]
    return calls, problems


def _out_of_reach(prepared: Prepared) -> Iterator[Problem]:
    """What overrides set inside of constructors that nothing watches here: they would build something else, and say nothing."""
    for each in prepared.plan.forced:
        target = prepared.resolver.now(each.called)
        if DOOR.tracked(target) is None:
            what = (
                f"set by an override, in the constructor of {each.outer.path}, and {_shown(target)} is not tracked here"
            )
            yield Problem(
                each.at, what, "begat.watch or begat.trackable tracks it, and begat run --again runs the program"
            )


def _address(each: Forced, resolver: Resolver) -> str:
    module, _, qualname = resolver.now(each.called).partition(":")
    return each.address(f"{module}.{qualname.rpartition('<locals>.')[2]}", each.inner)


def _make(step: Step, call: Call, evaluation: Evaluation, lazy: bool) -> None:
    function: Callable[..., Any] = evaluation.found[step.function]
    if step.event is not None and step.event.kind == "reinit":
        function = evaluation.objects[step.node.id].__init__
    elif lazy and step.node.kind == "class" and step.event is None:
        with suppress(CannotTrack):  # where no object can stand for one of this class it is built at once
            function = DOOR.lazy(function)
    try:
        made = evaluation.call(function, call)
    except Exception as error:
        add_note(error, f"begat: while rebuilding {step.node.path!r}, {step.node.target}{_where(step)}")
        raise
    if step.event is None:
        evaluation.objects[step.node.id] = made


def _where(step: Step) -> str:
    site = step.event.site if step.event is not None else step.node.site
    return f", built at {site.file}:{site.line} in that run" if site is not None else ""
