"""docs/examples/tune_sklearn.py: a program that trains epoch by epoch, swept over without a line of it changed."""

from __future__ import annotations

import json

import begat
from examples.recorded import EXAMPLES, python


def test_a_sweep_is_the_script_edited_by_hand(tmp_path):
    """Each trial says what the script says with the values written into it."""
    script = EXAMPLES / "tune_sklearn.py"
    words = (
        "SGDClassifier.eta0=log(1e-3,1e-1,2)",
        "SGDClassifier.alpha=0.01",
        "training.epochs=3",
        "--watch",
        "sklearn",
    )

    done = python("-m", "begat", "sweep", str(script), *words, "--minimize", "val_loss", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert len(trials) == 2
    assert [trial["value"] for trial in trials] == sorted(trial["value"] for trial in trials)
    (tmp_path / "patients.csv").write_bytes((EXAMPLES / "patients.csv").read_bytes())
    for trial in trials:
        eta0, epochs = trial["values"]["SGDClassifier.eta0"], trial["values"]["training.epochs"]
        text = script.read_text(encoding="utf-8")
        text = (
            text.replace("eta0=0.01", f"eta0={eta0}")
            .replace("alpha=1e-4", "alpha=0.01")
            .replace("Training()", f"Training({epochs})")
        )
        (tmp_path / "edited.py").write_text(text, encoding="utf-8")
        by_hand = python("edited.py", cwd=tmp_path)
        (printed,) = tmp_path.glob(f".begat/sweeps/*/{trial['number']:04}.out")
        assert printed.read_text() == by_hand.stdout

        run = begat.load(tmp_path / ".begat" / "runs" / trial["run"] / "run.json")
        changed = {
            (argument.name, argument.value, argument.was)
            for node in run
            if node.user
            for argument in node.arguments.values()
            if argument.source == "override"
        }
        assert changed == {("eta0", float(eta0), 0.01), ("alpha", 0.01, 0.0001), ("epochs", int(epochs), 6)}
