"""docs/examples/train_sklearn.py: a grid search over a pipeline, on data read from a CSV file."""

from __future__ import annotations

import pytest

from examples.recorded import Edge, Made, captured, differences, plain, tree

NUMBERS = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
MODELS = {
    "logistic": (
        Made("model", "sklearn.linear_model._logistic:LogisticRegression", {"max_iter": 500}, function="build"),
        {"model__C": [0.1, 1.0, 10.0]},
    ),
    "forest": (
        Made(
            "model",
            "sklearn.ensemble._forest:RandomForestClassifier",
            {"n_estimators": 30, "random_state": 3},
            function="build",
        ),
        {"model__max_depth": [2, 4]},
    ),
}


def expected(kind: str) -> list[Made]:
    """What ``build(kind, seed=3)`` says, line by line."""
    model, grid = MODELS[kind]
    return [
        model,
        Made("numbers.steps.0.1", "sklearn.impute._base:SimpleImputer", {"strategy": "median"}, function="build"),
        Made("numbers.steps.1.1", "__main__:Clipper", {"high": 0.98}, {"low": 0.01}, function="build"),
        Made("numbers.steps.2.1", "sklearn.preprocessing._data:StandardScaler", function="build"),
        Made(
            "numbers",
            "sklearn.pipeline:Pipeline",
            {
                "steps": [
                    ("fill", Edge("numbers.steps.0.1")),
                    ("clip", Edge("numbers.steps.1.1")),
                    ("scale", Edge("numbers.steps.2.1")),
                ]
            },
            function="build",
        ),
        Made(
            "columns.transformers.1.1",
            "sklearn.preprocessing._encoders:OneHotEncoder",
            {"drop": "if_binary"},
            function="build",
        ),
        Made(
            "columns",
            "sklearn.compose._column_transformer:ColumnTransformer",
            {
                "transformers": [
                    ("numbers", Edge("numbers"), NUMBERS),
                    ("sex", Edge("columns.transformers.1.1"), ["sex"]),
                ]
            },
            function="build",
        ),
        Made(
            "pipeline",
            "sklearn.pipeline:Pipeline",
            {"steps": [("columns", Edge("columns")), ("model", Edge("model"))]},
            function="build",
        ),
        Made(
            "folds",
            "sklearn.model_selection._split:StratifiedKFold",
            {"n_splits": 4, "shuffle": True, "random_state": 3},
            function="build",
        ),
        Made(
            "GridSearchCV",
            "sklearn.model_selection._search:GridSearchCV",
            {"estimator": Edge("pipeline"), "param_grid": grid, "scoring": "roc_auc", "cv": Edge("folds")},
            function="build",
        ),
    ]


@pytest.fixture(scope="module", params=MODELS)
def runs(request, tmp_path_factory):
    """The kind of model; the script run plain, and captured, and its record."""
    folder = tmp_path_factory.mktemp("train")
    arguments = ("--model", request.param, "--seed", "3")
    alone = plain("train_sklearn.py", *arguments, cwd=folder)
    return request.param, alone, *captured("train_sklearn.py", *arguments, watch=("sklearn",), cwd=folder)


def test_record_says_what_the_code_says(runs):
    """Output and exit code are those of plain Python, and the record holds every construction of the script, exactly."""
    kind, alone, done, run = runs

    assert (done.stdout, done.returncode) == (alone.stdout, alone.returncode), done.stderr
    assert alone.returncode == 0
    assert differences(tree(run), expected(kind)) == []


def test_clones_of_the_search_are_recorded_and_folded(runs):
    """What the grid search clones for itself is in the record, is not the user's, and is not shown unless asked for."""
    _, _, _, run = runs

    clones = [node for node in run.select("Clipper") if not node.user]

    # One for each of two or three candidates in four folds and one for the best, and clones of these in the pipelines.
    assert len(clones) >= 9
    assert {node.site.function for node in clones if node.site} == {"_clone_parametrized"}
    assert sum(value == "__main__:Clipper" for value in run.flat().values()) == 1
    assert sum(value == "__main__:Clipper" for value in run.flat(all=True).values()) == len(clones) + 1


def test_without_watching_only_the_scripts_own_classes_are_recorded(tmp_path):
    """`begat run` alone records the classes that the script defines."""
    _, run = captured("train_sklearn.py", watch=(), cwd=tmp_path)

    assert {node.target for node in run.nodes} == {"__main__:Clipper"}
    assert [node.path for node in run.nodes if node.user] == ["Clipper"]
