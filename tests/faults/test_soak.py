"""Minutes of mixed work with begat on: nothing grows but what is kept, nothing is lost, nothing hangs."""

from __future__ import annotations

import pytest

from zoo_support.tracking import succeeds

SOAK = """
import asyncio, gc, os, random, resource, signal, sys, threading, time, weakref
import begat

@begat.trackable
class Part:
    def __init__(self, a, b=2, *more, c=None, **rest): self.a = a
@begat.trackable
class Slim:
    __slots__ = ("a",)
    def __init__(self, a): self.a = a
@begat.trackable
class Whole:
    def __init__(self, part, items):
        self.part, self.inner, self.items = part, Part(part), items
@begat.trackable
class Failing:
    def __init__(self, a): raise ValueError(a)
@begat.trackable
class Dying:
    def __init__(self, a): self.me = self
    def __del__(self): Part("dying")
@begat.trackable
def make(a): return Part(a)

def shapes(i):
    part = Part(i, c=[i, {"a": (i,)}], more=i)
    whole = Whole(part, [part, Slim(i)])
    Dying(i); make(i)
    try: Failing(i)
    except ValueError: pass
    assert begat.params(whole)["part"] is not None
    return whole

async def task(i):
    with begat.capture() as run:
        shapes(i); await asyncio.sleep(0); shapes(i)
    assert len(run.nodes) >= 14, len(run.nodes)

async def tasks():
    await asyncio.gather(*(task(i) for i in range(5)))

def memory():
    gc.collect()
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * resource.getpagesize() / 1e6

def turn(number):
    with begat.capture(str(number), save="run.json") as run:
        threads = [threading.Thread(target=lambda: [shapes(i) for i in range(5)]) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        asyncio.run(tasks())
        with begat.deferred(Part):
            waits = [Part(i) for i in range(5)]
        waits[0].a
    assert len(run.nodes) >= 4 * 5 * 7, len(run.nodes)
    assert begat.load("run.json").nodes == run.nodes
    class Local:
        def __init__(self, a): pass
    begat.trackable(Local); Local(1); begat.untrack(Local)
    if number % 20 == 0:
        child = os.fork()
        if child == 0:
            shapes(0); os._exit(0)
        assert os.waitpid(child, 0)[1] == 0

signal.signal(signal.SIGALRM, lambda *_: Part("signal"))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
with begat.paused(): pass
turns, seen, end = 0, [], time.time() + SECONDS
while time.time() < end:
    turn(turns); turns += 1
    if turns % 25 == 0: seen.append(memory())
signal.setitimer(signal.ITIMER_REAL, 0)
half = len(seen) // 2
print(turns, [round(x) for x in seen], file=sys.stderr)
grown = max(seen[half:]) - max(seen[:half])
print("flat" if len(seen) >= 4 and grown < 24 else f"grew {grown:.0f} MB in {turns} turns: {seen}")
"""


@pytest.mark.slow
def test_mixed_work_for_a_minute(tmp_path):
    """Threads, tasks, forks, signals, finalizers, failures, waiting, scopes, saving: memory is flat in the second half."""
    (tmp_path / "soak.py").write_text(SOAK.replace("SECONDS", "60"))

    assert succeeds("soak.py", cwd=tmp_path, timeout=400) == "flat\n"
