"""Estimators that wait: cloned, configured, composed and searched over."""

from __future__ import annotations

import numpy as np
import pytest

import begat

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def model(**kwargs):
    with begat.deferred(LogisticRegression, rng="order"):
        made = LogisticRegression(**kwargs)
    assert begat.is_lazy(made)
    return made


def test_clone_and_parameters():
    """As of an estimator built at once."""
    assert clone(model(C=0.5)).get_params() == LogisticRegression(C=0.5).get_params()
    assert model().set_params(C=2).C == 2
    assert model(C=3).get_params()["C"] == 3
    assert repr(clone(model(C=0.5))) == "LogisticRegression(C=0.5)"


def test_pipeline():
    """Composed unbuilt, fitted as ever."""
    with begat.deferred(StandardScaler, LogisticRegression, Pipeline):
        late = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression(C=0.5))])
    assert begat.is_lazy(late)
    eager = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression(C=0.5))])
    assert np.array_equal(late.fit(X, Y).predict_proba(X), eager.fit(X, Y).predict_proba(X))
    assert late.get_params().keys() == eager.get_params().keys()
    assert make_pipeline(StandardScaler(), model()).fit(X, Y).score(X, Y) > 0.9


@pytest.mark.parametrize("jobs", [1, 2])
def test_grid_search(jobs):
    """Over what waits, in processes too."""
    grid = {"C": [0.1, 1, 10]}
    late = GridSearchCV(model(), grid, n_jobs=jobs).fit(X, Y)
    eager = GridSearchCV(LogisticRegression(), grid, n_jobs=1).fit(X, Y)
    assert late.best_params_ == eager.best_params_
    assert np.array_equal(late.cv_results_["mean_test_score"], eager.cv_results_["mean_test_score"])
    with begat.deferred(GridSearchCV):
        search = GridSearchCV(model(), grid)
    assert search.fit(X, Y).best_params_ == eager.best_params_
