"""Runs a program plain and in each way that begat can be on, in processes of their own, and tells what can be seen of each.

The program is the file ``program.py`` in a folder of its own. Plain and ``run`` execute it as a script, ``scope`` imports
it within a scope, as ``imported`` does without begat: the pairs in `WAYS` have to look the same.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import begat

SOURCE = Path(begat.__file__).parents[1]
TESTS = Path(__file__).parent
RECORD = "run.json"
# The same lines with begat and without, so that tracebacks are the same.
_DRIVER = "from opened import opened\nwith opened(): import program\n"
_OPENED = {
    "imported": "from contextlib import nullcontext as opened\n",
    "scope": f'import begat\nbegat.watch("program")\ndef opened(): return begat.capture(save="{RECORD}", durability="{{durability}}")\n',
}
_COMMANDS = {
    "plain": ["program.py"],
    "run": ["-m", "begat", "run", "-q", "--durability", "{durability}", "--save", "{save}", "program.py"],
    "imported": ["driver.py"],
    "scope": ["driver.py"],
}
WAYS = {"run": "plain", "scope": "imported"}  # with begat → without


@dataclass(frozen=True, slots=True)
class Seen:
    """What who started the program can see of it, and the record that it left, if any."""

    code: int
    out: str
    err: str
    record: begat.Run | None

    @property
    def host(self) -> tuple[int, str, str]:
        """What must be the same with begat and without; addresses and numbers of pipes are chance."""
        return self.code, _chance.sub("…", self.out), _chance.sub("…", self.err)


_chance = re.compile(r"(?<=at )0x[0-9a-f]+|(?<=pipe:\[)\d+|(?<=socket:\[)\d+")


def observe(
    folder: Path,
    text: str,
    way: str,
    *,
    python: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
    save: str = RECORD,
    timeout: float = 120,
    durability: str = "soon",
) -> Seen:
    """Run the program *text* in *folder* in this *way*, with these options of *python*; ``run`` writes the record to *save*."""
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(text, encoding="utf-8")
    (folder / "driver.py").write_text(_DRIVER, encoding="utf-8")
    (folder / "opened.py").write_text(_OPENED.get(way, "").format(durability=durability), encoding="utf-8")
    (folder / RECORD).unlink(missing_ok=True)
    for left in (folder / ".begat", folder / f"{RECORD}.journal"):
        shutil.rmtree(left, ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BEGAT", "PYTHON"))}
    environment |= {"PYTHONPATH": os.pathsep.join((str(SOURCE), str(TESTS))), "PYTHONHASHSEED": "0", **(env or {})}
    done = subprocess.run(
        [sys.executable, *python, *(word.format(save=save, durability=durability) for word in _COMMANDS[way])],
        cwd=folder,
        env=environment,
        timeout=timeout,
        capture_output=True,
    )
    return Seen(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
        found(folder),
    )


def found(folder: Path) -> begat.Run | None:
    """The record that a program left in *folder*: the file, or what its journals say."""
    runs = sorted(folder.glob(".begat/runs/*"))
    record = folder / RECORD
    if runs and (runs[-1] / "journal").is_dir():
        return begat.load(runs[-1])
    if record.is_file() or record.with_name(f"{RECORD}.journal").is_dir():
        return begat.load(record)
    return begat.load(runs[-1]) if runs else None


def same(folder: Path, text: str, way: str, *, without: str = "", **options: object) -> Seen:
    """
    Run *text* with begat in this *way* and without; what can be seen must be the same. Returns what begat made of it.

    *without* is what runs without begat, if *text* has something in it for begat alone, as waiting is.
    """
    plain = observe(folder, without or text, WAYS[way], **options)
    seen = observe(folder, text, way, **options)
    for with_it, plainly in zip(seen.host, plain.host, strict=True):
        assert with_it == plainly, "\n".join(difflib.ndiff(str(plainly).splitlines(), str(with_it).splitlines()))
    return seen
