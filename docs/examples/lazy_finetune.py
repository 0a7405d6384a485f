"""Compose a fine-tuning from parts that wait: tokenizer-sized things and the model are loaded when the training touches them."""

import sys
import tempfile
from dataclasses import dataclass

import torch
from torch.optim import AdamW
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification, set_seed
from transformers.utils import logging

import begat


@dataclass
class Job:
    """What to do, whole and typed, before anything is loaded."""

    model: torch.nn.Module
    steps: int = 2
    lr: float = 5e-4


def pretrain(folder):
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertForSequenceClassification(BertConfig(vocab_size=64, max_position_embeddings=32, **sizes)).save_pretrained(
        folder
    )


def compose(folder):
    load = begat.lazy(AutoModelForSequenceClassification.from_pretrained)
    return [Job(load(folder, hidden_dropout_prob=dropout)) for dropout in (0.0, 0.5)]


def train(job):
    model = begat.materialize(job.model)
    optimizer = AdamW(model.parameters(), lr=job.lr)
    tokens = torch.randint(0, 64, (8, 12))
    for _ in range(job.steps):
        loss = model(input_ids=tokens, labels=(tokens[:, 0] > 31).long()).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def main():
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    set_seed(11)
    with tempfile.TemporaryDirectory() as folder:
        pretrain(folder)
        jobs = compose(folder)
        print("composed, nothing loaded:", all(begat.is_lazy(job.model) for job in jobs))
        print(f"trained the first: loss {train(jobs[0]):.3f}; the second waits: {begat.is_lazy(jobs[1].model)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
