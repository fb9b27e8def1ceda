"""Images per second in training: `fit` as a run uses it against plain DataLoader loops, with the same data and model.

    python tests/benchmarks/vision.py [--repeats 5] [--steps 4] [--threads 2] [--only resnet18 dense] > vision.json

`fit` trains in the precision that `precision=auto` chooses for the model; the plain loops in 32 bits.

The loops run interleaved in one process, so that other load affects all of them. Reports the median of the ratios of
all repeats. Plain loops: `tutorial`, a dataset that converts images to tensors one at a time, and `tensors`, a
DataLoader over float tensors. The second part times a step in several forms: channels last, bf16, compiled.

On a shared machine, `--cpu-time` measures CPU time of the process instead of wall time.

Uses the dataset's images if available, else noise; the output says which. The speed is the same.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.transforms import functional as transforms

from dlcore.core import devices
from dlcore.data.batches import Batches
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.sources import locate as sources
from dlcore.data.splits import Split
from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.models.resnext import ResNextConfig, resnext
from dlcore.models.vgg import Vgg, VggConfig
from dlcore.runs.accelerator import connect
from dlcore.runs.precision import choose_precision
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState

Build = Callable[[], nn.Module]
MEAN, STD = 0.5, 0.25
CHOICES: list[str] = []
"""Precision of each model, as `precision=auto` chose it."""
CLOCK: list[Callable[[], float]] = [time.perf_counter]


def pixels_of(name: str, rows: int, side: int, channels: int) -> tuple[np.ndarray, str]:
    """Return uint8 images (N, H, W[, 3]) and their origin."""
    if sources.is_available(name):
        return np.array(images.resize(images.load(name).pixels[:rows], side)), name
    shape = (rows, side, side) + ((3,) if channels == 3 else ())
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), "noise"


class OneByOne(Dataset):
    """Images as in torchvision's datasets: PIL image, ToTensor, Normalize, one at a time."""

    def __init__(self, pixels: np.ndarray, labels: Tensor) -> None:
        self.pixels, self.labels = pixels, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        image = transforms.to_tensor(Image.fromarray(self.pixels[row]))
        channels = len(image)
        return transforms.normalize(image, [MEAN] * channels, [STD] * channels), int(self.labels[row])


def plain(module: nn.Module, data: Dataset, batch: int) -> Iterator[None]:
    """The training loop of PyTorch's tutorials; yields after each step."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    while True:
        for inputs, targets in DataLoader(data, batch_size=batch, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            loss = loss_of(module(inputs), targets)
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def ours(module: nn.Module, pixels: np.ndarray, labels: Tensor, batch: int, *, flat: bool = False) -> Iterator[None]:
    """`fit` with events, recorded gradients and augmentation, as in a run; yields after each step."""
    config = TrainingConfig(epochs=10_000, batch_size=batch)
    channels = 1 if pixels.ndim == 3 else 3
    scale = ImageTransform([MEAN] * channels, [STD] * channels, Augmentation(shift=4, flip=True))

    def flattened(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        return (inputs[0].float().mul_(1 / (255 * STD)).sub_(MEAN / STD),)

    whole = len(labels) // batch * batch
    split = Split((torch.from_numpy(pixels[:whole]),), labels[:whole], np.arange(whole))
    batches = Batches(split, batch, seed=0, transform=flattened if flat else scale)
    objective = Objective(functional.cross_entropy, _find_correct)
    choice = choose_precision(module, config, batches, objective)
    CHOICES.append(f"{choice.precision} {choice.reason}".strip())
    config = config.model_copy(update={"precision": choice.precision})
    fabric = connect("cpu", precision=choice.precision)
    state = TrainingState(module, config, steps_per_epoch=len(batches), fabric=fabric)
    state.log_every, state.gradient_every = 1, 20  # runs log less often
    rule = Validation(lambda _: {"validation_loss": 0.0})
    step = 0
    for _ in fit(state, batches, objective=objective, validation=rule):
        if state.step != step:
            step = state.step
            yield


def _find_correct(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(dim=1) == targets


def interleaved(loops: dict[str, Iterator[None]], *, repeats: int, steps: int, batch: int) -> dict:
    """Return images per second of each loop, and the speedup of the first over each other loop."""
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        for _ in range(2):
            next(loop)  # warm-up
    for repeat in range(repeats):
        names = list(loops) if repeat % 2 else list(loops)[::-1]
        for name in names:
            begin = CLOCK[0]()
            for _ in range(steps):
                next(loops[name])
            rates[name].append(steps * batch / (CLOCK[0]() - begin))
    ours_name = next(iter(loops))
    result: dict = {"images_per_second": {name: round(statistics.median(rate), 1) for name, rate in rates.items()}}
    for other in list(loops)[1:]:
        ratios = [a / b for a, b in zip(rates[ours_name], rates[other], strict=True)]
        result[f"{ours_name}_over_{other}"] = {
            "median": round(statistics.median(ratios), 3),
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
        }
    return result


def _vgg(side: int, width: int, head: int) -> Build:
    return lambda: Vgg(VggConfig(width=width, head=head), channels=3, height=side, width=side, classes=3)


CASES: dict[str, dict] = {
    "dense": {
        "build": lambda: DenseClassifier(DenseClassifierConfig(), features=784, classes=10),
        "side": 28,
        "data": "fashion_mnist",
        "batch": 64,
        "channels": 1,
        "flat": True,
        "size": "small",
        "steps": 60,
    },
    "resnet18_thin": {
        "build": lambda: resnet(ResNetConfig(width=8, stem="imagenet"), channels=3, classes=3),
        "side": 32,
        "data": "dogs_food_vehicles",
        "batch": 64,
        "channels": 3,
        "size": "small",
        "steps": 12,
    },
    "resnet18": {
        "build": lambda: resnet(ResNetConfig(), channels=3, classes=3),
        "side": 64,
        "data": "dogs_food_vehicles",
        "batch": 32,
        "channels": 3,
        "size": "large",
    },
    "vgg16_c": {
        "build": _vgg(64, 64, 512),
        "side": 64,
        "data": "dogs_food_vehicles",
        "batch": 32,
        "channels": 3,
        "size": "large",
    },
    "resnext": {
        "build": lambda: resnext(ResNextConfig(), channels=3, classes=3),
        "side": 64,
        "data": "dogs_food_vehicles",
        "batch": 16,
        "channels": 3,
        "size": "large",
    },
}


def measure(case: dict, *, repeats: int, steps: int) -> dict:
    """Measure one model: `fit` against the two plain loops."""
    batch, flat = case["batch"], case.get("flat", False)
    pixels, origin = pixels_of(case["data"], 40 * batch, case["side"], case["channels"])
    labels = torch.from_numpy(np.arange(len(pixels)) % 3)
    ready = torch.from_numpy(pixels).float().div_(255).sub_(MEAN).div_(STD)
    ready = ready.unsqueeze(1) if ready.dim() == 3 else ready.permute(0, 3, 1, 2).contiguous()
    build = case["build"]
    module = (lambda: nn.Sequential(nn.Flatten(), build())) if flat else build
    loops = {
        "fit": ours(build(), pixels, labels, batch, flat=flat),
        "tutorial": plain(module(), OneByOne(pixels, labels), batch),
        "tensors": plain(module(), TensorDataset(ready, labels), batch),
    }
    result = interleaved(loops, repeats=repeats, steps=case.get("steps", steps), batch=batch)
    return {
        "size": case["size"],
        "data": origin,
        "side": case["side"],
        "batch": batch,
        "precision": CHOICES[-1],
        **result,
    }


def forms(case: dict, *, repeats: int, steps: int, compiled: bool) -> dict:
    """Measure a step of the model in several forms: speedup over `plain` (channels first, float32)."""
    batch, side = case["batch"], case["side"]
    x = torch.randn(batch, case["channels"], side, side)
    y = torch.arange(batch) % 3
    last = x.contiguous(memory_format=torch.channels_last)
    loops = {
        "channels_last_inputs": stepping(case["build"](), last, y),
        "channels_last": stepping(case["build"]().to(memory_format=torch.channels_last), last, y),
        "bf16": stepping(case["build"](), last, y, bf16=True),
    }
    if compiled:
        loops["compiled"] = stepping(torch.compile(case["build"]()), last, y)
    result: dict = {}
    rates = interleaved({"plain": stepping(case["build"](), x, y), **loops}, repeats=repeats, steps=steps, batch=batch)
    for name in loops:
        result[name] = round(1 / rates[f"plain_over_{name}"]["median"], 3)
    return {"plain_images_per_second": rates["images_per_second"]["plain"], "times_as_fast": result}


def stepping(module: nn.Module, x: Tensor, y: Tensor, *, bf16: bool = False) -> Iterator[None]:
    """Forward, backward and optimizer step on one batch, without end."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, fused=True)
    while True:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = functional.cross_entropy(module(x), y)
        loss.backward()
        optimizer.step()
        yield


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="steps per repeat for the large networks")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cpu-time", action="store_true", help="measure CPU time instead of wall time")
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--forms", nargs="*", choices=list(CASES), default=["resnet18", "vgg16_c", "resnext"])
    parser.add_argument("--compile", action="store_true", help="also measure the compiled form (takes minutes)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.cpu_time:
        CLOCK[0] = time.process_time
    result: dict = {
        "clock": "cpu" if options.cpu_time else "wall",
        "hardware": devices.describe(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "loops": {},
        "forms": {},
    }
    for name in options.only:
        result["loops"][name] = measure(CASES[name], repeats=options.repeats, steps=options.steps)
        print(name, json.dumps(result["loops"][name]), file=sys.stderr, flush=True)
    for name in options.forms:
        few = {"repeats": options.repeats, "steps": options.steps}
        result["forms"][name] = forms(CASES[name], **few, compiled=options.compile)
        print(name, json.dumps(result["forms"][name]), file=sys.stderr, flush=True)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
