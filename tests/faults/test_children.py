"""Child processes of every kind belong to the run of their parent: what they build is in its record, by process and rank."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import begat
from harness import SOURCE, found, same

MODULE = """\
class Net:
    def __init__(self, number): self.number = number
def work(number): return Net(number).number
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
    return sorted(node.params["number"] for node in record.nodes)


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
    def __getitem__(self, i): return work(i)
"""


@pytest.mark.heavy
@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries(library, tmp_path):
    """joblib's workers and those of torch's loaders."""
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
    built = [node for node in seen.record.nodes if node.target == "parts:Net"]
    assert sorted(node.params["number"] for node in built) == list(range(20))


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
