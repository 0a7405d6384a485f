"""What waits, sharded and wrapped by torch, and sent to Ray: each in a program of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.heavy

FSDP = """
    import os, socket
    import torch, torch.distributed as dist
    from torch import nn
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    import begat

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK="0", WORLD_SIZE="1")

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.fc = nn.Linear(width, width)

        def forward(self, x):
            return torch.relu(self.fc(x))

    def blocks():
        torch.manual_seed(0)
        return nn.Sequential(Block(8), Block(8))

    expected = blocks()(torch.ones(2, 8))
    with begat.deferred(Block, rng="order"):
        model = blocks()
    assert all(map(begat.is_lazy, model))
    dist.init_process_group("gloo", rank=0, world_size=1)
    mesh = init_device_mesh("cpu", (1,))
    torch.manual_seed(0)
    for block in model:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    assert torch.equal(model(torch.ones(2, 8)), expected)
    dist.destroy_process_group()
    print("sharded", flush=True)
    os._exit(0)  # torch's process group waits for its threads with the GIL held, and they may want it
"""

DDP = """
    import os
    import torch, torch.distributed as dist
    from torch import nn
    import begat

    dist.init_process_group("gloo", init_method=f"file://{os.getcwd()}/store", rank=0, world_size=1)
    with begat.deferred(nn.Linear):
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    assert all(map(begat.is_lazy, (model[0], model[2])))
    model = nn.parallel.DistributedDataParallel(model)
    model(torch.ones(2, 4)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    print("flowed", flush=True)
    os._exit(0)
"""

RAY = """
    import os
    import ray
    import begat

    class Net:
        def __init__(self, n):
            self.n, self.built_by = n, os.getpid()

    @ray.remote
    def use(net):
        return net.n, net.built_by == os.getpid()

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    net = begat.lazy(Net)(5)
    assert ray.get(use.remote(net)) == (5, True)
    assert begat.is_lazy(net)
    ray.shutdown()
    print("sent")
"""


def ran(script: str, folder: str) -> str:
    """What *script* prints."""
    path = f"{folder}/script.py"
    with open(path, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_fully_sharded(tmp_path):
    """FSDP shards what waits, which is built for it, with the weights it would have had."""
    pytest.importorskip("torch")
    assert ran(FSDP, str(tmp_path)) == "sharded"


def test_data_parallel(tmp_path):
    """The wrapper takes it, and gradients flow."""
    pytest.importorskip("torch")
    assert ran(DDP, str(tmp_path)) == "flowed"


def test_ray(tmp_path):
    """A task builds what it is sent, and here it goes on waiting."""
    pytest.importorskip("ray")
    assert ran(RAY, str(tmp_path)) == "sent"
