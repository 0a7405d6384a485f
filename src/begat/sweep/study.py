"""Values proposed by Optuna: its samplers, its pruners, its storage, in which a study can be looked at and gone on with."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from typing import Any

from begat.errors import SweepError
from begat.introspect.secrets import scrubbed
from begat.sweep.axes import Axis, Points
from begat.sweep.plan import Plan
from begat.sweep.trial import Done, Ending, Trial

try:
    import optuna
    from optuna.trial import TrialState
except ImportError as error:
    raise SweepError(
        f"--sampler optuna needs a package that is not installed ({error}): pip install 'begat[optuna]'"
    ) from error

_SWEEP, _RETRIES, _RUN = "begat.sweep", "begat.retries", "begat.run"
_SAMPLER, _PRUNER = "TPESampler", "MedianPruner"


class Study:
    """
    A `begat.sweep.samplers.Sampler` over an Optuna study.

    A trial of ours is a trial of the study, with the same number. Those that a killed sweep left behind are told to the study:
    with their endings, where these are known; else as failed, and their values are put in the queue again.
    """

    def __init__(self, plan: Plan, folder: str, done: Collection[Done], retry: Collection[Done]) -> None:
        assert plan.trials is not None, "`check` refuses that"
        self.total = plan.trials
        self._plan = plan
        self._axes = [axis for axis in plan.axes if not axis.fixed]
        self._fixed = {
            axis.path: axis.values.texts[0] for axis in plan.axes if isinstance(axis.values, Points) and axis.fixed
        }
        self._asked: dict[int, Any] = {}
        self._reported: dict[int, set[int]] = {}
        self._left = plan.trials - len(done) + len(retry)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = _study(plan, folder, len(done))
        self._settle({one.trial.number: one for one in done})
        waiting = {trial.user_attrs.get(_RETRIES) for trial in self._trials(TrialState.WAITING)}
        for one in retry:
            if one.trial.number in waiting:
                continue  # asked for before, and stopped before it came to that
            self._again(one.trial.values, {_RETRIES: one.trial.number})

    def ask(self) -> Trial | None:
        if self._left <= 0:
            return None
        self._left -= 1
        trial = self._study.ask()
        trial.set_user_attr(_SWEEP, self._plan.id)
        self._asked[trial.number] = trial
        values = {axis.path: _suggested(trial, axis) for axis in self._axes}
        return Trial(trial.number, {**self._fixed, **values}, trial.user_attrs.get(_RETRIES))

    def tell(self, ending: Ending) -> None:
        trial = self._asked.pop(ending.number)
        self._reported.pop(ending.number, None)
        if ending.run is not None:
            trial.set_user_attr(_RUN, ending.run)
        self._tell(trial.number, ending)

    def prune(self, number: int, step: int, value: float) -> bool:
        trial = self._asked[number]
        reported = self._reported.setdefault(number, set())
        if step in reported:
            return False  # Optuna keeps the first value of a step, and warns of others
        reported.add(step)
        trial.report(value, step)
        return bool(trial.should_prune())

    def close(self) -> None:
        for number in self._asked:
            self._study.tell(number, state=TrialState.FAIL)
            left = self._study.trials[number]
            self._again(left.params, left.user_attrs)
        self._asked.clear()

    def _settle(self, done: dict[int, Done]) -> None:
        for trial in self._trials(TrialState.RUNNING):
            if trial.user_attrs.get(_SWEEP) != self._plan.id:
                continue  # another process's, in a storage that is shared
            if trial.number in done:
                self._tell(trial.number, done[trial.number].ending)
            else:
                self._study.tell(trial.number, state=TrialState.FAIL)
                self._again(trial.params, trial.user_attrs)

    def _trials(self, state: TrialState) -> list[Any]:
        return list(self._study.get_trials(deepcopy=False, states=(state,)))

    def _again(self, values: dict[str, Any], marks: dict[str, Any] | None = None) -> None:
        params = {axis.path: _read(axis, values[axis.path]) for axis in self._axes if axis.path in values}
        self._study.enqueue_trial(params, {key: value for key, value in (marks or {}).items() if key == _RETRIES})

    def _tell(self, number: int, ending: Ending) -> None:
        if ending.state == "finished" and ending.value is not None and math.isfinite(ending.value):
            self._study.tell(number, ending.value)
        else:
            self._study.tell(number, state=TrialState.PRUNED if ending.state == "pruned" else TrialState.FAIL)


def check(plan: Plan) -> None:
    """SweepError if *plan* lacks what Optuna needs, or names what Optuna has not."""
    if plan.objective is None:
        raise SweepError(
            "--sampler optuna needs --minimize or --maximize and the name of a result: --minimize val_loss"
        )
    if plan.trials is None:
        raise SweepError("--sampler optuna needs --trials, how many: --trials 50")
    _made("samplers", plan.sampler.partition(":")[2] or _SAMPLER, plan.seed)
    _made("pruners", plan.pruner or _PRUNER)


def _study(plan: Plan, folder: str, done: int) -> Any:
    storage = plan.storage or f"sqlite:///{os.path.join(folder, 'optuna.db')}"
    # Gone on with, it is to propose other values than at its beginning.
    sampler = _made("samplers", plan.sampler.partition(":")[2] or _SAMPLER, plan.seed + done)
    pruner = _made("pruners", plan.pruner or _PRUNER)
    direction = "maximize" if plan.maximize else "minimize"
    name = plan.name or plan.id
    try:
        return optuna.create_study(
            storage=storage, study_name=name, direction=direction, load_if_exists=True, sampler=sampler, pruner=pruner
        )
    except Exception as error:  # each database has errors of its own
        problem = str(error).partition("\n")[0]
        raise SweepError(scrubbed(f"optuna cannot keep a study {name!r} at {storage}: {problem}")) from None


def _made(kind: str, name: str, seed: int | None = None) -> Any:
    module = getattr(optuna, kind)
    if name not in module.__all__:
        known = ", ".join(one for one in module.__all__ if one.endswith(kind[:-1].capitalize()))
        raise SweepError(f"optuna.{kind} has no {name}; it has {known}")
    make = getattr(module, name)
    options: dict[str, Any] = {} if seed is None else {"seed": seed}
    if name == "TPESampler":
        options["constant_liar"] = True  # several trials at a time are not to try the same
    try:
        return make(**options)
    except TypeError as error:
        raise SweepError(f"optuna.{kind}.{name} needs more than a name: {error}") from error


def _suggested(trial: Any, axis: Axis) -> str:
    values = axis.values
    if isinstance(values, Points):
        return str(trial.suggest_categorical(axis.path, values.texts))
    if values.whole:
        return str(trial.suggest_int(axis.path, int(values.low), int(values.high)))
    return repr(trial.suggest_float(axis.path, values.low, values.high, log=values.log))


def _read(axis: Axis, value: Any) -> Any:
    """What Optuna calls a value that stands in our book as text."""
    if isinstance(axis.values, Points):
        return value
    return int(value) if axis.values.whole else float(value)
