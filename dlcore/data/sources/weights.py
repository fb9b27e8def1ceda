"""Weights that torchvision's networks learnt on ImageNet: where they are found, and how they are fetched and checked.

A file is looked for in torch.hub's cache (`TORCH_HOME` is honoured), in `torch-home/hub/checkpoints` and `checkpoints`
of the folders of `DLCORE_DATA`, and in the cache folder. Its name ends in the first digits of its sha256.
"""

import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dlcore.core import settings
from dlcore.core.errors import DataError, DataMissingError, StoreError, one_line

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int, int], None]
PREFIX = "weights:"
"""How they are named among the datasets."""
HOME = "https://download.pytorch.org/models"
FOLDERS = ("torch-home/hub/checkpoints", "hub/checkpoints", "checkpoints", ".")
RESIZED, MEAN, STD = 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What all of these were given: the shorter side brought to so many pixels, mean and spread of each channel."""


@dataclass(frozen=True)
class PretrainedWeights:
    """One file: `accuracy` is what torchvision reports on ImageNet's validation part, `size` its bytes, about."""

    backbone: str
    name: str
    size: int
    accuracy: float
    license: str = "BSD-3"

    @property
    def digits(self) -> str:
        """The first digits of the file's sha256."""
        return self.name.rpartition("-")[2].removesuffix(".pth")

    @property
    def url(self) -> str:
        """Where it is fetched from, unless `DLCORE_MIRROR` names another place."""
        return f"{settings.mirror_url()}/weights/{self.name}" if settings.mirror_url() else f"{HOME}/{self.name}"


WEIGHTS: dict[str, PretrainedWeights] = {
    "mobilenet_v2": PretrainedWeights("mobilenet_v2", "mobilenet_v2-b0353104.pth", 14_212_972, 0.71878),
    "mobilenet_v3_large": PretrainedWeights(
        "mobilenet_v3_large", "mobilenet_v3_large-8738ca79.pth", 22_139_000, 0.74042
    ),
    "efficientnet_b0": PretrainedWeights(
        "efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc.pth", 21_444_000, 0.77692
    ),
    "resnet50": PretrainedWeights("resnet50", "resnet50-0676ba61.pth", 102_530_000, 0.7613),
}


def find(backbone: str) -> Path | None:
    """Where the weights lie on this machine; None where they do not."""
    name = WEIGHTS[backbone].name
    return next((folder / name for folder in _folders() if (folder / name).is_file()), None)


def fetch(backbone: str, progress: Progress | None = None) -> Path:
    """Fetch the weights into the cache folder unless they are here, and say where they lie.

    Raises:
        DataError: no network, or what came is another file; nothing of it stays.
        StoreError: the cache folder cannot be written.
    """
    found = find(backbone)
    if found is not None:
        return found
    from dlcore.data.sources.download import download

    wanted, target = WEIGHTS[backbone], settings.cache() / "weights" / WEIGHTS[backbone].name
    draft = target.with_suffix(".part")
    try:
        draft.unlink(missing_ok=True)
        download(wanted.url, draft, "", progress=progress)
        _check(draft, wanted)
        draft.replace(target)
    except OSError as error:
        raise StoreError(f"{target.parent} cannot be written: {one_line(error)}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return target


def load(backbone: str) -> "dict[str, Tensor]":
    """The weights by torchvision's names, each rounded to half precision and kept as float32.

    Rounded, because a run is shipped so: what is trained and measured is then what is shipped.

    Raises:
        DataMissingError: they are not on this machine; says how to get them.
        DataError: the file is torn, or another one under that name.
    """
    import torch

    wanted, path = WEIGHTS[backbone], find(backbone)
    if path is None:
        raise DataMissingError(
            f"{PREFIX}{backbone}",
            f"the ImageNet weights of {backbone} are not on this machine: run `python -m dlcore data get "
            f"{PREFIX}{backbone}` ({wanted.size / 1e6:.0f} MB, license: {wanted.license}), or put {wanted.name} "
            "where TORCH_HOME says; start=random needs none.",
        )
    _check(path, wanted)
    try:
        found: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} cannot be read ({one_line(error)[:80]}); fetch it again.") from None
    return {name: value.half().float() if value.is_floating_point() else value for name, value in found.items()}


def file_digest(path: Path) -> str:
    """The file's sha256; computed once while the file stays as it is."""
    about = path.stat()
    return _digest(str(path), about.st_size, about.st_mtime_ns)


@cache
def _digest(path: str, size: int, written: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, wanted: PretrainedWeights) -> None:
    found = file_digest(path)
    if not found.startswith(wanted.digits):
        raise DataError(
            f"{path.name}: its sha256 begins with {found[:8]}, that of {wanted.name} with {wanted.digits}; "
            "delete it and fetch it again."
        )


def _folders() -> list[Path]:
    shared = [folder / part for folder in settings.data_folders() for part in FOLDERS]
    hub = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch") / "hub"
    return [hub.expanduser() / "checkpoints", *shared, settings.cache() / "weights"]
