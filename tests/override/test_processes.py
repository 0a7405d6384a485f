"""Overrides in other processes: they reach those that are begun under them, and the tasks of pools, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import begat
from harness import SOURCE

PARTS = """\
import begat
@begat.trackable
class Net:
    def __init__(self, number): self.number = number
@begat.trackable
class Wide(Net): ...
def work(number): return Net(number).number
def kind(number): return type(Net(number)).__name__
"""
POOLS = {
    **{
        method: f"pool = ProcessPoolExecutor(1, multiprocessing.get_context('{method}'))\ndo = lambda *a: list(pool.map(*a))"
        for method in ("fork", "spawn", "forkserver")
    },
    "pool": "do = multiprocessing.get_context('fork').Pool(1).map",
    "imap": "pool = multiprocessing.get_context('fork').Pool(1)\ndo = lambda *a: list(pool.imap(*a))",
    "joblib": "from joblib import Parallel, delayed\ndo = lambda f, x: Parallel(2)(delayed(f)(n) for n in x)",
}
BLOCKS = """\
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import begat
from parts import Net, Wide, kind, work

class Own(Net): ...

def blocks(warm, do):
    if warm:
        print(do(work, [1]))
    for changes, function in (({{"Net.number": 7}}, work), ({{"Net": Wide}}, kind), ({{"Net": Own}}, kind), ({{"Net.numbr": 7}}, work)):
        try:
            with begat.override(changes):
                print(*do(function, [1, 2]))
        except ValueError as error:
            print("matched nothing" in str(error))
        print(*do(function, [1, 2]))

if __name__ == "__main__":
    for warm in (False, True):
{pool}
        blocks(warm, do)
"""


def python(folder, *words, **environment):
    """What Python prints in *folder*; it ends well."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={**kept, "BEGAT_STRICT": "1", "PYTHONPATH": str(SOURCE), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "pool", [pytest.param(name, marks=pytest.mark.slow) if name != "fork" else name for name in POOLS]
)
def test_the_tasks_of_a_block_are_under_it_and_others_are_not(pool, tmp_path):
    """Whether the workers were there before, and although they live on; classes of the main program can be given."""
    if pool == "joblib":
        pytest.importorskip("joblib")
    (tmp_path / "parts.py").write_text(PARTS)
    made = "".join(f"        {line}\n" for line in POOLS[pool].splitlines())
    (tmp_path / "p.py").write_text(BLOCKS.format(pool=made))

    each = "7 7\n1 2\nWide Wide\nNet Net\nOwn Own\nNet Net\n1 2\nTrue\n1 2\n"
    assert python(tmp_path, "p.py", TMPDIR=str(tmp_path)) == f"{each}[1]\n{each}"
    assert not list(tmp_path.glob("begat-*"))


PROCESS = """\
import multiprocessing
import begat
from parts import Net, Wide, kind

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        queue = multiprocessing.get_context(method).SimpleQueue()
        child = multiprocessing.get_context(method).Process(target=queue_kind, args=(queue,))
        with begat.override({"Net": Wide, "Wide.number": 3}):
            child.start()
            print(*queue.get())
            child.join()
"""


def test_a_process_begun_in_a_block_is_under_it(tmp_path):
    """However it is begun."""
    (tmp_path / "parts.py").write_text(
        PARTS + "def queue_kind(queue):\n    net = Net(1)\n    queue.put((type(net).__name__, net.number))\n"
    )
    (tmp_path / "p.py").write_text(PROCESS.replace("import Net, Wide, kind", "import Wide, queue_kind"))

    assert python(tmp_path, "p.py", TMPDIR=str(tmp_path)) == "Wide 3\n" * 3
    assert not list(tmp_path.glob("begat-*"))


def test_what_cannot_go_to_another_process_is_said(tmp_path):
    """A value that does not pickle: as an error of the task."""
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "p.py").write_text(
        "import begat\nfrom multiprocessing import get_context\nfrom parts import work\nif __name__ == '__main__':\n"
        "    with get_context('fork').Pool(1) as pool, begat.override({'Net': lambda number: None}):\n"
        "        try: pool.map(work, [1])\n        except Exception as error: print('lambda' in str(error))\n        import parts; parts.Net = 0\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "p.py"], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60)

    assert done.stdout == "True\n"
    assert "matched nothing" in done.stderr


OUTER = """\
import multiprocessing, os, subprocess, sys
import parts
class Outer:
    def __init__(self, number): self.number = number
if __name__ == "__main__":
    print(Outer(1).number, flush=True)
    subprocess.run([sys.executable, "-m", "begat", "run", "-q", "inner.py"], check=True)
    subprocess.run([sys.executable, "-m", "begat", "run", "-q", "inner.py", "Net.number=9"], check=True)
    if os.fork() == 0:
        print(parts.work(1), flush=True)
    else:
        os.wait()
        multiprocessing.get_context("spawn").Process(target=parts.work, args=(1,)).start()
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [("Net.number=7",), ("*.number=7", "--config=c.json"), ()])
def test_what_a_run_is_given_reaches_every_process_of_it(words, tmp_path):
    """Programs that `begat run` starts inside, forks that go on to the end of the script, workers that nobody waits for."""
    (tmp_path / "parts.py").write_text(PARTS.replace("@begat.trackable\n", ""))
    (tmp_path / "c.json").write_text('{"Net.number": 8}')
    (tmp_path / "inner.py").write_text("from parts import work\nprint(work(1))\n")
    (tmp_path / "outer.py").write_text(OUTER)
    options = [word for word in words if word.startswith("-")]
    environment = {} if words else {"BEGAT__NET__NUMBER": "7"}

    command = ["-m", "begat", "run", *options, "outer.py", *(word for word in words if not word.startswith("-"))]
    said = python(tmp_path, *command, **environment)

    outer = 7 if "*.number=7" in words else 1
    assert said.split() == [str(outer), "7", "9", "7"]
    runs = map(begat.load, (tmp_path / ".begat/runs").glob("*/run.json"))
    [calls] = [run.header.overrides[-1].calls for run in runs if run.header.script == "outer.py"]
    assert calls == (4 if outer == 7 else 3)


def test_an_executor_that_was_not_shut_down_does_not_keep_the_run(tmp_path):
    """The end of the program tells it to stop, as ever; then what it built is judged."""
    (tmp_path / "p.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\nclass Net:\n    def __init__(self, number): self.number = number\n"
        "pool = ThreadPoolExecutor(1)\nprint(pool.submit(Net, 1).result().number)\n"
    )

    assert python(tmp_path, "-m", "begat", "run", "-q", "p.py", "Net.number=7") == "7\n"
