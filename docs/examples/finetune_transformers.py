"""Make a tiny BERT, save it, load it back the way one loads any checkpoint, and fine-tune it for two steps."""

import sys
import tempfile

import torch
from torch.optim import AdamW
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification, set_seed
from transformers.utils import logging


def pretrain(folder):
    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        num_labels=2,
    )
    model = BertForSequenceClassification(config)
    model.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())


def finetune(folder, steps):
    model = AutoModelForSequenceClassification.from_pretrained(folder, hidden_dropout_prob=0.0)
    optimizer = AdamW(model.parameters(), lr=5e-4)
    tokens = torch.randint(0, 64, (8, 12))
    labels = (tokens[:, 0] > 31).long()
    model.train()
    for step in range(steps):
        loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step}: loss {loss.item():.4f}")


def main():
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    set_seed(11)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{pretrain(folder)} weights saved")
        finetune(folder, steps=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
