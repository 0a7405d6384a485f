"""Files under a system that fails: the old one or the new one whole, one warning, the program's result the same."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime

import pytest

import begat
from begat.capture import live
from begat.errors import CaptureWarning
from begat.record import files
from harness import SOURCE, observe, same

CALLS = ("open", "write", "fsync", "fchmod", "replace", "close", "unlink", "mkdir", "stat")
ERRORS = ("EIO", "ENOSPC", "EINTR", "EMFILE", "EROFS", "EDQUOT", "EACCES")


class System:
    """Stands for the module `os` in `begat.record.files`; the call number *fail* of those in `CALLS` does *what*."""

    def __init__(self, fail, what):
        self.count = 0
        self.fail = fail
        self.what = what

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args, **kwargs):
            self.count += 1
            return self.what(name, real, args, kwargs) if self.count == self.fail else real(*args, **kwargs)

        return call


def raising(code):
    def what(name, real, args, kwargs):
        if name == "close":  # Linux closes it all the same
            real(*args, **kwargs)
        raise OSError(code, os.strerror(code))

    return what


def taking_little(name, real, args, kwargs):
    return real(args[0], args[1][:7]) if name == "write" else real(*args, **kwargs)


def taking_nothing(name, real, args, kwargs):
    return 0 if name == "write" else real(*args, **kwargs)


FAULTS = {name: raising(getattr(errno, name)) for name in ERRORS} | {"short": taking_little, "nothing": taking_nothing}


@pytest.fixture
def lenient(monkeypatch):
    """As users have it: begat's own failures are warnings."""
    monkeypatch.setenv("BEGAT_STRICT", "0")
    monkeypatch.setattr("begat.intercept.interceptor._reported", set())


class Net:
    def __init__(self, number):
        self.number = number


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_to_the_system_fails_once(fault, existing, tmp_path, monkeypatch, lenient, track):
    """For every n the n-th call fails: no descriptor is left, the file is old or new, the program goes on with one warning."""
    track(Net)
    path = tmp_path / "folder" / "run.json"
    if existing:
        path.parent.mkdir()
        with begat.capture(save=path, durability="end"):
            Net("old")
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    number = 0
    while True:
        number += 1
        system = System(number, FAULTS[fault])
        before = path.read_bytes() if path.exists() else None
        monkeypatch.setattr(files, "os", system)
        monkeypatch.setattr("begat.intercept.interceptor._reported", set())
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with begat.capture(save=path, durability="end") as run:
                made = Net(number).number
        monkeypatch.setattr(files, "os", os)

        assert made == number
        assert [node.params for node in run.nodes] == [{"number": number}]
        assert all(w.category is CaptureWarning and w.filename == __file__ for w in warned)
        assert len(warned) <= 1
        if path.exists():
            content = path.read_bytes()
            assert content == before or begat.load(path).id == run.id
            assert warned or begat.load(path).id == run.id, "what was not written was said"
        if descriptors:
            assert len(os.listdir("/proc/self/fd")) == descriptors
        if system.count < number:
            break
    assert number > 12, "entry and end make that many calls"
    left = [name for name in os.listdir(path.parent) if name != "run.json"]
    assert len(left) <= 2, "only where removing the temporary file is what failed"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_killed_at_each_call_to_the_system(tmp_path, monkeypatch):
    """A process that dies at the n-th call leaves the old file or the new one, for every n."""
    path = tmp_path / "run.json"
    path.write_bytes(b"old")
    contents = set()
    for number in range(1, 30):
        child = os.fork()
        if child == 0:
            files.os = System(number, lambda *_: os._exit(3))
            files.write(path, b"new" * 100_000)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        contents.add(content := path.read_bytes())
        assert content in (b"old", b"new" * 100_000)
        path.write_bytes(b"old")
        if status == 0:
            break
    assert status == 0
    assert len(contents) == 2


def test_a_kill_at_random_moments_of_writing(tmp_path):
    """Whenever SIGKILL falls while a record is written again and again, the file is a whole record."""
    (tmp_path / "writer.py").write_text(
        "import begat\n@begat.trackable\nclass Net:\n    def __init__(self, a): pass\n"
        "with begat.capture() as run:\n    nets = [Net('x' * 100) for _ in range(2000)]\nrun.save('run.json')\nprint('begins', flush=True)\n"
        "while True:\n    run.save('run.json')\n"
    )
    for turn in range(12):
        process = subprocess.Popen(
            [sys.executable, "writer.py"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05 + 0.017 * turn)
        process.kill()
        process.wait()
        process.stdout.close()
        assert len(begat.load(tmp_path / "run.json").nodes) == 2000


# --- the real system fails --------------------------------------------------------------------------------------------
PROGRAM = """\
import os, signal, sys
class Net:
    def __init__(self, number):
        self.number = number
"""
MISHAPS = {
    "files may not grow": "import resource, sys\nsys.dont_write_bytecode = True  # what is cut off would be read by the next\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n",
    "no descriptors are left": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n",
    "the folder is a file": "import os, shutil\nshutil.rmtree('out', ignore_errors=True); open('out', 'w').close()\n",
    "a folder is in the way": "import os\nif os.path.exists('out/run.json'): os.unlink('out/run.json')\nos.makedirs('out/run.json/x', exist_ok=True)\n",
    "the target is a pipe": "import os\nif os.path.exists('out/run.json'): os.unlink('out/run.json')\nos.makedirs('out', exist_ok=True)\nos.mkfifo('out/run.json')\n",
    "the target is full": "import os\nos.makedirs('out', exist_ok=True)\nif os.path.exists('out/run.json'): os.unlink('out/run.json')\nos.symlink('/dev/full', 'out/run.json')\n",
    "a ring of links": "import os\nos.makedirs('out', exist_ok=True)\nos.symlink('ring', 'out/ring'); os.symlink('ring', 'out/run.json')\n",
}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
@pytest.mark.parametrize("way", ["run", "scope", "scope with a journal"])
@pytest.mark.parametrize("name", MISHAPS)
def test_a_record_that_cannot_be_written(name, way, tmp_path):
    """The program ends as it would have; one warning says why there is no record."""
    text = f"import begat\n{PROGRAM}{{}}    nets = [Net(i) for i in range(50)]\n    {MISHAPS[name].strip().replace(chr(10), chr(10) + '    ')}\n    print('done', len(nets))\n"
    if way != "run":
        durability = "end" if way == "scope" else "always"
        text = text.format(
            f"begat.trackable(Net)\nwith begat.capture(save='out/run.json', durability='{durability}'):\n"
        )
        seen = observe(tmp_path, text, "plain")
    else:
        text = text.format("if True:\n")
        seen = observe(tmp_path, text, "run", env={"BEGAT_HOME": "out"}, save="out/run.json")

    assert (seen.code, seen.out) == (0, "done 50\n")
    assert seen.err.count("CaptureWarning") == 1, seen.err
    assert "Traceback" not in seen.err
    assert "Exception ignored" not in seen.err


def test_the_folder_was_deleted(tmp_path):
    """A folder that is gone is made again."""
    text = (
        PROGRAM
        + "import begat, shutil\nbegat.trackable(Net)\nwith begat.capture(save='out/run.json'):\n    Net(1)\n    shutil.rmtree('out')\n"
    )
    seen = observe(tmp_path, text, "plain")

    assert (seen.code, seen.err) == (0, "")
    assert len(begat.load(tmp_path / "out" / "run.json").nodes) == 1


@pytest.mark.parametrize("way", ["run", "plain"])
def test_the_present_folder_was_deleted(way, tmp_path):
    """A program that stands in no folder any more runs; where the record is kept is then named by BEGAT_HOME."""
    gone = tmp_path / "gone"
    (tmp_path / "program.py").write_text(PROGRAM + "Net(1)\nprint('done', sys.argv[1:])\n")
    words = f"-m begat run -q {tmp_path}/program.py" if way == "run" else f"{tmp_path}/program.py"
    command = f'mkdir {gone}; cd {gone}; rmdir {gone}; "{sys.executable}" {words} 3'
    for home in ({"BEGAT_HOME": str(tmp_path / "home")}, {}):
        done = subprocess.run(
            ["/bin/sh", "-c", command], env={**os.environ, "PYTHONPATH": str(SOURCE), "BEGAT_STRICT": "0", **home},
            capture_output=True, text=True,
        )  # fmt: skip

        assert (done.returncode, done.stdout) == (0, "done ['3']\n"), done.stderr
        assert "Traceback" not in done.stderr
        assert way == "plain" or home or "CaptureWarning" in done.stderr
    if way == "run":
        assert len(list((tmp_path / "home").glob("runs/*/run.json"))) == 1


def test_the_program_leaves_its_folder_and_deletes_it(tmp_path):
    """Under `begat run` too: the record goes where it was going to go, or a warning says that it cannot."""
    text = PROGRAM + "import shutil\nhere = os.getcwd()\nos.chdir('/')\nNet(1)\nshutil.rmtree(here)\nprint('done')\n"
    seen = observe(tmp_path / "work", text, "run")

    assert (seen.code, seen.out) == (0, "done\n")
    assert len(seen.record.nodes) == 1


CLOSES = {
    "all but the three": "os.closerange(3, 1000)\n",
    "all of them": "os.closerange(0, 1000)\n",
    "a daemon's": "os.closerange(0, 1000)\nfor _ in range(3): os.open('/dev/null', os.O_RDWR)\n",
}


@pytest.mark.parametrize("way", ["run", "scope"])
@pytest.mark.parametrize("name", CLOSES)
def test_a_program_that_closes_all_descriptors(name, way, tmp_path):
    """Whatever number the program's next file gets, nothing of ours is written into it, and the record is whole."""
    text = (
        PROGRAM + "nets = [Net(i) for i in range(50)]\n" + CLOSES[name]
        + "own = [os.open(f'own{i}', os.O_RDWR | os.O_CREAT) for i in range(8)]\nnets += [Net(i) for i in range(50)]\n"
        "for handle in own: os.write(handle, b'mine')\n"
    )  # fmt: skip
    seen = same(tmp_path, text, way)

    assert [(tmp_path / f"own{i}").read_bytes() for i in range(8)] == [b"mine"] * 8 or name == "all of them"
    assert len(seen.record.nodes) == 100


def test_a_daemon_of_its_own(tmp_path):
    """A program that forks twice and lets its parents go records nothing there, and disturbs nothing."""
    text = PROGRAM + (
        "r, w = os.pipe()\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.closerange(0, w)\n        Net(1)\n"
        "        os.write(w, b'daemon'); os._exit(0)\n    os._exit(0)\nos.close(w); os.wait()\nprint(os.read(r, 9)); Net(2)\n"
    )
    seen = same(tmp_path, text, "run")

    assert [node.params for node in seen.record.nodes] == [{"number": 2}]


# --- paths --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "target", ["a/" * 2047 + "run.json", "x" * 4096, "a/" * 3000 + "x", "/proc/begat/run.json", "nul\0nul", "/dev/null/run.json"],
    ids=["4,102 characters", "one name", "6,001 characters", "proc", "NUL", "below a device"],
)  # fmt: skip
def test_impossible_paths(target, tmp_path, monkeypatch, lenient, track):
    """One warning, the program goes on, nothing is left lying about."""
    monkeypatch.chdir(tmp_path)
    track(Net)

    with pytest.warns(CaptureWarning, match="writing") as warned, begat.capture(save=target, durability="end") as run:
        Net(1)

    assert len(warned) == 1
    assert len(run.nodes) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("target", ["€\udcff.json", "a b\nc.json", "-rf", "~", "%s.json", "x" * 250 + ".json"])
def test_odd_paths(target, tmp_path, monkeypatch, track):
    """What the system takes as a name is one."""
    monkeypatch.chdir(tmp_path)
    track(Net)
    with begat.capture(save=target):
        Net(1)

    assert os.listdir() == [target]
    assert len(begat.load(target).nodes) == 1


def test_links_and_pipes_as_targets(tmp_path, track):
    """A link stays one, a pipe gets the record and stays a pipe."""
    track(Net)
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()

    with begat.capture(save=tmp_path / "link.json") as run, begat.capture(save=tmp_path / "pipe"):
        Net(1)
    reader.join(10)

    assert (tmp_path / "link.json").is_symlink()
    assert begat.load(tmp_path / "real.json").id == run.id
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert begat.record.codec.loads(got[0]).nodes[0].params == {"number": 1}


# --- several writers ----------------------------------------------------------------------------------------------------
def test_two_processes_and_one_path(tmp_path):
    """Both complete; what is loaded is at any time the whole record of one of them, or what one that goes on has built so far."""
    (tmp_path / "writer.py").write_text(
        "import begat, sys\n@begat.trackable\nclass Net:\n    def __init__(self, a): pass\n"
        "for _ in range(40):\n    with begat.capture(sys.argv[1], save='run.json'):\n        nets = [Net(i) for i in range(300)]\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    writers = [subprocess.Popen([sys.executable, "writer.py", name], cwd=tmp_path, env=environment) for name in "ab"]
    names = set()
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "run.json").exists():
            run = begat.load(tmp_path / "run.json")
            assert len(run.nodes) == 300
            names.add(run.header.name)

    assert [writer.wait() for writer in writers] == [0, 0]
    assert names <= {"a", "b"}
    assert sorted(os.listdir(tmp_path)) == ["run.json", "writer.py"]


# --- clocks -------------------------------------------------------------------------------------------------------------
class Frozen(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 11, 22, 10, 0, 0, tzinfo=tz)


def test_runs_of_one_moment_have_ids_of_their_own(monkeypatch):
    """20,000 runs on a clock that stands still, in threads and in one thread."""
    monkeypatch.setattr(live, "datetime", Frozen)
    found = [live.LiveRun(None).id for _ in range(20_000)]

    assert len(set(found)) == len(found)
    assert {name[:15] for name in found} == {"20261122-100000"}


def test_a_clock_that_goes_back(monkeypatch, tmp_path, track):
    """A run that ends before it began is a run; what shows it says nothing silly."""
    track(Net)
    with begat.capture(save=tmp_path / "run.json") as run:
        Net(1)
        monkeypatch.setattr(
            live,
            "datetime",
            type("Past", (datetime,), {"now": classmethod(lambda cls, tz: datetime(1999, 1, 1, tzinfo=UTC))}),
        )

    assert run.header.ended < run.header.started
    assert begat.load(tmp_path / "run.json") == run
    from begat.render.tree import lines

    assert "# outcome: finished" in lines(run, everything=False)
