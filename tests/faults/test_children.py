"""Child processes of every kind belong to the run of their parent: what they build is in its record, by process and rank."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import begat
from begat.record.values import Ref
from begat.render.tree import lines
from harness import SOURCE, found, observe, same

MODULE = """\
class Net:
    def __init__(self, number): self.number = number
class Trainer:
    def __init__(self, net): self.net = net
def work(number): return Net(number).number
def train(net): return Trainer(net)
"""
EXECUTOR = """\
import concurrent.futures, multiprocessing
from parts import Net, work
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context({method!r})) as pool:
        print(sum(pool.map(work, range(20))))
    Net(-1)
"""
PROCESS = """\
import multiprocessing, os, sys
from parts import Net, work
def main(n):
    Net(n)
    if n == 1: sys.exit(3)
    if n == 2: os._exit(4)
if __name__ == "__main__":
    for n in range(3):
        child = multiprocessing.get_context({method!r}).Process(target=main, args=(n,))
        child.start(); child.join(); print(child.exitcode)
    Net(-1)
"""
METHODS = ("fork", "spawn", "forkserver")


def _numbers(record):
    return sorted(node.params["number"] for node in record.select("Net"))


@pytest.mark.parametrize("method", METHODS)
def test_executors(method, tmp_path):
    """What was returned is in the record, although the workers end at once."""
    (tmp_path / "parts.py").write_text(MODULE)

    seen = same(tmp_path, EXECUTOR.format(method=method), "run", env={"BEGAT_STRICT": "1"})

    assert _numbers(seen.record) == [-1, *range(20)]
    assert not list(tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize("method", METHODS)
def test_processes(method, tmp_path):
    """However a worker ends in order, it has written all there is; one that skips its end, all that was asked for."""
    (tmp_path / "parts.py").write_text(MODULE)

    seen = same(tmp_path, PROCESS.format(method=method), "run", env={"BEGAT_STRICT": "1"}, durability="always")

    assert _numbers(seen.record) == [-1, 0, 1, 2]
    assert len({node.process.pid for node in seen.record.nodes}) == 4


def test_what_was_built_before_a_fork_is_known_after_it(tmp_path):
    """The child's arguments lead to the nodes of its parent, and have their names there."""
    text = (
        "import os\nclass Net:\n    def __init__(self, number, other=None): self.number = number\nbase = Net(0)\n"
        "for i in (1, 2):\n    if os.fork() == 0:\n        child = Net(i, base)\n"
        "        if os.fork() == 0:\n            Net(i * 10, child); os._exit(0)\n        os.wait(); os._exit(0)\n    os.wait()\nafter = Net(3, base)\n"
    )

    seen = same(tmp_path, text, "run", env={"BEGAT_STRICT": "1"}, durability="always")

    by_number = {node.params["number"]: node for node in seen.record.nodes}
    assert sorted(by_number) == [0, 1, 2, 3, 10, 20]
    for one, other in ((1, 0), (2, 0), (3, 0), (10, 1), (20, 2)):
        assert by_number[one].params["other"].node == by_number[other].id


def test_what_waited_before_a_fork_and_was_built_after_it_is_known_in_the_record(tmp_path):
    """By the child alone, with no construction of its own; by both, it is the parent's that counts; a build may fail."""
    text = (
        "import multiprocessing, begat\nclass Net:\n    def __init__(self, number):\n        self.number = 1 // number\n"
        "def touch(net): net.number\n"
        "with begat.deferred(Net): child, both, never, fails = Net(1), Net(2), Net(3), Net(0)\n"
        "for net in (child, both, fails):\n    work = multiprocessing.get_context('fork').Process(target=touch, args=(net,))\n"
        "    work.start(); work.join()\n"
        "both.number\n"
    )

    run = observe(tmp_path, text, "run", env={"BEGAT_STRICT": "1"}).record

    assert [node.outcome for node in run] == ["returned", "returned", "deferred", "raised"]
    assert run.unbuilt == (run["never"],) and not run.header.marks
    assert [run[event.node].path for event in run.events if "process" in event.arguments] == ["child", "fails"]
    shown = list(lines(run))
    assert sum("built at" in line and ":5 in" in line and ", in process " in line for line in shown) == 1
    assert sum("failed at" in line and ":5 in" in line for line in shown) == 1


TRAVELLED = """\
class Net:
    def __init__(self, number): self.number = number
class Trainer:
    def __init__(self, net, more=None): self.net = net
def work(net): return Trainer(net, [net])
def init(net): Trainer(net, "init")
"""
TRAVELS = """\
import concurrent.futures, multiprocessing, pickle, threading, traceback
from parts import Net, Trainer, init, work
if __name__ == "__main__":
    way, context = {way!r}, multiprocessing.get_context({method!r})
    nets = [Net(number) for number in range(3)]
    if way == "pool":
        with context.Pool(2, init, (nets[2],)) as pool: back = pool.map(work, nets)
    elif way == "executor":
        with concurrent.futures.ProcessPoolExecutor(2, context, init, (nets[2],)) as pool: back = list(pool.map(work, nets))
    elif way == "loky":
        import joblib
        back = joblib.Parallel(2)(joblib.delayed(work)(net) for net in nets)
        Trainer(nets[2], "init")
    else:
        here, there = multiprocessing.Pipe()
        back = []
        for net in nets:
            here.send(work(net)); back.append(there.recv())
        here.send(nets[0]); print(pickle.loads(there.recv_bytes()).number)
        child = context.Process(target=init, args=(nets[2],)); child.start(); child.join()
        for wrong in (lambda: 0, [nets[0], threading.Lock()]):
            try: here.send(wrong)
            except Exception: traceback.print_exc()
    Trainer(back)
"""


@pytest.mark.parametrize(
    ("way", "method"),
    [
        ("pool", "fork"),
        ("pool", "forkserver"),
        ("executor", "spawn"),
        ("pipe", "spawn"),
        pytest.param("loky", None, marks=pytest.mark.heavy),
    ],
)
def test_objects_that_travel_keep_their_node(way, method, tmp_path):
    """An argument of a worker's leads to the parent's node, what came back to the worker's; what fails on the way looks as it does plain."""
    (tmp_path / "parts.py").write_text(TRAVELLED)

    seen = same(tmp_path, TRAVELS.format(way=way, method=method), "run", env={"BEGAT_STRICT": "1"})

    run = seen.record
    nets = {node.id: node.params["number"] for node in run.select("Net")}
    worked = {
        node.id: nets[node.params["net"].node] for node in run.select("Trainer") if type(node.params["more"]) is list
    }
    assert sorted(nets.values()) == sorted(worked.values()) == [0, 1, 2]
    assert all(run[node].params["more"] == [run[node].params["net"]] for node in worked)
    begun = [node for node in run.select("Trainer") if node.params["more"] == "init"]
    assert begun
    assert {nets[node.params["net"].node] for node in begun} == {2}
    [last] = [node for node in run.select("Trainer") if node.params["more"] is None]
    assert [worked[ref.node] for ref in last.params["net"]] == [0, 1, 2]
    assert len({node.process.pid for node in run.nodes}) > 1


BY_VALUE = """\
import cloudpickle, threading
calls = 0
class Base:
    def __init__(self, number, more=[1], *, other=None):
        global calls
        calls += 1
        self.number = number
class Net(Base): pass
class Head(Base):
    def __init__(self, number): super().__init__(number, other=2)
class Bare: pass
class Made:
    def __init__(self, number): pass
    @classmethod
    def load(cls, number): return cls(number)
for turn in range(3):
    back = cloudpickle.loads(cloudpickle.dumps([Net(turn), Head(turn), Bare(), Made.load(turn)]))
    print([type(each).__name__ for each in back], type(back[0]) is Net, calls, Base.__init__.__defaults__, Base.__init__.__kwdefaults__)
going = [True]
def builds():
    while going: Net(-1)
threads = [threading.Thread(target=builds) for _ in range(2)]
[each.start() for each in threads]
for _ in range(30): cloudpickle.loads(cloudpickle.dumps(Net))
going.clear(), [each.join() for each in threads]
class Net(Net): pass
Net.__init__ = lambda self, number: None
cloudpickle.loads(cloudpickle.dumps(Net)), Net(8)
"""


def test_classes_that_come_back_by_value(tmp_path):
    """They have copies of what they had, as they would, and stay tracked; what is a constructor of somebody else's is that."""
    pytest.importorskip("cloudpickle")

    seen = same(tmp_path, BY_VALUE, "run", env={"BEGAT_STRICT": "1"})

    run = seen.record
    for name in ("Net", "Head", "Made.load", "Made"):
        assert [n.params["number"] for n in run.select(name) if n.params["number"] != -1][:3] == [0, 1, 2], name
    assert len(run.select("Bare")) == 3


def test_messages_read_by_hand(tmp_path):
    """By whatever names and with whatever values beside them; threads that read at once do not disturb each other."""
    text = """\
import pickle, sys, threading
from multiprocessing.reduction import ForkingPickler
class Net:
    def __init__(self, number): self.number = number
class Own:
    def __init__(self, net): pass
class Odd:
    def __bool__(self): raise ValueError("neither")
def by_hand(res, buf, data): return ForkingPickler.loads(data)
sent = ForkingPickler.dumps([Net(1), *range(300)])
Own(by_hand(b"", sent, sent)[0])
gone = memoryview(b"")
gone.release()
print(by_hand(Odd(), gone, sent)[0].number, by_hand(bytes(sent), 0, pickle.dumps(2)), pickle.loads(sent)[0].number)
sys.setswitchinterval(1e-6)
def reads():
    data = bytes(ForkingPickler.dumps([Net(2) for _ in range(200)]))
    for _ in range(60): by_hand(data, 0, data)
threads = [threading.Thread(target=reads) for _ in range(4)]
[each.start() for each in threads], [each.join() for each in threads]
"""

    seen = same(tmp_path, text, "run", env={"BEGAT_STRICT": "1"})

    assert seen.code == 0
    own = next(node for node in seen.record.nodes if node.target.endswith(":Own"))
    assert seen.record.nodes[own.params["net"].node].params == {"number": 1}


def test_a_scope_tells_workers_of_what_was_built_before_it(tmp_path):
    """It refers to another run by its id; a worker of a pool that works on for the next scope knows its objects, too."""
    (tmp_path / "parts.py").write_text(TRAVELLED)
    (tmp_path / "p.py").write_text(
        "import begat, multiprocessing\nfrom parts import *\nbegat.watch('parts')\nif __name__ == '__main__':\n    first = Net(1)\n"
        "    with begat.capture(save='a.json') as a:\n        second = Net(2)\n"
        "    with begat.capture(save='b.json') as b, multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        third = Net(3)\n        pool.map(work, [first, second, third])\n    print(begat.graph().id, a.id)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}

    done = subprocess.run([sys.executable, "p.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)

    root, before = done.stdout.split()
    [net, *trainers] = begat.load(tmp_path / "b.json").nodes
    assert [node.params["net"] for node in trainers] == [Ref(0, root), Ref(0, before), Ref(net.id)]


def test_overrides_reach_workers(tmp_path):
    """One of the command line changes what a spawned worker builds."""
    (tmp_path / "parts.py").write_text(MODULE)
    (tmp_path / "p.py").write_text(EXECUTOR.format(method="spawn"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}

    done = subprocess.run(
        [sys.executable, "-m", "begat", "run", "-q", "p.py", "Net.number=7"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "140\n"), done.stderr
    assert _numbers(found(tmp_path)) == [7] * 21


def test_a_worker_that_outlives_its_run(tmp_path):
    """It goes on with its journal, and is read with the record."""
    text = (
        "import os, time\nclass Net:\n    def __init__(self, number): self.number = number\nNet(0)\n"
        "if os.fork() == 0:\n    os.close(1); os.close(2); Net(1); time.sleep(0.7); Net(2); os._exit(0)\ntime.sleep(0.2)\n"
    )

    same(tmp_path, text, "run", durability="always")
    import time

    time.sleep(1.5)

    assert _numbers(found(tmp_path)) == [0, 1, 2]
    assert found(tmp_path).header.outcome == "finished"


SETUPS = """\
import pickle, subprocess, sys
import begat
begat.watch("parts")
setups = []
for name in "ab":
    with begat.capture(save=name + ".json"):
        setups.append(pickle.dumps(begat.worker_setup()))
begat.worker_setup()()
worker = "import pickle; from parts import Net\\nfor number, setup in enumerate(%r): pickle.loads(setup)(); Net(number)"
subprocess.run([sys.executable, "-c", worker % (setups + setups[1:] + setups[:1],)], check=True)
"""


def test_workers_that_others_started(tmp_path):
    """One that is told to goes on with a run, with another one later, and begins the same one once."""
    (tmp_path / "parts.py").write_text(MODULE)
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{tmp_path}"}

    subprocess.run([sys.executable, "-c", SETUPS], cwd=tmp_path, env=environment, timeout=60, check=True)

    first, second = begat.load(tmp_path / "a.json"), begat.load(tmp_path / "b.json")
    assert (_numbers(first), _numbers(second)) == ([0, 3], [1, 2])
    assert first.header.outcome == second.header.outcome == "finished"
    assert begat.worker_setup()() is None


NESTED = """\
import os
class Enc:
    def __init__(self, n): pass
class Seq:
    def __init__(self, *parts): pass
class Model:
    def __init__(self, enc): self.layers = [Enc(i) for i in range(2)]
for child in range(2):
    if (pid := os.fork()) == 0:
        for i in range(2):
            model = Model(enc=Enc(i))
        seq = Seq(Enc(1), Enc(2))
        break
    os.waitpid(pid, 0)
"""


def test_paths_of_two_processes(tmp_path):
    """The second process's `model` has another number, and all that is below it goes along."""
    same(tmp_path, NESTED, "run", durability="always")

    paths = [node.path for node in found(tmp_path).nodes]
    parts = ("enc", "layers.0", "layers.1")
    models = [
        path
        for model in ("model", "model.1", "model.2", "model.3")
        for path in (model, *(f"{model}.{p}" for p in parts))
    ]
    seqs = ["seq", "seq.0", "seq.1", "seq.2", "seq.2.0", "seq.2.1"]
    assert sorted(paths) == sorted(models + seqs)


LIBRARIES = {
    "loky": "from joblib import Parallel, delayed\nprint(sum(Parallel(2, backend='loky')(delayed(work)(i) for i in range(20))))",
    **{
        f"loader {method}": "import torch\nprint(sum(int(x.sum()) for x in torch.utils.data.DataLoader(Data(), num_workers=2, "
        f"batch_size=5, multiprocessing_context='{method}')))"
        for method in METHODS
    },
}
DATA = """\
try:
    from torch.utils.data import Dataset
except ImportError:
    Dataset = object
class Data(Dataset):
    def __len__(self): return 20
    def __init__(self, source=None): pass
    def __getitem__(self, i):
        Trainer(self)
        return work(i)
"""


@pytest.mark.heavy
@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries(library, tmp_path):
    """joblib's workers and those of torch's loaders, which know the data set that they were sent."""
    pytest.importorskip("joblib" if library == "loky" else "torch")
    (tmp_path / "parts.py").write_text(MODULE + DATA)
    body = LIBRARIES[library].replace("\n", "\n    ")

    seen = same(
        tmp_path,
        f"from parts import *\nfrom parts import Net\nif __name__ == '__main__':\n    {body}\n",
        "run",
        timeout=300,
    )

    assert seen.out == "190\n"
    assert _numbers(seen.record) == list(range(20))
    if library != "loky":
        [data] = seen.record.select("Data")
        assert [node.params["net"] for node in seen.record.select("Trainer")] == [Ref(data.id)] * 20


DASK = """\
import begat
from dask.distributed import Client, LocalCluster
from parts import Net, Trainer, train, work
if __name__ == "__main__":
    with {cluster} as cluster, Client(cluster) as client:
        {setup}
        print(sum(client.gather(client.map(work, range(20), pure=False))))
        last = Trainer(client.submit(train, Trainer(None)).result())
"""
RAY = """\
import begat, ray
from parts import Net, Trainer, train, work
class Actor:
    def __init__(self, number): self.net = Net(number)
    def number(self): return self.net.number
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"worker_process_setup_hook": begat.worker_setup()})
task, actor = ray.remote(work), ray.remote(Actor).remote(19)
print(sum(ray.get([*(task.remote(i) for i in range(19)), actor.number.remote()])))
last = Trainer(ray.get(ray.remote(train).remote(Trainer(None))))
ray.shutdown()
"""
LOCAL = "LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes={})"


@pytest.mark.heavy
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(DASK.format(cluster=LOCAL.format(True), setup="pass"), id="dask processes"),
        pytest.param(DASK.format(cluster=LOCAL.format(False), setup="pass"), id="dask threads"),
        pytest.param(RAY, id="ray"),
    ],
)
def test_clusters_that_the_program_starts(program, tmp_path):
    """What their workers build belongs to the run, each in its process; what goes there and comes back is known."""
    pytest.importorskip("ray" if program is RAY else "distributed")
    (tmp_path / "parts.py").write_text(MODULE)

    done = _run(tmp_path, program)

    assert done.stdout == "190\n", done.stderr
    run = found(tmp_path)
    assert _numbers(run) == list(range(20))
    threads = "processes=False" in program
    assert (len({node.process.pid for node in run.select("Net")}) == 1) == threads
    assert _chain(run) == [True, threads, True]


def _chain(run):
    """Of `last`, its argument, and the argument of that, which are in the process of `last`."""
    last = run["last"]
    between = run[last.params["net"].node]
    return [node.process == last.process for node in (last, between, run[between.params["net"].node])]


@pytest.mark.heavy
def test_a_cluster_that_runs_already(tmp_path, monkeypatch):
    """Its workers go on with one run after the other; what was changed in the first is not changed in the second."""
    distributed = pytest.importorskip("distributed")
    (tmp_path / "parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address, setup = repr(cluster.scheduler_address), "client.register_worker_callbacks(begat.worker_setup())"
        program = DASK.format(cluster="open(__file__)", setup=setup).replace("Client(cluster)", f"Client({address})")
        for changed, numbers in (("Net.number=7", [7] * 20), ("", list(range(20)))):
            done = _run(tmp_path, program, *changed.split())

            assert done.stdout == f"{sum(numbers)}\n", done.stderr
            assert _numbers(begat.load(max((tmp_path / ".begat/runs").iterdir()))) == numbers


def _run(folder, program, *words):
    (folder / "p.py").write_text(program)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}
    environment["RAY_raylet_start_wait_time_s"] = "240"
    return subprocess.run(
        [sys.executable, "-m", "begat", "run", "-q", "p.py", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


RANKS = """\
import torch.distributed as dist
class Net:
    def __init__(self, dim=3): pass
class Opt:
    def __init__(self, net, lr): pass
dist.init_process_group("gloo")
net = Net(dim=5 if dist.get_rank() == 2 else 4)
opt = Opt(net, lr=0.1)
dist.barrier()
dist.destroy_process_group()
"""


def test_a_rank_that_begins_when_the_others_have_ended(tmp_path):
    """It belongs to their run, which is read in the meantime, too; and what it does otherwise is pointed out."""
    (tmp_path / "t.py").write_text(
        "import os\nclass Net:\n    def __init__(self, dim): pass\nnet = Net(int(os.environ['RANK']) // 2)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")} | {"PYTHONPATH": str(SOURCE)}
    environment |= {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3"}
    seen = []
    for rank in range(3):
        subprocess.run(
            [sys.executable, "-m", "begat", "run", "-q", "t.py"],
            cwd=tmp_path, env=environment | {"RANK": str(rank)}, timeout=60, check=True,
        )  # fmt: skip
        seen.append(found(tmp_path))

    assert [len(run) for run in seen] == [1, 2, 3]
    assert {run.header.outcome for run in seen} == {"finished"}
    assert [mark for mark in seen[-1].header.marks if "net.dim: 0: 0, 1: 0, 2: 1" in mark]
    assert [path.name for path in (tmp_path / ".begat/runs").rglob("*") if path.is_file()] == ["run.json"]


@pytest.mark.heavy
def test_eight_ranks_are_one_run(tmp_path):
    """One folder, one record, every rank in it, and what they disagree about pointed out."""
    pytest.importorskip("torch")
    (tmp_path / "t.py").write_text(RANKS)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BEGAT")}
    environment |= {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "8",
        "-m",
        "begat",
        "run",
        "-q",
        "t.py",
    ]

    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, timeout=400, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    [folder] = (path for path in (tmp_path / ".begat/runs").iterdir() if path.is_dir())
    assert os.listdir(folder) == ["run.json"]
    assert json.loads((folder / "run.json").read_bytes())["format"] == "begat/1"
    run = begat.load(folder)
    assert sorted(node.process.rank for node in run.nodes) == sorted([*range(8)] * 2)
    assert run["net"].process.rank == 0
    assert [mark for mark in run.header.marks if "net.dim" in mark and "2: 5" in mark]
    for opt in run.select("Opt"):
        assert run[opt.params["net"].node].process == opt.process
