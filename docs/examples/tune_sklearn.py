"""Tell from a visit whether a patient's diabetes gets worse: a linear model trained epoch by epoch, to be swept over."""

import json
from pathlib import Path

import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

import begat

NUMBERS = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


class Training:
    """How long, and on which visits."""

    def __init__(self, epochs=6, cutoff="2024-01-01"):
        self.epochs = epochs
        self.cutoff = cutoff


def main():
    training = Training()
    frame = pd.read_csv(Path(__file__).parent / "patients.csv", parse_dates=["visit"])
    late = frame["visit"] >= training.cutoff
    worse = frame["progression"] > 140
    scaler = StandardScaler().fit(frame.loc[~late, NUMBERS])
    seen, unseen = (scaler.transform(frame.loc[rows, NUMBERS]) for rows in (~late, late))

    model = SGDClassifier(loss="log_loss", alpha=1e-4, learning_rate="constant", eta0=0.01, random_state=0)
    for epoch in range(training.epochs):
        model.partial_fit(seen, worse[~late], classes=[False, True])
        val_loss = log_loss(worse[late], model.predict_proba(unseen)[:, 1])
        print(json.dumps({"step": epoch, "val_loss": val_loss}))

    begat.graph().result(val_loss=val_loss, accuracy=model.score(unseen, worse[late]))


if __name__ == "__main__":
    main()
