"""Small data and networks for the benchmark of the diagnosis. Development and measurement share no network."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn


@dataclass
class Data:
    """Training, validation and test parts of one dataset; `is_tokens`: inputs are token ids."""

    parts: dict[str, tuple[np.ndarray, np.ndarray]]
    classes: int
    is_tokens: bool = False


def load(name: str, seed: int) -> Data:
    """Load a dataset, shuffled and split 55/20/25 by the seed; float inputs are standardized on the training part."""
    rng = np.random.default_rng(seed)
    x, y, is_tokens = _SOURCES[name](rng)
    order = rng.permutation(len(x))
    x, y = x[order], y[order]
    a, b = int(0.55 * len(x)), int(0.75 * len(x))
    if not is_tokens:
        mean, std = x[:a].mean(axis=0), x[:a].std(axis=0) + 1e-6
        x = ((x - mean) / np.maximum(std, 0.05 * std.max())).astype(np.float32)
    rows = {"train": slice(0, a), "validation": slice(a, b), "test": slice(b, None)}
    return Data({part: (x[where], y[where]) for part, where in rows.items()}, int(y.max()) + 1, is_tokens)


def _table(loader):
    x, y = loader(return_X_y=True)
    return x.astype(np.float32), y.astype(np.int64), False


def _digits(rng):
    x, y = datasets.load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8).astype(np.float32), y.astype(np.int64), False


def _waves(rng):
    """Series of 48 points: sine, square, sawtooth or chirp, with random phase and noise."""
    n, t = 1200, np.arange(48) / 48
    y = rng.integers(0, 4, n)
    phase, f = rng.random((n, 1)), rng.uniform(2, 4, (n, 1))
    angle = f * t + phase
    kinds = (
        np.sin(6.283 * angle),
        np.sign(np.sin(6.283 * angle)),
        2 * (angle % 1) - 1,
        np.sin(6.283 * angle * (1 + t)),
    )
    x = np.choose(y[:, None], kinds) + rng.normal(0, 0.25, (n, 48))
    return x.astype(np.float32), y.astype(np.int64), False


def _pulses(rng):
    """Series of 40 points: the number of pulses, one to three, of random width and place."""
    n = 1200
    y, x = rng.integers(0, 3, n), rng.normal(0, 0.2, (n, 40))
    for row, count in zip(x, y, strict=True):
        for place in rng.choice(np.arange(3, 37, 5), count + 1, replace=False):
            row[place : place + int(rng.integers(2, 4))] += 1.5
    return x.astype(np.float32), y.astype(np.int64), False


def _texts(rng):
    from dlcore.data.text import corpora

    corpus = corpora.load("template_questions")
    labels = np.asarray(corpus.labels).astype(np.int64)
    rows = rng.permutation(len(corpus.texts))[:1200]
    words = {word: number for number, word in enumerate(sorted({w for text in corpus.texts for w in text.split()}), 1)}
    x = np.zeros((len(rows), 12), dtype=np.int64)
    for row, index in zip(x, rows, strict=True):
        ids = [words[word] for word in corpus.texts[index].split()][:12]
        row[: len(ids)] = ids
    return x, labels[rows], True


_SOURCES = {
    "digits": _digits,
    "waves": _waves,
    "pulses": _pulses,
    "texts": _texts,
    "wine": lambda rng: _table(datasets.load_wine),
    "cancer": lambda rng: _table(datasets.load_breast_cancer),
}


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], size: int, classes: int, drop: float) -> None:
        super().__init__()
        self.rnn = kind(1, size, batch_first=True)
        self.head = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Dropout(drop), nn.Linear(size, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x.unsqueeze(-1))[0][:, -1])


class Bag(nn.Module):
    def __init__(self, words: int, size: int, classes: int, drop: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, size, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(size, 32), nn.ReLU(), nn.Dropout(drop), nn.Linear(32, classes))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.embedding(ids).mean(dim=1))


class TextConvolution(nn.Module):
    def __init__(self, words: int, size: int, classes: int, drop: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, size, padding_idx=0)
        self.body = nn.Sequential(nn.Conv1d(size, 32, 3, padding=1), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(drop), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.body(self.embedding(ids).transpose(1, 2)).amax(dim=2))


class Residual(nn.Module):
    def __init__(self, features: int, size: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Linear(features, size)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))
            for _ in range(2)
        )
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(0.2), nn.Linear(size, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x.flatten(1))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def dense(features: int, sizes: tuple[int, ...], classes: int, *, drop: float = 0.0, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    for size in sizes:
        layers += [nn.Linear(features, size), *([nn.BatchNorm1d(size)] if norm else []), nn.ReLU()]
        layers += [nn.Dropout(drop)] if drop else []
        features = size
    return nn.Sequential(*layers, nn.Linear(features, classes))


def images(*body: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (1, 8)), *body)


def series(*body: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (1, -1)), *body)


DEVELOPMENT = {
    "dense_digits": ("digits", lambda k: dense(64, (64, 32), k, drop=0.2)),
    "cnn_digits": (
        "digits",
        lambda k: images(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(144, k)),
        ),
    ),
    "dense_cancer": ("cancer", lambda k: dense(30, (32, 16), k, drop=0.2)),
    "gru_waves": ("waves", lambda k: Recurrent(nn.GRU, 32, k, 0.2)),
    "bag_texts": ("texts", lambda k: Bag(4000, 32, k, 0.2)),
}
MEASURED = {
    "deep_digits": ("digits", lambda k: dense(64, (96, 64, 48, 32), k, drop=0.1)),
    "pool_digits": (
        "digits",
        lambda k: images(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Dropout(0.25), nn.Linear(512, 32), nn.ReLU(), nn.Linear(32, k)),
        ),
    ),
    "residual_digits": ("digits", lambda k: Residual(64, 48, k)),
    "wide_cancer": ("cancer", lambda k: dense(30, (128, 64), k, norm=True)),
    "dense_wine": ("wine", lambda k: dense(13, (48, 24), k, drop=0.15)),
    "conv_pulses": (
        "pulses",
        lambda k: series(
            *(nn.Conv1d(1, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 32, 5, stride=2), nn.ReLU()),
            *(nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, k)),
        ),
    ),
    "conv_waves": (
        "waves",
        lambda k: series(
            *(nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 5), nn.ReLU()),
            *(nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, k)),
        ),
    ),
    "conv_texts": ("texts", lambda k: TextConvolution(4000, 32, k, 0.2)),
}


def replace_layers(module: nn.Module, kind: type[nn.Module], new) -> None:
    """Replace every layer of a type, in place."""
    for name, child in module.named_children():
        if isinstance(child, kind):
            setattr(module, name, new())
        else:
            replace_layers(child, kind, new)


def deepen(module: nn.Module, block, depth: int) -> nn.Module:
    """Insert `depth` blocks of equal width before the last linear layer, in place."""
    parent, name, last = next(
        (parent, name, child)
        for parent in reversed(list(module.modules()))
        for name, child in reversed(list(parent.named_children()))
        if isinstance(child, nn.Linear) and child is [m for m in module.modules() if isinstance(m, nn.Linear)][-1]
    )
    size = last.in_features
    setattr(parent, name, nn.Sequential(*(block(size) for _ in range(depth)), last))
    return module


def to_tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))
