"""Names of places: what the source calls the thing that an assignment's target, or a method's receiver, denotes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from begat.introspect.callsites import Name
from begat.record.paths import segment


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a statement stands: *prefix* are the classes whose body it is in, *roots* what ``self`` and ``cls`` stand for."""

    prefix: tuple[str, ...] = ()
    roots: dict[str, Name] = field(default_factory=dict)


def place(node: ast.expr, scope: Scope) -> Name | None:
    """The name of what *node* denotes: ``a.b["c"]`` is ``a.b.c``; ``a[k]`` is one of many in ``a``."""
    if isinstance(node, ast.Name):
        return scope.roots.get(node.id) or own(node, scope)
    if isinstance(node, ast.Attribute):
        return below(place(node.value, scope), node.attr)
    if isinstance(node, ast.Subscript):
        return below(place(node.value, scope), key(node.slice))
    return None


def own(node: ast.Name, scope: Scope) -> Name | None:
    """The name of a plain variable; none for ``_``."""
    return Name((*scope.prefix, segment(node.id))) if node.id.strip("_") else None


def below(name: Name | None, *steps: str | None) -> Name | None:
    """The name *steps* further in; a step that nobody can know makes it one of many."""
    if name is None or name.counted:
        return name
    otherwise = below(name.otherwise, *steps)
    if None in steps:
        return replace(name, counted=True, otherwise=otherwise)
    segments = name.segments + tuple(segment(step) for step in steps if step is not None)
    return replace(name, segments=segments, otherwise=otherwise)


def key(node: ast.expr | None) -> str | None:
    """The segment that *node* is as a key, if it is a constant that fits."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        text = str(node.value)
        return text if segment(text) == text else None
    return None


def last(callee: ast.expr) -> str | None:
    """The last part of a dotted name: ``Linear`` of ``nn.Linear``."""
    if isinstance(callee, ast.Name):
        return callee.id
    return callee.attr if isinstance(callee, ast.Attribute) else None
