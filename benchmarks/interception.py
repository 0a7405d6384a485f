"""Shim or prologue: the same probes over both, beside the plain class, and what each costs.

python benchmarks/interception.py            # probes, zoo and times
python benchmarks/interception.py --heavy    # with Lightning, Keras, torch and scikit-learn too
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from time import process_time_ns
from typing import Any

import begat
import heavy_probes  # registers them
import probes
import shim
from begat.intercept.constructors import constructor_of
from stopwatch import Way, best

sys.path.append(str(Path(__file__).parent.parent / "tests"))


def shimmed(cls: type) -> None:
    """Track by shim: around the ``__init__`` of the class that defines it, so that an inherited one stays inherited."""
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if not hasattr(vars(owner)["__init__"], "__wrapped__"):
        shim.install(owner)


DESIGNS: dict[str, tuple[Callable[[type], Any], Callable[[], Any]]] = {
    "plain": (lambda cls: None, nullcontext),
    "shim, idle": (shimmed, begat.paused),
    "shim, recording": (shimmed, begat.capture),
    "prologue, idle": (begat.trackable, begat.paused),
    "prologue, recording": (begat.trackable, begat.capture),
}


def transparency(found: dict[str, Callable[[probes.Track], object]]) -> None:
    """Print for each probe whether each design shows what the plain class shows."""
    failures = dict.fromkeys(DESIGNS, 0)
    notes = []
    print(f"{'':52}" + "".join(f"{name:>22}" for name in list(DESIGNS)[1:]))
    for name, ask in found.items():
        seen = {}
        for design, (track, scope) in DESIGNS.items():
            with scope():
                try:
                    seen[design] = ask(track)
                except Exception as error:
                    seen[design] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
        marks = ""
        for design in list(DESIGNS)[1:]:
            same = seen[design] == seen["plain"]
            failures[design] += not same
            marks += f"{'as plain' if same else 'DIFFERS':>22}"
            if not same:
                notes.append(f"  {name}, {design}: {seen[design]!r:.150}\n      plain: {seen['plain']!r:.150}")
        print(f"{name:52}{marks}")
    print(f"{'differences':52}" + "".join(f"{failures[name]:>22}" for name in list(DESIGNS)[1:]))
    print(*notes, sep="\n")


def zoo() -> None:
    """Print how many animals of the zoo do under each design what they do plain: results, state, tracebacks, warnings."""
    from zoo import TRACKABLE
    from zoo_support.portrait import observe

    print("\nThe zoo: animals that behave as their untracked twin in every call")
    for design, (track, scope) in DESIGNS.items():
        same, different, impossible = 0, [], []
        for animal in TRACKABLE:
            plain, tracked = animal.make(), animal.make()
            if constructor_of(tracked).way != "init" and design.startswith("shim"):
                impossible.append(animal.name)
                continue
            expected = [observe(call.on, plain) for call in animal.calls]
            try:
                track(tracked)
                with scope():
                    seen = [observe(call.on, tracked) for call in animal.calls]
            except Exception:
                seen = []
            if seen == expected:
                same += 1
            else:
                different.append(animal.name)
        rest = f"; no __init__ to go around: {len(impossible)}" if impossible else ""
        print(
            f"  {design:22} {same} of {len(TRACKABLE)}{rest}",
            *([f"\n      differ: {', '.join(different)}"] if different else []),
        )


def times() -> None:
    """Print what one construction costs, and what tracking a class costs."""
    ways = {}
    for design, (track, scope) in DESIGNS.items():
        cls = probes._lean()
        track(cls)
        ways[design] = Way("C(1, 2.0, hidden=128)", {"C": cls}, scope)
    spent = best(ways)
    print(f"\nC(1, 2.0, hidden=128), CPython {sys.version.split()[0]}: plain {spent['plain']:.0f} ns")
    for design in list(DESIGNS)[1:]:
        added = spent[design] - spent["plain"]
        print(f"  {design:22} +{added:5.0f} ns   {spent[design] / spent['plain']:5.2f} ×")
    print("one class of a shape seen before, µs")
    for name, track in {"shim": shimmed, "prologue": begat.trackable}.items():
        print(f"  {name:22} {min(_tracking(track) for _ in range(5)):5.0f}")


def _tracking(track: Callable[[type], Any]) -> float:
    classes = [probes._lean() for _ in range(200)]
    begin = process_time_ns()
    for cls in classes:
        track(cls)
    return (process_time_ns() - begin) / len(classes) / 1000


if __name__ == "__main__":
    assert heavy_probes
    transparency(probes.PROBES | (probes.HEAVY if "--heavy" in sys.argv else {}))
    zoo()
    times()
