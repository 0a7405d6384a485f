"""Classes that are called otherwise: modules that were renamed, and the script that is `__main__` when it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from begat.record.model import ABSENT, Argument, Node
from begat.record.values import Array, Made, Member, Opaque, Symbol, Typed
from begat.record.walk import rebuilt

if TYPE_CHECKING:
    from begat.record.graph import Run

_MAIN = "__main__"


def spoken(a: Run, b: Run) -> dict[str, str]:
    """`__main__` by its name as a module, where that is what the other run says of the same classes."""
    modules = [{name.partition(":")[0] for name in {node.target for node in run.nodes}} for run in (a, b)]
    names = [main_module(run) for run in (a, b)]
    for main, other, name in ((modules[0], modules[1], names[0]), (modules[1], modules[0], names[1])):
        if _MAIN in main and _MAIN not in other and name is not None and name in other:
            return {_MAIN: name}
    return {}


def home_names(run: Run) -> dict[str, str]:
    """
    The module that is the program itself by the name that a script has: ``train`` as `__main__`, where it was imported.

    That is the module in whose file all constructions of the user's own stand; none where they stand in several.
    """
    files = set()
    for node in run.nodes:
        if node.target.startswith(f"{_MAIN}:"):
            return {}
        if node.user and node.within is None:
            files.add(node.site.file if node.site is not None else "")
            if len(files) > 1:
                return {}
    steps = "".join(files).replace("\\", "/").removesuffix(".py").split("/")
    return {".".join(steps[at:]): _MAIN for at in range(len(steps)) if all(map(str.isidentifier, steps[at:]))}


def main_module(run: Run) -> str | None:
    """The name by which the module that was ``__main__`` in *run* can be imported, if its script has one."""
    said = run.header.script or (run.header.argv[0] if run.header.argv else "")
    if said.startswith("-m "):
        return said[3:].strip() or None
    name = said.replace("\\", "/").rpartition("/")[2]
    stem = name.removesuffix(".py")
    return stem if stem != name and stem.isidentifier() else None


def moved_by(run: Run, names: Mapping[str, str]) -> Run:
    """*run* with its targets, and the classes and functions among its values, by their new *names*."""
    if not names:
        return run
    from begat.record.graph import Run

    name = renaming(names)
    nodes = tuple(renamed_node(node, name) for node in run.nodes)
    if all(new is old for new, old in zip(nodes, run.nodes, strict=True)):
        return run
    return Run(run.header, nodes, run.environment, run.events, run.children)


def renaming(names: Mapping[str, str]) -> Callable[[str], str]:
    """A function from a target to what it is called by the new *names*, which looks each up once."""
    table = {dotted(old): dotted(new) for old, new in names.items()}
    known: dict[str, str] = {}

    def name(target: str) -> str:
        if target not in known:
            known[target] = renamed(target, table)
        return known[target]

    return name


def renamed(target: str, table: Mapping[str, str]) -> str:
    """*target* by the longest name in *table*, all names with dots, that it is or lies in."""
    whole = dotted(target)
    best = max((old for old in table if whole == old or whole.startswith(f"{old}.")), key=len, default=None)
    if best is None:
        return target
    found = table[best] + whole[len(best) :]
    depth = target.partition(":")[2].count(".") + 1 if ":" in target else 0
    steps = found.split(".")
    return f"{'.'.join(steps[:-depth])}:{'.'.join(steps[-depth:])}" if depth else found


def dotted(name: str) -> str:
    """*name* of a module, class or function with dots alone: ``mylib.nets.Net``."""
    return name.replace(":", ".", 1)


def renamed_node(node: Node, name: Callable[[str], str]) -> Node:
    """*node* with its target, and the classes and functions among its values, as *name* has them now."""
    target = name(node.target)
    arguments: dict[str, Argument] = {}
    changed = target != node.target
    for key, argument in node.arguments.items():
        value, was = (
            _value(argument.value, name),
            argument.was if argument.was is ABSENT else _value(argument.was, name),
        )
        if value is not argument.value and value != argument.value:
            argument = replace(argument, value=value, was=was)
            changed = True
        arguments[key] = argument
    return replace(node, target=target, arguments=arguments) if changed else node


def _value(value: Any, name: Callable[[str], str]) -> Any:
    kind = type(value)
    if kind is Symbol:
        return replace(value, target=name(value.target))
    if kind in (Opaque, Array):
        return replace(value, type=name(value.type))
    if kind is Made:
        return Made(_value(value.factory, name))
    if kind in (Typed, Member):
        value = replace(value, type=name(value.type))
    return rebuilt(value, lambda _, part: _value(part, name))
