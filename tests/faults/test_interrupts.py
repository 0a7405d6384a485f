"""Signal handlers that raise while begat records, and the last frames before the recursion limit."""

from __future__ import annotations

import signal

import pytest

from zoo_support.tracking import python, succeeds

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")

DEADLINE = """
import begat, signal, time
@begat.trackable
class S:
    __slots__ = {slots}
    def __init__(self, x=[1]): pass
def handler(*_): raise {error}("deadline")
signal.signal(signal.SIGALRM, handler)
def spin(end):  # a loop in the `try` itself may be interrupted where Python's own table has a gap
    while time.time() < end: S()
begat.graph()
lost = 0
for _ in range(100):
    end = time.time() + .1
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3)
        spin(end)
        lost += 1
    except {error}: pass
print("lost", lost)
"""


@pytest.mark.parametrize("slots", ["()", "('__weakref__',)"])
@pytest.mark.parametrize("error", ["RuntimeError", "ValueError", "AttributeError"])
def test_what_a_signal_handler_raises_reaches_the_program(error, slots, tmp_path):
    """An exception that a signal handler throws into begat's code is the program's, whatever its type."""
    (tmp_path / "script.py").write_text(DEADLINE.format(error=error, slots=slots))

    assert succeeds("-W", "ignore", "script.py", cwd=tmp_path) == "lost 0\n"


def test_our_own_failure_is_told_from_a_handlers():
    """Only a traceback with a function that was given a frame speaks for a handler."""
    from begat.errors import is_ours

    def fails():
        raise ValueError

    def handles(*_):
        fails()

    import sys

    for function, arguments, ours in ((fails, (), True), (handles, (2, sys._getframe()), False)):
        with pytest.raises(ValueError) as caught:
            function(*arguments)
        assert is_ours(caught.value) is ours


INTERRUPTED = """
import begat, signal
@begat.trackable
class Net:
    {slots}
    def __init__(self, o=[]): {body}
@begat.trackable
class After:
    def __init__(self): pass
@begat.trackable
def make(n=()): return Net()
def handler(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, handler)
def build():
    while True: {call}
with begat.capture() as run:
    for _ in range(300):
        try:
            signal.setitimer(signal.ITIMER_REAL, 2e-4)
            build()
        except KeyboardInterrupt: pass
        After()
print({{node.within for node in run.nodes if node.target.endswith("After")}})
"""


@pytest.mark.parametrize(
    ("slots", "body", "call"),
    [
        ("", "self.o = o", "Net()"),
        ("__slots__ = ()", "pass", "Net()"),
        ("", "raise ValueError", "fails()"),
        ("", "pass", "make()"),
    ],
    ids=["fast", "slow", "failing", "function"],
)
def test_an_interrupt_leaves_no_construction_open(slots, body, call, tmp_path):
    """Wherever Ctrl-C falls, what is built afterwards is not said to be built within what it ended."""
    script = INTERRUPTED.format(slots=slots, body=body, call=call)
    script = script.replace("def handler", "def fails():\n    try: Net()\n    except ValueError: pass\ndef handler", 1)
    (tmp_path / "script.py").write_text(script)

    assert succeeds("-W", "ignore", "script.py", cwd=tmp_path) == "{None}\n"


RECURSION = """
import sys
keep = []
class N:
    def __init__(self, d, z=None):
        keep.append(self)
        self.c = N(d + 1, {value})
if "track" in sys.argv:
    import begat
    begat.trackable(N)
    scope = begat.capture()
    run = scope.__enter__()
try: N(0)
except RecursionError as e: error = e
depth = len(keep)
frames, entry = [], error.__traceback__
while entry: frames.append(entry.tb_frame.f_code.co_name); entry = entry.tb_next
print(abs(len(frames) - depth) < 3, sorted(set(frames)), error.__context__)
if "track" in sys.argv:
    scope.__exit__(None, None, None)
    print({{node.outcome for node in run.nodes}}, len(run.nodes) >= depth or run.header.marks != ())
"""


@pytest.mark.parametrize("value", ["None", "{'a': [d, {'k': [(d,)]}]}"])
def test_constructors_that_recurse_without_end(value, tmp_path):
    """At the recursion limit the program fails where it did, with its own frames only; what failed is recorded as failed."""
    (tmp_path / "script.py").write_text(RECURSION.format(value=value))

    plain = succeeds("script.py", cwd=tmp_path)
    tracked = python("-W", "ignore", "script.py", "track", cwd=tmp_path)

    assert tracked.stdout.splitlines()[0] == plain.splitlines()[0], tracked.stderr
    assert tracked.stdout.splitlines()[1] == "{'raised'} True"


def test_warnings_that_are_errors(tmp_path):
    """Where warnings are errors, begat's stays a mark in the record."""
    (tmp_path / "script.py").write_text(
        "import begat, begat.intercept.hooks as h\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a): self.a = a\n"
        "def explode(*args): raise ValueError('inside begat')\n"
        "with begat.capture() as run:\n"
        "    C(1)\n"
        "    run.recorder.__class__.settle = explode\n"
        "    h.GLOBALS['SNAP'] = explode\n"
        "    made = [C(i) for i in range(3000)]\n"
        "print(len(made))\n"
    )

    assert succeeds("-W", "error", "script.py", cwd=tmp_path) == "3000\n"
