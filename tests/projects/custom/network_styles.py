"""Networks in the styles people use, each written here: for images, texts, tables and series."""

from pathlib import Path

import numpy as np

from dlcore.data.custom import series, table

IMAGES: dict[str, str] = {
    "nested sequential, one instance": """
import torch.nn as nn
model = nn.Sequential(
    nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(64, 32), nn.Tanh())),
    nn.Linear(32, 10),
)
""",
    "functional": """
import torch
import torch.nn.functional as F
from torch import nn

class LeNet(nn.Module):
    def __init__(self, num_classes: int = 10):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 12, 3, padding=1)
        self.fc1 = nn.Linear(12 * 2 * 2, 40)
        self.fc2 = nn.Linear(40, num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        return self.fc2(F.relu(self.fc1(x)))
""",
    "module list with residual blocks": """
from torch import nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
    def forward(self, x):
        return x + self.body(x)

class SmallResNet(nn.Module):
    def __init__(self, in_channels, num_classes, width=8, depth=3):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.fc = nn.Linear(width, num_classes)
    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean((2, 3)))
""",
    "tuple output": """
import torch
class Net(torch.nn.Module):
    def __init__(self, in_features, n_classes, hidden=32):
        super().__init__()
        self.encoder = torch.nn.Linear(in_features, hidden)
        self.classifier = torch.nn.Linear(hidden, n_classes)
    def forward(self, x):
        features = torch.relu(self.encoder(x.flatten(1)))
        return self.classifier(features), features
""",
    "lazy layers": """
from torch import nn
class Lazy(nn.Module):
    def __init__(self, num_classes, width=12):
        super().__init__()
        self.net = nn.Sequential(nn.LazyConv2d(width, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes))
    def forward(self, x):
        return self.net(x)
""",
    "hooks and buffers": """
import torch
from torch import nn
class Hooked(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("offset", torch.full((in_features,), 0.1))
        self.fc = nn.Linear(in_features, 32)
        self.out = nn.Linear(32, num_classes)
        self.fc.register_forward_hook(lambda module, inputs, output: torch.relu(output))
    def forward(self, x):
        if self.training:
            self.seen += 1
        return self.out(self.fc(x.flatten(1) - self.offset))
""",
    "in-place operations": """
import torch
from torch import nn
class InPlace(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.a, self.b = nn.Linear(64, 48), nn.Linear(48, num_classes)
    def forward(self, x):
        h = self.a(x.reshape(x.size(0), -1))
        h.add_(0.1)
        h.relu_()
        return self.b(h)
""",
    "attention with a class token": """
import torch
from torch import nn
class TinyViT(nn.Module):
    def __init__(self, image_size, in_channels, num_classes, dim=32, heads=4, patch=2):
        super().__init__()
        self.patches = nn.Conv2d(in_channels, dim, patch, stride=patch)
        n = (image_size // patch) ** 2
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(0.02 * torch.randn(1, n + 1, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(dim, num_classes)
    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        return self.head(self.encoder(x)[:, 0])
""",
    "weight tying": """
import torch
from torch import nn
class Tied(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.first = nn.Linear(in_features, in_features)
        self.second = nn.Linear(in_features, in_features)
        self.second.weight = self.first.weight
        self.out = nn.Linear(in_features, num_classes)
    def forward(self, x):
        return self.out(torch.relu(self.second(torch.relu(self.first(x.flatten(1))))))
""",
    "complex numbers": """
import torch
from torch import nn
class Spectral(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5, dtype=torch.cfloat))
        self.fc = nn.Linear(64, num_classes)
    def forward(self, x):
        y = torch.fft.irfft2(torch.fft.rfft2(x[:, 0]) * self.weight, s=(8, 8))
        return self.fc(torch.relu(y).flatten(1))
""",
    "scripted part": """
import torch
from torch import nn
class Gate(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)
class WithScript(nn.Module):
    def __init__(self, in_features, num_classes, width=32, bias: bool = True, name="net"):
        super().__init__()
        self.fc = nn.Linear(in_features, width, bias=bias)
        self.gate = torch.jit.script(Gate())
        self.out = nn.Linear(width, num_classes)
    def forward(self, x):
        return self.out(self.gate(self.fc(x.flatten(1))))
""",
    "recurrent over rows": """
import torch
from torch import nn
class RowLSTM(nn.Module):
    def __init__(self, num_classes, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(8, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, num_classes)
    def forward(self, x):
        _, (h, _) = self.lstm(x.squeeze(1))
        return self.fc(h[-1])
""",
    "nested parameters in a dictionary": """
import torch
from torch import nn
class Branches(nn.Module):
    def __init__(self, num_classes, *, dropout=0.1):
        super().__init__()
        self.parts = nn.ModuleDict({"mean": nn.Linear(8, 16), "max": nn.Linear(8, 16)})
        self.scale = nn.ParameterDict({"mean": nn.Parameter(torch.ones(1)), "max": nn.Parameter(torch.ones(1))})
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(32, num_classes)
    def forward(self, x):
        rows = x.squeeze(1)
        a = self.parts["mean"](rows.mean(1)) * self.scale["mean"]
        b = self.parts["max"](rows.amax(1)) * self.scale["max"]
        return {"logits": self.out(self.drop(torch.cat([a, b], 1).relu()))}
""",
}

TEXTS: dict[str, str] = {
    "convolutions over words": """
import torch
import torch.nn as nn
import torch.nn.functional as F

class TextCNN(nn.Module):  # Kim 2014
    def __init__(self, vocab_size, n_classes, dim=32, kernels=16):
        super().__init__()
        self.word_vectors = nn.Embedding(vocab_size, dim)
        self.convs = nn.ModuleList([nn.Conv1d(dim, kernels, k) for k in (3, 4, 5)])
        self.fc = nn.Linear(3 * kernels, n_classes)
    def forward(self, tokens):
        x = self.word_vectors(tokens).permute(0, 2, 1)
        return self.fc(torch.cat([F.relu(conv(x)).max(dim=2)[0] for conv in self.convs], dim=1))
""",
    "bag of embeddings": """
from torch import nn

class FastText(nn.Module):  # Joulin et al. 2017
    def __init__(self, vocab_size, num_class, embed_dim=32):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim, mode="mean", padding_idx=0)
        self.fc = nn.Linear(embed_dim, num_class)
        self.init_weights()
    def init_weights(self):
        self.embedding.weight.data.uniform_(-0.5, 0.5)
        self.fc.bias.data.zero_()
    def forward(self, text):
        return self.fc(self.embedding(text))
""",
    "encoder with positions, buffers and tied weights": """
import math
import torch
from torch import nn

class Encoder(nn.Module):  # Vaswani et al. 2017, with the word vectors as classes of a helper output
    def __init__(self, vocab_size, seq_len, num_classes, pad_idx, d_model=32, nhead=4):
        super().__init__()
        self.pad = pad_idx
        self.segments = nn.Embedding(2, d_model)
        self.tok = nn.Embedding(vocab_size, d_model, padding_idx=pad_idx)
        position = torch.arange(seq_len).unsqueeze(1)
        rates = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        table = torch.zeros(seq_len, d_model)
        table[:, 0::2], table[:, 1::2] = torch.sin(position * rates), torch.cos(position * rates)
        self.register_buffer("positions", table)
        layer = nn.TransformerEncoderLayer(d_model, nhead, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.unembed = nn.Linear(d_model, vocab_size, bias=False)
        self.unembed.weight = self.tok.weight
        self.out = nn.Linear(d_model, num_classes)
    def forward(self, x):
        pad = x.eq(self.pad)
        h = self.tok(x) + self.positions[: x.size(1)] + self.segments(torch.zeros_like(x))
        h = self.encoder(h, src_key_padding_mask=pad)
        pooled = h.masked_fill(pad.unsqueeze(-1), 0.0).sum(1) / (~pad).sum(1, keepdim=True).clamp(min=1)
        return {"logits": self.out(pooled), "words": self.unembed(pooled)}
""",
    "recurrent with attention, tuple output": """
import torch
from torch import nn

class AttentiveLSTM(nn.Module):  # Yang et al. 2016
    def __init__(self, vocab_size, num_classes, emb=24, hidden=24):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, emb)
        self.rnn = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.score = nn.Sequential(nn.LazyLinear(hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False))
        self.fc = nn.Linear(2 * hidden, num_classes)
    def forward(self, ids):
        states, (h, c) = self.rnn(self.emb(ids))
        weights = self.score(states).squeeze(-1).masked_fill_(ids == 0, -1e9).softmax(1)
        return self.fc(torch.einsum("nt,ntd->nd", weights, states)), weights
""",
}
FORECASTS: dict[str, str] = {
    "blocks with backcast and forecast": """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, size, out, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, width), nn.ReLU(True), nn.Linear(width, width), nn.ReLU(True))
        self.back, self.ahead = nn.Linear(width, size), nn.Linear(width, out)
    def forward(self, x):
        h = self.body(x)
        return x - self.back(h), self.ahead(h)

class NBeats(nn.Module):  # Oreshkin et al. 2020
    def __init__(self, window, n_features, horizon, n_series, width=64, depth=2):
        super().__init__()
        size, out = window * n_features, horizon * n_series
        self.blocks = nn.ModuleList(Block(size, out, width) for _ in range(depth))
    def forward(self, x):
        x, y = x.flatten(1), 0
        for block in self.blocks:
            x, ahead = block(x)
            y = y + ahead
        return y
""",
    "causal dilated convolutions": """
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

class Causal(nn.Module):
    def __init__(self, a, b, dilation):
        super().__init__()
        self.left = 2 * dilation
        self.conv = weight_norm(nn.Conv1d(a, b, 3, dilation=dilation))
        self.skip = nn.Conv1d(a, b, 1) if a != b else nn.Identity()
    def forward(self, x):
        return F.relu(self.conv(F.pad(x, (self.left, 0)))) + self.skip(x)

class TCN(nn.Module):  # Bai et al. 2018
    def __init__(self, in_channels, output_size, width=24):
        super().__init__()
        self.net = nn.Sequential(Causal(in_channels, width, 1), Causal(width, width, 2), Causal(width, width, 4))
        self.fc = nn.Linear(width, output_size)
    def forward(self, x):
        return self.fc(self.net(x.transpose(1, 2))[:, :, -1])
""",
}
ANOMALIES: dict[str, str] = {
    "recurrent encoder and decoder": """
import torch
from torch import nn

class EncDecAD(nn.Module):  # Malhotra et al. 2016
    def __init__(self, n_features, hidden=24):
        super().__init__()
        self.encoder = nn.LSTM(n_features, hidden, batch_first=True)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, n_features)
    def forward(self, x):
        _, (h, _) = self.encoder(x)
        y, _ = self.decoder(h[-1].unsqueeze(1).repeat(1, x.shape[1], 1))
        return self.out(y.flip(1))
""",
}
ALL: list[tuple[str, str, str, str]] = [
    (project, dataset, name, text)
    for project, dataset, networks in (
        ("custom", "digits", IMAGES),
        ("custom_text", "template_news", TEXTS),
        ("custom_forecast", "custom:weather", FORECASTS),
        ("custom_anomaly", "custom:load", ANOMALIES),
    )
    for name, text in networks.items()
]
"""Project, dataset, name and code of every network; the datasets ship, or `save_datasets` stores them."""


def save_datasets() -> None:
    """Store a small table of two variables, and a small series with one labeled window."""
    days = np.arange(500)
    when = np.datetime64("2022-01-01") + days.astype("timedelta64[D]")
    noise = np.random.default_rng(0).normal(0, 0.3, (500, 2))
    values = np.stack([10 + np.sin(days / 9), 5 + np.cos(days / 9)], axis=1) + noise
    rows = [f"{day},{heat:.3f},{gas:.3f}" for day, (heat, gas) in zip(when, values, strict=True)]
    table.IMPORTER.find_or_save(Path("weather.csv"), "\n".join(["when,heat,gas", *rows]).encode())
    hours = np.arange(400)
    load = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, 400)
    load[330:340] += 60
    rows = [f"2021-03-{1 + h // 24:02d} {h % 24:02d}:00,{load[h]:.3f},{int(330 <= h < 340)}" for h in hours]
    series.IMPORTER.find_or_save(Path("load.csv"), "\n".join(["when,load,anomaly", *rows]).encode())
