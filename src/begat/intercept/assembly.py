"""Bytecode as a list one can edit: decode a code object into instructions, encode instructions into a code object.

Invariant: ``encode(code, *decode(code))`` is *code*, byte for byte: instructions, line table, exception table. Jumps hold
their target instruction instead of a distance, so that inserting anywhere is a list operation.
"""

from __future__ import annotations

import opcode
from collections.abc import Iterator
from types import CodeType

OP = opcode.opmap
_EXTENDED = OP["EXTENDED_ARG"]
_JUMPS = frozenset(opcode.hasjrel)
_BACKWARD = frozenset(number for name, number in OP.items() if "BACKWARD" in name)
_RETURNS = frozenset(number for name, number in OP.items() if name in ("RETURN_VALUE", "RETURN_CONST"))
# The number of cache units behind each instruction: a list by number until 3.12, a dict by name since.
_entries = opcode._inline_cache_entries  # type: ignore[attr-defined]  # not in the stubs; checked by the self-test
_CACHES: list[int] = [0] * 256
for _name, _number in OP.items():
    if _number < 256:
        _CACHES[_number] = _entries.get(_name, 0) if isinstance(_entries, dict) else _entries[_number]

Position = tuple[int | None, int | None, int | None, int | None]
NOWHERE: Position = (None, None, None, None)


class Instruction:
    """One instruction; *target* is the instruction a jump goes to, *ours* marks what was not in the original."""

    __slots__ = ("arg", "at", "op", "ours", "position", "size", "target")

    def __init__(
        self,
        op: int,
        arg: int = 0,
        target: Instruction | None = None,
        position: Position = NOWHERE,
        ours: bool = False,
    ) -> None:
        self.op = op
        self.arg = arg
        self.target = target
        self.position = position
        self.ours = ours
        self.at = 0
        self.size = 1

    @property
    def returns(self) -> bool:
        return self.op in _RETURNS


# One row of the exception table: from *start* up to, not including, *end*, go to *target* with the stack cut to *depth*.
Row = tuple[Instruction, Instruction, Instruction, int, int]


class Listing:
    """The instructions of a code object and its exception table; *end* stands behind the last instruction."""

    __slots__ = ("end", "instructions", "table")

    def __init__(self, instructions: list[Instruction], table: list[Row], end: Instruction) -> None:
        self.instructions = instructions
        self.table = table
        self.end = end


def decode(code: CodeType) -> Listing:
    """The instructions of *code*, specialization undone, extended arguments merged."""
    raw = code.co_code
    positions = list(code.co_positions())
    at: dict[int, Instruction] = {}
    instructions = []
    arg, unit, start, units = 0, 0, 0, len(raw) // 2
    while unit < units:
        op = raw[2 * unit]
        arg = arg << 8 | raw[2 * unit + 1]
        if op == _EXTENDED:
            unit += 1
            continue
        instruction = Instruction(op, arg, None, positions[unit])
        unit += 1 + _CACHES[op]
        at[start] = instruction
        instruction.at = unit  # jumps count from behind the instruction and its caches
        instructions.append(instruction)
        arg, start = 0, unit
    end = at[units] = Instruction(OP["NOP"])
    for instruction in instructions:
        if instruction.op in _JUMPS:
            distance = -instruction.arg if instruction.op in _BACKWARD else instruction.arg
            instruction.target = at[instruction.at + distance]
    numbers = list(_varints(code.co_exceptiontable))
    table = [
        (at[first], at[first + length], at[target], depth >> 1, depth & 1)
        for first, length, target, depth in zip(*[iter(numbers)] * 4, strict=True)
    ]
    return Listing(instructions, table, end)


def insert(listing: Listing, blocks: dict[Instruction, list[Instruction]]) -> None:
    """Put each block before its instruction: what jumped to that one comes by the block."""
    found: list[Instruction] = []
    for instruction in listing.instructions:
        if instruction.target in blocks:
            instruction.target = blocks[instruction.target][0]
        found += [*blocks.get(instruction, ()), instruction]
    listing.instructions = found


def covered(
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


def encode(
    code: CodeType, listing: Listing, *, consts: tuple[object, ...], names: tuple[str, ...], stacksize: int
) -> CodeType:
    """*code* with the instructions of *listing* instead of its own."""
    _lay_out(listing)
    raw = bytearray()
    for instruction in listing.instructions:
        op, arg = instruction.op, instruction.arg
        caches = _CACHES[op]
        for extra in range(instruction.size - caches - 1, 0, -1):
            raw += bytes((_EXTENDED, arg >> 8 * extra & 0xFF))
        raw += bytes((op, arg & 0xFF))
        if caches:
            raw += bytes(2 * caches)
    return code.replace(
        co_code=bytes(raw),
        co_linetable=_line_table(listing.instructions, code.co_firstlineno),
        co_exceptiontable=_exception_table(listing.table),
        co_consts=consts,
        co_names=names,
        co_stacksize=stacksize,
    )


def _lay_out(listing: Listing) -> None:
    # A jump grows with its distance and the distance with the jumps in between: grow until nothing does.
    for instruction in listing.instructions:
        instruction.size = _size(instruction)
    jumps = [instruction for instruction in listing.instructions if instruction.target is not None]
    growing = True
    while growing:
        at = 0
        for instruction in listing.instructions:
            instruction.at = at
            at += instruction.size
        listing.end.at = at
        growing = False
        for jump in jumps:
            target = jump.target
            assert target is not None
            distance = target.at - jump.at - jump.size
            jump.arg = -distance if jump.op in _BACKWARD else distance
            if jump.arg < 0:
                raise ValueError("a jump changed its direction")
            size = _size(jump)
            if size > jump.size:
                jump.size, growing = size, True


def _size(instruction: Instruction) -> int:
    arg = instruction.arg
    return 1 + _CACHES[instruction.op] + (arg > 0xFF) + (arg > 0xFFFF) + (arg > 0xFFFFFF)


def _line_table(instructions: list[Instruction], line: int) -> bytes:
    # https://github.com/python/cpython/blob/main/InternalDocs/code_objects.md: one entry for at most 8 units.
    out = bytearray()
    for instruction in instructions:
        first, last, column, end_column = instruction.position
        left = instruction.size
        while left:
            units = min(left, 8)
            left -= units
            if first is None:
                out.append(0x80 | 15 << 3 | units - 1)
                continue
            whole = last is not None and column is not None and end_column is not None
            out.append(0x80 | (14 if whole else 13) << 3 | units - 1)
            step, line = first - line, first
            _put_low_first(out, -step << 1 | 1 if step < 0 else step << 1)
            if last is not None and column is not None and end_column is not None:
                _put_low_first(out, last - first)
                _put_low_first(out, column + 1)
                _put_low_first(out, end_column + 1)
    return bytes(out)


def _put_low_first(out: bytearray, number: int) -> None:
    while number >= 64:
        out.append(64 | number & 63)
        number >>= 6
    out.append(number)


def _exception_table(table: list[Row]) -> bytes:
    out = bytearray()
    for start, end, target, depth, lasti in table:
        if end.at > start.at:
            for position, number in enumerate((start.at, end.at - start.at, target.at, depth << 1 | lasti)):
                _put_high_first(out, number, 0x80 if position == 0 else 0)
    return bytes(out)


def _put_high_first(out: bytearray, number: int, mark: int) -> None:
    digits = [number & 63]
    while number := number >> 6:
        digits.append(number & 63 | 64)
    digits[-1] |= mark
    out += bytes(reversed(digits))


def _varints(data: bytes) -> Iterator[int]:
    numbers = iter(data)
    for byte in numbers:
        value = byte & 63
        while byte & 64:
            byte = next(numbers)
            value = value << 6 | byte & 63
        yield value
