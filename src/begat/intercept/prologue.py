"""The prologue: a few instructions woven into a function's own code that tell us who was called with what.

The function stays the same object and no frame of ours stands between the caller and the body, so tracebacks, warnings,
frame walkers, pickles and compilers see what they always saw. In Python the woven code would read::

    def __init__(self, a, b=DEFAULT):
        leave = GATE.enter(self, a, b) if LISTENING else None      # b is NOT_GIVEN where the caller left it out
        if type(leave) is tuple:
            given, leave = leave
            if given is None: return leave                         # the body runs later, or not at all
            if type(given) is not tuple: raise leave               # this call is refused
            self, a, b = given                                     # it runs with other arguments
        if b is NOT_GIVEN: b = DEFAULT
        try: <the body>                                            # on return: if leave: leave()
        except: GATE.failed(leave, error) if leave; raise

*leave* lives at the bottom of the value stack, not in a variable: ``locals()`` shows nothing.

Invariant: when nobody listens, woven code does what the original did, wherever it has travelled. Pickled by value (by
cloudpickle, say) the constants below turn into plain empty ones, so that the code runs where begat is not installed.
"""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import Any

from begat.intercept.assembly import OP, Instruction, Listing, Position, Row, covered, decode, encode
from begat.intercept.constants import LISTENING, NOT_GIVEN, Defaults, Gate, KeywordDefaults, default_at
from begat.intercept.operands import IF_FALSE, IF_NONE, VERSION, Operands, ours

_CO_VARARGS, _CO_VARKEYWORDS = 0x04, 0x08
_CO_SUSPENDS = 0x20 | 0x80 | 0x200  # generator, coroutine, asynchronous generator
_DEEPEST = 9  # what the handler needs: leave, position, two exceptions, a call with two arguments
_EXHAUSTED = (RecursionError, MemoryError)
_LITERALS = (type(None), bool, int, float, str, bytes)


def refusal(function: FunctionType) -> str | None:
    """Why *function* cannot be woven, or None."""
    if VERSION > (3, 14) or sys.implementation.name != "cpython":
        return f"begat knows the bytecode of CPython 3.11 to 3.14, and this is {sys.implementation.name} {sys.version.split()[0]}"
    if function.__code__.co_flags & _CO_SUSPENDS:
        return "it is a generator or a coroutine: its body does not run when it is called"
    return None


def weave(
    function: FunctionType, gate: Gate, *, result: bool = False, again: bool = False
) -> tuple[CodeType, Any, Any]:
    """
    Code and defaults for *function* that go through *gate*; the function itself is not changed.

    *enter* is called with all parameters in the order of the code object (positional, keyword-only, ``*args``,
    ``**kwargs``) and returns None or what to call when the function returns: with nothing, or with the returned object
    if *result*. Or a pair: other values for all parameters, and what to call; None and what the function is to return at
    once; False and what it is to raise. A function that is woven *again* keeps its placeholders.
    """
    return _Weaver(function, gate, again).weave(result)


def written(code: CodeType) -> CodeType:
    """*code* as it was written, also where a copy of a woven function has it."""
    for const in reversed(code.co_consts):
        if type(const) is Gate:
            return const.code or code
    return code


class _Weaver(Operands):
    def __init__(self, function: FunctionType, gate: Gate, again: bool) -> None:
        code = written(function.__code__)
        super().__init__(code, gate)
        self.function = function
        gate.code = code
        defaults, keywords = function.__defaults__, function.__kwdefaults__
        if not again:
            # A copy of a woven function has its defaults too: the real ones are in them.
            defaults = Defaults(defaults.real if type(defaults) is Defaults else defaults) if defaults else defaults
            if keywords:
                keywords = KeywordDefaults(keywords.real if type(keywords) is KeywordDefaults else keywords)
        self.defaults: Any = defaults
        self.keywords: Any = keywords
        self.leaving: list[tuple[Instruction, Instruction]] = []  # each call of *leave* and what comes after it
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
        prologue, entering, start = self._prologue(woven[0], head[-1].position)
        handlers, failing = self._handlers()
        # The prologue has no position: any line would be an event more for debuggers and coverage.
        instructions = head + prologue + woven + handlers
        table = [
            (moved.get(start, start), moved.get(end, end), moved.get(target, target), depth + 1, lasti)
            for start, end, target, depth, lasti in listing.table
        ]
        if start is not woven[0]:
            entering.append((start, woven[0], handlers[0], 1, 1))
        rows = covered(instructions, [*entering, *failing, *table], woven, handlers[0], listing.end)
        code = encode(
            self.code,
            Listing(instructions, rows, listing.end),
            consts=tuple(self.consts),
            names=tuple(self.names),
            stacksize=max(self.code.co_stacksize + 1, self.count + 3, _DEEPEST),
        )
        return code, self.defaults, self.keywords

    def _prologue(self, body: Instruction, above: Position) -> tuple[list[Instruction], list[Row], Instruction]:
        """Leave on the stack what *enter* returned; then, from the last instruction that is returned, store the defaults."""
        defaults = self._defaults(body)
        start = defaults[0] if defaults else body
        idle = self.const(None)
        call = self.call(self.on_gate("enter"), [self.parameter("LOAD", i) for i in range(self.count)])
        back, refused = ours("RETURN_VALUE"), ours("RAISE_VARARGS", 1)
        later = ours(IF_NONE, target=back)
        # Without a call: what falls between two (a signal, a finalizer) may make calls that are answered, too.
        waits = [
            ours("MATCH_SEQUENCE"),
            ours(IF_FALSE, target=start),
            ours("UNPACK_SEQUENCE", 2),
            ours("MATCH_SEQUENCE"),
            ours(IF_FALSE, target=later),
            ours("UNPACK_SEQUENCE", self.count),
            *(self.parameter("STORE", i) for i in range(self.count)),
            ours("JUMP_FORWARD", target=start),
            later,
            refused,
            back,
        ]
        refused.position = above  # a traceback wants a line
        missed = self._missed(start)
        instructions = [*self.unless(self.const(LISTENING), idle), *call, *waits, *missed, idle, *defaults]
        return instructions, [(call[0], waits[0], missed[0], 0, 0)], start

    def _missed(self, start: Instruction) -> list[Instruction]:
        """No room left for *enter*: the program, which may need less, goes on unrecorded."""
        away = ours("SWAP", 2)
        return [
            ours("PUSH_EXC_INFO"),
            *self._unless_exhausted(away),
            *self.on_gate("missed"),
            self.const(None),
            ours("LIST_APPEND", 1),
            ours("POP_TOP"),
            ours("POP_TOP"),
            ours("POP_EXCEPT"),
            self.const(None),
            ours("JUMP_FORWARD", target=start),
            away,
            ours("POP_EXCEPT"),
            ours("RERAISE"),
        ]

    def _defaults(self, body: Instruction) -> list[Instruction]:
        """``if p is NOT_GIVEN: p = DEFAULT`` for every parameter that has one."""
        code = self.code
        out: list[Instruction] = []
        defaults = self.defaults.real if self.defaults else ()
        pairs = list(enumerate(defaults, code.co_argcount - len(defaults)))
        keywords = self.keywords.real if type(self.keywords) is KeywordDefaults else {}
        pairs += [
            (i, keywords[p]) for i, p in enumerate(self.params[: self.named]) if i >= code.co_argcount and p in keywords
        ]
        last = body
        for position, default in reversed(pairs):
            block = [
                self.parameter("LOAD", position),
                self.const(NOT_GIVEN),
                ours("IS_OP"),
                ours(IF_FALSE, target=last),
                *self._default(position, default),
                self.parameter("STORE", position),
            ]
            out[:0] = block
            last = block[0]
        return out

    def _default(self, position: int, default: object) -> list[Instruction]:
        if _is_literal(default):
            return [self.const(default)]
        # Anything else may be unhashable, and code objects hash their constants: it hangs on the gate.
        name = f"{self.params[position]}_default"
        called = self.gate.hold(name, default, default_at(self.function, position, self.defaults, self.keywords))
        return self.call(self.on_gate(name), []) if called else self.on_gate(name)

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
                block.insert(0, ours("LOAD_CONST", instruction.arg))
            for each in block:
                each.position = instruction.position
            moved[instruction] = block[0]
            out += block
        return out

    def _epilogue(self, result: bool) -> list[Instruction]:
        """With *leave* and the value to return on the stack: call *leave* if there is one, return the value."""
        end = [ours("SWAP", 2), ours("POP_TOP"), ours("RETURN_VALUE")]
        arguments = [ours("COPY", 3)] if result else []
        call = self.call([ours("COPY", 2)], arguments)
        done = ours("POP_TOP")
        self.leaving.append((call[0], done))
        return [ours("COPY", 2), ours(IF_NONE, target=end[0]), *call, done, *end]

    def _handlers(self) -> tuple[list[Instruction], list[Row]]:
        """What runs when the body fails, and when an interrupt falls on the instructions that call us."""
        # Stack: leave, position, exception; then leave, position, previous exception, exception.
        quiet = ours("SWAP", 2)
        call = self.call(self.on_gate("failed"), [ours("COPY", 6), ours("COPY", 4)])
        done = ours("POP_TOP")
        failed = [
            ours("PUSH_EXC_INFO"),
            ours("COPY", 4),
            ours(IF_NONE, target=quiet),
            *call,
            done,
            quiet,
            ours("POP_EXCEPT"),
            ours("RERAISE", 1),
        ]
        # *failed* itself did not get through: leave, position, previous, exception; previous (that exception), new exception.
        away = ours("SWAP", 2)
        broken = [
            ours("PUSH_EXC_INFO"),
            *self._doubt(6),
            *self._unless_exhausted(away),
            ours("POP_TOP"),
            ours("POP_EXCEPT"),
            ours("SWAP", 2),
            ours("POP_EXCEPT"),
            ours("RERAISE", 1),
            away,
            ours("POP_EXCEPT"),
            ours("SWAP", 3),
            ours("POP_EXCEPT"),
            ours("POP_TOP"),
            ours("RERAISE", 1),
        ]
        # *leave* did not, or was interrupted when it had done its work: leave, position, exception.
        late = [*self._doubt(3), ours("RERAISE", 1)]
        rows: list[Row] = [(call[0], done, broken[0], 4, 0)]
        rows += [(start, end, late[0], 1, 1) for start, end in self.leaving]
        return failed + broken + late, rows

    def _doubt(self, depth: int) -> list[Instruction]:
        """``leave.__self__.lane.thread = None``, without a call: the next construction looks what is still going on."""
        return [
            self.const(None),
            ours("COPY", depth + 1),
            *(self.attribute("LOAD_ATTR", name) for name in ("__self__", "lane")),
            self.attribute("STORE_ATTR", "thread"),
        ]

    def _unless_exhausted(self, target: Instruction) -> list[Instruction]:
        return [self.const(_EXHAUSTED), ours("CHECK_EXC_MATCH"), ours(IF_FALSE, target=target)]


def _is_literal(value: object) -> bool:
    if type(value) is tuple:
        return all(type(item) is not tuple and _is_literal(item) for item in value)
    # A code object puts the interned string in the place of an equal one: the default would be another object.
    return type(value) in _LITERALS and (type(value) is not str or sys.intern(value) is value)
