"""Whether a sweep keeps the processors busy, what it costs beside its trials, and whether its memory stays flat.

    python benchmarks/sweep.py [--trials 200] [--jobs 2]

*busy*: processor time of everything, of what the processors could have given while the sweep lasted. On a machine with other work it
is too low; *slots* is how much of the time the places for trials were taken, which others do not change. *own* is the processor time of
the sweep itself. A bash loop over the same commands, as many at a time by xargs, is what a sweep is to be compared with.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SCRIPT = "class Net:\n    def __init__(self, depth=1): self.depth = depth\nnet = Net()\n"


def resident(pid: int) -> int:
    """KiB."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return 0


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sweep(folder: Path, trials: int, jobs: int) -> None:
    command = [
        sys.executable,
        "-m",
        "begat",
        "sweep",
        "train.py",
        f"Net.depth=range(0,{trials})",
        "-j",
        str(jobs),
        "--json",
    ]
    before, begin = spent(), time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen: list[tuple[int, int, float]] = []

    def watch() -> None:
        while process.poll() is None:
            lines = next(folder.glob(".begat/sweeps/*/trials.jsonl"), None)
            count = lines.read_bytes().count(b"\n") if lines else 0
            try:
                seen.append((count, resident(process.pid), own(process.pid)))
            except OSError:
                return
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out = process.communicate()[0]
    wall = time.monotonic() - begin
    watcher.join()
    found = json.loads(out)["trials"]
    assert [one["state"] for one in found] == ["finished"] * trials, found[0]
    taken = sum(one["seconds"] for one in found)
    early = max((size for count, size, _ in seen if 10 <= count <= trials // 5), default=0)
    late = max(size for count, size, _ in seen if count > trials * 4 // 5)
    print(f"{trials} trials, {jobs} at a time: {wall:.1f} s, {1000 * wall * jobs / trials:.0f} ms of a place for each")
    print(f"  busy  {100 * (spent() - before) / wall / os.cpu_count():5.1f} % of {os.cpu_count()} processors")
    print(f"  slots {100 * taken / wall / jobs:5.1f} % of the time taken")
    print(
        f"  own   {1000 * max(cpu for *_, cpu in seen) / trials:5.1f} ms of processor time for each trial, its start included"
    )
    print(f"  memory {early / 1024:.1f} MiB in the first fifth, {late / 1024:.1f} MiB in the last")


def loop(folder: Path, trials: int, jobs: int) -> None:
    begin = time.monotonic()
    words = "\n".join(f"Net.depth={number}" for number in range(trials))
    command = ["xargs", "-P", str(jobs), "-n", "1", sys.executable, "-m", "begat", "run", "-q", "train.py"]
    subprocess.run(command, cwd=folder, input=words, text=True, check=True)
    print(f"the same by xargs: {time.monotonic() - begin:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        sweep(folder, given.trials, given.jobs)
        loop(folder, given.trials, given.jobs)


if __name__ == "__main__":
    main()
