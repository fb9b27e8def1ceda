"""CIFAR-10: archives of records with a label and red, green and blue planes."""

import io
import tarfile

import numpy as np
import pytest

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.images import images
from dlcore.data.sources import locate as sources

NAMES = [f"cifar-10-batches-bin/data_batch_{n}.bin" for n in range(1, 6)] + ["cifar-10-batches-bin/test_batch.bin"]
ROW = 3073


def archive(path, parts, *, mode="w:gz"):
    """Write a tar file with members `parts`, by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as file:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


def records(rows, *, seed=0):
    """Return (N, 3073) uint8 as bytes: labels in turn and random pixels."""
    values = np.random.default_rng(seed).integers(0, 256, (rows, ROW), dtype=np.uint8)
    values[:, 0] = np.arange(rows) % 10
    return values.tobytes()


def whole(rows=20):
    return {"cifar-10-batches-bin/batches.meta.txt": b"airplane\n"} | {
        name: records(rows, seed=place) for place, name in enumerate(NAMES)
    }


def test_cifar_planes_become_pixels_in_order(tmp_path):
    parts = whole()
    shuffled = dict(sorted(parts.items(), key=lambda pair: hash(pair[0])))
    cifar = images.read_cifar(archive(tmp_path / "a.tar.gz", shuffled))
    assert cifar["pixels"].shape == (100, 32, 32, 3) and cifar["test_pixels"].shape == (20, 32, 32, 3)
    second = np.frombuffer(parts[NAMES[1]], dtype=np.uint8).reshape(-1, ROW)[3]
    red, green, blue = second[1:].reshape(3, 32, 32)
    assert cifar["labels"][23] == second[0] == 3
    assert np.array_equal(cifar["pixels"][23], np.stack([red, green, blue], axis=-1))


def test_cifar_is_found_in_a_data_folder_and_trained_on(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path / "data"))
    archive(tmp_path / "data" / "cifar-10" / "cifar-10-binary.tar.gz", whole(40))
    assert sources.is_available("cifar10")
    dataset = images.load("cifar10")
    assert dataset.names == images.CIFAR_LABELS and isinstance(dataset.pixels, np.memmap)
    config = projects.configure("architectures", model="resnet18", dataset="cifar10", preset="quick")
    prepared = projects.get("architectures").prepare(config)
    assert prepared.labels == images.CIFAR_LABELS and len(prepared.test) == 40
    assert len(prepared.train) + len(prepared.validation) == 200
    module = projects.get("architectures").models["resnet18"].build(config.model_options, prepared.facts)
    inputs = prepared.transform((prepared.train.inputs[0][:8],), True)
    assert module(*inputs).shape == (8, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({NAMES[5]: None}, "test_batch.bin"),
        ({NAMES[3]: None}, "data_batch_4.bin"),
        ({NAMES[2]: records(3)[:-1]}, "records of 3073 bytes"),
        ({NAMES[0]: bytes([10]) + records(1)[1:]}, "label is not from 0 to 9"),
    ],
)
def test_missing_or_damaged_cifar_part_is_rejected(tmp_path, change, message):
    parts = {name: data for name, data in {**whole(), **change}.items() if data is not None}
    file = archive(tmp_path / "a.tar.gz", parts)
    with pytest.raises(DataError, match=message) as caught:
        images.read_cifar(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"\x1f\x8b" + b"\0" * 40])
def test_other_file_as_cifar_is_rejected(tmp_path, data):
    file = tmp_path / "a.tar.gz"
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be unpacked|has no") as caught:
        images.read_cifar(file)
    assert "\n" not in str(caught.value)


def test_truncated_archive_and_pickled_version_are_rejected(tmp_path):
    file = archive(tmp_path / "a.tar.gz", whole())
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot be unpacked"):
        images.read_cifar(file)
    pickled = archive(tmp_path / "b.tar.gz", {"cifar-10-batches-py/data_batch_1": b"cos\nsystem\n", "x": b""})
    with pytest.raises(DataError):
        images.read_cifar(pickled)
