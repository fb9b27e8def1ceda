"""Check training and explanation on one CUDA GPU within eight minutes, and leave ten-epoch runs in a folder.

    python tests/device/check.py --pack .device              # with all packages and the data: images into a folder
    python tests/device/check.py OUT --data .device          # on the GPU machine
    python tests/device/check.py OUT --cpu                   # tiny networks on a CPU, to test this script

Needs torch, torchvision, numpy, lightning-fabric, pydantic and safetensors, and of this repository `dlcore` and
`tests/device`. Without `--data`, images are noise around a pattern per class. `OUT/results.json` holds every result;
the exit status is 1 if a check failed. A check that would begin after `--minutes` is skipped, and the results say so.
"""

import argparse
import importlib.util
import itertools
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import safetensors.torch
import torch
import torchvision
from device_setup import CLASSES, OBJECTIVE, PACKED_ROWS, SIDE, Setup, load_images, measure, pack, start
from device_speed import throughput
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core import seeds
from dlcore.core.errors import OutOfMemoryError
from dlcore.explanation import attribution
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.conv_autoencoder import ConvAutoencoder, ConvAutoencoderConfig
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.models.lstm_autoencoder import LstmAutoencoder, LstmAutoencoderConfig
from dlcore.models.news_encoder import NewsEncoder, NewsEncoderConfig
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig
from dlcore.models.vit import Vit, VitConfig
from dlcore.training.events import Epoch
from dlcore.training.fit import Objective, Validation, fit

ROOT = Path(__file__).resolve().parents[2]
SAME = 1e-3
"""Largest difference of outputs between CPU and GPU (TF32 off)."""
RESUMED = 1e-5
"""Largest difference of weights after a resume; with deterministic kernels it should be 0."""
PRECISION_SHARE = 0.1
"""Largest difference of the loss in mixed precision, as a share of that in single precision."""


def main() -> int:
    """Run every check; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path(".device-results"))
    parser.add_argument("--data", type=Path, help="folder with images.npz, written by --pack")
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="write images.npz into an ignored folder, and stop")
    parser.add_argument("--dataset", default="cifar10", help="dataset of --pack; cifar10 by default")
    parser.add_argument("--cpu", action="store_true", help="tiny networks on the CPU")
    parser.add_argument("--minutes", type=float, default=7.0, help="no check begins later; 7 by default")
    options = parser.parse_args()
    if options.pack:
        return pack(options.pack, options.dataset)
    if not options.cpu and not torch.cuda.is_available():
        print("no CUDA GPU: use --cpu to test this script", file=sys.stderr)
        return 2
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    options.out.mkdir(parents=True, exist_ok=True)
    train, test, origin = load_images(options.data, rows=100 if options.cpu else PACKED_ROWS)
    setup = Setup("cpu" if options.cpu else "cuda:0", options.out, train, test, origin)
    results = run_checks(setup, deadline=time.monotonic() + 60 * options.minutes)
    (options.out / "results.json").write_text(json.dumps(results, indent=1))
    return int(any(check["status"] == "failed" for check in results["checks"].values()))


def run_checks(setup: Setup, *, deadline: float) -> dict[str, Any]:
    """Run every check; an error in one does not end the others."""
    name = torch.cuda.get_device_name(0) if setup.device != "cpu" else "cpu"
    versions = {module.__name__: module.__version__ for module in (torch, torchvision, np)}
    results: dict[str, Any] = {"device": name, "python": sys.version.split()[0], **versions, "data": setup.data}
    results["checks"] = {}
    for check in (contract, resume, mixed_precision, out_of_memory, recurrent_explanations, ten_epochs, throughput):
        begin = time.monotonic()
        status, values = "skipped", {"why": "no time left"}
        if begin < deadline:
            try:
                seeds.seed_everything(0)
                status, values = "passed", check(setup)
            except Exception as error:
                status, values = "failed", {"why": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        seconds = round(time.monotonic() - begin, 1)
        results["checks"][check.__name__] = {"status": status, "seconds": seconds, **values}
        print(f"{check.__name__}: {status}, {seconds} s", flush=True)
    return results


def contract(setup: Setup) -> dict[str, Any]:
    """Every kind of network: outputs as on the CPU, finite gradients, learns one batch, weights survive a file."""
    floats, words = torch.randn(8, 24, 5), torch.randint(1, 50, (8, 12))
    images = torch.randn(8, 3, SIDE, SIDE)
    cases: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
        **{name: (build, images) for name, build in setup.networks().items()},
        "vit": (lambda: Vit(VitConfig(dropout=0.0), channels=3, height=SIDE, width=SIDE, classes=CLASSES), images),
        "dense autoencoder": (lambda: DenseAutoencoder(5, (32, 16)), torch.rand(64, 5)),
        "conv autoencoder": (lambda: ConvAutoencoder(ConvAutoencoderConfig()), torch.rand(8, 1, 24)),
        "lstm autoencoder": (lambda: LstmAutoencoder(5, LstmAutoencoderConfig()), floats),
        "lstm classifier": (lambda: BaseLstm(BaseLstmConfig(dropout=0.0), vocabulary=50, classes=3), words),
        "gru classifier": (
            lambda: RnnClassifier(
                RnnClassifierConfig(dropout=0.0, word_dropout=0.0), cell="gru", vocabulary=50, classes=3
            ),
            words,
        ),
        "encoder": (lambda: NewsEncoder(NewsEncoderConfig(), vocabulary=50, length=12, classes=3), words),
    }
    return {"networks": {name: _contract(setup, *case) for name, case in cases.items()}}


def _contract(setup: Setup, build: Callable[[], nn.Module], inputs: Tensor) -> dict[str, float]:
    torch.manual_seed(0)
    module = build().eval()
    with torch.no_grad():
        expected = module(inputs)
        module, inputs = module.to(setup.device), inputs.to(setup.device)
        outputs = module(inputs)
    difference = float((outputs.cpu() - expected).abs().max())
    assert difference < SAME, f"outputs differ from the CPU's by {difference}"
    copy = build().to(setup.device).eval()
    copy.load_state_dict(safetensors.torch.load(safetensors.torch.save(_own_tensors(module))))
    with torch.no_grad():
        assert torch.equal(copy(inputs), outputs), "outputs differ after the weights were saved and loaded"
    classes = outputs.shape[-1]
    targets = torch.arange(len(inputs), device=setup.device) % classes
    optimizer, losses = torch.optim.Adam(module.parameters(), lr=1e-3), []
    module.train()
    for _ in range(8 if setup.is_small else 60):
        optimizer.zero_grad()
        outputs = module(inputs)
        is_classifier = not inputs.is_floating_point() or inputs.dim() == 4
        loss = functional.cross_entropy(outputs, targets) if is_classifier else functional.mse_loss(outputs, inputs)
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters() if p.requires_grad)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0], f"the loss of one batch rose from {losses[0]} to {losses[-1]}"
    return {"difference_to_cpu": difference, "first_loss": losses[0], "last_loss": losses[-1]}


def _own_tensors(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}


def resume(setup: Setup) -> dict[str, Any]:
    """A run that is left in the middle of an epoch and resumed equals an uninterrupted one."""
    torch.backends.cudnn.deterministic = True

    def run(leave: int, snapshot: dict[str, Any] | None = None) -> dict[str, Any]:
        seeds.seed_everything(0)
        state, batches = start(setup, setup.networks()["resnet18"](), epochs=3)
        if snapshot is not None:
            state.restore(snapshot)
        validation = Validation(lambda module: measure(setup, module))
        events = fit(state, batches, objective=OBJECTIVE, validation=validation)
        for _ in itertools.takewhile(lambda _: state.step < leave, events):
            pass
        return state.snapshot()

    straight = run(10**9)
    half = run(straight["progress"]["step"] // 2 + 1)
    torch.save(half, setup.out / "checkpoint.pt")
    half = torch.load(setup.out / "checkpoint.pt", map_location="cpu", weights_only=True)
    (setup.out / "checkpoint.pt").unlink()
    resumed = run(10**9, half)
    torch.backends.cudnn.deterministic = False
    pairs = [(straight["module"][name], resumed["module"][name]) for name in straight["module"]]
    difference = max(float((a.double() - b.double()).abs().max()) for a, b in pairs)
    assert difference <= RESUMED, f"weights differ by {difference} after a resume"
    return {"largest_difference": difference, "tolerance": RESUMED, "is_bitwise": difference == 0.0}


def mixed_precision(setup: Setup) -> dict[str, Any]:
    """Training in bf16 and fp16 ends near the loss of single precision, and the loss scale survives a checkpoint."""
    losses: dict[str, float] = {}
    for precision in ("32-true", "bf16-mixed", *(() if setup.is_small else ("16-mixed",))):
        seeds.seed_everything(0)
        state, batches = start(setup, setup.networks()["resnet18"](), precision=precision, epochs=3, learning_rate=3e-4)
        validation = Validation(lambda module: measure(setup, module))
        epochs = [e for e in fit(state, batches, objective=OBJECTIVE, validation=validation) if isinstance(e, Epoch)]
        losses[precision] = epochs[-1].metrics["train_loss"]
        state.restore(state.snapshot())
    for precision, loss in losses.items():
        gap = abs(loss - losses["32-true"]) / losses["32-true"]
        assert gap < PRECISION_SHARE, f"{precision}: the loss differs by {gap:.0%}"
    return {"train_loss": losses, "tolerance": PRECISION_SHARE}


def out_of_memory(setup: Setup) -> dict[str, Any]:
    """A batch that does not fit gives an error that names a smaller one, and the device can be used afterwards."""

    def greedy(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.empty(2**44, device=outputs.device).sum() + outputs.sum()

    state, batches = start(setup, setup.networks()["resnet18"](), epochs=1)
    validation = Validation(lambda module: measure(setup, module))
    try:
        list(fit(state, batches, objective=Objective(greedy), validation=validation))
    except OutOfMemoryError as error:
        message = str(error)
    else:
        raise AssertionError("no OutOfMemoryError")
    if not setup.is_small:
        torch.cuda.empty_cache()
    state, batches = start(setup, setup.networks()["resnet18"](), epochs=1)
    events = fit(state, batches, objective=OBJECTIVE, validation=validation)
    epoch = next(event for event in events if isinstance(event, Epoch))
    return {"message": message, "train_loss_afterwards": epoch.metrics["train_loss"]}


def recurrent_explanations(setup: Setup) -> dict[str, Any]:
    """Gradients of an LSTM in evaluation mode, which cuDNN refuses, equal those of the CPU; cuDNN stays on."""
    torch.manual_seed(0)
    module, inputs = LstmAutoencoder(5, LstmAutoencoderConfig()).eval(), torch.randn(4, 24, 5)

    def gradient(device: str) -> Tensor:
        x = inputs.to(device).requires_grad_()
        network = module.to(device)
        with attribution._recurrent_backward(network, torch.device(device)):
            ((network(x) - x) ** 2).sum().backward()
        assert x.grad is not None
        return x.grad.cpu()

    was_enabled = torch.backends.cudnn.enabled
    expected, gradients = gradient("cpu"), gradient(setup.device)
    difference = float((expected - gradients).abs().max() / expected.abs().max())
    assert difference < SAME, f"gradients differ from the CPU's by {difference}"
    assert torch.backends.cudnn.enabled == was_enabled, "cuDNN was not switched on again"
    return {"largest_relative_difference": difference, "tolerance": SAME}


def ten_epochs(setup: Setup) -> dict[str, Any]:
    """Ten epochs of each image network; weights (8 bits), config and curves stay in the folder."""
    # by its path: the package of bundles needs more packages than a GPU machine may have
    path = ROOT / "dlcore" / "runs" / "bundle" / "weight_format.py"
    spec = importlib.util.spec_from_file_location("weight_format", path)
    assert spec is not None and spec.loader is not None
    formats = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(formats)
    summary: dict[str, Any] = {}
    epochs = 2 if setup.is_small else 10
    for name, build in setup.networks().items():
        seeds.seed_everything(0)
        precision = "32-true" if setup.is_small else "bf16-mixed"
        module = build().to(memory_format=torch.channels_last)
        state, batches = start(setup, module, precision=precision, epochs=epochs, schedule="one_cycle")
        validation = Validation(lambda network: measure(setup, network))
        events = [e for e in fit(state, batches, objective=OBJECTIVE, validation=validation) if isinstance(e, Epoch)]
        best = events[state.best_epoch - 1].metrics
        assert best["validation_loss"] < 1.05 * events[0].metrics["validation_loss"]
        state.load_best()
        state.module.load_state_dict(formats.round_trip(state.module.state_dict(), "int8"))
        with torch.no_grad():
            rounded = measure(setup, state.module.eval())
        weights = formats.encode(state.module.state_dict(), "int8")
        safetensors.torch.save_file(weights, setup.out / f"{name}.safetensors")
        record = {
            "network": name,
            "training": state.config.model_dump(),
            "data": setup.data,
            "best_epoch": state.best_epoch,
            "with_8_bit_weights": rounded,
            "epochs": [{"step": event.step, "seconds": event.seconds, **event.metrics} for event in events],
        }
        (setup.out / f"{name}.json").write_text(json.dumps(record, indent=1))
        summary[name] = {"seconds": state.seconds, "best_epoch": state.best_epoch, **best}
    return {"runs": summary}


if __name__ == "__main__":
    sys.exit(main())
