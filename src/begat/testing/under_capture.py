"""``python -m begat.testing.under_capture --pyargs PKG``: does a package's own test suite notice that it is captured?

The suite runs twice, each time in processes of its own: plain, then with every class of the package watched and each
test captured, its record written and read back. Outcomes are compared test by test. What differs runs again both ways, alone,
so that a test that comes out now so, now so, is told from one that capture breaks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from begat.testing import TOLD

_RANK = {None: 0, "passed": 1, "xpassed": 2, "xfailed": 2, "skipped": 2, "failed": 3, "error": 4}
_FINISHED = {0, 1}  # pytest: all passed, some failed
_SLOW = 1.5  # times as long: worth a word on which tests


@dataclass(slots=True)
class Part:
    """One way the suite ran: *outcomes* and *seconds* of the processor by test id, the *texts* of failures, what was *wrong* with records."""

    outcomes: dict[str, str | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    nodes: int = 0
    begun: dict[str, None] = field(default_factory=dict)  # and not over
    status: int | None = None  # what pytest ended with; None if it did not get there
    ended: int | None = None  # the exit code of the process; None if it was stopped for taking too long
    wall: float = 0.0
    output: str = ""

    @property
    def trouble(self) -> str | None:
        """Why the suite did not run to its end, if it did not."""
        begun = ", ".join(self.begun) or "no test"
        if self.ended is None:
            return f"it took too long; it was in {begun}"
        if self.status is None and self.ended < 0:
            return f"the process died of signal {-self.ended} in {begun}"
        if self.status not in _FINISHED:
            return f"pytest ended with {self.ended}"
        return None


@dataclass(slots=True)
class Comparison:
    """*changed* and *unsteady* are ids of tests whose outcomes differ, always or only sometimes."""

    plain: Part
    captured: Part
    changed: list[str]
    unsteady: list[str]

    @property
    def ratio(self) -> float:
        """How many times as long the captured tests kept the processor as the same ones plain."""
        both = self.plain.seconds.keys() & self.captured.seconds.keys()
        plain = sum(self.plain.seconds[name] for name in both)
        return sum(self.captured.seconds[name] for name in both) / plain if plain else 1.0

    @property
    def slowest(self) -> list[tuple[str, float, float]]:
        """The tests that capture costs most: id, seconds plain and captured."""
        both = self.plain.seconds.keys() & self.captured.seconds.keys()
        told = ((name, self.plain.seconds[name], self.captured.seconds[name]) for name in both)
        return sorted((one for one in told if one[2] > one[1]), key=lambda one: one[1] - one[2])[:5]

    @property
    def code(self) -> int:
        """0: all the same, 1: something differs, 2: trouble."""
        if self.plain.trouble or not self.plain.outcomes:
            return 2
        return 1 if self.changed or self.captured.wrong or self.captured.trouble else 0

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {
            "plain": _told_of(self.plain),
            "captured": {**_told_of(self.captured), "nodes": self.captured.nodes, "wrong": self.captured.wrong},
            "changed": [
                {
                    "id": name,
                    "plain": self.plain.outcomes.get(name),
                    "captured": self.captured.outcomes.get(name),
                    "text": self.captured.texts.get(name) or self.plain.texts.get(name, ""),
                }
                for name in self.changed
            ],
            "unsteady": self.unsteady,
            "ratio": round(self.ratio, 3),
            "slowest": [{"id": name, "plain": plain, "captured": captured} for name, plain, captured in self.slowest],
        }


def _told_of(part: Part) -> dict[str, Any]:
    return {
        "outcomes": dict(Counter(map(str, part.outcomes.values()))),
        "seconds": round(sum(part.seconds.values()), 2),
        "wall": round(part.wall, 2),
        "trouble": part.trouble,
        "output": part.output[-2000:] if part.trouble else "",
    }


def compare(words: Sequence[str], patterns: Sequence[str], limit: float | None = None) -> Comparison:
    """Run pytest with *words* plain, then with the classes of *patterns* watched; each takes at most *limit* seconds."""
    plain = _run(words, None, None, limit)
    if plain.trouble or not plain.outcomes:
        return Comparison(plain, Part(ended=0, status=0), [], [])
    captured = _run(words, patterns, None, limit)
    differ = _differ(plain, captured)
    again = [name for name in differ if name in plain.outcomes and name in captured.outcomes]
    if not again:
        return Comparison(plain, captured, differ, [])
    repeated = _differ(_run(words, None, again, limit), _run(words, patterns, again, limit))
    changed = [name for name in differ if name in repeated or name not in again]
    return Comparison(plain, captured, changed, [name for name in again if name not in repeated])


def _differ(plain: Part, captured: Part) -> list[str]:
    names = dict.fromkeys((*plain.outcomes, *captured.outcomes))
    return [name for name in names if plain.outcomes.get(name) != captured.outcomes.get(name)]


def _run(words: Sequence[str], watch: Sequence[str] | None, keep: list[str] | None, limit: float | None) -> Part:
    """Run pytest with *words*, in a folder of its own if they name modules: a suite may write where it stands."""
    part = Part()
    folder = tempfile.mkdtemp(prefix="begat-under-capture-")
    try:
        lines, output = os.path.join(folder, "lines"), os.path.join(folder, "output")
        work = os.path.join(folder, "work") if "--pyargs" in words else os.getcwd()
        os.makedirs(work, exist_ok=True)
        told = {"file": lines, "watch": watch if watch is None else list(watch), "keep": keep}
        environment = {"PYTHONHASHSEED": "0", "BEGAT_STRICT": "1", **os.environ, TOLD: json.dumps(told)}
        command = [sys.executable, "-m", "pytest", "-p", "begat.testing.plugin", "-p", "no:cacheprovider"]
        command += ["--continue-on-collection-errors", *words]
        begin = time.monotonic()
        with open(output, "wb") as file:
            process = subprocess.Popen(
                command, env=environment, cwd=work, stdout=file, stderr=file, start_new_session=True
            )
            try:
                part.ended = process.wait(limit)
            except subprocess.TimeoutExpired:
                part.ended = None
            finally:  # the workers of pytest-xdist, and what tests left behind, go with it
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        part.wall = time.monotonic() - begin
        with open(output, encoding="utf-8", errors="replace") as text:
            part.output = text.read()
        if os.path.exists(lines):
            with open(lines, encoding="utf-8") as written:
                for line in written:
                    _note(part, json.loads(line))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return part


def _note(part: Part, line: dict[str, Any]) -> None:
    if "begins" in line:
        part.begun[line["begins"]] = None
    elif "ends" in line:
        part.begun.pop(line["ends"], None)
    elif "nodes" in line:
        part.nodes += line["nodes"]
    elif "wrong" in line:
        part.wrong[line["id"]] = line["wrong"]
    elif "took" in line:
        part.seconds[line["took"]] = line["seconds"]
    elif "finished" in line:
        part.status = line["finished"]
    else:
        name, outcome = line["id"], line["outcome"]
        if _RANK[outcome] >= _RANK[part.outcomes.get(name)]:
            part.outcomes[name] = outcome
        if line["text"]:
            part.texts[name] = line["text"]


# --- the command line -------------------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    try:
        import pytest  # noqa: F401
    except ImportError:
        print("under_capture runs test suites with pytest: pip install pytest", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(
        prog="python -m begat.testing.under_capture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Everything else goes to pytest. Exit code 0: the same outcomes, 1: something differs, 2: trouble.\n\n"
        "Examples:\n"
        "  python -m begat.testing.under_capture --pyargs sklearn.linear_model\n"
        "  python -m begat.testing.under_capture --pyargs networkx -n 4 -k tree --json\n"
        "  python -m begat.testing.under_capture --watch mylib tests/unit",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--watch", action="append", metavar="PATTERN", help="Watch these; by default the packages of --pyargs."
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="How long the suite may take, each way.")
    parser.add_argument("--json", action="store_true", help="Print the comparison as JSON.")
    options, words = parser.parse_known_args(arguments)
    patterns = options.watch or _packages(words)
    if not patterns:
        parser.error("name the package to test with --pyargs, or what to watch with --watch")
    found = compare(words, patterns, options.timeout)
    print(json.dumps(found.as_json(), indent=2) if options.json else "\n".join(_lines(found)))
    if found.code == 2:
        print(found.plain.output[-2000:], file=sys.stderr)
    return found.code


def _packages(words: Sequence[str]) -> list[str]:
    """The top-level packages that the words behind ``--pyargs`` name."""
    if "--pyargs" not in words:
        return []
    from importlib.util import find_spec

    names = [word.partition("::")[0] for word in words[words.index("--pyargs") + 1 :]]
    packages = dict.fromkeys(n.partition(".")[0] for n in names if all(part.isidentifier() for part in n.split(".")))
    return [name for name in packages if find_spec(name) is not None]  # the others belong to options: -k tree


def _lines(found: Comparison) -> list[str]:
    lines = []
    for said, part in (("plain", found.plain), ("captured", found.captured)):
        counts = ", ".join(f"{count} {outcome}" for outcome, count in Counter(map(str, part.outcomes.values())).items())
        lines.append(f"{said + ':':10}{counts or 'no tests'} in {part.wall:.1f} s")
        if part.trouble:
            lines.append(f"          {part.trouble}")
    lines.append(f"{found.captured.nodes} constructions recorded; {found.ratio:.2f} times as long")
    for name in found.changed:
        before, after = (part.outcomes.get(name) or "not run" for part in (found.plain, found.captured))
        lines += [f"changed: {name}: {before}, captured {after}", *_last_line(found.captured.texts.get(name, ""))]
    lines += [f"wrong record: {name}: {what}" for name, what in found.captured.wrong.items()]
    lines += [f"unsteady: {name}" for name in found.unsteady]
    if found.ratio > _SLOW:
        lines += [f"slower: {name}: {plain:.2f} s, captured {late:.2f} s" for name, plain, late in found.slowest]
    if found.code == 0:
        lines.append("every test has the same outcome")
    return lines


def _last_line(text: str) -> list[str]:
    return [f"    {line}" for line in text.strip().splitlines() if line.startswith("E")][:6]


if __name__ == "__main__":
    raise SystemExit(main())
