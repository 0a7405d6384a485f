"""A run as Python that builds the same objects, under the names that the code gave them.

Only what the user's own code built is written: what libraries and constructors built for themselves they build again. The
order of the calls is kept, and an object stands inside the call it was made for where that keeps the order. Nothing is
imported and nothing is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from begat.record.graph import Run
from begat.record.model import Node
from begat.record.moved import main_module
from begat.record.plain import elided, escaped
from begat.replay.calling import arranged
from begat.replay.forcing import Forced
from begat.replay.imports import Imports
from begat.replay.layout import Text, called, laid_out
from begat.replay.naming import Names
from begat.replay.places import scope
from begat.replay.plan import Plan, Step, plan, users
from begat.replay.spelling import Speller
from begat.replay.terms import Absent, Again, Built, Literal, Pairs, Reached, Several, Term, below

_DEEPEST = 12  # calls in calls


def to_python(run: Run, path: str | None = None, *, defaults: bool = False) -> str:
    """
    Python that builds what *run* built, or what is at *path* and all that went into it.

    With *defaults*, arguments that were left out are written too. What the record does not hold is a call of ``missing``,
    which raises an error that says what it was. KeyError if nothing is at *path*.
    """
    return generate(run, path, defaults=defaults).text


@dataclass(frozen=True, slots=True)
class Code:
    """Generated code; *gaps* says what it has no words for, each with its path."""

    text: str
    gaps: tuple[str, ...]


def generate(run: Run, path: str | None = None, *, defaults: bool = False) -> Code:
    """What `to_python` returns, and what is missing in it."""
    wanted = users(run) if path is None else (run[path],)
    writer = _Writer(run, plan(run, wanted), defaults)
    return Code(writer.text(), tuple(writer.speller.gaps))


class _Writer:
    def __init__(self, run: Run, planned: Plan, defaults: bool) -> None:
        self.run = run
        steps = planned.steps if not defaults else tuple(_with_defaults(step) for step in planned.steps)
        self.steps = steps
        self.refused = dict(planned.problems)
        self.inside = planned.forced
        self.uses, self.last = _uses(steps)
        self.names = Names(run, [step.node for step in steps])
        self.missing, self.helper = self.names.helper("missing"), self.names.helper("shared")
        self.imports = Imports(self.names.taken, main_module(run), _busy(run))
        self.speller = Speller(self.imports, self._object, self._container, self.missing)
        for step in steps:  # before any variable is made up
            self.speller.named(step.function)
        self.speller.gaps.clear()
        self.lines: list[str] = []
        self.inline: dict[int, Text] = {}  # what stands inside another call
        self.depth: dict[int, int] = {}
        self.waiting: list[int] = []  # nodes whose text is to stand inside a call that comes, in order
        self.expressions: dict[int, Text] = {}
        self.containers: dict[str, str] = {}
        self.lists: dict[str, list[int]] = {}  # lists that grow: their items are in `waiting`
        self.shared = False

    # --- the whole --------------------------------------------------------------------------------------------------------
    def text(self) -> str:
        for position, step in enumerate(self.steps):
            self._step(position, step)
        self._flush()
        body = "\n".join(self._under_overrides())
        head = self._head()
        return "\n".join(part for part in (head, body) if part).rstrip("\n") + "\n"

    def _under_overrides(self) -> list[str]:
        """The lines, where overrides reached into constructors below a block that does the same."""
        if not self.inside:
            return self.lines
        changes = Pairs(tuple((Literal(self._address(each)), each.term) for each in self.inside))
        paths = ", ".join(each.at for each in self.inside)
        block = called(f"{self.imports.module('begat')}.override", (self.speller.container(changes),))
        return [
            f"# They reach into constructors ({elided(escaped(paths), 60)}), where the classes are tracked: by begat run, or begat.watch.",
            *laid_out(block, before="with ", behind=":").split("\n"),
            *(f"    {line}" for text in self.lines for line in text.split("\n")),
        ]

    def _address(self, each: Forced) -> str:
        """By the class alone where only one is called so."""
        module, _, qualname = each.called.partition(":")
        name = qualname.rpartition("<locals>.")[2]
        homes = {node.target for node in self.run.nodes if node.target.rpartition(":")[2].endswith(name)}
        return each.address(name if len(homes) == 1 else f"{self.imports.home(module)}.{name}", each.overall)

    def _head(self) -> str:
        header = self.run.header
        script = f" of {header.script.replace(chr(92), '/').rpartition('/')[2]}" if header.script else ""
        said = escaped(f"{header.id}{f' ({header.name})' if header.name else ''}{script}")
        said = said.replace("\\", "/").replace('"', "'")
        lines = [f'"""Builds what run {elided(said, 90)} built."""', ""]
        seeds = list(self._seeds())
        imports = self.imports.lines()
        lines += imports
        if self.speller.gaps:
            lines += [
                "",
                f"def {self.missing}(what):",
                '    """Stand where the record has nothing: put the real thing there."""',
            ]
            lines += ['    raise NotImplementedError(f"not in the record: {what}")', ""]
        if self.shared:
            lines += [
                "",
                f"def {self.helper}(thing):",
                '    """Return *thing*, which goes by where it is used and not by a name of its own."""',
            ]
            lines += ["    return thing", ""]
        if self.speller.gaps or self.shared:
            lines.append("")
        return "\n".join([*lines, *seeds])

    def _seeds(self) -> Iterator[str]:
        for name, value in self.run.environment.seeds.items():
            module, _, function = name.rpartition(".")
            if name in _SEEDING and type(value) in (int, str, type(None)):
                yield f"{self.imports.module(module)}.{function}({self.speller.literal(value)})"

    # --- one step ---------------------------------------------------------------------------------------------------------
    def _step(self, position: int, step: Step) -> None:
        node = step.node
        if step.event is not None:
            self._flush()
            owner = self._object(node.id)
            what = self.imports.name(node.target) if step.event.kind == "reused" else f"{owner}.__init__"
            self._write(called(what, self._arguments(step)))
            return
        hoisted = self._hoist(step)
        inner = self._inner(step, hoisted)
        step, order = _in_order(step, inner)
        wanted = [number for number in order if number in inner]
        if wanted and self.waiting[-len(wanted) :] == wanted:
            del self.waiting[-len(wanted) :]
            for number in wanted:
                self.inline[number] = self.expressions.pop(number)
            self.depth[node.id] = 1 + max(self.depth[number] for number in wanted)
        else:
            if wanted:
                self._flush()
            self.depth[node.id] = 1
        for container in hoisted:
            self._flush()
            self._assign_container(container)
        expression = self._expression(step)
        for number in wanted:
            self.inline.pop(number, None)
        self.expressions[node.id] = expression
        if self._may_stand_inside(node):
            self.waiting.append(node.id)
        elif not self._into_list(node):
            self._flush()
            self._statement(node, self.expressions.pop(node.id), position)

    def _expression(self, step: Step) -> Text:
        problem = self.refused.get(step.node.path)
        if problem is not None:
            return self.speller.missing(step.node.path, problem)
        function = self.speller.named(step.function)
        if function.startswith(f"{self.missing}("):
            return function
        return called(function, self._arguments(step))

    def _arguments(self, step: Step) -> list[Text]:
        call = arranged(step.passed)
        return self.speller.arguments(call.args, call.kwargs)

    def _inner(self, step: Step, hoisted: list[Several | Pairs]) -> set[int]:
        """The objects that are to stand inside this call."""
        outside = {term.node for container in hoisted for term in below(container) if type(term) is Built}
        found = set()
        for passed in step.passed:
            for term in below(passed.term) if not passed.default else ():
                if type(term) is Built and term.node in self.expressions and term.node not in outside:
                    path = self.run[term.node].path
                    if path.startswith(f"{step.node.path}.") and self.depth[term.node] < _DEEPEST:
                        found.add(term.node)
        return found

    def _may_stand_inside(self, node: Node) -> bool:
        """Whether *node* goes by the argument that it becomes, and is used there only."""
        used = self.uses.get(node.id, ())
        return len(used) == 1 and node.path.startswith(f"{used[0]}.")

    # --- containers that are met again ------------------------------------------------------------------------------------
    def _hoist(self, step: Step) -> list[Several | Pairs]:
        every = [term for passed in step.passed if not passed.default for term in below(passed.term)]
        keyed = [term for term in every if type(term) in (Several, Pairs) and getattr(term, "key", None)]
        return [term for term in keyed if isinstance(term, Several | Pairs) and not _holds_itself(term)]

    def _assign_container(self, term: Several | Pairs) -> None:
        assert term.key is not None
        name = self.names.fresh(term.key.partition("\0")[0].rpartition(".")[2] or "shared")
        self._write(self.speller.container(term), f"{name} = ")
        self.containers[term.key] = name

    def _container(self, key: str) -> str | None:
        return self.containers.get(key)

    # --- statements -------------------------------------------------------------------------------------------------------
    def _object(self, number: int) -> Text:
        """The text for the object of node *number*."""
        if number in self.inline:
            return self.inline[number]
        if number in self.expressions:
            self._flush()
        return self.names.of(number)

    def _into_list(self, node: Node) -> bool:
        """Whether *node* is the next item of a list that is still being written: ``layers = [A(), B()]``."""
        base, _, index = node.path.rpartition(".")
        if not index.isdecimal() or not self.names.is_list(base):
            return False
        items = self.lists.get(base)
        if items is None and index == "0" and self.names.starts_list(base):
            self._flush()
            items = self.lists[base] = []
        # Where the last item waits last, nothing came in between: what stays in `waiting` stays there in order.
        if items is None or len(items) != int(index) or (items and self.waiting[-1:] != items[-1:]):
            return False
        items.append(node.id)
        self.waiting.append(node.id)
        return True

    def _flush(self) -> None:
        """Write what waits as statements of its own."""
        waiting, self.waiting = self.waiting, []
        lists, self.lists = self.lists, {}
        listed = {number: base for base, items in lists.items() for number in items}
        for number in waiting:
            if number not in self.expressions:
                continue
            base = listed.get(number)
            if base is not None:
                from begat.replay.layout import Group

                parts = tuple(self.expressions.pop(item) for item in lists[base])
                self._write(Group("[", parts, "]"), f"{self.names.list(base, lists[base])} = ")
                continue
            expression = self.expressions.pop(number)
            self.shared = True
            self._write(called(self.helper, (expression,)), f"{self.names.alias(self.run[number])} = ")

    def _statement(self, node: Node, expression: Text, position: int) -> None:
        used = self.uses.get(node.id, ())
        # What goes by the argument that it becomes must have no name of its own.
        argument = any(path and node.path.startswith(f"{path}.") for path in used)
        place = self.names.place(node, bool(used), argument)
        for line in place.before:
            self.lines.append(line)
        if place.displaced is not None and self.last.get(place.displaced, -1) > position:
            self._write(place.target, f"{self.names.keep(place.displaced, place.target)} = ")
        if place.shared:
            self.shared = True
            expression = called(self.helper, (expression,))
        if place.append:
            expression = called(f"{place.target}.append", (expression,))
        self._write(expression, f"{place.target} = " if place.target and not place.append else "")

    def _write(self, text: Text, before: str = "") -> None:
        self.lines.append(laid_out(text, before=before))


_SEEDING = ("random.seed", "numpy.random.seed", "torch.manual_seed")


def _uses(steps: tuple[Step, ...]) -> tuple[dict[int, list[str]], dict[int, int]]:
    """For each node the paths of the steps that use its object, once for each use, and the position of the last of them."""
    uses: dict[int, list[str]] = {}
    last: dict[int, int] = {}
    for position, step in enumerate(steps):
        found = [number for passed in step.passed if not passed.default for number in _used(passed.term)]
        if step.event is not None:
            found.append(step.node.id)
        for number in found:
            uses.setdefault(number, []).append(step.node.path if step.event is None else "")
            last[number] = position
    return uses, last


def _used(term: Term) -> Iterator[int]:
    for part in below(term):
        if type(part) is Built:
            yield part.node
        elif type(part) is Reached:
            yield part.outer
            yield part.outer  # it has to have a name


def _in_order(step: Step, inner: set[int]) -> tuple[Step, list[int]]:
    """*step* with its keywords in the order in which what stands inside was built, and that order as it is written."""
    made = [min((n for n in _used(p.term) if n in inner), default=-1) if not p.default else -1 for p in step.passed]
    movable = [i for i, p in enumerate(step.passed) if made[i] >= 0 and not p.positional and not p.stars]
    ordered = list(step.passed)
    for place, source in zip(movable, sorted(movable, key=lambda i: made[i]), strict=True):
        ordered[place] = step.passed[source]
    step = replace(step, passed=tuple(ordered))
    call = arranged(step.passed)
    order = [number for term in (*call.args, *(value for _, value in call.kwargs)) for number in _used(term)]
    return step, order


def _holds_itself(term: Several | Pairs) -> bool:
    return any(type(part) is Again and part.key == term.key for part in below(term))


def _busy(run: Run) -> set[str]:
    """The files at whose top level the user's own code built something, by calls that may stand below a guard or not."""
    own = (node.site for node in run.nodes if node.user and node.within is None and node.site is not None)
    return {site.file for site in own if scope(site.function) == "<module>"}


def _with_defaults(step: Step) -> Step:
    said = tuple(
        replace(passed, default=passed.default and any(type(term) is Absent for term in below(passed.term)))
        for passed in step.passed
    )
    return replace(step, passed=said)
