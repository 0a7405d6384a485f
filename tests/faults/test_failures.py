"""Failures of begat's own: the program does what it did, one warning is given, the record says what it lacks."""

from __future__ import annotations

import pytest

from zoo_support.tracking import python, succeeds

BREAK = """
import sys, warnings, begat
from begat.intercept import interceptor

@begat.trackable
class C:
    def __init__(self, a, b=[2]):
        self.state = (a, b)

class Bomb(dict):
    pass

def explode(*args, **kwargs):
    raise {error}("inside begat")

with begat.capture() as run:
    C([0])
    begat.graph()
    {sabotage}
    made = [C([i]) for i in range(3)]
print([m.state for m in made])
print(run.header.marks)
"""
# Each breaks something that the recorder calls while a construction is recorded.
SABOTAGE = {
    "the frames": "begat.intercept.hooks.frame = begat.intercept.interceptor.frame = explode",
    "the bookkeeping": "r = sys.modules['begat.capture.recorder']\n    r.Recorder.settle = r.Recorder._take = explode",
    "the description of values": "import begat.introspect.describe as d\n    for n in list(vars(d)):\n"
    "        if callable(getattr(d, n)) and not isinstance(getattr(d, n), type): setattr(d, n, explode)",
}


@pytest.mark.parametrize("error", ["ValueError", "RecursionError", "MemoryError"])
@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_a_broken_recorder_spares_the_program(sabotage, error, tmp_path):
    """Whatever fails inside begat, constructions give the same objects; each kind of failure warns once and is marked."""
    (tmp_path / "script.py").write_text(BREAK.format(sabotage=SABOTAGE[sabotage], error=error))

    done = python("script.py", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "[([0], [2]), ([1], [2]), ([2], [2])]"
    assert done.stderr.count("CaptureWarning: begat") <= 2, "one for each kind of failure"
    assert "Traceback" not in done.stderr


STRICT = """
import begat, begat.introspect.describe as d

@begat.trackable
class C:
    def __init__(self, a): self.a = a

def explode(*args, **kwargs):
    raise ValueError("inside begat")

for name, thing in list(vars(d).items()):
    if callable(thing) and not isinstance(thing, type):
        setattr(d, name, explode)
try:
    with begat.capture():
        made = C([{1}])
    print("went on", made.a)
except ValueError:
    print("raised")
"""


@pytest.mark.parametrize(("strict", "expected"), [("1", "raised\n"), ("0", "went on [{1}]\n"), ("", "went on [{1}]\n")])
def test_strict_mode(strict, expected, tmp_path):
    """``BEGAT_STRICT=1`` raises what is otherwise one CaptureWarning."""
    (tmp_path / "script.py").write_text(STRICT)

    assert succeeds("-W", "ignore", "script.py", cwd=tmp_path, env={"BEGAT_STRICT": strict}) == expected


def test_a_program_that_removes_what_begat_uses(tmp_path):
    """Programs replace ``sys._getframe``, ``weakref.ref``, ``type``-like names and builtins; capture goes on or is silent."""
    (tmp_path / "script.py").write_text(
        "import begat, builtins, sys, weakref, threading, time\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a): self.a = a\n"
        "with begat.capture() as run:\n"
        "    C(1)\n"
        "    del sys._getframe\n"
        "    weakref.ref = weakref.getweakrefs = threading.get_ident = time.time = None\n"
        "    real = builtins.len, builtins.isinstance, builtins.type\n"
        "    builtins.len = builtins.isinstance = None\n"
        "    C(2)\n"
        "    builtins.len, builtins.isinstance, _ = real\n"
        "print([n.params['a'] for n in run.nodes])\n"
    )

    assert succeeds("script.py", cwd=tmp_path) == "[1, 2]\n"


def test_subinterpreters(tmp_path):
    """Starting and ending subinterpreters beside a capture crashes nothing."""
    (tmp_path / "script.py").write_text(
        "import begat\n"
        "try:\n"
        "    import _interpreters as i\n"
        "except ImportError:\n"
        "    import _xxsubinterpreters as i\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a): pass\n"
        "with begat.capture() as run:\n"
        "    for _ in range(3):\n"
        "        id = i.create(); C(1)\n"
        "        i.run_string(id, 'class D:\\n    def __init__(self, a): pass\\nD(1)')\n"
        "        i.destroy(id)\n"
        "print(len(run.nodes))\n"
    )

    assert succeeds("-W", "ignore", "script.py", cwd=tmp_path) == "3\n"


def test_a_tool_that_rewrites_constructors_afterwards(tmp_path):
    """A function whose code and defaults another tool exchanges after tracking is that tool's, and untrack leaves it."""
    (tmp_path / "script.py").write_text(
        "import begat\n"
        "class C:\n"
        "    def __init__(self, a, b=2): self.state = (a, b)\n"
        "def other(self, a, b=2): self.state = ('other', a, b)\n"
        "begat.trackable(C)\n"
        "C.__init__.__code__, C.__init__.__defaults__ = other.__code__, (2,)\n"
        "print(C(1).state)\n"
        "begat.untrack(C)\n"
        "print(C(1).state, C.__init__.__code__ is other.__code__)\n"
    )

    assert succeeds("script.py", cwd=tmp_path) == "('other', 1, 2)\n('other', 1, 2) True\n"


def test_a_class_that_fails_a_hundred_times_is_let_go(tmp_path):
    """After the hundredth failure with one class begat leaves it as it found it; the others go on, and the record says so."""
    (tmp_path / "script.py").write_text(
        "import begat\n"
        "@begat.trackable\n"
        "class Bad:\n"
        "    def __init__(self, a): self.a = a\n"
        "class Child(Bad): pass\n"
        "@begat.trackable\n"
        "class Good:\n"
        "    def __init__(self, a): self.a = a\n"
        "class Trap: pass\n"
        "import begat.intercept.hooks as hooks\n"
        "real = hooks.GLOBALS['SNAP']\n"
        "def snap(value):\n"
        "    if type(value) is Trap: raise LookupError('inside begat')\n"
        "    return real(value)\n"
        "for name in ('Bad', 'Good'):\n"
        "    begat.untrack(globals()[name])\n"
        "hooks.GLOBALS['SNAP'] = snap\n"
        "hooks._maker.cache_clear()\n"
        "before = Bad.__init__.__code__\n"
        "begat.trackable(Bad); begat.trackable(Good)\n"
        "with begat.capture() as run:\n"
        "    made = [Bad(Trap()) for _ in range(99)]\n"
        "    Good(1); Bad(1)\n"
        "    print(len(run.nodes), Bad.__init__.__code__ is before)\n"
        "    children = [Child(Trap()) for _ in range(150)]\n"
        "    Bad(2); Child(3)\n"
        "    print(len(run.nodes))\n"
        "    made += [Bad(Trap()) for _ in range(50)]\n"
        "    Bad(4); Good(5)\n"
        "print(len(run.nodes), Bad.__init__.__code__ is before, len(made), all(type(m.a) is Trap for m in made + children))\n"
        "print([mark for mark in run.header.marks if 'any more' in mark])\n"
    )

    done = python("script.py", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "2 False",
        "3",
        "4 True 149 True",
        (
            "['__main__:Child is not recorded any more: begat failed 100 times with it', "
            "'__main__:Bad is not recorded any more: begat failed 100 times with it']"
        ),
    ]
    assert done.stderr.count("CaptureWarning: begat") == 1


SUBINTERPRETERS = """
import sys
try:
    import _interpreters as i
except ImportError:
    import _xxsubinterpreters as i
for _ in range(3):
    id = i.create()
    try:
        i.run_string(id, f"import sys; sys.path[:] = {sys.path!r}\\n" + TEXT)
    except Exception as error:
        print("refused", type(error).__name__)
    i.destroy(id)
print("on")
"""


def test_begat_inside_a_subinterpreter(tmp_path):
    """Imported and used there it crashes nothing, whether or not it can record."""
    (tmp_path / "plain.py").write_text("TEXT = 'import datetime, decimal'\n" + SUBINTERPRETERS)
    text = (
        "import begat\n@begat.trackable\nclass C:\n    def __init__(self, a): pass\n"
        "with begat.capture() as run:\n    C(1)\nrun.nodes\nbegat.untrack(C)\n"
    )
    (tmp_path / "script.py").write_text(f"TEXT = {text!r}\n" + SUBINTERPRETERS)
    if python("-W", "ignore", "plain.py", cwd=tmp_path).returncode:
        pytest.skip("this Python crashes when a subinterpreter imports datetime")

    assert succeeds("-W", "ignore", "script.py", cwd=tmp_path).splitlines()[-1] == "on"


def test_the_text_of_a_warning_is_scrubbed(tmp_path):
    """What an error inside begat says may hold a value of the program."""
    (tmp_path / "script.py").write_text(
        "from begat.intercept.interceptor import trouble\n"
        "trouble(ValueError('no sk-aaaaaaaaaaaaaaaaaaaaaaaa1 for https://me:canary@host'), 'testing')\n"
    )

    done = python("script.py", cwd=tmp_path)

    assert "CaptureWarning: begat: ValueError while testing: no *** for https://***@host" in done.stderr
