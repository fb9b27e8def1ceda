"""Ten networks in the styles people use, each written here for small images (N, C, H, W) of K classes."""

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
        self.gate = Gate()
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
