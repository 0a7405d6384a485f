"""What default factories made: the objects that a generated constructor put into its fields (dataclasses, attrs, pydantic).

``optim: Optim = field(default_factory=Optim)`` is called by code that stands in no file. Its object is told by what the
record holds of the constructor: the fields that were left out, in order, and what was built meanwhile. Where these do not
agree nothing is said: the argument stays a factory, and the object a construction inside the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType

from begat.introspect.callsites import Name
from begat.record.model import Argument, Node
from begat.record.values import Made, Symbol


def fills_fields(code: CodeType, users: bool) -> bool:
    """Whether *code* calls default factories, or is one written in place, so that what it builds may be a field's default."""
    if code.co_name == "__init__" and not users:
        return code.co_filename.startswith("<") or code.co_filename.replace("\\", "/").endswith("/pydantic/main.py")
    return code.co_name == "<lambda>"


def is_object(argument: Argument) -> bool:
    """Whether *argument* was left to a factory that may make an object with a node: not to `list`, `dict` and the like."""
    made = argument.value.factory if type(argument.value) is Made else None
    return type(made) is Symbol and not made.target.startswith("builtins:")


def filled(node: Node, built: Iterable[tuple[Node, Name | None]]) -> Iterator[tuple[str, Node]]:
    """
    The arguments of *node* that were left to a factory, each with the construction that it made.

    *built* are those made by code for which `fills_fields` holds, in order, with what the source calls them.
    """
    waiting: dict[str, list[str]] = {}
    for argument in filter(is_object, node.arguments.values()):
        waiting.setdefault(argument.value.factory.target, []).append(argument.name)  # type: ignore[attr-defined]  # a symbol
    made: dict[str, list[Node]] = {}
    for other, name in built:
        if not other.user:
            made.setdefault(other.target, []).append(other)
        elif name is not None and name.on_self and not name.inline and not name.counted:
            field = name.segments[0] if len(name.segments) == 1 else ""
            # A lambda has its field's name from the source: `field(default_factory=lambda: Optim(lr=5))`.
            if any(field in fields for fields in waiting.values()) and other.outcome == "returned":
                yield field, other
    for target, fields in waiting.items():
        found = made.get(target, [])
        # One construction for each field, or it is anybody's guess.
        if len(found) == len(fields) and all(other.outcome == "returned" for other in found):
            yield from zip(fields, found, strict=True)
