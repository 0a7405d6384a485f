"""Train a small residual network on the handwritten digits that come with scikit-learn."""

import argparse
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--depth", type=int, default=2)
parser.add_argument("--lr", type=float, default=3e-3)
args = parser.parse_args()

random.seed(7)
np.random.seed(7)
torch.manual_seed(7)
torch.set_num_threads(1)


class Digits(Dataset):
    def __init__(self, split, holdout=360):
        images, labels = load_digits(return_X_y=True)
        rows = slice(None, -holdout) if split == "train" else slice(-holdout, None)
        self.images = torch.tensor(images[rows] / 16, dtype=torch.float32)
        self.labels = torch.tensor(labels[rows])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class Block(nn.Module):
    def __init__(self, width, dropout=0.1):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.grow = nn.Linear(width, 2 * width)
        self.shrink = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return x + self.dropout(self.shrink(torch.relu(self.grow(self.norm(x)))))


class Encoder(nn.Module):
    def __init__(self, inputs, width, depth):
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList([Block(width) for _ in range(depth)])

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return x


class Classifier(nn.Module):
    def __init__(self, encoder, width, classes=10):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.encoder(x))


train = DataLoader(Digits("train"), batch_size=64, shuffle=True)
test = DataLoader(Digits("test"), batch_size=360)

model = Classifier(encoder=Encoder(64, width=48, depth=args.depth), width=48)
loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
optimizer = AdamW(
    [
        {"params": model.encoder.parameters(), "weight_decay": 0.01},
        {"params": model.head.parameters(), "weight_decay": 0.0},
    ],
    lr=args.lr,
)
scheduler = CosineAnnealingLR(optimizer, T_max=args.epochs)

for epoch in range(args.epochs):
    model.train()
    for images, labels in train:
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()

    model.eval()
    with torch.no_grad():
        right = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in test)
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {right / len(test.dataset):.3f}")
