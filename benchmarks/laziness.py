"""What waiting costs: to defer, to touch, and afterwards; beside proxies and configuration libraries that defer by other spellings.

python benchmarks/laziness.py
"""

from __future__ import annotations

import importlib
import sys
import tracemalloc
from fractions import Fraction
from statistics import quantiles
from time import perf_counter
from typing import Any

import begat
from stopwatch import Way, best


class Net:
    def __init__(self, a: int, b: float, dropout: float = 0.1, hidden: int = 64):
        self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden

    def method(self):
        return self.a


class Waits(Net):
    def __init__(self, a: int, b: float, dropout: float = 0.1, hidden: int = 64):
        self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden


def make(a: int, b: float, dropout: float = 0.1, hidden: int = 64) -> None:
    return None


CALL = "C(1, 2.0, hidden=128)"
NAMES = {"C": Net}


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def defer() -> None:
    """A construction that is deferred and never built."""
    ways = {
        "plain": Way(CALL, NAMES),
        "an empty call": Way("f(1, 2.0, hidden=128)", {"f": lambda a, b, dropout=0.1, hidden=64: None}),
        "begat.deferred": Way(CALL, {"C": Waits}, lambda: begat.deferred(Waits)),
        "begat.deferred, an argument is a list": Way(
            "C(x, 2.0)", {"C": Waits, "x": [1, 2, 3]}, lambda: begat.deferred(Waits)
        ),
        "begat.lazy(C)": Way("L(1, 2.0, hidden=128)", {"L": begat.lazy(Waits)}),
        "begat.lazy(C), asked for anew": Way("begat.lazy(C)(1, 2.0, hidden=128)", {"C": Waits, "begat": begat}),
        "begat.deferred, of a function": Way(CALL, {"C": make}, lambda: begat.deferred(make)),
        "begat.lazy(function)": Way("L(1, 2.0, hidden=128)", {"L": begat.lazy(make)}),
        "begat.lazy(Fraction)": Way("L(1, 2)", {"L": begat.lazy(Fraction)}),
    }
    spent = best(ways, 5_000, 9)
    for name, way in peers().items():  # by far slower, some of them
        way.time(10)
        spent[name] = min(way.time(100) for _ in range(9))
    print("to defer one construction, ns")
    for name, value in spent.items():
        print(f"  {name:44}{value:9.0f}   plain {value - spent['plain']:+8.0f}")


def peers() -> dict[str, Way]:
    found = {}
    if wrapt := optional("wrapt"):
        found["wrapt.LazyObjectProxy"] = Way("P(lambda: C(1, 2.0, hidden=128))", {**NAMES, "P": wrapt.LazyObjectProxy})
    if proxy := optional("lazy_object_proxy"):
        found["lazy_object_proxy.Proxy"] = Way("P(lambda: C(1, 2.0, hidden=128))", {**NAMES, "P": proxy.Proxy})
    if jsonargparse := optional("jsonargparse"):
        found["jsonargparse.lazy_instance"] = Way(
            "P(C, a=1, b=2.0, hidden=128)", {**NAMES, "P": jsonargparse.lazy_instance}
        )
    if confingy := optional("confingy"):
        tracked = confingy.track(type("Tracked", (Net,), {"__init__": Net.__init__}))
        found["confingy .lazy"] = Way("C.lazy(1, 2.0, hidden=128)", {"C": tracked})
    if zen := optional("hydra_zen"):
        found["hydra_zen.builds"] = Way("P(C, a=1, b=2.0, hidden=128)", {**NAMES, "P": zen.builds})
    if fiddle := optional("fiddle"):
        found["fiddle.Config"] = Way("P(C, 1, 2.0, hidden=128)", {**NAMES, "P": fiddle.Config})
    return found


def afterwards() -> None:
    """Objects that are built: attributes and methods, for ever."""
    plain = Net(1, 2.0)
    with begat.deferred(Waits):
        ghost = Waits(1, 2.0)
    Waits.method = Net.method
    objects = {
        "plain": plain,
        "begat's ghost": begat.materialize(ghost),
        "begat's proxy": begat.lazy(lambda: Net(1, 2.0))(),
    }
    if wrapt := optional("wrapt"):
        objects["wrapt.LazyObjectProxy"] = wrapt.LazyObjectProxy(lambda: Net(1, 2.0))
    if proxy := optional("lazy_object_proxy"):
        objects["lazy_object_proxy.Proxy"] = proxy.Proxy(lambda: Net(1, 2.0))
    attribute = best({name: Way("x.a", {"x": obj}) for name, obj in objects.items()}, 200_000, 9)
    method = best({name: Way("x.method()", {"x": obj}) for name, obj in objects.items()}, 100_000, 9)
    print("after the build, ns")
    for name in objects:
        a, m = attribute[name], method[name]
        print(
            f"  {name:30} attribute {a:7.1f} (×{a / attribute['plain']:.2f})   method {m:7.1f} ({m - method['plain']:+.1f})"
        )


def building() -> None:
    """To defer and build, over recording and building at once."""

    def count(n: int) -> list[float]:
        return [i * 0.5 for i in range(n)]

    class Heavy:
        def __init__(self, n):
            self.values = count(n)

    @begat.trackable
    class Now(Heavy):
        def __init__(self, n):
            self.values = count(n)

    class Late(Heavy):
        def __init__(self, n):
            self.values = count(n)

    import threading

    for label, stop in (("one thread", None), ("beside another thread", threading.Event())):
        other = threading.Thread(target=stop.wait) if stop else None
        if other:
            other.start()
        ways = {
            "plain": Way("C(20_000).values", {"C": Heavy}),
            "eager": Way("C(20_000).values", {"C": Now}, begat.capture),
            "deferred": Way("C(20_000).values", {"C": Late}, lambda: begat.deferred(Late)),
        }
        spent = best(ways, 100, 15)
        eager = spent["eager"]
        print(
            f"to build 20,000 floats, {label}: {eager / 1e3:.0f} µs recorded at once ({eager / spent['plain'] - 1:+.1%} over plain), "
            f"deferred {spent['deferred'] / eager - 1:+.1%}"
        )
        if stop and other:
            stop.set()
            other.join()


def modules() -> None:
    """A model of 1,000 layers, and one of 1 GB of weights."""
    torch = optional("torch")
    if torch is None:
        return
    nn = torch.nn
    torch.set_num_threads(1)
    with begat.deferred(nn.Linear):
        nn.Linear(4, 4)  # the ghost class is made once
        begin = perf_counter()
        layers = [nn.Linear(512, 512) for _ in range(1_000)]
        print(f"1,000 × nn.Linear(512, 512): deferred {(perf_counter() - begin) * 1e3:.1f} ms")
    del layers
    for size, count in ((256, 2_000), (512, 2_000), (1024, 1_000), (2048, 200)):
        late(nn, size, count)
    tracemalloc.start()
    before = resident()
    with begat.deferred(nn.Linear):
        kept = [nn.Linear(4096, 4096) for _ in range(16)]
    print(
        f"1 GB of weights deferred: {tracemalloc.get_traced_memory()[1] / 1e6:.2f} MB traced, {(resident() - before) / 1e6:.1f} MB resident"
    )
    tracemalloc.stop()
    assert all(map(begat.is_lazy, kept))
    forward(torch)


def late(nn: Any, size: int, count: int) -> None:
    """
    To defer and build, over recording and building at once: object by object in turn, each let go before the next.

    Whole models in turn would tell how much of the memory that one has left is still mapped when the next begins.
    """
    begat.trackable(nn.Linear)
    eager, deferred, built = [], [], []
    with begat.capture():
        for _ in range(count // 50):
            with begat.deferred(nn.Linear):
                begin = perf_counter()
                waiting = [nn.Linear(size, size) for _ in range(50)]
                deferred.append((perf_counter() - begin) / 50)
            while waiting:
                begin = perf_counter()
                layer = nn.Linear(size, size)
                layer.weight
                eager.append(perf_counter() - begin)
                layer = waiting.pop()
                begin = perf_counter()
                layer.weight  # the touch
                built.append(perf_counter() - begin)
                del layer
    costs = [quantiles(each)[0] for each in (eager, deferred, built)]  # the lower quartile: others use the machine, too
    more = costs[1] + costs[2] - costs[0]
    print(
        f"nn.Linear({size}, {size}), {costs[0] * 1e3:.2f} ms each: deferred and built late {more * 1e6:+.1f} µs, {more / costs[0]:+.2%}"
    )


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def forward(torch: Any) -> None:
    nn = torch.nn
    with begat.paused():
        eager = nn.Sequential(*[nn.Linear(256, 256) for _ in range(8)])
    with begat.deferred(nn.Linear, nn.Sequential):
        late = nn.Sequential(*[nn.Linear(256, 256) for _ in range(8)])
    data = torch.ones(64, 256)
    begat.materialize(late, deep=True)
    spent = best(
        {name: Way("net(x)", {"net": net, "x": data}) for name, net in (("eager", eager), ("late", late))}, 200, 15
    )
    print(f"forward pass: ×{spent['late'] / spent['eager']:.3f} of an eager model's {spent['eager'] / 1e3:.0f} µs")


if __name__ == "__main__":
    print(f"CPython {sys.version.split()[0]}")
    defer()
    afterwards()
    building()
    modules()
