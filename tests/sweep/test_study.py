"""`--sampler optuna`: the real Optuna, its storage asked what it knows."""

from __future__ import annotations

import os
import signal

import pytest

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]
optuna = pytest.importorskip("optuna")
WORDS = ("train.py", "Net.depth=randint(1,8)", "Net.lr=loguniform(1e-4,1)", "net.name=a,b", "Net.epochs=0")
OPTIONS = ("--sampler", "optuna", "--seed", "3", "--minimize", "loss")


@pytest.fixture
def study(place):
    """The study of the only sweep."""

    def open_study(name=None):
        storage = f"sqlite:///{place.folder}/optuna.db"
        return optuna.load_study(study_name=name or place.folder.name, storage=storage)

    return open_study


def states(study):
    return [trial.state.name for trial in study.trials]


def test_optuna_proposes_and_hears(place, study):
    """Every trial stands in the study with its values, its objective and its run."""
    trials = place.sweep(*WORDS, *OPTIONS, "--trials", "6", "-j", "2")

    assert states(study()) == ["COMPLETE"] * 6
    for kept in study().trials:
        trial = trials[kept.number]
        assert kept.value == trial["value"]
        assert {key: str(value) for key, value in kept.params.items()} == {
            key: value for key, value in trial["values"].items() if key != "Net.epochs"
        }
        assert kept.user_attrs["begat.run"] == trial["run"]
        assert 1 <= kept.params["Net.depth"] <= 8
    params = {run.id: run["net"].params for run in place.runs()}
    for trial in trials.values():
        assert params[trial["run"]]["lr"] == float(trial["values"]["Net.lr"])


def test_more_trials_go_on_in_the_same_study(place, study):
    """With other values than those it began with."""
    place.sweep(*WORDS, *OPTIONS, "--trials", "3")
    trials = place.sweep("--resume", "last", "--trials", "6")

    assert sorted(trials) == list(range(6))
    assert states(study()) == ["COMPLETE"] * 6
    assert len({trial["values"]["Net.lr"] for trial in trials.values()}) == 6
    assert len(place.begun) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_was_under_way_is_proposed_again(place, study, number):
    """After Ctrl-C and after `kill -9`: the same values, and no trial is left running in the study."""
    process = place.start("sweep", *WORDS, "Net.wait=0.5", *OPTIONS, "--trials", "6", "-j", "2")
    place.wait(lambda: place.lines >= 2 and len(place.begun) > place.lines)
    process.send_signal(number)
    process.communicate(timeout=60)
    unfinished = [trial.params for trial in study().trials if trial.state.name not in ("COMPLETE", "WAITING")]
    assert unfinished

    trials = place.sweep("--resume", "last")

    assert len(trials) == 6
    assert all(trial["state"] == "finished" for trial in trials.values())
    assert states(study()).count("COMPLETE") == 6
    assert not {"RUNNING", "WAITING"} & set(states(study()))
    complete = [trial.params for trial in study().trials if trial.state.name == "COMPLETE"]
    # One that was just being proposed has some of its values only.
    assert all(any(params.items() <= whole.items() for whole in complete) for params in unfinished)


def test_failures_are_failures_there_too_and_are_done_again(place, study):
    """A trial that failed is proposed again with the same values, under a number of its own."""
    words = ("train.py", "Net.depth=choice(13)", "Net.lr=uniform(0,1)", *OPTIONS, "--trials", "2", "-j", "1")
    place.sweep(*words, expect=1)
    assert states(study()) == ["FAIL"] * 2
    text = (place.path / "train.py").read_text()
    (place.path / "train.py").write_text(text.replace("depth == 13", "depth == 14"))

    trials = place.sweep("--resume", "last", "--retry-failed")

    assert sorted(trials) == [2, 3]
    assert states(study()) == ["FAIL"] * 2 + ["COMPLETE"] * 2
    assert [trial.params for trial in study().trials[2:]] == [trial.params for trial in study().trials[:2]]


def test_trials_that_promise_nothing_are_pruned(place, study):
    """Lines with a step are reported as they come; Optuna's pruner decides; the trial is stopped, and that is no failure."""
    words = ("train.py", "Net.depth=1,2,3,4,5,6,7,8", "Net.epochs=20", "Net.wait=0.15", *OPTIONS)
    place.sweep(*words, "--trials", "12", "-j", "2", "--pruner", "MedianPruner")

    found = study().trials
    pruned = [trial for trial in found if trial.state.name == "PRUNED"]
    assert {trial.state.name for trial in found} == {"COMPLETE", "PRUNED"}
    assert all(0 < len(trial.intermediate_values) < 20 for trial in pruned)
    assert all(
        trial.intermediate_values[0] == int(trial.params["Net.depth"]) + 1
        for trial in found
        if trial.intermediate_values
    )


def test_other_samplers_and_storages_are_optunas(place, tmp_path):
    """By their names there."""
    storage = f"sqlite:///{tmp_path}/mine.db"
    words = ("train.py", "Net.depth=randint(1,8)", "--sampler", "optuna:RandomSampler", "--maximize", "loss")
    place.sweep(*words, "--trials", "2", "--storage", storage, "--name", "mine", "--pruner", "NopPruner")

    study = optuna.load_study(study_name="mine", storage=storage)
    assert study.direction.name == "MAXIMIZE"
    assert states(study) == ["COMPLETE"] * 2
    assert not os.path.exists(place.folder / "optuna.db")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--trials", "2"), "--minimize"),
        (("--minimize", "loss"), "--trials"),
        (("--minimize", "loss", "--trials", "2", "--sampler", "optuna:Best"), "TPESampler"),
        (("--minimize", "loss", "--trials", "2", "--pruner", "Best"), "MedianPruner"),
        (("--minimize", "loss", "--trials", "2", "--sampler", "optuna:GridSampler"), "needs more than a name"),
        (("--minimize", "loss", "--trials", "2", "--dry-run"), "depends on results"),
    ],
)
def test_what_optuna_lacks_is_said(place, words, problem):
    """Before anything is written."""
    done = place.begat("sweep", "train.py", "Net.depth=1,2", "--sampler", "optuna", *words)

    assert done.returncode == 2
    assert problem in done.stderr
    assert not (place.path / ".begat").exists()


def test_a_storage_that_cannot_be_used_is_said(place):
    """In one line."""
    done = place.begat("sweep", *WORDS, *OPTIONS, "--trials", "2", "--storage", "sqlite:////nowhere/at/all.db")

    assert done.returncode == 2
    assert "/nowhere/at/all.db" in done.stderr
    assert "Traceback" not in done.stderr
