"""What writing beside the program costs: one construction, many threads and processes, and the end of a long run.

    python benchmarks/journal.py

Everything is in processes of its own. What was written is read back: none may be lost, none twice, none torn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import begat

ROUNDS = 7
PRELUDE = """
import json, os, sys, threading
from time import perf_counter, process_time
from multiprocessing import get_context
class Net:
    def __init__(self, a, b, dropout=0.1, hidden=64):
        self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden
"""
# One construction: seconds of each of 20,000 calls, and processor time of all of them, the writing of the journal included.
CALL = """
def once():
    spent = []
    for number in range(20_000):
        begin = perf_counter()
        Net(number, 0.5, hidden=128)
        spent.append(perf_counter() - begin)
    return spent
flush = bool
if "begat" in sys.modules:
    from begat.capture.journal import flush
once()
flush()  # what the first line of a journal costs, once, is no construction's
begin = process_time()
spent = once()
flush()
print(json.dumps([sorted(spent)[len(spent) // 2], (process_time() - begin) / len(spent)]))
"""
# Nodes for a second of wall time: from the first construction until the last is in the file.
MANY = """
def work(thread, count):
    for number in range(count):
        Net(number, thread, hidden=os.getpid())
def process(threads, count):
    workers = [threading.Thread(target=work, args=(number, count)) for number in range(threads)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    if "begat" in sys.modules:
        from begat.capture.journal import flush
        flush()
processes, threads, count = map(int, sys.argv[1:])
begin = perf_counter()
if processes == 1:
    process(threads, count)
else:
    children = [get_context("fork").Process(target=process, args=(threads, count)) for _ in range(processes)]
    for child in children: child.start()
    for child in children: child.join()
print(json.dumps([perf_counter() - begin]))
"""
# The end of a run: when its last line was executed.
END = """
for number in range(int(sys.argv[1])):
    Net(number, 0.5, hidden=128)
from time import time
print(json.dumps([time()]))
"""


def program(folder: Path, text: str, *arguments: object, captured: bool) -> tuple[list[float], float]:
    """What the program *text* prints, and when it had ended; its record is in *folder*."""
    from time import time

    (folder / "program.py").write_text(PRELUDE + text)
    begat_run = ["-m", "begat", "run", "-q"] if captured else []
    done = subprocess.run(
        [sys.executable, *begat_run, "program.py", *(["--"] if captured else []), *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout), time()


def recorded(folder: Path) -> begat.Run:
    (run,) = (folder / ".begat" / "runs").glob("*-*")
    return begat.load(run)


def call() -> None:
    spent: dict[bool, list[list[float]]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for captured, found in spent.items():
            with tempfile.TemporaryDirectory() as folder:
                found.append(program(Path(folder), CALL, captured=captured)[0])
    for name, which in (("the median call waits", 0), ("processor time, writing included", 1)):
        plain, with_it = (min(each[which] for each in spent[captured]) for captured in (False, True))
        middle = median(each[which] for each in spent[True]) - median(each[which] for each in spent[False])
        print(f"{name:44}{(with_it - plain) * 1e6:6.2f} µs over plain ({middle * 1e6:.2f} µs at the median of runs)")


def many(processes: int, threads: int, count: int) -> None:
    rates = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            [seconds], _ = program(Path(folder), MANY, processes, threads, count, captured=True)
            run = recorded(Path(folder))
            built = sorted((n.params["hidden"], n.params["b"], n.params["a"]) for n in run.nodes)
            pids = sorted({pid for pid, _, _ in built})
            assert len(pids) == processes
            assert built == [(p, t, n) for p in pids for t in range(threads) for n in range(count)]
            assert not run.header.marks, run.header.marks
            rates.append(processes * threads * count / seconds)
    print(
        f"{f'{processes} × {threads} threads, nodes in a second':44}{max(rates):9,.0f} (of 3: {min(rates):,.0f} at least)"
    )


def end(count: int = 100_000) -> None:
    spent: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for captured, found in spent.items():
            with tempfile.TemporaryDirectory() as folder:
                [last], ended = program(Path(folder), END, count, captured=captured)
                found.append(ended - last)
                if captured:
                    assert len(recorded(Path(folder)).nodes) == count
    plain, with_it = min(spent[False]), min(spent[True])
    print(f"{f'the end of a run of {count:,} nodes':44}{with_it:6.3f} s, plain {plain:.3f} s")


def main() -> None:
    print(f"CPython {sys.version.split()[0]}, {os.cpu_count()} processors")
    begin = perf_counter()
    call()
    many(1, 32, 3_000)
    many(8, 16, 1_500)
    end()
    print(f"({perf_counter() - begin:.0f} s)")


if __name__ == "__main__":
    main()
