"""The prologue: a few instructions woven into a function's own code that tell us who was called with what.

The function stays the same object and no frame of ours stands between the caller and the body, so tracebacks, warnings,
frame walkers, pickles and compilers see what they always saw. In Python the woven code would read::

    def __init__(self, a, b=DEFAULT):
        leave = GATE.enter(self, a, b) if LISTENING else None      # b is NOT_GIVEN where the caller left it out
        if leave is WAITING: return None                           # the body runs later
        if b is NOT_GIVEN: b = DEFAULT
        try: <the body>                                            # on return: if leave: leave()
        except: GATE.failed(leave, error) if leave; raise

*leave* lives at the bottom of the value stack, not in a variable: ``locals()`` shows nothing.

Invariant: when nobody listens, woven code does what the original did, wherever it has travelled. Pickled by value (by
cloudpickle, say) the constants below turn into plain empty ones, so that the code runs where begat is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.intercept.assembly import OP, Instruction, Listing, Row, decode, encode
from begat.intercept.constants import LISTENING, NOT_GIVEN, WAITING, Defaults, Gate, KeywordDefaults

_VERSION = sys.version_info[:2]
_CO_VARARGS, _CO_VARKEYWORDS = 0x04, 0x08
_CO_SUSPENDS = 0x20 | 0x80 | 0x200  # generator, coroutine, asynchronous generator
_DEEPEST = 9  # what the handler needs: leave, position, two exceptions, a call with two arguments
_LITERALS = (type(None), bool, int, float, str, bytes)


def refusal(function: FunctionType) -> str | None:
    """Why *function* cannot be woven, or None."""
    if _VERSION > (3, 14) or sys.implementation.name != "cpython":
        return f"begat knows the bytecode of CPython 3.11 to 3.14, and this is {sys.implementation.name} {sys.version.split()[0]}"
    if function.__code__.co_flags & _CO_SUSPENDS:
        return "it is a generator or a coroutine: its body does not run when it is called"
    return None


def weave(function: FunctionType, gate: Gate, *, result: bool = False) -> tuple[CodeType, Any, Any]:
    """
    Code and defaults for *function* that go through *gate*; the function itself is not changed.

    *enter* is called with all parameters in the order of the code object (positional, keyword-only, ``*args``,
    ``**kwargs``) and returns None or what to call when the function returns: with nothing, or with the returned object
    if *result*.
    """
    return _Weaver(function, gate).weave(result)


def written(code: CodeType) -> CodeType:
    """*code* as it was written, also where a copy of a woven function has it."""
    for const in reversed(code.co_consts):
        if type(const) is Gate:
            return const.code or code
    return code


class _Weaver:
    def __init__(self, function: FunctionType, gate: Gate) -> None:
        self.function = function
        self.gate = gate
        self.code = code = written(function.__code__)
        gate.code = code
        self.consts: list[object] = list(code.co_consts)
        self.names: list[str] = list(code.co_names)
        self.named = code.co_argcount + code.co_kwonlyargcount
        self.count = self.named + bool(code.co_flags & _CO_VARARGS) + bool(code.co_flags & _CO_VARKEYWORDS)
        self.params = code.co_varnames[: self.count]

    def weave(self, result: bool) -> tuple[CodeType, Any, Any]:
        listing = decode(self.code)
        at = next(i for i, instruction in enumerate(listing.instructions) if instruction.op == OP["RESUME"]) + 1
        head, body = listing.instructions[:at], listing.instructions[at:]
        moved: dict[Instruction, Instruction] = {}  # a return → the first of the instructions that stand for it now
        woven = self._with_epilogues(body, moved, result)
        for instruction in woven:
            if instruction.target in moved:
                instruction.target = moved[instruction.target]
        handler = self._handler()
        # The prologue has no position: any line would be an event more for debuggers and coverage.
        instructions = head + self._prologue(woven[0], result) + woven + handler
        table = [
            (moved.get(start, start), moved.get(end, end), moved.get(target, target), depth + 1, lasti)
            for start, end, target, depth, lasti in listing.table
        ]
        rows = _covered(instructions, table, woven, handler[0], listing.end)
        code = encode(
            self.code,
            Listing(instructions, rows, listing.end),
            consts=tuple(self.consts),
            names=tuple(self.names),
            stacksize=max(self.code.co_stacksize + 1, self.count + 3, _DEEPEST),
        )
        defaults, keywords = self.function.__defaults__, self.function.__kwdefaults__
        return (
            code,
            Defaults(tuple(defaults)) if defaults else defaults,
            KeywordDefaults(dict(keywords)) if keywords else keywords,
        )

    def _prologue(self, body: Instruction, result: bool) -> list[Instruction]:
        start = self._defaults(body)
        idle = self._const(None)
        arguments = [self._parameter("LOAD", i) for i in range(self.count)]
        return [
            *self._unless(self._const(LISTENING), idle),
            *self._call(self._gate("enter"), arguments),
            _ours("COPY", 1),
            self._const(WAITING),
            _ours("IS_OP"),
            _ours(_IF_FALSE, target=start[0] if start else body),
            _ours("POP_TOP"),
            *(self._call(self._gate("taken"), []) if result else [self._const(None)]),
            _ours("RETURN_VALUE"),
            idle,
            *start,
        ]

    def _defaults(self, body: Instruction) -> list[Instruction]:
        """``if p is NOT_GIVEN: p = DEFAULT`` for every parameter that has one."""
        code = self.code
        out: list[Instruction] = []
        defaults = tuple(self.function.__defaults__ or ())
        pairs = list(enumerate(defaults, code.co_argcount - len(defaults)))
        keywords = self.function.__kwdefaults__ or {}
        pairs += [
            (i, keywords[p]) for i, p in enumerate(self.params[: self.named]) if i >= code.co_argcount and p in keywords
        ]
        last = body
        for position, default in reversed(pairs):
            block = [
                self._parameter("LOAD", position),
                self._const(NOT_GIVEN),
                _ours("IS_OP"),
                _ours(_IF_FALSE, target=last),
                *self._default(position, default),
                self._parameter("STORE", position),
            ]
            out[:0] = block
            last = block[0]
        return out

    def _default(self, position: int, default: object) -> list[Instruction]:
        if _is_literal(default):
            return [self._const(default)]
        # Anything else may be unhashable, and code objects hash their constants: it hangs on the gate.
        name = f"{self.params[position]}_default"
        return self._gate(*self.gate.hold(name, default, self._lookup(position)))

    def _lookup(self, position: int) -> Callable[[], object]:
        """Finds the default of a parameter in the function, which is held weakly."""
        function, code = ref(self.function), self.code

        def found() -> object:
            living = function()
            if living is None:
                raise ReferenceError("the function is gone")
            if position >= code.co_argcount:
                return (living.__kwdefaults__ or {})[code.co_varnames[position]]
            return (living.__defaults__ or ())[position - code.co_argcount]

        return found

    def _with_epilogues(
        self, body: list[Instruction], moved: dict[Instruction, Instruction], result: bool
    ) -> list[Instruction]:
        out = []
        for instruction in body:
            if not instruction.returns:
                out.append(instruction)
                continue
            block = self._epilogue(result)
            if instruction.op != OP["RETURN_VALUE"]:
                block.insert(0, _ours("LOAD_CONST", instruction.arg))
            for ours in block:
                ours.position = instruction.position
            moved[instruction] = block[0]
            out += block
        return out

    def _epilogue(self, result: bool) -> list[Instruction]:
        """With *leave* and the value to return on the stack: call *leave* if there is one, return the value."""
        quiet = _ours("SWAP", 2)
        end = [quiet, _ours("POP_TOP"), _ours("RETURN_VALUE")]
        arguments = [_ours("COPY", 3)] if result else []
        return [
            _ours("COPY", 2),
            _ours(_IF_NONE, target=quiet),
            *self._call([_ours("COPY", 2)], arguments),
            _ours("POP_TOP"),
            *end,
        ]

    def _handler(self) -> list[Instruction]:
        """With *leave*, the faulting position and the exception on the stack: report, and let the exception go on."""
        quiet = _ours("SWAP", 2)
        # Under the arguments: leave, position, previous exception, exception, and the two words of the call.
        arguments = [_ours("COPY", 6), _ours("COPY", 4)]
        return [
            _ours("PUSH_EXC_INFO"),
            _ours("COPY", 4),
            _ours(_IF_NONE, target=quiet),
            *self._call(self._gate("failed"), arguments),
            _ours("POP_TOP"),
            quiet,
            _ours("POP_EXCEPT"),
            _ours("RERAISE", 1),
        ]

    # --- the few places where the versions differ -------------------------------------------------------------------
    def _call(self, function: list[Instruction], arguments: list[Instruction]) -> list[Instruction]:
        # Until 3.12 the null word comes before the function, which is then one deeper for those that copy it.
        if _VERSION < (3, 13):
            first = function[0]
            if first.op == OP["COPY"]:
                first.arg += 1
            start = [_ours("PUSH_NULL"), *function]
        else:
            start = [*function, _ours("PUSH_NULL")]
        if _VERSION == (3, 11):
            arguments = [*arguments, _ours("PRECALL", len(arguments))]
            return [*start, *arguments, _ours("CALL", len(arguments) - 1)]
        return [*start, *arguments, _ours("CALL", len(arguments))]

    def _unless(self, condition: Instruction, target: Instruction) -> list[Instruction]:
        test = [_ours("TO_BOOL")] if _VERSION >= (3, 13) else []
        return [condition, *test, _ours(_IF_FALSE, target=target)]

    def _gate(self, *attributes: str) -> list[Instruction]:
        found = [self._const(self.gate)]
        for attribute in attributes:
            if attribute not in self.names:
                self.names.append(attribute)
            index = self.names.index(attribute)
            found.append(_ours("LOAD_ATTR", index << 1 if _VERSION >= (3, 12) else index))
        return found

    # --- operands -----------------------------------------------------------------------------------------------------
    def _const(self, value: object) -> Instruction:
        for index, known in enumerate(self.consts):
            if known is value:
                return _ours("LOAD_CONST", index)
        self.consts.append(value)
        return _ours("LOAD_CONST", len(self.consts) - 1)

    def _parameter(self, verb: str, position: int) -> Instruction:
        # A parameter that an inner function uses lives in a cell, in the slot of the same number.
        cell = self.params[position] in self.code.co_cellvars
        return _ours(f"{verb}_{'DEREF' if cell else 'FAST'}", position)


def _is_literal(value: object) -> bool:
    return type(value) in _LITERALS or (type(value) is tuple and all(type(item) in _LITERALS for item in value))


_IF_FALSE = "POP_JUMP_FORWARD_IF_FALSE" if _VERSION == (3, 11) else "POP_JUMP_IF_FALSE"
_IF_NONE = "POP_JUMP_FORWARD_IF_NONE" if _VERSION == (3, 11) else "POP_JUMP_IF_NONE"


def _ours(name: str, arg: int = 0, target: Instruction | None = None) -> Instruction:
    return Instruction(OP[name], arg, target, ours=True)


def _covered(
    instructions: list[Instruction], table: list[Row], body: list[Instruction], handler: Instruction, end: Instruction
) -> list[Row]:
    """*table* with its gaps inside *body* filled by *handler*: every instruction of the original is covered once."""
    place = {instruction: index for index, instruction in enumerate(instructions)}
    place[end] = place[handler]
    cover: list[tuple[Instruction, int, int] | None] = [None] * (len(instructions) + 1)
    first = place[body[0]]
    for offset, instruction in enumerate(body):
        if not instruction.ours:
            cover[first + offset] = (handler, 1, 1)
    for start, stop, target, depth, lasti in table:
        for index in range(place[start], place[stop]):
            cover[index] = (target, depth, lasti)
    rows: list[Row] = []
    begin = 0
    for index in range(1, len(cover)):
        if cover[index] != cover[begin]:
            how = cover[begin]
            if how is not None:
                rows.append((instructions[begin], instructions[index], *how))
            begin = index
    return rows
