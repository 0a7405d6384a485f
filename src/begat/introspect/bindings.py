"""Bindings: what each statement calls the values in it. Every function here hands out the statement's parts, named."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from begat.introspect.callsites import Name
from begat.introspect.places import Scope, below, last, own, place
from begat.record.paths import segment

Visit: TypeAlias = tuple[ast.AST, Name | None, Scope]
"""A node still to be looked at, the name of its value, and where it stands."""


def unnamed(nodes: Iterable[ast.AST | None], scope: Scope) -> Iterator[Visit]:
    """*nodes*, whose values nobody names."""
    return ((node, None, scope) for node in nodes if node is not None)


def _bind(target: ast.expr | None, value: ast.expr, scope: Scope, *steps: str | None) -> Iterator[Visit]:
    """*value* is bound to *target*, part by part where both are written out."""
    if isinstance(target, ast.Tuple | ast.List):
        yield from _unpack(target.elts, value, scope, *steps)
        return
    # `self = Net()` makes a new self: the name is then its own, not what self stood for.
    name = own(target, scope) if isinstance(target, ast.Name) else place(target, scope) if target else None
    yield value, below(name, *steps), scope


def _unpack(targets: list[ast.expr], value: ast.expr, scope: Scope, *steps: str | None) -> Iterator[Visit]:
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    starred = [i for i, target in enumerate(targets) if isinstance(target, ast.Starred)]
    surplus = len(values) - len(targets)
    if any(isinstance(item, ast.Starred) for item in values) or (surplus < -1 if starred else surplus != 0):
        yield value, None, scope
        return
    for i, item in enumerate(values):
        if not starred or i < starred[0]:
            yield from _bind(targets[i], item, scope, *steps)
        elif i > starred[0] + surplus:
            yield from _bind(targets[i - surplus], item, scope, *steps)
        else:
            rest = targets[starred[0]]
            assert isinstance(rest, ast.Starred)
            yield from _bind(rest.value, item, scope, *steps, str(i - starred[0]))


def _iterate(target: ast.expr, values: ast.expr, scope: Scope) -> Iterator[Visit]:
    """``for clf in SVC(), RF():`` names them ``clf.0`` and ``clf.1``."""
    yield target, None, scope
    if isinstance(values, ast.Tuple | ast.List) and not any(isinstance(item, ast.Starred) for item in values.elts):
        for i, item in enumerate(values.elts):
            yield from _bind(target, item, scope, str(i))
    else:
        yield values, None, scope


def _assign(node: ast.Assign, scope: Scope) -> Iterator[Visit]:
    yield from unnamed(node.targets, scope)
    several = (ast.Tuple, ast.List)
    first = next((t for t in node.targets if isinstance(t, several) or place(t, scope)), node.targets[0])
    yield from _bind(first, node.value, scope)


def _assign_one(node: ast.AnnAssign | ast.NamedExpr, scope: Scope) -> Iterator[Visit]:
    yield node.target, None, scope
    if node.value:
        yield from _bind(node.target, node.value, scope)


def _assign_more(node: ast.AugAssign, scope: Scope) -> Iterator[Visit]:
    yield node.target, None, scope
    yield node.value, part(node.value, place(node.target, scope)), scope


def part(node: ast.expr, name: Name | None) -> Name | None:
    """The name that *node* hands to its content when it becomes a part of the container *name*: ``layers += [A(), B()]``."""
    if isinstance(node, ast.Dict | ast.DictComp):
        return name
    several = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.BinOp)
    return below(name, None) if isinstance(node, several) else None


def _with(node: ast.With | ast.AsyncWith, scope: Scope) -> Iterator[Visit]:
    for item in node.items:
        yield from _bind(item.optional_vars, item.context_expr, scope)
    yield from unnamed(node.body, scope)


def _for(node: ast.For | ast.AsyncFor, scope: Scope) -> Iterator[Visit]:
    yield from _iterate(node.target, node.iter, scope)
    yield from unnamed((*node.body, *node.orelse), scope)


def _generator(node: ast.comprehension, scope: Scope) -> Iterator[Visit]:
    yield from _iterate(node.target, node.iter, scope)
    yield from unnamed(node.ifs, scope)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Iterator[Visit]:
    parameters = [p.arg for p in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    roots = {root: name for root, name in scope.roots.items() if root not in parameters}
    decorators = {last(decorator) for decorator in node.decorator_list}
    if parameters and "staticmethod" not in decorators:
        if scope.prefix and (node.name in ("__new__", "__init_subclass__") or "classmethod" in decorators):
            roots[parameters[0]] = Name(scope.prefix)
        elif scope.prefix or parameters[0] == "self":
            roots[parameters[0]] = Name((), on_self=True)
    yield from unnamed((*node.decorator_list, node.args, node.returns), scope)
    yield from unnamed(node.body, Scope((), roots))


def _class(node: ast.ClassDef, scope: Scope) -> Iterator[Visit]:
    yield from unnamed((*node.decorator_list, *node.bases, *node.keywords), scope)
    yield from unnamed(node.body, Scope((*scope.prefix, segment(node.name)), scope.roots))


BINDINGS: dict[type[ast.AST], Callable[[Any, Scope], Iterator[Visit]]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _assign_one,
    ast.NamedExpr: _assign_one,
    ast.AugAssign: _assign_more,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.comprehension: _generator,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
}
