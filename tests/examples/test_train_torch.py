"""docs/examples/train_torch.py: nested modules, parameter groups, a data loader, a schedule."""

from __future__ import annotations

import pytest

from begat.record.values import Opaque
from examples.recorded import Edge, Made, captured, differences, plain, tree

pytestmark = pytest.mark.heavy

WATCH = ("torch.nn", "torch.optim", "torch.utils.data")
PARAMETERS = Opaque("builtins:generator", {"function": "Module.parameters"})
LINEAR = "torch.nn.modules.linear:Linear"


def block(path: str) -> list[Made]:
    """``Block(width)`` in the comprehension, and the four modules that its ``__init__`` makes."""
    inside = {"within": path, "function": "Block.__init__"}
    return [
        Made(path, "__main__:Block", {"width": 48}, {"dropout": 0.1}, "model.encoder", "Encoder.__init__"),
        Made(f"{path}.norm", "torch.nn.modules.normalization:LayerNorm", {"normalized_shape": 48}, **inside),
        Made(f"{path}.grow", LINEAR, {"in_features": 48, "out_features": 96}, **inside),
        Made(f"{path}.shrink", LINEAR, {"in_features": 96, "out_features": 48}, **inside),
        # Passed on by Block, whose own default it was: for Dropout it is given.
        Made(f"{path}.dropout", "torch.nn.modules.dropout:Dropout", {"p": 0.1}, **inside),
    ]


EXPECTED = [
    Made("train.dataset", "__main__:Digits", {"split": "train"}, {"holdout": 360}),
    Made(
        "train",
        "torch.utils.data.dataloader:DataLoader",
        {"dataset": Edge("train.dataset"), "batch_size": 64, "shuffle": True},
    ),
    Made("test.dataset", "__main__:Digits", {"split": "test"}, {"holdout": 360}),
    Made("test", "torch.utils.data.dataloader:DataLoader", {"dataset": Edge("test.dataset"), "batch_size": 360}),
    Made("model.encoder", "__main__:Encoder", {"inputs": 64, "width": 48, "depth": 2}, {}),
    Made(
        "model.encoder.embed",
        LINEAR,
        {"in_features": 64, "out_features": 48},
        within="model.encoder",
        function="Encoder.__init__",
    ),
    *block("model.encoder.blocks.0"),
    *block("model.encoder.blocks.1"),
    Made(
        "model.encoder.blocks",
        "torch.nn.modules.container:ModuleList",
        {"modules": [Edge("model.encoder.blocks.0"), Edge("model.encoder.blocks.1")]},
        within="model.encoder",
        function="Encoder.__init__",
    ),
    Made("model", "__main__:Classifier", {"encoder": Edge("model.encoder"), "width": 48}, {"classes": 10}),
    Made("model.head", LINEAR, {"in_features": 48, "out_features": 10}, within="model", function="Classifier.__init__"),
    Made("loss_of", "torch.nn.modules.loss:CrossEntropyLoss", {"label_smoothing": 0.05}),
    Made(
        "optimizer",
        "torch.optim.adamw:AdamW",
        {
            "params": [
                {"params": PARAMETERS, "weight_decay": 0.01},
                {"params": PARAMETERS, "weight_decay": 0.0},
            ],
            "lr": 0.003,
        },
    ),
    Made("scheduler", "torch.optim.lr_scheduler:CosineAnnealingLR", {"optimizer": Edge("optimizer"), "T_max": 1}),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The script run plain, and captured, and its record."""
    folder = tmp_path_factory.mktemp("train")
    alone = plain("train_torch.py", "--epochs", "1", cwd=folder)
    return alone, *captured("train_torch.py", "--epochs", "1", watch=WATCH, cwd=folder)


def test_record_says_what_the_code_says(runs):
    """Output and exit code are those of plain Python, and the record holds every construction of the script, exactly."""
    alone, done, run = runs

    assert (done.stdout, done.returncode) == (alone.stdout, alone.returncode), done.stderr
    assert alone.returncode == 0
    assert differences(tree(run), EXPECTED) == []


def test_seeds_are_in_the_record(runs):
    """What the script passed to the three usual seeding functions is in the record's environment."""
    _, _, run = runs

    assert run.environment.seeds == {"random.seed": 7, "numpy.random.seed": 7, "torch.manual_seed": 7}


def test_what_the_libraries_built_is_below_what_caused_it(runs):
    """Samplers that a DataLoader makes for itself are recorded inside it, and are not the user's."""
    _, _, run = runs

    samplers = [node for node in run.nodes if node.target.endswith(":RandomSampler")]

    assert [(run[node.within].path, node.user) for node in samplers] == [("train", False)]
