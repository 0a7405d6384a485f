"""docs/examples/finetune_transformers.py: a model from a config, saved, and loaded by a factory."""

from __future__ import annotations

import tempfile

import pytest

from begat.record.values import Opaque
from examples.recorded import Edge, Made, captured, differences, plain, tree

pytestmark = pytest.mark.heavy

SIZES = {
    "vocab_size": 64,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "kwargs": {"num_labels": 2},  # BertConfig has no such field: it becomes the names of two labels
}
EXPECTED = [
    Made("config", "transformers.models.bert.configuration_bert:BertConfig", SIZES, function="pretrain"),
    Made(
        "model",
        "transformers.models.bert.modeling_bert:BertForSequenceClassification",
        {"config": Edge("config")},
        function="pretrain",
    ),
    # The second object called `model`. What is recorded is the call that the code makes, not the class it chose.
    Made(
        "model.1",
        "transformers.models.auto.modeling_auto:AutoModelForSequenceClassification.from_pretrained",
        {"pretrained_model_name_or_path": "FOLDER", "model_args": (), "kwargs": {"hidden_dropout_prob": 0.0}},
        function="finetune",
    ),
    Made(
        "optimizer",
        "torch.optim.adamw:AdamW",
        {"params": Opaque("builtins:generator", {"function": "Module.parameters"}), "lr": 0.0005},
        function="finetune",
    ),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The script run plain, and captured, and its record."""
    folder = tmp_path_factory.mktemp("finetune")
    alone = plain("finetune_transformers.py", cwd=folder)
    return alone, *captured("finetune_transformers.py", watch=("transformers", "torch.optim"), cwd=folder)


def test_record_says_what_the_code_says(runs):
    """Output and exit code are those of plain Python, and the record holds every construction of the script, exactly."""
    alone, done, run = runs

    found = tree(run)
    for made in found:
        folder = str(made.given.get("pretrained_model_name_or_path", ""))
        if folder.startswith(tempfile.gettempdir()):
            made.given["pretrained_model_name_or_path"] = "FOLDER"

    assert (done.stdout, done.returncode) == (alone.stdout, alone.returncode), done.stderr
    assert alone.returncode == 0
    assert differences(found, EXPECTED) == []


def test_what_the_factory_built_hangs_below_its_call(runs):
    """The classes that `from_pretrained` chose and built are recorded inside the call, and are not the user's."""
    _, _, run = runs
    factory = next(node for node in run.nodes if node.user and node.kind == "factory")
    bert = "transformers.models.bert.modeling_bert:"

    inside = [node for node in run.nodes if factory.id in outer(node, run)]

    assert not any(node.user for node in inside)
    built = [node.target.removeprefix(bert) for node in inside if node.kind == "class" and node.target.startswith(bert)]
    # Two layers of four parts each, the embeddings, the pooler, and what holds them.
    assert sorted(built) == sorted(
        ["BertForSequenceClassification", "BertModel", "BertEmbeddings", "BertEncoder", "BertPooler"]
        + 2 * ["BertLayer", "BertAttention", "BertSelfAttention", "BertSelfOutput", "BertIntermediate", "BertOutput"]
    )


def outer(node, run):
    """The ids of the constructions that *node* was made in."""
    while node.within is not None:
        yield node.within
        node = run[node.within]


def test_seeds_set_by_a_library_are_in_the_record(runs):
    """`set_seed` of transformers seeds three generators, and the record says with what."""
    _, _, run = runs

    assert {run.environment.seeds[name] for name in ("random.seed", "numpy.random.seed", "torch.manual_seed")} == {11}
