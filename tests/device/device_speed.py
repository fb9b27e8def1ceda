"""Images a second in training on a GPU: `fit` against a plain loop."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from device_setup import OBJECTIVE, Setup, start, transform
from torch import nn
from torch.nn import functional

from dlcore.data.splits import Split
from dlcore.training.fit import Validation, fit


def throughput(setup: Setup) -> dict[str, Any]:
    """Images a second: `fit` against a plain loop with the same tensors, interleaved; then forms of the plain loop."""
    results: dict[str, Any] = {}
    batch, repeats, steps = (16, 1, 2) if setup.is_small else (256, 3, 20)
    rows = len(setup.train) // batch * batch
    split = Split((setup.train.inputs[0][:rows],), setup.train.targets[:rows], setup.train.ids[:rows])
    for name, build in setup.networks().items():
        forms: dict[str, Iterator[None]] = {"fit": _fit_steps(setup, build(), split, batch)}
        forms["plain loop"] = _plain_steps(setup, build(), split, batch)
        forms["plain loop, channels last"] = _plain_steps(setup, build(), split, batch, is_last=True)
        if not setup.is_small:
            forms["fit, bf16, channels last"] = _fit_steps(setup, build(), split, batch, precision="bf16-mixed")
            forms["plain loop, bf16, channels last"] = _plain_steps(
                setup, build(), split, batch, is_last=True, is_bf16=True
            )
            forms["plain loop, bf16, channels last, compiled"] = _plain_steps(
                setup, torch.compile(build()), split, batch, is_last=True, is_bf16=True
            )
        rates: dict[str, list[float]] = {form: [] for form in forms}
        for repeat in range(repeats + 1):
            for form, loop in forms.items():
                seconds = _time_steps(setup, loop, 3 if repeat == 0 else steps)
                if repeat:
                    rates[form].append(steps * batch / seconds)
        results[name] = {form: float(np.median(values)) for form, values in rates.items()}
        results[name]["fit / plain loop"] = float(np.median(np.divide(rates["fit"], rates["plain loop"])))
    return {"images_per_second": results, "batch_size": batch}


def _time_steps(setup: Setup, loop: Iterator[None], steps: int) -> float:
    begin = time.perf_counter()
    for _ in range(steps):
        next(loop)
    if not setup.is_small:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _fit_steps(setup: Setup, module: nn.Module, split: Split, batch: int, precision: Any = "32-true") -> Iterator[None]:
    """`fit` as a run uses it, with recorded gradients; yields after each step."""
    if precision != "32-true":
        module = module.to(memory_format=torch.channels_last)
    state, batches = start(
        setup, module, precision=precision, split=split, epochs=1000, batch_size=batch, gradient_every=20
    )
    state.log_every, step = 1, 0
    for _ in fit(state, batches, objective=OBJECTIVE, validation=Validation(lambda _: {"validation_loss": 0.0})):
        if state.step != step:
            step = state.step
            yield


def _plain_steps(
    setup: Setup, module: nn.Module, split: Split, batch: int, *, is_last: bool = False, is_bf16: bool = False
) -> Iterator[None]:
    """The loop of PyTorch's tutorials over tensors on the device; yields after each step."""
    form = torch.channels_last if is_last else torch.contiguous_format
    module = module.to(setup.device, memory_format=form)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    augment = transform()
    pixels, targets = split.inputs[0].to(setup.device), split.targets.to(setup.device)
    while True:
        for rows in torch.randperm(len(targets), device=setup.device).split(batch):
            (x,) = augment((pixels[rows],), True)
            optimizer.zero_grad()
            with torch.autocast(setup.device.partition(":")[0], torch.bfloat16, enabled=is_bf16):
                loss = functional.cross_entropy(module(x.contiguous(memory_format=form)), targets[rows])
            loss.backward()
            optimizer.step()
            yield
