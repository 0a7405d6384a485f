"""How a program can end, and what of its record is read back afterwards.

`ENDINGS` is the table: all that was built is in the record, by the main process (a hundred) and by its children (*more*): at once
if that is asked for, else a tenth of a second later.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

import pytest

from harness import WAYS, found, observe, same

CLASSES = """\
import os, signal, sys, threading, time
class Net:
    def __init__(self, number):
        self.number = number
nets = [Net(i) for i in range(100)]
"""
DIES = "sys.stdout.flush()\n"


@dataclass(frozen=True, slots=True)
class Ending:
    """What is built in children, and what the record says of the end."""

    text: str
    more: tuple[int, ...] = ()
    outcome: str = "finished"
    error: str | None = None
    code: int = 0
    ways: tuple[str, ...] = tuple(WAYS)


STRICT = {"BEGAT_STRICT": "1"}
QUIET = "time.sleep(0.4)"

# A forked worker cannot import a module whose import, in the parent, still goes on: such pools need a script.
SCRIPT = ("run",)

ENDINGS = {
    # --- the interpreter ends in order ---------------------------------------------------------------------------------
    "normal": Ending("print('done')\n"),
    "exception": Ending("1 / 0\n", outcome="raised", error="builtins:ZeroDivisionError", code=1),
    "exit": Ending("sys.exit(3)\n", outcome="raised", error="builtins:SystemExit", code=3),
    "exit 0": Ending("sys.exit()\n"),
    "interrupt": Ending(
        "os.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(5)\n",
        outcome="raised", error="builtins:KeyboardInterrupt", code=-signal.SIGINT,
    ),
    "handled signal": Ending(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nos.kill(os.getpid(), signal.SIGTERM)\n",
        outcome="raised", error="builtins:SystemExit", code=9,
    ),
    "a daemon thread goes on": Ending(
        "import time\nstarted = threading.Event()\ndef work():\n    started.set()\n    while True: time.sleep(0.01)\n"
        "threading.Thread(target=work, daemon=True).start(); started.wait()\n"
    ),
    "a thread outlives the script": Ending(
        "import time\ndef work():\n    time.sleep(0.3); print('thread')\nthreading.Thread(target=work).start()\n"
    ),
    "out of memory": Ending(
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))\nbytearray(1 << 34)\n",
        outcome="raised", error="builtins:MemoryError", code=1,
    ),
    # --- the process dies -----------------------------------------------------------------------------------------------
    "terminated": Ending(f"{DIES}os.kill(os.getpid(), signal.SIGTERM)\n", outcome="killed", code=-signal.SIGTERM),
    "hung up": Ending(f"{DIES}os.kill(os.getpid(), signal.SIGHUP)\n", outcome="killed", code=-signal.SIGHUP),
    "killed": Ending(f"{DIES}os.kill(os.getpid(), signal.SIGKILL)\n", outcome="killed", code=-signal.SIGKILL),
    "os._exit": Ending(f"{DIES}os._exit(5)\n", outcome="killed", code=5),
    "segmentation fault": Ending(f"{DIES}import ctypes\nctypes.string_at(0)\n", outcome="killed", code=-signal.SIGSEGV),
    "abort": Ending(f"{DIES}os.abort()\n", outcome="killed", code=-signal.SIGABRT),
    "another program": Ending(
        f"{DIES}os.execv(sys.executable, [sys.executable, '-c', 'print(\"another\")'])\n", outcome="killed"
    ),
    "killed by its alarm": Ending(f"{DIES}signal.alarm(1)\nwhile True: pass\n", outcome="killed", code=-signal.SIGALRM),
    # --- children -------------------------------------------------------------------------------------------------------
    "fork and _exit": Ending(
        "if os.fork() == 0:\n    Net(-1); os._exit(0)\nos.wait(); print('parent')\n", more=(-1,)
    ),
    "fork and exit": Ending(
        f"{DIES}pid = os.fork()\nif pid == 0:\n    Net(-1); sys.exit(0)\nos.waitpid(pid, 0); print('parent')\n", more=(-1,)
    ),
    "the parent ends first": Ending(
        "import time\nr, w = os.pipe()\npid = os.fork()\nif pid == 0:\n    os.close(w); os.read(r, 1); Net(-1); os._exit(0)\nos.close(r)\n",
        more=(-1,),
    ),
    "a child is killed": Ending(
        "r, w = os.pipe()\npid = os.fork()\nif pid == 0:\n    Net(-1); os.write(w, b'.'); time.sleep(60)\n"
        "os.read(r, 1); os.kill(pid, signal.SIGKILL); os.wait()\n", more=(-1,)
    ),
    "a forking pool": Ending(
        "import multiprocessing\ndef work(i): return Net(i).number\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(sum(pool.map(work, range(20))))\n",
        more=tuple(range(20)), ways=SCRIPT,
    ),
    "a process": Ending(
        "import multiprocessing\ndef work(): Net(-1)\nchild = multiprocessing.get_context('fork').Process(target=work)\n"
        "child.start(); child.join(); print(child.exitcode)\n",
        more=(-1,),
    ),
    "a pool that is terminated": Ending(
        "import multiprocessing, time\ndef work(i):\n    Net(i); time.sleep(60)\n"
        "pool = multiprocessing.get_context('fork').Pool(2)\npool.map_async(work, range(2)); time.sleep(0.2); pool.terminate(); pool.join()\n",
        more=(0, 1), ways=SCRIPT,
    ),
    "an executor": Ending(
        "import concurrent.futures, multiprocessing\ndef work(i): return Net(i).number\n"
        "with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('fork')) as pool:\n    print(sum(pool.map(work, range(20))))\n",
        more=tuple(range(20)), ways=SCRIPT,
    ),
    "another Python": Ending(
        "import subprocess\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ending in ENDINGS.items() for way in ending.ways])
def test_every_ending_with_every_row_written_at_once(name, way, tmp_path):
    """The program ends as it would without begat, and its record is whole, however it ended."""
    _whole(ENDINGS[name], same(tmp_path, CLASSES + ENDINGS[name].text, way, env=STRICT, durability="always"), tmp_path)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ending in ENDINGS.items() for way in ending.ways])
def test_every_ending_after_a_quiet_moment(name, way, tmp_path):
    """Without asking for anything, what was built more than a tenth of a second before the end is in the record."""
    ending = ENDINGS[name]
    text = ending.text.replace("Net(-1)", f"Net(-1); {QUIET}").replace("    Net(i);", f"    Net(i); {QUIET};")
    text = f"{CLASSES}{QUIET}\n{text}"

    _whole(ending, same(tmp_path, text, way, without=text.replace(QUIET, "pass"), env=STRICT), tmp_path)


def _whole(ending, seen, folder):
    deadline = time.monotonic() + 5
    while len((record := found(folder)).nodes) < 100 + len(ending.more) and time.monotonic() < deadline:
        time.sleep(0.05)  # a child that its parent did not wait for
    assert seen.code == ending.code
    assert sorted(node.params["number"] for node in record.nodes) == sorted((*range(100), *ending.more))
    assert (record.header.outcome, record.header.error) == (ending.outcome, ending.error)
    assert record.header.marks == ()


SPAWNED = """\
import multiprocessing, sys
class Net:
    def __init__(self, number):
        self.number = number
def work(number):
    return Net(number).number
if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(sum(pool.map(work, range(20))))
    Net(-1)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_begin_anew(method, tmp_path):
    """What workers build that import the script again is in the record of their parent."""
    seen = same(tmp_path, SPAWNED.format(method=method), "run")

    assert seen.out == "190\n"
    assert sorted(node.params["number"] for node in seen.record.nodes) == [-1, *range(20)]
    assert len({node.process for node in seen.record.nodes}) >= 2


@pytest.mark.parametrize("way", WAYS)
def test_an_object_built_while_the_interpreter_ends(way, tmp_path):
    """Exit handlers, finalizers and threads that build at the very end raise nothing and hang nothing."""
    text = CLASSES + (
        "import atexit, weakref\natexit.register(Net, 1001)\nclass Bare: pass\natexit.register(Bare)\nclass Late:\n    def __del__(self): Net(1002)\n"
        "late = Late()\nweakref.finalize(late, Net, 1003)\nsys.late = Late()\n"
    )

    seen = same(tmp_path, text, way, timeout=30)

    assert (seen.code, seen.err) == (0, "")
    assert len(seen.record.nodes) >= 100


def test_a_scope_that_is_never_left(tmp_path):
    """A scope that a generator or `__enter__` alone left open writes nothing, and disturbs nothing."""
    seen = observe(
        tmp_path, "import begat\nscope = begat.capture(save='run.json')\nscope.__enter__()\nprint('on')\n", "plain"
    )

    assert (seen.code, seen.out, seen.err, seen.record) == (0, "on\n", "", None)


# Programs of other kinds, each of which ends in the middle of what it does.
KINDS = {
    "generators": """
import contextlib, weakref
class Part:
    def __init__(self, n, kind="x"): self.n = n
class Late(Part):
    def __del__(self): Part(0, "del")
def made(count):
    for n in range(count):
        part = Part(n); yield part
@contextlib.contextmanager
def managed(n):
    try: yield Part(n)
    finally: Part(n, "after")
for step in range(8):
    some = made(5); first = next(some)
    with managed(step) as held, contextlib.ExitStack() as stack:
        stack.callback(Part, step); weakref.finalize(held, Part, step); late = Late(step)
        print(step, first.n, [part.n for part in some]); end(step)
""",
    "signals and hooks": """
import atexit
class Part:
    def __init__(self, n): self.n = n
heard = []
signal.signal(signal.SIGALRM, lambda *_: heard.append(Part(len(heard))))
atexit.register(lambda: print("at exit", Part(1).n))
sys.excepthook = lambda kind, *_: print("hook", kind.__name__)
threading.excepthook = lambda said: print("thread", said.exc_type.__name__)
for step in range(8):
    signal.setitimer(signal.ITIMER_REAL, 0.0003)
    parts = [Part(n) for n in range(200)]
    signal.setitimer(signal.ITIMER_REAL, 0)
    thread = threading.Thread(target=lambda: Part(1).n / 0); thread.start(); thread.join()
    print(step, len(parts)); end(step)
""",
    "classes made on the way": """
import typing
class Part:
    def __init__(self, n, kind="x"): self.n = n
class Meta(type):
    def __call__(cls, *args): return super().__call__(*args)
for step in range(8):
    space = {}
    exec(f"class Odd:\\n def __init__(self, a, /, b={step}, *, c=None): self.a = a", space)
    Other = type(f"Other{step}", (Part,), {"__init__": lambda self, n: Part.__init__(self, n, "o")})
    made = [space["Odd"](1), Other(2), Meta(f"M{step}", (Part,), {})(3), typing.NamedTuple("N", [("a", int)])(4)]
    try: space["Odd"](1, 2, 3)
    except TypeError as error: print(error)
    print([type(each).__name__ for each in made]); end(step)
""",
    "tasks and threads": """
import asyncio, concurrent.futures
class Part:
    def __init__(self, n): self.n = n
async def task(n, pool):
    part = Part(n); await asyncio.sleep(0)
    return part.n + await asyncio.to_thread(lambda: Part(n).n) + (await asyncio.get_running_loop().run_in_executor(pool, Part, n)).n
async def main():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for step in range(8):
            print(step, await asyncio.gather(*(task(n, pool) for n in range(4)))); end(step)
asyncio.run(main())
""",
}
ENDS = {
    "": "pass", "raise": "raise KeyError(step)", "exit": "os._exit(7)", "low": "sys.setrecursionlimit(70)",
    "term": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", "kill": "os.kill(os.getpid(), signal.SIGKILL)",
    "clock": "time.time = lambda: -5e9", "closed": "os.closerange(3, 100) if kind != 'tasks and threads' else None",
}  # fmt: skip
ENDS_WHEN = "import os, signal, sys, threading, time\nkind = {kind!r}\ndef end(step):\n    if step == 4:\n        sys.stdout.flush(); {ends}\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_programs_of_other_kinds_end_the_same(kind, tmp_path):
    """Whatever they are in the middle of."""
    for name, ends in ENDS.items():
        folder = tmp_path / (name or "none")
        folder.mkdir()
        same(folder, ENDS_WHEN.format(kind=kind, ends=ends) + KINDS[kind], "run", timeout=60)
