"""What a sweep is to do, written down before it begins: who has the plan can go on where another stopped."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import Any

from begat.errors import SweepError
from begat.introspect.secrets import scrubbed, scrubbed_argv
from begat.record.files import write
from begat.sweep.axes import Axis, parse

FORMAT = "begat-sweep/1"
FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    *options* are those for each ``begat run``, *arguments* the script's own; *words* are the values as typed.

    *sampler* is ``grid``, ``zip``, ``random``, ``optuna`` or ``optuna:NAME`` with the name of one of Optuna's; *trials* how many
    there may be, None for all; *objective* the name of the result that is to be small, or large with *maximize*. Values that are
    secrets stand in *hidden* alone, by path and mark, which is never written down.
    """

    id: str
    target: str
    is_module: bool
    words: tuple[str, ...]
    cwd: str
    name: str | None = None
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    sampler: str = "grid"
    trials: int | None = None
    seed: int = 0
    objective: str | None = None
    maximize: bool = False
    storage: str | None = None
    pruner: str | None = None
    executor: str = "local"
    jobs: int | None = None
    address: str | None = None
    hidden: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The words, read."""
        return _axes(self.words)

    def command(self, number: int, values: dict[str, str], summary: str | None = None) -> tuple[str, ...]:
        """What stands behind the interpreter for the trial with these *values*."""
        quiet = () if summary is None else ("-q", "--summary", summary)
        target = ("-m", self.target) if self.is_module else (self.target,)
        told = {path: self.hidden.get(path, {}).get(text, text) for path, text in values.items()}
        overrides = [axis.word(told.get(axis.path, "")) for axis in self.axes]
        behind = ("--", *self.arguments) if self.arguments else ()
        label = self.name or (None if summary is None else self.id)
        name = ("--name", f"{label}.{number:04}") if label else ()
        return ("-m", "begat", "run", *quiet, *name, *self.options, *target, *overrides, *behind)


@lru_cache(maxsize=8)  # each trial asks, and a range may be long
def _axes(words: tuple[str, ...]) -> tuple[Axis, ...]:
    axes = tuple(map(parse, words))
    paths = [axis.path for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise SweepError(f"{path} is given twice; put all its values into one list: {path}=1,2")
    return axes


def save(plan: Plan, folder: str) -> None:
    """Write the plan into the folder of its sweep, with secrets as ``***``."""
    said = {"format": FORMAT, **asdict(plan)}
    del said["hidden"]
    for name in ("name", "storage", "address"):
        said[name] = said[name] and scrubbed(said[name])
    for name in ("options", "arguments"):
        said[name] = scrubbed_argv(said[name])
    write(os.path.join(folder, FILE), json.dumps(said, indent=2).encode())


def load(folder: str) -> Plan:
    """The plan in *folder*. SweepError if it cannot be read."""
    path = os.path.join(folder, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            found: Any = json.load(file)
    except (OSError, ValueError) as error:
        raise SweepError(f"cannot read the plan of a sweep at {path}: {error}") from error
    if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
        raise SweepError(f"{path} is no plan of the form {FORMAT}")
    unknown = sorted(set(found) - {part.name for part in fields(Plan) if part.name != "hidden"})
    if unknown:
        raise SweepError(f"{path} has {', '.join(unknown)}, which this release does not know")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    return Plan(**values)
