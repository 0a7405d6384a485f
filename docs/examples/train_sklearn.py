"""Predict whether a patient's diabetes gets worse within a year: train on the early visits, test on the late ones."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
NUMBERS = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


class Clipper(TransformerMixin, BaseEstimator):
    """Pull outliers back to the quantiles seen in training."""

    def __init__(self, low=0.01, high=0.99):
        self.low = low
        self.high = high

    def fit(self, X, y=None):
        self.low_, self.high_ = np.quantile(X, [self.low, self.high], axis=0)
        return self

    def transform(self, X):
        return np.clip(X, self.low_, self.high_)


def read(path, cutoff):
    frame = pd.read_csv(path, parse_dates=["visit"])
    frame["worse"] = (frame["progression"] > 140).astype(int)
    late = frame["visit"] >= pd.Timestamp(cutoff)
    return frame[~late], frame[late]


def build(kind, seed):
    if kind == "forest":
        model = RandomForestClassifier(n_estimators=30, random_state=seed)
        grid = {"model__max_depth": [2, 4]}
    else:
        model = LogisticRegression(max_iter=500)
        grid = {"model__C": [0.1, 1.0, 10.0]}
    numbers = Pipeline(
        [("fill", SimpleImputer(strategy="median")), ("clip", Clipper(high=0.98)), ("scale", StandardScaler())]
    )
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("sex", OneHotEncoder(drop="if_binary"), ["sex"])])
    pipeline = Pipeline(steps=[("columns", columns), ("model", model)])
    folds = StratifiedKFold(n_splits=4, shuffle=True, random_state=seed)
    return GridSearchCV(pipeline, grid, scoring="roc_auc", cv=folds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE / "patients.csv")
    parser.add_argument("--cutoff", default="2024-01-01")
    parser.add_argument("--model", choices=["logistic", "forest"], default="logistic")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    train, test = read(args.data, args.cutoff)
    features = [*NUMBERS, "sex"]
    search = build(args.model, args.seed)
    search.fit(train[features], train["worse"])

    chance = search.predict_proba(test[features])[:, 1]
    print(f"trained on {len(train)} visits before {args.cutoff}, tested on {len(test)}")
    print(f"best: {search.best_params_}")
    print(f"accuracy {accuracy_score(test['worse'], chance > 0.5):.3f}, AUC {roc_auc_score(test['worse'], chance):.3f}")


if __name__ == "__main__":
    main()
