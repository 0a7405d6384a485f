"""What capturing costs real programs: paired runs, paused and captured in turn, median of the ratios.

python benchmarks/realwork.py [torch] [sklearn]
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable
from statistics import median, quantiles
from time import process_time_ns
from typing import Any

import begat

# Processor time is summed over threads, and those of a BLAS spin while they wait.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


def paired(name: str, work: Callable[[], Any], pairs: int) -> None:
    """Print the median ratio of *work* captured to *work* paused, and how many nodes it leaves."""
    work()
    ratios, plain = [], []
    for number in range(pairs):
        spent = {}
        for scope in (begat.paused, begat.capture) if number % 2 else (begat.capture, begat.paused):
            gc.collect()
            with scope() as run:
                begin = process_time_ns()
                work()
                if run is not None:
                    run.recorder.resolve()
                spent[scope] = process_time_ns() - begin
            if run is not None:
                nodes = len(run.recorder.rows)
        ratios.append(100 * (spent[begat.capture] / spent[begat.paused] - 1))
        plain.append(spent[begat.paused] / 1e6)
    low, middle, high = quantiles(ratios)
    print(f"{name:50}{median(plain):9.2f} ms {nodes:7} nodes {middle:+7.2f} %   (quartiles {low:+.1f} to {high:+.1f})")


def torch() -> None:
    import torch
    from torch import nn

    torch.set_num_threads(1)

    class Block(nn.Module):
        def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
            self.norm2 = nn.LayerNorm(width)
            self.feed = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
            )

        def forward(self, x):
            y = self.norm1(x)
            x = x + self.attention(y, y, y, need_weights=False)[0]
            return x + self.feed(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self, vocabulary: int, width: int, depth: int, heads: int) -> None:
            super().__init__()
            self.tokens = nn.Embedding(vocabulary, width)
            self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)

        def forward(self, x):
            x = self.tokens(x)
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    text = torch.zeros(2, 64, dtype=torch.long)
    watch = begat.watch("torch.nn", "torch.optim")
    begat.trackable(Block)
    begat.trackable(GPT)

    def tiny() -> None:
        for _ in range(20):
            nn.Sequential(*[nn.Sequential(nn.Identity(), nn.ReLU(), nn.Dropout(0.1), nn.Flatten()) for _ in range(10)])

    def small() -> None:
        for _ in range(20):
            GPT(16, 8, 4, 2)

    with torch.no_grad():
        paired("GPT, width 256, 6 blocks: built, and one forward", lambda: GPT(512, 256, 6, 8)(text), 25)
        paired("GPT, width 256, 6 blocks: built only", lambda: GPT(512, 256, 6, 8), 25)
        paired("20 GPTs, width 8, 4 blocks: built only", small, 25)
        paired("100 Linear(8, 8)", lambda: [nn.Linear(8, 8) for _ in range(100)], 200)
        paired("1,020 modules without parameters", tiny, 50)
    watch.remove()


def sklearn() -> None:
    from sklearn.datasets import load_digits, load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import all_estimators

    warnings.simplefilter("ignore")
    all_estimators()  # imports them all
    x, y = load_iris(return_X_y=True)
    watch = begat.watch("sklearn")
    grid = {"logisticregression__C": [0.1, 1.0, 10.0], "logisticregression__tol": [1e-4, 1e-3]}
    paired(
        "GridSearchCV of a pipeline, 30 fits, 150 flowers",
        lambda: GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), grid, cv=5).fit(x, y),
        25,
    )
    digits, labels = load_digits(return_X_y=True)
    paired(
        "the same on 1,797 digits of 64 pixels",
        lambda: GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), grid, cv=5).fit(digits, labels),
        7,
    )
    paired("RandomForestClassifier(50).fit", lambda: RandomForestClassifier(50, random_state=0).fit(x, y), 25)
    watch.remove()


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["torch", "sklearn"]
    for part in (torch, sklearn):
        if part.__name__ in wanted:
            part()
