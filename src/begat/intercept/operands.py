"""Single instructions of woven code, and the few places where the versions of Python differ in them."""

from __future__ import annotations

import sys
from types import CodeType

from begat.intercept.assembly import OP, Instruction
from begat.intercept.constants import Gate

VERSION = sys.version_info[:2]


IF_FALSE = "POP_JUMP_FORWARD_IF_FALSE" if VERSION == (3, 11) else "POP_JUMP_IF_FALSE"
IF_NONE = "POP_JUMP_FORWARD_IF_NONE" if VERSION == (3, 11) else "POP_JUMP_IF_NONE"


def ours(name: str, arg: int = 0, target: Instruction | None = None) -> Instruction:
    """An instruction that was not in the original."""
    return Instruction(OP[name], arg, target, ours=True)


class Operands:
    """What instructions of *code*, with a *gate*, refer to: constants and names, longer than before."""

    def __init__(self, code: CodeType, gate: Gate) -> None:
        self.code = code
        self.gate = gate
        self.consts: list[object] = list(code.co_consts)
        self.names: list[str] = list(code.co_names)
        self.params = code.co_varnames

    def call(self, function: list[Instruction], arguments: list[Instruction]) -> list[Instruction]:
        """Call *function*, which takes one place on the stack, with *arguments*, which take one each."""
        # Until 3.12 the null word comes before the function, which is then one deeper for those that copy it.
        if VERSION < (3, 13):
            first = function[0]
            if first.op == OP["COPY"]:
                first.arg += 1
            start = [ours("PUSH_NULL"), *function]
        else:
            start = [*function, ours("PUSH_NULL")]
        if VERSION == (3, 11):
            arguments = [*arguments, ours("PRECALL", len(arguments))]
            return [*start, *arguments, ours("CALL", len(arguments) - 1)]
        return [*start, *arguments, ours("CALL", len(arguments))]

    def unless(self, condition: Instruction, target: Instruction) -> list[Instruction]:
        """Jump to *target* if *condition* is false."""
        test = [ours("TO_BOOL")] if VERSION >= (3, 13) else []
        return [condition, *test, ours(IF_FALSE, target=target)]

    def on_gate(self, *attributes: str) -> list[Instruction]:
        """The gate, or an attribute of it."""
        return [self.const(self.gate), *(self.attribute("LOAD_ATTR", attribute) for attribute in attributes)]

    def attribute(self, verb: str, name: str) -> Instruction:
        if name not in self.names:
            self.names.append(name)
        index = self.names.index(name)
        return ours(verb, index << 1 if verb == "LOAD_ATTR" and VERSION >= (3, 12) else index)

    def const(self, value: object) -> Instruction:
        for index, known in enumerate(self.consts):
            if known is value:
                return ours("LOAD_CONST", index)
        self.consts.append(value)
        return ours("LOAD_CONST", len(self.consts) - 1)

    def parameter(self, verb: str, position: int) -> Instruction:
        # A parameter that an inner function uses lives in a cell, in the slot of the same number.
        cell = self.params[position] in self.code.co_cellvars
        return ours(f"{verb}_{'DEREF' if cell else 'FAST'}", position)
