"""Lightning Fabric for a device name: device, precision and data-parallel processes."""

import os
from datetime import timedelta
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy

from dlcore.core import devices as known_devices

WAIT = timedelta(hours=12)
"""How long a process waits for another, which may be validating; dead ones are noticed by `worker.peers`."""

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]


def connect(device: str, *, devices: int = 1, nodes: int = 1, precision: Precision = "32-true") -> Fabric:
    """A Fabric on that device; with several `devices` or `nodes` this process joins a group that is already running.

    `precision` auto is 32-true: `runs.precision` chooses once the model is there.

    Raises:
        DeviceError: the device is not available on this machine.
    """
    name = known_devices.resolve(device)
    kind, _, number = name.partition(":")
    precision = "32-true" if precision == "auto" else precision
    if devices * nodes > 1:
        fabric = Fabric(
            accelerator=kind,
            devices=devices,
            num_nodes=nodes,
            strategy=DDPStrategy(timeout=WAIT),
            precision=precision,
            plugins=[LightningEnvironment()],
        )
    else:
        # A fixed environment: Fabric would otherwise read the variables of a Slurm job as a process group.
        single = [int(number)] if kind == "cuda" else 1
        os.environ.pop("LOCAL_RANK", None)
        fabric = Fabric(accelerator=kind, devices=single, precision=precision, plugins=[LightningEnvironment()])
    if kind == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
    fabric.launch()
    return fabric
