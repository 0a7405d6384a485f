"""Classes are tracked as soon as they are defined: an instruction is woven in before each class is bound to its name.

That is after all its decorators (``@dataclass(slots=True)`` and attrs make a new class) and before anything can build one.
Working on bytecode keeps positions, ``.pyc`` files and loaders as they are; nothing is parsed again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from begat.intercept.assembly import OP, Instruction, Listing, Position, decode, encode, insert

_BUILD = OP["LOAD_BUILD_CLASS"]
_STORES = frozenset(
    op for name, op in OP.items() if name in ("STORE_NAME", "STORE_GLOBAL", "STORE_FAST", "STORE_DEREF")
)
_NAMED = frozenset((OP["STORE_NAME"], OP["STORE_GLOBAL"]))
_VERSION = sys.version_info[:2]


class Noticer:
    """What a woven definition calls with its class. Pickled by value it turns into a call that does nothing."""

    __slots__ = ("notice",)

    def __init__(self, notice: Callable[[Any], None]) -> None:
        self.notice = notice

    def __call__(self, cls: Any) -> None:
        self.notice(cls)

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return partial, (callable,)


def weave_module(code: CodeType, noticer: Noticer, done: Callable[[], None]) -> CodeType:
    """*code* of a module with *noticer* called on its classes, as `weave_definitions`, and *done* when it has been executed."""
    code = weave_definitions(code, noticer)
    listing = decode(code)
    index = len(code.co_consts)
    return _woven(code, listing, {i: _call(index, i.position, []) for i in listing.instructions if i.returns}, done)


def weave_definitions(code: CodeType, noticer: Noticer) -> CodeType:
    """*code*, and all code inside it, with *noticer* called on every class that a ``class`` statement makes."""
    consts = tuple(weave_definitions(c, noticer) if isinstance(c, CodeType) else c for c in code.co_consts)
    if any(new is not old for new, old in zip(consts, code.co_consts, strict=True)):
        code = code.replace(co_consts=consts)
    # Most code defines no class; looking at the bytes is much cheaper than decoding them.
    if _BUILD not in code.co_code[::2]:
        return code
    listing = decode(code)
    blocks: dict[Instruction, list[Instruction]] = {}
    awaited: list[str] = []
    for position, instruction in enumerate(listing.instructions):
        if instruction.op == _BUILD:
            name = _class_name(code, listing.instructions, position)
            if name:
                awaited.append(name)
        if awaited and instruction.op in _STORES and _stores(code, instruction, awaited[-1]):
            awaited.pop()
            blocks[instruction] = _notice(len(consts), instruction)
    return _woven(code, listing, blocks, noticer) if blocks else code


def _woven(
    code: CodeType, listing: Listing, blocks: dict[Instruction, list[Instruction]], constant: Callable[..., None]
) -> CodeType:
    # What jumps to such an instruction (a conditional decorator) comes by its block.
    insert(listing, blocks)
    consts = (*code.co_consts, constant)
    return encode(code, listing, consts=consts, names=code.co_names, stacksize=code.co_stacksize + 4)


def _class_name(code: CodeType, instructions: list[Instruction], position: int) -> str | None:
    """The name of the class whose building begins at *position*: that of the code object it is made of."""
    for instruction in instructions[position + 1 : position + 8]:
        if instruction.op == OP["LOAD_CONST"]:
            const = code.co_consts[instruction.arg]
            if isinstance(const, CodeType):
                return const.co_name
    return None


def _stores(code: CodeType, instruction: Instruction, name: str) -> bool:
    stored = code.co_names[instruction.arg] if instruction.op in _NAMED else _slots(code)[instruction.arg]
    # Private names are mangled where they are bound, not in the name of the class's own code.
    return stored == name or (name.startswith("__") and stored.endswith(name))


def _slots(code: CodeType) -> tuple[str, ...]:
    # Cells that are also parameters share the slot of the parameter.
    cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
    return code.co_varnames + cells + code.co_freevars


def _notice(const: int, store: Instruction) -> list[Instruction]:
    """With the class on the stack: call the constant with it, keep the class."""
    return _call(const, store.position, [Instruction(OP["COPY"], 3, None, store.position, True)])


def _call(const: int, position: Position, arguments: list[Instruction]) -> list[Instruction]:
    def ours(name: str, arg: int = 0) -> Instruction:
        return Instruction(OP[name], arg, None, position, True)

    if _VERSION < (3, 13):
        start = [ours("PUSH_NULL"), ours("LOAD_CONST", const)]
    else:
        start = [ours("LOAD_CONST", const), ours("PUSH_NULL")]
    precall = [ours("PRECALL", len(arguments))] if _VERSION == (3, 11) else []
    return [*start, *arguments, *precall, ours("CALL", len(arguments)), ours("POP_TOP")]
