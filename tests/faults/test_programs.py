"""Python programs that the program starts by `subprocess`: they are what they are, and what they build is in its record."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import begat
from begat.capture import programs
from harness import SOURCE, found, same

CHILD = """\
import os, sys
from parts import Net
class Own:
    def __init__(self, net): self.net = net
own = Own(Net(int(sys.argv[1])))
print(own.net.number, sys.argv, sys.orig_argv, sys.path, sys.flags, __name__, __file__, os.environ.get("BEGAT_GOES_ON"), os.environ.get("MORE"), list(globals()), flush=True)
{end}
"""
PARTS = """\
class Size:
    def __repr__(self): return "of the parts"
class Net:
    def __init__(self, number): self.number = number
"""
PARENT = """\
import os, subprocess, sys
from parts import Net
def run(*words, **options):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, **options)
    print(words, done.returncode, done.args == [sys.executable, *words], done.stdout, done.stderr)
Net(0)
{calls}
"""


def _parent(tmp_path, calls, end=""):
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "child.py").write_text(CHILD.format(end=end))
    return PARENT.format(calls=calls)


def _numbers(record):
    return sorted(node.params["number"] for node in record.nodes if "number" in node.params)


@pytest.mark.parametrize(
    "words",
    ["'child.py', '1'", "'-m', 'child', '1'", "'-u', '-W', 'ignore', '-Xdev', '-OO', './child.py', '1', '--word'",
     "os.path.abspath('child.py'), '1', env={**os.environ, 'MORE': '1'}", "'../child.py', '1', cwd='parts'", "'child.py', '1', env={}",
     "'../child.py', '1', '\\udcff', '', 'ä€', cwd=b'parts', env={'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}",
     "*(os.path.abspath('child.py'), '1', os.mkdir('d') or os.chdir('d') or os.rmdir('../d') or 'lost')",
     "'child.py', '1', preexec_fn=lambda: os.environ.update(MORE='1')"],
)  # fmt: skip
def test_programs_belong_to_the_run(words, tmp_path):
    """By script or module, whatever its options; the program, and who waits for it, sees nothing else."""
    (tmp_path / "parts").mkdir()
    text = _parent(tmp_path, f"os.makedirs('parts', exist_ok=True)\nrun({words})")
    (tmp_path / "parts").rmdir()

    seen = same(tmp_path, text, "run", env={"BEGAT_STRICT": "1"})

    assert _numbers(seen.record) == [0, 1]
    assert {node.path for node in seen.record.nodes} == {"Net", "own", "own.net"}
    assert len({node.process.pid for node in seen.record.nodes}) == 2
    assert seen.record.header.outcome == "finished"


@pytest.mark.parametrize(
    "end", ["sys.exit(3)", "raise ValueError('no')", "os._exit(4)", "os.abort()", "os.kill(os.getpid(), 15)"]
)
def test_however_they_end(end, tmp_path):
    """The code, or the signal, and the traceback are the program's own."""
    seen = same(tmp_path, _parent(tmp_path, "run('child.py', '1')", end), "run", durability="always")

    assert _numbers(seen.record) == [0, 1]


def test_programs_of_programs(tmp_path):
    """A program that a child starts, or a pool of it, or asyncio, belongs to the same run; one that is late is read with it."""
    (tmp_path / "middle.py").write_text(
        "import asyncio, multiprocessing, subprocess, sys\nfrom parts import Net\n"
        "async def main():\n    await (await asyncio.create_subprocess_exec(sys.executable, 'child.py', '2')).wait()\n"
        "if __name__ == '__main__':\n    asyncio.run(main())\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        pool.map(Net, [3])\n    Net(4)\n"
    )

    seen = same(tmp_path, _parent(tmp_path, "run('child.py', '1')\nrun('middle.py')"), "run", env={"BEGAT_STRICT": "1"})

    assert _numbers(seen.record) == [0, 1, 2, 3, 4]


def test_what_is_no_program_of_the_users_is_left_alone(tmp_path):
    """Text, the library's own programs, another run, and what does not exist: as they are, tracebacks too."""
    text = _parent(
        tmp_path,
        "os.mkfifo('pipe')\nprint(subprocess.run([sys.executable, '/dev/stdin'], input=b'print(__file__)', capture_output=True))\n"
        "p = subprocess.Popen([sys.executable, 'pipe'], stdout=subprocess.PIPE)\nwith open('pipe', 'w') as file: file.write('print(__file__)')\n"
        "print(p.communicate(), os.unlink('pipe'))\nclass Odd:\n    def items(self): return [('A', '1')]\nrun('child.py', '1', env=Odd())\n"
        "run('-X', 'importtime', 'child.py', '1')\nrun('-v', 'child.py', '1')\n"
        "run('-c', 'from parts import Net; Net(1)')\nrun('-I', 'child.py', '1')\nrun('nothing.py')\nrun('-m', 'timeit', '-n1', 'pass')\n"
        "import traceback\ntry:\n    subprocess.run(['no-such-program'])\nexcept FileNotFoundError:\n    traceback.print_exc(file=sys.stdout)\n",
    ).replace("done.stdout, done.stderr", "len(done.stdout) > 3, len(done.stderr) > 3")

    seen = same(tmp_path, text, "run", env={"BEGAT_STRICT": "1"})

    assert _numbers(seen.record) == [0]


def test_overrides_reach_programs(tmp_path):
    """They change what is built there, and count as met; also values of the program's own, where they can travel."""
    text = "run('child.py', '1')\nimport begat, parts\n"
    for value in ("parts.Size()", "lambda: 1"):
        text += f"with begat.override({{'Net.number': {value}}}):\n    Net(2)\n    run('child.py', '3')\n"
    (tmp_path / "p.py").write_text(_parent(tmp_path, text))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}

    done = subprocess.run(
        [sys.executable, "-m", "begat", "run", "-q", "p.py", "own.net.number=7"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    numbers = [str(node.params["number"]) for node in found(tmp_path).nodes if "number" in node.params]
    assert "0" in numbers and numbers.count("7") == 2, numbers
    assert done.stdout.splitlines()[2].partition(" of the parts ")[1], done.stdout
    assert "PicklingError while handing the override of Net.number" in done.stderr


def test_a_scope_with_a_file_has_them_too(tmp_path):
    """What is tracked there belongs to the scope; outside it programs are started as ever."""
    (tmp_path / "child.py").write_text(
        "import begat\n@begat.trackable\nclass Net:\n    def __init__(self, number): pass\nNet(1)\n"
    )
    plain = subprocess.Popen._execute_child.__code__

    with begat.capture(save=tmp_path / "run.json"):
        subprocess.run(
            [sys.executable, "child.py"],
            cwd=tmp_path,
            check=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )

    assert _numbers(begat.load(tmp_path / "run.json")) == [1]
    assert subprocess.Popen._execute_child.__code__ is plain


@pytest.mark.parametrize(
    ("words", "at"),
    [(["child.py"], 1), (["-u", "child.py", "-c"], 2), (["-W", "ignore", "-m", "child"], 3), (["-Xdev", "-m", "child"], 2),
     (["-m"], None), (["-"], None), ([], None), (["-c", "pass", "child.py"], None), (["-I", "child.py"], None), (["-W"], None),
     (["-m", "pip", "list"], None), (["-m", "begat", "run", "child.py"], None), (["-i", "child.py"], None), (["."], 1),
     (["gone.py"], None), (["-V"], None)],
)  # fmt: skip
def test_where_a_program_begins(words, at, tmp_path):
    """Only where every option before it is known, and leaves the places alone where things are looked for."""
    (tmp_path / "child.py").touch()

    assert programs._program([sys.executable, *words], tmp_path, {}) == at
    assert programs._program(["/usr/bin/other", *words], tmp_path, {}) is None
    assert programs._program([sys.executable, *words], tmp_path, {"PYTHONSAFEPATH": "1"}) is None
