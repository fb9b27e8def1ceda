"""Reader of CIFAR-10's binary version."""

import gzip
import tarfile
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images.idx import MAX_VALUES

CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
"""Five training files and one test file."""
_CIFAR_ROW = 1 + 3 * 32 * 32


def read_cifar(path: Path) -> dict[str, np.ndarray]:
    """Read the tar file in memory: six files with records of a label and 32 x 32 red, green and blue values.

    Returns `pixels` (N, 32, 32, 3) and `labels` (N,), uint8, and the same for the test split with the prefix `test_`.
    The Python version of CIFAR-10 is a pickle and never opened.

    Raises:
        DataError: The file is not CIFAR-10, or a part is missing or has the wrong length.
    """
    files: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if not member.isfile() or name not in CIFAR_FILES:
                    continue
                opened = archive.extractfile(member)
                assert opened is not None
                if member.size > MAX_VALUES or member.size % _CIFAR_ROW:
                    raise DataError(
                        f"{path}: '{name}' does not consist of records of {_CIFAR_ROW} bytes; download it again."
                    )
                files[name] = np.frombuffer(opened.read(), dtype=np.uint8).reshape(-1, _CIFAR_ROW)
    except (tarfile.TarError, OSError, EOFError, gzip.zlib.error, ValueError) as error:  # type: ignore[attr-defined]
        raise DataError(f"{path}: cannot be unpacked ({error}); download it again.") from None
    missing = [name for name in CIFAR_FILES if name not in files]
    if missing:
        raise DataError(f"{path}: has no {missing[0]}; download the binary version again.")
    parts = []
    for records in (
        np.concatenate([files[name] for name in CIFAR_FILES[:-1]]),
        files[CIFAR_FILES[-1]],
    ):
        if records[:, 0].max(initial=0) > 9:
            raise DataError(f"{path}: a label is not from 0 to 9; download it again.")
        colors = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (N, 3, H, W) -> (N, H, W, 3)
        parts += [np.ascontiguousarray(colors), records[:, 0].copy()]
    return dict(zip(("pixels", "labels", "test_pixels", "test_labels"), parts, strict=True))
