"""Device, images and networks of the checks on a GPU machine, with the packages that it has."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import nn
from torch.nn import functional

from dlcore.data.batches import Batches
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.splits import Split
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.models.resnext import ResNextConfig, resnext
from dlcore.models.vgg import Vgg, VggConfig
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective
from dlcore.training.state import TrainingState

CLASSES, SIDE = 10, 32
PACKED_ROWS = 6000


@dataclass(frozen=True)
class Setup:
    """Device, size of networks and data, and where results go."""

    device: str
    out: Path
    train: Split
    test: Split
    data: str

    @property
    def is_small(self) -> bool:
        """Whether this is the quick form on a CPU."""
        return self.device == "cpu"

    def networks(self) -> dict[str, Callable[[], nn.Module]]:
        """Builders of the three image networks, at full width on a GPU."""
        shape = {"channels": 3, "classes": CLASSES}
        w, head = (8, 32) if self.is_small else (64, 512)
        vgg = VggConfig(width=w, head=head, dropout=0.0)
        return {
            "resnet18": lambda: resnet(ResNetConfig(width=w), **shape),
            "vgg16": lambda: Vgg(vgg, height=SIDE, width=SIDE, **shape),
            "resnext26": lambda: resnext(ResNextConfig(width=w, cardinality=w // 2), **shape),
        }


def pack(folder: Path, dataset: str) -> int:
    """Write images of a dataset of this repository as uint8 (N, 32, 32, 3) and labels; needs all its packages."""
    from dlcore.data.images import images

    source = images.load(dataset)
    rows = np.random.default_rng(0).permutation(len(source.labels))[: PACKED_ROWS * 6 // 5]
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.array(images.resize(source.pixels[rows], SIDE))
    np.savez_compressed(folder / "images.npz", pixels=pixels, labels=source.labels[rows], name=dataset)
    print(f"{folder / 'images.npz'}: {(folder / 'images.npz').stat().st_size / 1e6:.1f} MB")
    return 0


def load_images(folder: Path | None, *, rows: int) -> tuple[Split, Split, str]:
    """Training and test images, five to one, and their origin."""
    if folder is not None:
        with np.load(folder / "images.npz") as stored:
            pixels, labels, origin = stored["pixels"], stored["labels"].astype(np.int64), str(stored["name"])
    else:
        random = np.random.default_rng(0)
        labels, origin = random.integers(0, CLASSES, rows * 6 // 5), "noise"
        patterns = random.integers(64, 192, (CLASSES, SIDE, SIDE, 3))
        pixels = (patterns[labels] + random.normal(0, 40, (len(labels), SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)
    cut = len(labels) * 5 // 6
    parts = [
        Split((torch.from_numpy(pixels[part]),), torch.from_numpy(labels[part]), np.arange(len(labels))[part])
        for part in (slice(0, cut), slice(cut, None))
    ]
    return parts[0], parts[1], origin


def connect(device: str, precision: Any = "32-true") -> Fabric:
    """A Fabric with one process, also inside a job of a cluster."""
    kind, _, number = device.partition(":")
    devices: Any = [int(number)] if number else 1
    return Fabric(accelerator=kind, devices=devices, precision=precision, plugins=[LightningEnvironment()])


def start(
    setup: Setup, module: nn.Module, *, precision: Any = "32-true", split: Split | None = None, **settings: Any
) -> tuple[TrainingState, Batches]:
    """Training state and batches of a run on the images."""
    config = TrainingConfig(
        **{"batch_size": 16 if setup.is_small else 64, "gradient_every": 0, "precision": precision, **settings}
    )
    batches = Batches(split or setup.train, config.batch_size, seed=0, device=setup.device, transform=transform())
    fabric = connect(setup.device, precision)
    return TrainingState(module, config, steps_per_epoch=len(batches), fabric=fabric), batches


def transform(*, is_augmented: bool = True) -> ImageTransform:
    """Standardize images; shift and flip those of the training part."""
    return ImageTransform([0.5] * 3, [0.25] * 3, Augmentation(shift=4, flip=True) if is_augmented else Augmentation())


OBJECTIVE = Objective(functional.cross_entropy, lambda outputs, targets: outputs.argmax(1) == targets)


def measure(setup: Setup, module: nn.Module) -> dict[str, float]:
    """Loss and accuracy on the test images."""
    loss = correct = 0.0
    batches = Batches(setup.test, 500, device=setup.device, transform=transform(is_augmented=False))
    for inputs, targets in batches.epoch(1):
        outputs = module(*inputs)
        loss += float(functional.cross_entropy(outputs.float(), targets, reduction="sum"))
        correct += float((outputs.argmax(1) == targets).sum())
    return {"validation_loss": loss / len(setup.test), "validation_accuracy": correct / len(setup.test)}
