"""`--executor dask` and `ray`: real clusters on this machine, begun here or found at an address."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.heavy


@pytest.fixture(params=["dask", "ray"])
def executor(request):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[request.param])
    return request.param


def test_the_same_line_runs_on_a_cluster(place, executor):
    """Same trials, same records, same failures."""
    words = ("train.py", "Net.depth=1,2,13", "--minimize", "loss", "-j", "2")

    here = place.sweep(*words, expect=1)
    there = place.sweep(*words, "--executor", executor, expect=1)

    def outcome(trials):
        return [
            (number, trial["values"], trial["state"], trial["value"], trial["error"])
            for number, trial in trials.items()
        ]

    assert outcome(there) == outcome(here)
    assert len(place.runs()) == 6


def test_trials_on_a_cluster_are_stopped_too(place, executor):
    """Ctrl-C reaches the processes that the workers began, and the sweep can be gone on with anywhere."""
    process = place.start("sweep", "train.py", "Net.depth=1,2,3,4", "Net.wait=120", "-j", "2", "--executor", executor)
    place.wait(lambda: len(place.begun) == 2, 120)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "stopped after 0 of 4 trials" in err
    assert [run.header.error for run in place.runs()] == ["builtins:KeyboardInterrupt"] * 2


def test_a_dask_cluster_is_found_at_its_address(place):
    """Its workers do the trials; the cluster is still there afterwards."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        trials = place.sweep(
            "train.py", "Net.depth=1,2,3", "--executor", "dask", "--address", cluster.scheduler_address
        )

        assert len(trials) == 3
        with distributed.Client(cluster) as client:
            assert sum(client.nthreads().values()) == 2


def test_a_cluster_that_is_not_there_is_said(place):
    """In one line, with the address."""
    pytest.importorskip("distributed")
    done = place.begat("sweep", "train.py", "Net.depth=1,2", "--executor", "dask", "--address", "tcp://127.0.0.1:9")

    assert done.returncode == 2
    assert "tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_optuna_prunes_on_a_cluster(place):
    """What a trial prints is read in the folder that the workers share."""
    pytest.importorskip("distributed")
    pytest.importorskip("optuna")
    words = (
        "train.py",
        "Net.depth=1,2,3,4,5,6,7,8",
        "Net.epochs=20",
        "Net.wait=0.15",
        "--minimize",
        "loss",
        "--seed",
        "3",
    )

    trials = place.sweep(*words, "--sampler", "optuna", "--trials", "12", "-j", "2", "--executor", "dask")

    assert {trial["state"] for trial in trials.values()} == {"finished", "pruned"}


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ((8, 0, None), (8, 0.0)),
        ((8, 0, 3), (3, 0.0)),
        ((64, 4, None), (4, 1.0)),
        ((64, 4, 2), (2, 1.0)),
        ((8, 1, 3), (3, 0.33)),
    ],
)
def test_gpus_are_shared_under_ray(cluster, expected):
    """A task that asks for none would see none."""
    pytest.importorskip("ray")
    from begat.sweep.ray import shared

    assert shared(*cluster) == expected
