"""docs/examples/finetune_transformers.py: a model from a config, saved, and loaded by a factory."""

from __future__ import annotations

import pytest

from examples.recorded import captured, plain, readable, tree

pytestmark = pytest.mark.heavy

WATCH = ("transformers", "torch.optim")
