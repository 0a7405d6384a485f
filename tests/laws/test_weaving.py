"""The bytecode editor against the standard library: what it takes apart it puts together byte for byte."""

from __future__ import annotations

import dis
import functools
import importlib
import types

import pytest

from begat.intercept.assembly import decode, encode
from begat.intercept.constants import Gate
from begat.intercept.prologue import refusal, weave

MODULES = [
    "argparse", "ast", "asyncio.base_events", "collections", "concurrent.futures.thread", "configparser", "contextlib",
    "csv", "dataclasses", "datetime", "decimal", "_pydecimal", "difflib", "dis", "doctest", "email.message", "enum",
    "fractions", "functools", "gzip", "heapq", "html.parser", "http.client", "imaplib", "inspect", "ipaddress", "json.decoder",
    "logging", "logging.config", "mailbox", "multiprocessing.pool", "optparse", "pathlib", "pdb", "pickle", "pickletools",
    "plistlib", "pydoc", "random", "re._compiler", "shutil", "smtplib", "socket", "sqlite3.dbapi2", "ssl", "statistics",
    "string", "subprocess", "tarfile", "tempfile", "threading", "tokenize", "traceback", "turtle", "typing", "unittest.mock",
    "unittest.case", "urllib.request", "uuid", "weakref", "xml.dom.minidom", "xml.etree.ElementTree", "zipfile",
]  # fmt: skip


@functools.cache
def codes(module: str) -> tuple[types.CodeType, ...]:
    """Every code object in *module*, nested ones too."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        pytest.skip(f"this Python was built without {module}")
    todo = [compile(open(found.__file__, encoding="utf-8").read(), found.__file__, "exec", dont_inherit=True)]
    all_codes = []
    while todo:
        code = todo.pop()
        all_codes.append(code)
        todo.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
    return tuple(all_codes)


@pytest.mark.parametrize("module", MODULES)
def test_taking_apart_and_putting_together_changes_nothing(module):
    """decode then encode gives the same instructions, exception table and positions, for every function."""
    for code in codes(module):
        again = encode(code, decode(code), consts=code.co_consts, names=code.co_names, stacksize=code.co_stacksize)

        assert again.co_code == code.co_code, code
        assert again.co_exceptiontable == code.co_exceptiontable, code
        assert list(again.co_positions()) == list(code.co_positions()), code
        assert list(again.co_lines()) == list(code.co_lines()) or lines(again) == lines(code), code


def lines(code: types.CodeType) -> list[int | None]:
    """The line of each code unit."""
    return [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]


@pytest.mark.parametrize("module", MODULES)
def test_everything_can_be_woven_and_disassembled(module):
    """Weaving any function gives code that `dis` reads, with every line of the original and no other."""
    gate = Gate(lambda *args: None, lambda leave, error: None)
    for code in codes(module):
        if code.co_name == "<module>" or not code.co_flags & 1:
            continue
        cells = tuple(types.CellType() for _ in code.co_freevars)
        function = types.FunctionType(code, {}, code.co_name, None, cells)
        if refusal(function):
            continue

        woven, _, _ = weave(function, gate)

        list(dis.get_instructions(woven))
        assert set(lines(woven)) - {None} == set(lines(code)) - {None}, code
        assert woven.co_stacksize >= depth(woven), code
        assert woven.co_varnames == code.co_varnames
        assert woven.co_flags == code.co_flags


def depth(code: types.CodeType) -> int:
    """The deepest value stack that *code* can reach: beyond ``co_stacksize`` the interpreter writes into foreign memory."""
    instructions = list(dis.get_instructions(code))
    place = {instruction.offset: i for i, instruction in enumerate(instructions)}
    handlers = [(e.start, e.end, e.target, e.depth + 1 + e.lasti) for e in dis._parse_exception_table(code)]
    at: dict[int, int] = {}
    todo = [(place[target], height) for _, _, target, height in handlers] + [(0, 0)]
    while todo:
        i, height = todo.pop()
        while i < len(instructions) and height > at.get(i, -1):
            at[i] = height
            instruction = instructions[i]
            arg = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
            if instruction.opcode in dis.hasjrel:
                todo.append((place[instruction.argval], height + dis.stack_effect(instruction.opcode, arg, jump=True)))
            if instruction.opname in ENDS:
                break
            height += dis.stack_effect(instruction.opcode, arg, jump=False)
            at[i] = max(at[i], height)
            i += 1
    return max(at.values())


ENDS = {
    "RETURN_VALUE",
    "RETURN_CONST",
    "RERAISE",
    "RAISE_VARARGS",
    "JUMP_FORWARD",
    "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT",
}


def functions(bodies: str) -> list[types.FunctionType]:
    """The functions in *bodies*, whose stacks are as small as they get."""
    space: dict[str, object] = {}
    exec(bodies, space)
    return [f for f in space.values() if isinstance(f, types.FunctionType)]


SMALL = """
def nothing(): pass
def raises(): raise LookupError
def one(self): pass
def one_raises(self): raise LookupError
def default(self, a=1): pass
def keyword(self, *, a=[]): raise a
def stars(*args, **kwargs): pass
def everything(self, a, /, b, c=30, *args, d=40, e=50, **kwargs): raise a
def cells(self, a=1):
    def inner(): return self, a
def returns(a): return a
def caught(a):
    try: raise a
    except a: return
"""


@pytest.mark.parametrize("result", [False, True])
@pytest.mark.parametrize("function", functions(SMALL), ids=lambda f: f.__name__)
def test_the_stack_is_large_enough(function, result):
    """The smallest functions, whose own stacks hold one value or none, get the room that the woven code needs."""
    woven, _, _ = weave(function, Gate(lambda *args: None, lambda leave, error: None), result=result)

    assert depth(function.__code__) <= function.__code__.co_stacksize
    assert depth(woven) <= woven.co_stacksize


class _Counter:
    def __init__(self) -> None:
        self.entered: list[tuple[object, ...]] = []
        self.left = 0
        self.failures: list[tuple[object, BaseException]] = []

    def enter(self, *bound: object):
        self.entered.append(bound)
        return self.leave

    def leave(self) -> None:
        self.left += 1

    def failed(self, leave: object, error: BaseException) -> None:
        self.failures.append((leave, error))


def test_the_gate_is_told_of_every_beginning_and_end():
    """enter gets the bound arguments, leave is called on each return, failed once for each exception."""
    from begat.intercept.constants import LISTENING, NOT_GIVEN

    def function(a, b=2, *rest, c=3, **more):
        for i in range(3):
            try:
                if i == a:
                    return i
            finally:
                if b == 0:
                    raise ValueError(rest)
        raise KeyError(c)

    counter = _Counter()
    code, defaults, keywords = weave(function, Gate(counter.enter, counter.failed))
    function.__code__, function.__defaults__, function.__kwdefaults__ = code, defaults, keywords

    token = object()
    LISTENING.add(token)
    try:
        assert function(1) == 1
        with pytest.raises(ValueError, match="5"):
            function(0, 0, 5)
        with pytest.raises(KeyError, match="9"):
            function(7, c=9, d=1)
    finally:
        LISTENING.discard(token)
    heard = list(counter.entered)
    assert function(2) == 2
    assert bool(LISTENING) == (len(counter.entered) > len(heard))  # classes of other tests may be tracked still
    counter.entered[:] = heard

    assert counter.entered[:2] == [(1, NOT_GIVEN, NOT_GIVEN, (), {}), (0, 0, NOT_GIVEN, (5,), {})]
    assert counter.entered[2:] == [(7, NOT_GIVEN, 9, (), {"d": 1})]
    assert counter.left == 1 + bool(LISTENING)
    assert [type(error) for _, error in counter.failures] == [ValueError, KeyError]
