"""What a journal promises: whatever happens to the process, the disk or the file, what was written is read back, and nothing else breaks."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import begat
from begat.capture import appending, journal
from begat.capture.keeping import keep
from begat.capture.merging import JOURNALS, load
from begat.cli.find import find, heads
from begat.errors import CaptureWarning, InvalidRecord
from begat.intercept import interceptor
from begat.record import codec
from begat.record.graph import Run
from begat.render import tree
from harness import SOURCE, same

ENV = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}


class Part:
    """Something to build."""

    def __init__(self, number, other=None, *, name="part"):
        self.number = number


@pytest.fixture(autouse=True, scope="module")
def tracked():
    begat.trackable(Part)
    yield
    begat.untrack(Part)


@pytest.fixture
def told(tmp_path):
    """The bytes of a journal with forty constructions and an event, and how many nodes it tells of."""
    scope = begat.capture("told", save=tmp_path / "run.json", durability="always")
    scope.__enter__()
    parts = [Part(i, name="é" * (i % 3)) for i in range(20)]
    parts += [Part(i, parts[i], name={"$row": [i]}) for i in range(20)]
    parts[3].__init__(99)
    [file] = (tmp_path / "run.json.journal").glob("*.jsonl")
    data = file.read_bytes()
    scope.__exit__(None, None, None)
    return data


def _read(folder, data):
    where = folder / "cut" / JOURNALS
    where.mkdir(parents=True, exist_ok=True)
    (where / "1-0.jsonl").write_bytes(data)
    return load(folder / "cut")


# --- torn tails -----------------------------------------------------------------------------------------------------------
def test_a_journal_cut_anywhere_is_read_up_to_there(told, tmp_path):
    """Cut at every byte: every construction whose line is whole is there, and not one more."""
    for length in range(told.index(b"\n") + 1, len(told) + 1):
        if told[length - 1 : length] != b"\n" and length % 7:
            continue  # every line's end, and a seventh of all the bytes
        run = _read(tmp_path, told[:length])
        whole = b"\n" + told[:length].rpartition(b"\n")[0]
        # The last row turns out to be no construction of its own.
        assert len(run.nodes) == whole.count(b'\n{"$row":') - (b'\n{"$fate":[40' in whole)
        assert run.header.outcome in ("killed", "running")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_torn_line_costs_itself_alone(told_once, data):
    """A line cut off in the middle, with the next one glued to it, is lost; all others count."""
    lines = told_once.splitlines(keepends=True)
    rows = [i for i, line in enumerate(lines) if line.startswith(b'{"$row"')][:-1]
    torn = data.draw(st.sampled_from(rows))
    cut = data.draw(st.integers(1, len(lines[torn]) - 2))
    lines[torn] = lines[torn][:cut]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        run = _read(Path(folder), b"".join(lines))

    assert len(run.nodes) == 39
    assert any("could not be read" in mark for mark in run.header.marks)


@pytest.fixture(scope="module")
def told_in_columns(tmp_path_factory):
    """The bytes of a journal whose rows stand in columns."""
    folder = tmp_path_factory.mktemp("told")
    with begat.capture(save=folder / "run.json") as run:
        parts = [Part(i, name="é" * (i % 3)) for i in range(20)]
        parts += [Part(i / 7, part, name={"$row": [i]}) for i, part in enumerate(parts)]
        run.recorder.journal.flush()
        [file] = (folder / "run.json.journal").glob("*.jsonl")
        return file.read_bytes()


def test_rows_in_columns_say_what_rows_say(told_in_columns, told_once, tmp_path):
    """Told together or one by one: the same numbers, arguments and paths."""
    assert told_in_columns.count(b'{"$rows"') >= 2

    together = _read(tmp_path / "a", told_in_columns)
    alone = _read(tmp_path / "b", told_once)

    assert [node.params for node in together.nodes[:20]] == [node.params for node in alone.nodes[:20]]
    assert [node.params["other"].node for node in together.nodes[20:]] == list(range(20))
    assert [node.params["number"] for node in together.nodes[20:]] == [i / 7 for i in range(20)]
    assert [node.path for node in together.nodes] == [f"parts.{i}" for i in range(40)]


@pytest.mark.parametrize(
    "rows",
    [
        "[[0,1000000000000000,1],0,0,[null],{}]",
        "[[0,9,0],0,0,[null],{}]",
        "[[9,0,1],0,0,[null],{}]",
        "[[],0,0,[null],{}]",
        "[[3,2,1,0],0,0,[null],{}]",
        "[[0,1,2,-3],0,0,[null],{}]",
        "[[10,19,1],0,0,[null,null],{}]",
        "[[10,19,1],0,0,[15],{}]",
        '[[10,19,1],0,0,["x"],{}]',
        '[[10,19,1],0,0,[null],{"number":[1,2,3]}]',
        '[[10,19,1],0,0,[null],{"number":7}]',
        "[[10,19,1],0,0,[null],7]",
        "[[10,19,1],0,0]",
        "{}",
    ],
)
def test_columns_that_no_journal_has_are_refused(rows, told_in_columns, tmp_path):
    """With a word on the line."""
    data = told_in_columns + b'{"$rows":' + rows.encode() + b"}\n"

    with pytest.raises(InvalidRecord, match="line"):
        _read(tmp_path, data)


def test_very_many_rows_in_few_bytes_are_read_soon(told_in_columns, tmp_path):
    """A bomb: a hundred million rows in a hundred kilobytes are counted, not made."""
    lines = [
        b'{"$rows":[[%d,%d,1],0,0,[null],{"number":[1]}]}\n' % (at, at + 65_535)
        for at in range(100, 100_000_000, 65_536)
    ]
    begin = time.process_time()
    run = _read(tmp_path, told_in_columns + b"".join(lines))

    assert len(run.nodes) < 2000
    assert "100,0" in " ".join(run.header.marks)
    assert time.process_time() - begin < 10


@pytest.fixture(scope="module")
def told_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    scope = begat.capture("told", save=folder / "run.json", durability="always")
    scope.__enter__()
    parts = [Part(i, name="é" * (i % 3)) for i in range(20)]
    parts += [Part(i, parts[i], name={"$row": [i]}) for i in range(20)]
    [file] = (folder / "run.json.journal").glob("*.jsonl")
    data = file.read_bytes()
    scope.__exit__(None, None, None)
    return data


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_journal_that_somebody_changed_is_read_or_refused(told_once, told_in_columns, data):
    """Bytes changed, cut out, doubled: a run, or an error that says which file; never another exception."""
    text = bytearray(data.draw(st.sampled_from([told_once, told_in_columns])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(["set", "cut", "double", "word"])):
            case "set":
                text[at] = data.draw(st.integers(0, 255))
            case "cut":
                del text[at : at + data.draw(st.integers(1, 200))]
            case "double":
                text[at:at] = text[at : at + data.draw(st.integers(1, 400))]
            case "word":
                text[at:at] = data.draw(
                    st.sampled_from([b"null", b"{}", b"[]", b"-1", b'"x"', b"1e999", b"\n", b"9" * 30])
                )
        if not text:
            break
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            _read(Path(folder), bytes(text)).to_dot()
        except InvalidRecord:
            pass


# --- killed ----------------------------------------------------------------------------------------------------------------
BUILDS = """\
import os, sys, time
class Part:
    def __init__(self, number, other=None):
        self.number = number
last = None
print("on", flush=True)
for i in range(10_000_000):
    last = Part(i, last if i % 3 else None)
    if i % 50 == 0: print(i, time.process_time(), flush=True)
"""


def _killed(folder, after, *options):
    folder.mkdir()
    (folder / "p.py").write_text(BUILDS)
    command = [sys.executable, "-m", "begat", "run", *options, "p.py"]
    with subprocess.Popen(command, cwd=folder, env=ENV, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(after)
        process.kill()
        said = process.stdout.read().splitlines()[:-1]
    return [(int(number), float(moment)) for number, moment in (line.split() for line in said)]


def _all_but_a_moment(folder, seed, *options):
    said = _killed(folder, random.Random(seed).uniform(0.0, 0.6), *options)
    runs = folder / ".begat/runs"
    [run] = (list(runs.iterdir()) if runs.is_dir() else []) or [None]
    begun = run is not None and any(file.stat().st_size for file in (run / JOURNALS).glob("*"))
    found = [node.params["number"] for node in load(run).nodes] if begun else []
    assert found == list(range(len(found)))
    moment = 0.0 if "always" in options else MOMENT
    due = [number for number, when in said if when <= said[-1][1] - moment]
    assert not due or len(found) > due[-1]


MOMENT = (
    0.1 + 0.2
)  # of the processor's time: the promise, and what it takes to write beside a program that never pauses


@pytest.mark.parametrize("seed", range(25))
def test_kill_at_any_moment(seed, tmp_path):
    """What was built more than a moment ago is there, in order, without a gap."""
    _all_but_a_moment(tmp_path / "k", seed)


@pytest.mark.parametrize("seed", range(5))
def test_kill_at_any_moment_with_every_row_written_at_once(seed, tmp_path):
    """Every row whose constructor returned is there."""
    _all_but_a_moment(tmp_path / "k", seed, "--durability", "always")


# All: BEGAT_KILLS=470, which with the 30 above makes 500.
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + int(os.environ.get("BEGAT_KILLS", "120"))))
def test_kill_at_any_moment_many_times(seed, tmp_path):
    """As above."""
    _all_but_a_moment(tmp_path / "k", seed, *(("--durability", "always") if seed % 5 == 0 else ()))


UNDER_WAY = """
import begat, sys, time
@begat.trackable
class Quick:
    def __init__(self, a): pass
@begat.trackable
class Slow:
    def __init__(self, seconds): self.part = Quick("in"); time.sleep(seconds)
with begat.capture(save="run.json", durability=sys.argv[1]):
    Slow(0.2)
    time.sleep(0.5)  # nothing happens but that it is over
    print("now", flush=True)
    Slow(60)
"""


@pytest.mark.parametrize("durability", ["soon", "always"])
def test_what_goes_on_at_a_kill_is_unfinished(durability, tmp_path):
    """It does not read as if it had returned; what had returned does, also where nothing was built since."""
    (tmp_path / "slow.py").write_text(UNDER_WAY)
    process = subprocess.Popen(
        [sys.executable, "slow.py", durability], cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "now\n"
    seen = []
    while seen[-2:] != ["unfinished", "returned"]:
        time.sleep(0.05)
        seen = [node.outcome for node in begat.load(tmp_path / "run.json").nodes]
    process.kill()
    process.wait()
    process.stdout.close()

    run = begat.load(tmp_path / "run.json")

    assert run.header.outcome == "killed"
    assert [node.outcome for node in run.nodes] == ["returned", "returned", "unfinished", "returned"]
    assert "unfinished" in "\n".join(tree.lines(run, everything=True))
    assert codec.loads(codec.dumps(run)) == run


# --- a system that fails ---------------------------------------------------------------------------------------------------
CALLS = ("open", "write", "fstat", "mkdir", "unlink", "rmdir")


def _fails(monkeypatch, nth, error, short=False):
    """The *nth* call of the journal's to the system fails. Returns the number of calls so far."""
    calls = []

    def wrap(name):
        plain = getattr(os, name)

        def call(*args, **kwargs):
            caller = sys._getframe(1).f_code.co_filename
            if caller == appending.__file__:
                calls.append(name)
                if len(calls) == nth:
                    if short and name == "write":
                        return plain(args[0], bytes(args[1])[:7])
                    raise OSError(error, os.strerror(error))
            return plain(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    for name in CALLS:
        wrap(name)
    return calls


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS, errno.EBADF, errno.EDQUOT, "short"]
)
@pytest.mark.filterwarnings("ignore::begat.errors.CaptureWarning")
def test_each_call_to_the_system_fails_once(error, tmp_path, monkeypatch):
    """The program goes on; the record at its end is whole; what is in the journal can be read meanwhile."""
    monkeypatch.delenv("BEGAT_STRICT", raising=False)
    for nth in range(1, 60):
        with monkeypatch.context() as patch:
            calls = _fails(patch, nth, errno.EIO if error == "short" else error, error == "short")
            file = tmp_path / f"{nth}.json"
            with begat.capture(save=file, durability="always"):
                for i in range(8):
                    Part(i)
                folder = Path(f"{file}.journal")
                meanwhile = load(file) if any(each.stat().st_size for each in folder.glob("*.jsonl")) else None
        kept = [node.params["number"] for node in meanwhile.nodes] if meanwhile is not None else []
        assert set(kept) <= set(range(8))
        if error in (errno.ENOSPC, "short") and nth > 6:
            assert kept in (list(range(7)), list(range(8)))  # tried again with the next
        assert [node.params["number"] for node in load(file).nodes] == list(range(8))
        if len(calls) < nth:
            break
    else:
        pytest.fail("the calls have no end")
    assert nth > 10


def test_a_disk_that_fills_and_is_freed(tmp_path, monkeypatch):
    """What did not fit is written later, behind the half line that did."""
    monkeypatch.delenv("BEGAT_STRICT", raising=False)
    monkeypatch.setattr(interceptor, "_reported", set())
    plain, full = os.write, []

    def write(handle, data):
        if full and sys._getframe(1).f_code.co_filename == appending.__file__:
            if full.pop():
                return plain(handle, bytes(data)[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(handle, data)

    monkeypatch.setattr(os, "write", write)
    scope = begat.capture(save=tmp_path / "run.json", durability="always")
    scope.__enter__()
    Part(0)
    full[:] = [False, True]
    with pytest.warns(CaptureWarning, match="No space left"):
        Part(1)
    Part(2)
    try:
        run = load(tmp_path / "run.json")
    finally:
        scope.__exit__(None, None, None)

    assert [node.params["number"] for node in run.nodes] == [0, 1, 2]


def test_descriptors_that_the_program_closes_and_uses(tmp_path):
    """Nothing is written into a file of the program's, and nothing is lost."""
    scope = begat.capture(save=tmp_path / "run.json", durability="always")
    run = scope.__enter__()
    Part(0)
    handle = run.recorder.journal.file._handle
    os.close(handle)
    mine = os.open(tmp_path / "mine", os.O_WRONLY | os.O_CREAT)
    os.dup2(mine, handle)
    Part(1)
    try:
        found = load(tmp_path / "run.json")
    finally:
        scope.__exit__(None, None, None)
        os.close(mine)
        os.close(handle)

    assert (tmp_path / "mine").read_bytes() == b""
    assert [node.params["number"] for node in found.nodes] == [0, 1]


@pytest.mark.parametrize("harm", ["folder", "file", "another place"])
def test_a_folder_that_is_gone(harm, tmp_path, monkeypatch):
    """One warning; the record is whole at the end."""
    import shutil

    monkeypatch.delenv("BEGAT_STRICT", raising=False)
    monkeypatch.setattr(interceptor, "_reported", set())
    folder = tmp_path / "run.json.journal"

    def harmed():
        with begat.capture(save=tmp_path / "run.json", durability="always"):
            Part(0)
            if harm == "folder":
                shutil.rmtree(folder)
            elif harm == "file":
                next(folder.glob("*.jsonl")).unlink()
            else:
                next(folder.glob("*.jsonl")).rename(folder / "other")
                (folder / "other").unlink()
            for i in range(1, 4):
                Part(i)

    with pytest.warns(CaptureWarning) as warned:
        harmed()

    assert len([w for w in warned if "journal" in str(w.message)]) == 1
    assert [node.params["number"] for node in load(tmp_path / "run.json").nodes] == [0, 1, 2, 3]


# --- the host is untouched ---------------------------------------------------------------------------------------------------
def test_nothing_is_left_of_a_run_that_is_over(tmp_path):
    """The folder has the record alone, also when the run took longer than the journal waits."""
    with begat.capture(save=tmp_path / "run.json"):
        Part(0)
        time.sleep(0.3)
        assert list((tmp_path / "run.json.journal").glob("*.jsonl"))
        Part(1)

    assert os.listdir(tmp_path) == ["run.json"]
    assert len(load(tmp_path / "run.json").nodes) == 2


def test_a_run_may_end_while_its_journal_is_told(tmp_path, monkeypatch):
    """What was about to be written when the folder went is in the record: nothing is missing, and nobody is warned."""
    telling, over = threading.Event(), threading.Event()
    news = journal.Scribe.news

    def slow(self, run):
        found = news(self, run)
        telling.set()
        over.wait(10)
        return found

    monkeypatch.setattr(journal.Scribe, "news", slow)
    with begat.capture(save=tmp_path / "run.json") as run:
        Part(1)
        assert telling.wait(10)
    over.set()
    deadline = time.monotonic() + 10
    while run.recorder.journal._resting.locked() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert run.header.marks == ()
    assert begat.load(tmp_path / "run.json") == run
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_journal_made_while_the_record_is_written_says_nothing_twice(tmp_path):
    """The thread that writes it may wake at any moment of the end; a process killed there leaves both."""
    with begat.capture(save=tmp_path / "run.json") as run:
        Part(1)
        both = []

        def write():
            run.save(tmp_path / "run.json")
            run.recorder.journal.flush()
            both.append(load(tmp_path / "run.json"))

        keep(run, write)

        assert (len(both[0].nodes), os.listdir(tmp_path)) == (1, ["run.json"])
        run.recorder.journal.flush()
        assert os.listdir(tmp_path) == ["run.json"]


def test_files_and_folders_are_the_owners_alone(tmp_path):
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        with begat.capture(save=tmp_path / "run.json", durability="always"):
            Part(0)
            [file] = (tmp_path / "run.json.journal").glob("*.jsonl")
            assert file.stat().st_mode & 0o777 == 0o600
            assert file.parent.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_two_runs_with_one_path(tmp_path):
    """Each keeps its own journal, and takes nothing of the other's."""
    first, second = (begat.capture(n, save=tmp_path / "run.json", durability="always") for n in "ab")
    one = first.__enter__()
    Part(1)
    two = second.__enter__()
    Part(2)
    second.__exit__(None, None, None)
    assert [node.params["number"] for node in two.nodes] == [2]
    first.__exit__(None, None, None)
    assert [node.params["number"] for node in one.nodes] == [1]
    assert os.listdir(tmp_path) == ["run.json"]


THREADS = """\
import os, sys, threading, time, warnings
warnings.simplefilter("error")
class Part:
    def __init__(self, number): self.number = number
for i in range(20):
    Part(i)
    time.sleep(0.03)
    pid = os.fork()
    if pid == 0:
        Part(100 + i)
        sys.exit()
    os.waitpid(pid, 0)
print(len(threading.enumerate()), sorted(os.listdir("/proc/self/fd"))[:3])
"""


MANY = """
import random, sys
class Part:
    def __init__(self, number, other=None, *rest, name="part", sizes=(1, 2), **more):
        self.number, self.other = number, other
        if number == 7: raise ValueError
class Net:
    def __init__(self, count):
        self.parts = [Part(number, rate=0.5) for number in range(count)]
        self.last = Part(-1, self.parts[-1], name="é" * 3)
random.seed(3)
nets = [Net(3) for _ in range(9_000)]
try: Part(7)
except ValueError: pass
nets[3].parts[1].__init__(99, nets[3])
for number in range(5_000): Part(2 ** 70 + number if number % 50 == 0 else -number, None, 1, [number], float("nan"))
Part(nets)
"""


OVERRIDDEN = """
import time
class Part:
    def __init__(self, number, name="part"): self.number, self.name = number, name
for _ in range(6):
    parts = [Part(number) for number in range(50)]
    time.sleep(0.15)
"""


def test_what_overrides_changed_is_said_once(tmp_path):
    """And not anew with each line that follows."""
    (tmp_path / "some.py").write_text(OVERRIDDEN + "import os; os._exit(0)")
    subprocess.run(
        [sys.executable, "-m", "begat", "run", "some.py", "Part.name=other"], cwd=tmp_path, env=ENV, check=True
    )
    [journal] = tmp_path.glob(".begat/runs/*/journal/*.jsonl")

    assert {node.params["name"] for node in load(journal.parent.parent).nodes} == {"other"}
    assert len(load(journal.parent.parent).nodes) == 300
    assert journal.read_bytes().count(b'"other","override"') <= 2 * 300


def test_journals_that_say_very_much_are_the_record(tmp_path):
    """Past fifty thousand constructions `begat run` writes none of them again; what is read is what would have been written."""
    (tmp_path / "many.py").write_text(MANY)
    said = []
    for more in ((), ("--save", "whole.json")):
        done = subprocess.run(
            [sys.executable, "-m", "begat", "run", *more, "many.py", "Part.name=other"],
            cwd=tmp_path,
            env=ENV,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stderr.partition(" recorded")[0])
    told, written = sorted((tmp_path / ".begat" / "runs").iterdir())

    run, whole = load(told), load(written)

    assert said[0] == said[1]
    assert not (told / "run.json").exists()
    assert (written / "run.json").exists()
    assert not (written / JOURNALS).exists()
    around = {"packages": {}}  # what begat itself loads is among them
    assert replace(run.environment, **around) == replace(whole.environment, **around)
    changing = {"id": "", "started": "", "ended": "", "journals": {}}
    assert replace(run.header, **changing) == replace(whole.header, **changing)
    here = run.nodes[0].process
    nodes = tuple(replace(node, process=here) for node in whole.nodes)
    assert codec.dumps(Run(whole.header, run.nodes, events=run.events)) == codec.dumps(
        Run(whole.header, nodes, events=whole.events)
    )
    assert find(str(tmp_path / "many.py"), tmp_path).parent.name == written.name
    assert [head["outcome"] for head in heads(tmp_path / ".begat", over=True)] == ["finished"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forking_warns_of_nothing(tmp_path):
    """The thread that writes is not there while the process is forked, and is seen by nobody."""
    seen = same(tmp_path, THREADS, "run", env={"BEGAT_STRICT": "1"})

    assert seen.code == 0
    assert sorted(node.params["number"] for node in seen.record.nodes) == [*range(20), *range(100, 120)]


STORM = """\
import os, sys, threading, time
class Part:
    def __init__(self, number): self.number = number
going = True
def build(thread):
    i = 0
    while going:
        Part(thread * 1_000_000 + i); i += 1
        if i % 100 == 0: time.sleep(0.001)
threads = [threading.Thread(target=build, args=(n,)) for n in (1, 2, 3)]
for t in threads: t.start()
for i in range(int(os.environ["FORKS"])):
    pid = os.fork()
    if pid == 0:
        Part(-1 - i)
        os._exit(0) if i % 2 else sys.exit(0)
    os.waitpid(pid, 0)
going = False
for t in threads: t.join()
"""


# All: BEGAT_FORKS=10000.
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_under_load(tmp_path):
    """Two hundred forks while three threads build: none hangs, nothing is there twice, nothing is missing."""
    forks = int(os.environ.get("BEGAT_FORKS", "200"))
    env = {"BEGAT_STRICT": "1", "PYTHONWARNINGS": "ignore", "FORKS": str(forks)}
    seen = same(tmp_path, STORM, "run", env=env, timeout=120 + forks / 10, durability="always")

    numbers = [node.params["number"] for node in seen.record.nodes]
    assert len(numbers) == len(set(numbers))
    assert {-1 - i for i in range(forks)} <= set(numbers)
    for thread in (1, 2, 3):
        mine = sorted(n for n in numbers if n // 1_000_000 == thread)
        assert mine == list(range(thread * 1_000_000, thread * 1_000_000 + len(mine)))


def test_the_thread_ends_when_nothing_happens():
    """A tenth of a second after the last construction was written there is none of ours."""
    import _thread
    import tempfile

    with tempfile.TemporaryDirectory() as folder, begat.capture(save=f"{folder}/run.json"):
        time.sleep(3 * journal.PERIOD)  # for those of runs before
        before = _thread._count()
        Part(0)
        time.sleep(0.03)
        assert _thread._count() == before + 1
        time.sleep(5 * journal.PERIOD)
        assert _thread._count() == before
