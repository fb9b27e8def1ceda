"""Networks with one error each: code, the check that fails, and what its sentence says."""

import textwrap


def network(*, body: str = "", forward: str = "return self.head(x.flatten(1))", head: str = "nn.Linear(64, 10)") -> str:
    """A network for images (N, 1, 8, 8) of ten classes with something changed."""
    lines = ["import torch", "from torch import nn", "", "class Net(nn.Module):", "    def __init__(self):"]
    lines += ["        super().__init__()", f"        self.head = {head}"]
    lines += [f"        {line}" for line in textwrap.dedent(body).strip().splitlines()]
    lines += ["", "    def forward(self, x):"]
    lines += [f"        {line}" for line in textwrap.dedent(forward).strip().splitlines()]
    return "\n".join(lines) + "\n"


BROKEN: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "features": (network(head="nn.Linear(60, 10)"), "takes the data", ("line 10", "60 features", "(32, 64)")),
    "channels": (
        network(head="nn.Conv2d(3, 10, 3)", forward="return self.head(x).mean((2, 3))"),
        "takes the data",
        ("line 10", "[10, 3, 3, 3]", "(32, 1, 8, 8)"),
    ),
    "view": (network(forward="return self.head(x.view(-1, 60))"), "takes the data", ("line 10", "(32, 1, 8, 8)")),
    "kernel": (
        network(head="nn.Conv2d(1, 10, 11)", forward="return self.head(x).mean((2, 3))"),
        "takes the data",
        ("line 10", "Kernel size"),
    ),
    "dtype": (network(forward="return self.head(x.flatten(1).long())"), "takes the data", ("line 10",)),
    "double": (network(forward="return self.head(x.flatten(1).double())"), "takes the data", ("line 10",)),
    "device": (network(forward="return self.head(x.flatten(1).to('cuda:7'))"), "takes the data", ("line 10",)),
    "too few outputs": (network(head="nn.Linear(64, 9)"), "output shape", ("line 10", "(32, 9)", "(32, 10)")),
    "no batch": (
        network(forward="return self.head(x.flatten(1)).mean(0)"),
        "output shape",
        ("line 10", "(10,)", "(32, 10)"),
    ),
    "returns none": (network(forward="self.head(x.flatten(1))"), "output shape", ("NoneType",)),
    "returns text": (network(forward="return 'cat'"), "output shape", ("line 10", "str")),
    "argmax": (
        network(forward="y = self.head(x.flatten(1))\nreturn y.argmax(1)"),
        "output shape",
        ("line 11", "(32,)"),
    ),
    "whole numbers": (network(forward="return self.head(x.flatten(1)).long()"), "output shape", ("line 10", "int64")),
    "not finite": (
        network(forward="return self.head(x.flatten(1)) / 0"),
        "output shape",
        ("line 10", "NaN or infinite"),
    ),
    "detached": (
        network(forward="y = self.head(x.flatten(1)).detach()\nreturn y"),
        "gradients",
        ("line 10", "no gradient"),
    ),
    "no_grad": (
        network(forward="with torch.no_grad():\n    return self.head(x.flatten(1))"),
        "gradients",
        ("line 10", "no gradient"),
    ),
    "in place on a leaf": (
        network(
            body="self.scale = nn.Parameter(torch.ones(10))",
            forward="self.scale += 1\nreturn self.head(x.flatten(1)) * self.scale",
        ),
        "takes the data",
        ("line 11", "in place"),
    ),
    "in place before its gradient": (
        network(forward="y = self.head(x.flatten(1))\nz = y.sigmoid()\nz *= 2\nw = z.exp()\nw += 1\nreturn w"),
        "gradients",
        ("modified by an inplace operation",),
    ),
    "exit in the constructor": (network(body="import sys\nsys.exit(3)"), "builds", ("line 9", "exit(3)")),
    "quit in forward": (network(forward="raise SystemExit"), "takes the data", ("line 10", "exit()")),
    "missing import": (
        "import torch_nothing\n" + network(),
        "builds",
        ("line 1", "'torch_nothing' is not installed"),
    ),
    "undefined name": (network(head="nn.Linear(64, classes)"), "builds", ("line 7", "NameError", "classes")),
    "no super": (
        network().replace("        super().__init__()\n", ""),
        "builds",
        ("line 6", "before Module.__init__"),
    ),
    "no forward": ("from torch import nn\nclass Net(nn.Module):\n    pass\n", "takes the data", ("forward",)),
    "no parameters": (
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)[:, :10]\n",
        "takes the data",
        ("line 2", "no parameters"),
    ),
    "unknown parameter": (
        network().replace("def __init__(self)", "def __init__(self, depth)"),
        "builds",
        ("line 5", "'depth' has no default"),
    ),
    "forward takes two inputs": (
        network().replace("def forward(self, x)", "def forward(self, x, mask)"),
        "takes the data",
        ("mask",),
    ),
    "assertion": (
        network(forward="assert x.shape[1] == 3, x.shape\nreturn x"),
        "takes the data",
        ("line 10", "AssertionError"),
    ),
    "recursion": (network(forward="return self.forward(x)"), "takes the data", ("line 10", "recursion")),
    "raises": (network(forward="raise KeyError('color')"), "takes the data", ("line 10", "KeyError")),
    "not a module": ("model = 3\n", "builds", ("line 1", "int, not an nn.Module")),
    "attribute": (network(forward="return self.haed(x.flatten(1))"), "takes the data", ("line 10", "haed")),
    "one sample at a time": (
        network(forward="return self.head(x[0].flatten(1))"),
        "output shape",
        ("line 10", "(1, 10)", "(32, 10)"),
    ),
}
UNREADABLE: dict[str, tuple[str, str]] = {
    "syntax": ("import torch\nclass Net(nn.Module)\n    pass\n", "line 2"),
    "indentation": ("class Net:\n  def f(self):\n      x = 1\n    y = 2\n", "line 4"),
    "no network": ("import torch\nx = torch.zeros(3)\n", "defines no network"),
    "empty": ("", "defines no network"),
}
DANGEROUS: dict[str, tuple[str, tuple[str, ...]]] = {
    "endless loop": (network(forward="while True:\n    pass"), ("line 10", "endless loop")),
    "50 GB": (
        network(forward="y = torch.ones(50 * 2**30 // 4)\nreturn self.head(x.flatten(1)) + y[0]"),
        ("line 10", "memory"),
    ),
    "forks": (
        network(forward="import os\nfor _ in range(3):\n    os.fork()\nreturn self.head(x.flatten(1))"),
        ("line 12", "starting a process"),
    ),
    "forks in C": (
        network(
            forward="import ctypes\nassert ctypes.CDLL(None).fork() >= 0, 'refused'\nreturn self.head(x.flatten(1))"
        ),
        ("line 11", "refused"),
    ),
    "prints a gigabyte": (
        network(forward="for _ in range(1000):\n    print('x' * 2**20)\nreturn self.head(x.flatten(1))"),
        ("line 11", "prints more than"),
    ),
    "network access": (
        network(body="import urllib.request\nurllib.request.urlopen('http://192.0.2.1/weights.pt', timeout=2)"),
        ("line 9", "network access"),
    ),
    "ends the process": (network(forward="import os\nos._exit(7)"), ("line 11", "ending the process")),
    "segfault": (network(forward="import ctypes\nctypes.string_at(0)"), ("line 11", "crashed")),
    "subprocess": (
        network(body="import subprocess\nsubprocess.run(['sleep', '1000'])"),
        ("line 9", "starting a process"),
    ),
}
"""Code that must not run without limits; each would do little harm even so."""


def text_network(*, head: str = "nn.Linear(16, 4)", forward: str, words: int = 500) -> str:
    """A network for texts (N, 20) of four classes with something changed."""
    lines = ["import torch", "from torch import nn", "", "class Net(nn.Module):", "    def __init__(self):"]
    lines += [
        "        super().__init__()",
        f"        self.words = nn.Embedding({words}, 16)",
        f"        self.head = {head}",
    ]
    return "\n".join([*lines, "", "    def forward(self, x):", f"        {forward}", ""])


BROKEN_TEXTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "one length": (
        text_network(head="nn.Linear(320, 4)", forward="return self.head(self.words(x).flatten(1))"),
        "takes the data",
        ("line 11", "(32, 20)", "(32, 8)", "pool over the words"),
    ),
    "small vocabulary": (
        text_network(words=10, forward="return self.head(self.words(x).mean(1))"),
        "takes the data",
        ("line 11", "index out of range", "(32, 20)"),
    ),
    "ids as numbers": (
        text_network(forward="return self.head(x)"),
        "takes the data",
        ("line 11", "Long and Float", "(32, 20) int64"),
    ),
    "one output per word": (
        text_network(forward="return self.head(self.words(x))"),
        "output shape",
        ("line 11", "(32, 20, 4)", "(32, 4)"),
    ),
}
BROKEN_FORECASTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "one value": (
        network(head="nn.Linear(144, 1)"),
        "output shape",
        ("line 10", "(32, 1)", "(32, 2, 3)", "one output per target"),
    ),
    "channels first": (
        network(head="nn.Conv1d(6, 6, 3)", forward="return self.head(x).mean(2)"),
        "takes the data",
        ("line 10", "[32, 24, 6]"),
    ),
}
