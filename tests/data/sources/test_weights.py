"""Pretrained weights: search, checksums, downloads."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torchvision import models

from dlcore.core.errors import DataError, DataMissingError, RequestError
from dlcore.data.sources import locate as sources
from dlcore.data.sources import weights
from dlcore.data.sources.weights import PretrainedWeights
from dlcore.models.transfer import TransferConfig, TransferNet


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without weights, and a file of random weights registered as those of MobileNetV2."""
    for name in ("DLCORE_DATA", "TORCH_HOME", "DLCORE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "random.pth"
    torch.save(models.mobilenet_v2(weights=None).state_dict(), file)
    digits = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    entry = PretrainedWeights("mobilenet_v2", f"mobilenet_v2-{digits}.pth", file.stat().st_size, 0.0)
    monkeypatch.setitem(weights.WEIGHTS, "mobilenet_v2", entry)
    return file, entry


def served(folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def test_missing_weights_are_reported_with_size_and_license(bare):
    assert weights.find("mobilenet_v2") is None
    with pytest.raises(DataMissingError, match=r"data get weights:mobilenet_v2.*MB, license: BSD-3"):
        weights.load("mobilenet_v2")


def test_torch_cache_is_searched_and_weights_are_rounded(bare, tmp_path):
    file, entry = bare
    place = tmp_path / "torch" / "hub" / "checkpoints" / entry.name
    place.parent.mkdir(parents=True)
    place.write_bytes(file.read_bytes())
    state = weights.load("mobilenet_v2")
    assert all(torch.equal(v, v.half().float()) for v in state.values() if v.is_floating_point())
    TransferNet(TransferConfig(), backbone="mobilenet_v2", classes=3).load_pretrained(state)


def test_file_with_another_checksum_is_rejected(bare, tmp_path):
    file, entry = bare
    place = tmp_path / "cache" / "weights" / entry.name
    place.parent.mkdir(parents=True)
    place.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(DataError, match="sha256 begins with"):
        weights.load("mobilenet_v2")


def test_mirror_download_reports_progress_and_deletes_a_wrong_file(bare, tmp_path, monkeypatch):
    file, entry = bare
    folder = tmp_path / "mirror" / "weights"
    folder.mkdir(parents=True)
    server, address = served(tmp_path / "mirror")
    monkeypatch.setenv("DLCORE_MIRROR", address)
    try:
        (folder / entry.name).write_bytes(b"not the weights")
        with pytest.raises(DataError, match="sha256 begins with"):
            weights.fetch("mobilenet_v2")
        assert list((tmp_path / "cache" / "weights").iterdir()) == []
        (folder / entry.name).write_bytes(file.read_bytes())
        progress = []
        path = weights.fetch("mobilenet_v2", lambda done, total: progress.append((done, total)))
        assert path == weights.find("mobilenet_v2") and progress[-1][0] == entry.size
    finally:
        server.shutdown()
        server.server_close()


def test_weights_are_described_like_a_dataset(bare):
    _, entry = bare
    dataset = sources.get_dataset("weights:mobilenet_v2")
    assert dataset.downloadable and dataset.size == entry.size and not sources.is_available("weights:mobilenet_v2")
    with pytest.raises(RequestError, match="no dataset 'weights:none'"):
        sources.get_dataset("weights:none")


def test_every_backbone_matches_torchvision():
    for name, kind in (
        ("mobilenet_v2", "MobileNet_V2"),
        ("mobilenet_v3_large", "MobileNet_V3_Large"),
        ("efficientnet_b0", "EfficientNet_B0"),
        ("resnet50", "ResNet50"),
    ):
        theirs = getattr(models, f"{kind}_Weights").IMAGENET1K_V1
        assert theirs.url == weights.WEIGHTS[name].url
        assert theirs.meta["_metrics"]["ImageNet-1K"]["acc@1"] == pytest.approx(100 * weights.WEIGHTS[name].accuracy)
        transforms = theirs.transforms()
        assert transforms.resize_size == [weights.RESIZED]
        assert tuple(transforms.mean) == weights.MEAN and tuple(transforms.std) == weights.STD
