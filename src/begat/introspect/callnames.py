"""What a source text calls the result of each call in it: one pass over its tree, which is then dropped.

The name travels from the outside in: an assignment hands its target's name to its value, a list hands each item the name
with the item's index, a call hands its arguments that they are inline. So no node needs to know its parents.
Imported on the first question only, as `ast` is not cheap to import.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from begat.introspect.bindings import BINDINGS, Visit, part, unnamed
from begat.introspect.callsites import Call, Name, Position
from begat.introspect.places import Scope, below, key, last, place

_SELF = Name((), on_self=True)
# Builtins that only gather what they are given: `layers = list(Linear(i) for i in ...)` names the layers.
_GATHERING = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "deque", "dict", "OrderedDict"})
# Builtins that call what they are given while somebody else iterates.
_MAPPING = frozenset({"map", "filter", "starmap"})
# Classes whose parts go by index or key: `body = Sequential(A(), B())` has `body[0]`. As torch, and all who follow it, do.
_HOLDING = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_SEVERAL = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
# Methods that by custom return the object itself, beside `set_params` and `requires_grad_`: `model = Net().to("cuda").eval()`.
_FLUENT = frozenset(
    {"fit", "partial_fit", "to", "cuda", "cpu", "train", "eval", "half", "float", "double", "bfloat16", "share_memory"}
)
# Methods that put an argument into their receiver: the argument's position and that of its key, if it has one.
_PUTTING: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(("append", "appendleft", "add", "extend", "extendleft"), (0, None)),
    "insert": (1, None),
    **dict.fromkeys(("setdefault", "add_module", "register_module"), (1, 0)),
}


def named_calls(source: str) -> dict[Position, tuple[str | None, Name]]:
    """
    Every call of *source* whose result has a name: position -> (the last part of the callee's name, the result's name).

    The positions are those that the compiler gives the call's instruction. Empty for text that does not parse. Raises
    RecursionError, MemoryError and SystemError as the parser does.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler said of this text already, it should not say again
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    found: dict[Position, tuple[str | None, Name]] = {}
    todo: list[Visit] = [(tree, None, Scope())]
    while todo:
        node, name, scope = todo.pop()
        kind = type(node)
        if kind in _LEAVES:
            continue
        if name is not None and isinstance(node, ast.Call):
            # Whoever meets this call in a frame was built by it, from C: `list(map(Net, sizes))`.
            many = _builtin(node) in _GATHERING or _builtin(node) in _MAPPING
            entry = last(node.func), replace(name, counted=True) if many else name
            found.update((position, entry) for position in _positions(node))
        if kind in _EXPRESSIONS:
            todo.extend(_EXPRESSIONS[kind](node, name, scope))
        elif kind in BINDINGS:
            todo.extend(BINDINGS[kind](node, scope))
        else:
            todo.extend(unnamed(ast.iter_child_nodes(node), scope))
    return found


def _positions(call: ast.Call) -> Iterator[Position]:
    line, column = call.lineno, call.col_offset
    end_line, end_column = call.end_lineno or line, call.end_col_offset or column
    yield line, column, end_line, end_column
    # A method call over several lines is traced at the line of the method's name: the compiler moves its beginning there.
    attribute = call.func
    if isinstance(attribute, ast.Attribute) and attribute.end_lineno not in (None, line):
        yield attribute.end_lineno or line, (attribute.end_col_offset or 0) - len(attribute.attr), end_line, end_column


def _builtin(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _returns_self(method: str) -> bool:
    return method in _FLUENT or method.startswith("set_") or (method.endswith("_") and not method.startswith("_"))


def _joined(node: ast.BinOp, name: Name | None, scope: Scope) -> Iterator[Visit]:
    for operand in (node.left, node.right):
        yield operand, part(operand, name), scope


def _display(node: ast.List | ast.Tuple | ast.Set, name: Name | None, scope: Scope) -> Iterator[Visit]:
    for item, own in zip(node.elts, _items(node.elts, name), strict=True):
        yield item, own, scope


def _dictionary(node: ast.Dict, name: Name | None, scope: Scope) -> Iterator[Visit]:
    for i, (entry, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if entry is None:  # **more
            yield value, name if isinstance(value, ast.Dict) else below(name, None), scope
        else:
            yield entry, None, scope
            yield value, below(name, key(entry) or str(i)), scope


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp, name: Name | None, scope: Scope
) -> Iterator[Visit]:
    yield node.elt, below(name, None), scope
    yield from unnamed(node.generators, scope)


def _dict_comprehension(node: ast.DictComp, name: Name | None, scope: Scope) -> Iterator[Visit]:
    yield node.value, below(name, None), scope
    yield from unnamed((node.key, *node.generators), scope)


def _either(node: ast.IfExp, name: Name | None, scope: Scope) -> Iterator[Visit]:
    yield from ((node.test, None, scope), (node.body, name, scope), (node.orelse, name, scope))


def _any_of(node: ast.BoolOp, name: Name | None, scope: Scope) -> Iterator[Visit]:
    yield from ((value, name, scope) for value in node.values)


def _same(node: ast.Await | ast.Starred, name: Name | None, scope: Scope) -> Iterator[Visit]:
    yield node.value, name, scope


def _call(node: ast.Call, name: Name | None, scope: Scope) -> Iterator[Visit]:
    callee = node.func
    if isinstance(callee, ast.Attribute):
        yield callee.value, name if _returns_self(callee.attr) else None, scope
    else:
        yield callee, None, scope  # `x = Dense(64)(x)`: x is not the layer
    put, outer = _put(node, name, scope), Call(_dotted(callee), name)
    held = _held(node, name.otherwise if name is not None and name.inline else name)
    unpacked: str | None = None
    for i, argument in enumerate(_spread(node.args)):
        if unpacked is None and isinstance(argument, ast.Starred):
            unpacked = f"#{i}"
        argument = _as_dict(argument) if _builtin(node) in ("dict", "OrderedDict") else argument
        way = Name((unpacked or f"#{i}",), inline=True, counted=unpacked is not None, otherwise=held.get(i), call=outer)
        yield argument, put.get(i, way), scope
    field = _field(name, scope)
    for keyword in node.keywords:
        if keyword.arg in ("default_factory", "factory") and isinstance(keyword.value, ast.Lambda):
            yield keyword.value.body, field, scope
            continue
        steps = (keyword.arg,) if keyword.arg else ()
        way = Name(steps, inline=True, otherwise=held.get(keyword.arg), call=outer)
        yield keyword.value, put.get(keyword.arg, way), scope


def _dotted(callee: ast.expr) -> tuple[str, ...]:
    """The names of ``a.b.c``; nothing for an expression that is more than that."""
    steps: list[str] = []
    while isinstance(callee, ast.Attribute):
        steps.insert(0, callee.attr)
        callee = callee.value
    return (callee.id, *steps) if isinstance(callee, ast.Name) else ()


def _held(node: ast.Call, name: Name | None) -> dict[int | str | None, Name | None]:
    """The arguments that are parts of the object called *name*, whose class nobody may know, with the names they have there."""
    callee = last(node.func) or ""
    if name is None or not callee[:1].isupper():  # by custom, what builds an object of its own is a class
        return {}
    held: dict[int | str | None, Name | None] = {k.arg: below(name, k.arg) for k in node.keywords if k.arg}
    if callee in _HOLDING:
        only = node.args[0] if len(node.args) == 1 else None
        if isinstance(only, _SEVERAL) or (isinstance(only, ast.Call) and _builtin(only) in _GATHERING):
            return {**held, 0: name}
        held.update(enumerate(_items(_spread(node.args), name)))
    return held


def _field(name: Name | None, scope: Scope) -> Name | None:
    """The name that an attribute *name* of the class being defined has on its instances."""
    if name is None or name.counted or not scope.prefix or name.segments[:-1] != scope.prefix:
        return None
    return Name(name.segments[-1:], on_self=True)


def _as_dict(argument: ast.expr) -> ast.expr:
    """``[("a", A()), ("b", B())]`` as the dictionary that is made of it."""
    pairs = argument.elts if isinstance(argument, ast.List | ast.Tuple) else []
    if not pairs or not all(isinstance(pair, ast.Tuple) and len(pair.elts) == 2 for pair in pairs):
        return argument
    return ast.Dict([pair.elts[0] for pair in pairs], [pair.elts[1] for pair in pairs])  # type: ignore[attr-defined]  # tuples


def _spread(arguments: list[ast.expr]) -> Iterator[ast.expr]:
    """*arguments* with ``*[A(), B()]`` written out."""
    for argument in arguments:
        inner = argument.value if isinstance(argument, ast.Starred) else None
        if isinstance(inner, ast.List | ast.Tuple):
            yield from inner.elts
        else:
            yield argument


def _put(node: ast.Call, name: Name | None, scope: Scope) -> dict[int | str | None, Name | None]:
    """The arguments (by position or keyword) that the callee puts somewhere, with the names they have there."""
    callee, arguments = node.func, node.args
    if _builtin(node) in _GATHERING:
        return {0: name, **_entries(node, name)}
    if _builtin(node) == "setattr" and len(arguments) == 3:
        return {2: below(place(arguments[0], scope), key(arguments[1]))}
    if not isinstance(callee, ast.Attribute):
        return {}
    if callee.attr == "__init__" and isinstance(callee.value, ast.Call) and _builtin(callee.value) == "super":
        return {**dict(enumerate(_items(_spread(arguments), _SELF))), **_entries(node, _SELF)}
    receiver = place(callee.value, scope)
    if receiver is None:
        return {}
    if callee.attr == "update":
        return {0: receiver, **_entries(node, receiver)}
    at, key_at = _PUTTING.get(callee.attr, (None, None))
    # With more arguments it is something else: `np.append(x, y)`.
    if at is None or len(arguments) != at + 1:
        return {}
    return {at: below(receiver, None if key_at is None else key(arguments[key_at]))}


def _entries(node: ast.Call, name: Name | None) -> dict[int | str | None, Name | None]:
    return {keyword.arg: below(name, keyword.arg) if keyword.arg else name for keyword in node.keywords}


def _items(items: Iterable[ast.expr], name: Name | None) -> list[Name | None]:
    """The names of the items of a container called *name*: by index, unless some of them are unpacked from elsewhere."""
    listed = list(items)
    known = not any(isinstance(item, ast.Starred) for item in listed)
    return [below(name, str(i) if known else None) for i in range(len(listed))]


_LEAVES = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, ast.arg, ast.alias, ast.Import, ast.ImportFrom})

_EXPRESSIONS: dict[type[ast.AST], Callable[[Any, Name | None, Scope], Iterator[Visit]]] = {
    ast.BinOp: _joined,
    ast.List: _display,
    ast.Tuple: _display,
    ast.Set: _display,
    ast.Dict: _dictionary,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.IfExp: _either,
    ast.BoolOp: _any_of,
    ast.Await: _same,
    ast.Starred: _same,
    ast.Call: _call,
}
