"""List the devices of this machine and resolve device names."""

import platform
from dataclasses import dataclass
from pathlib import Path

import joblib
import torch

from dlcore.core.errors import DeviceError


@dataclass(frozen=True)
class Device:
    """A training device: `name` in torch's notation, `title` for display."""

    name: str
    title: str


def available() -> list[Device]:
    """List the devices of this machine, fastest kind first."""
    devices = [Device(f"cuda:{i}", torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(Device("mps", "Apple GPU"))
    return [*devices, Device("cpu", f"{_processor()}, {_count(allowed_cores(), 'core')}")]


def resolve(name: str) -> str:
    """Resolve `auto`, `cpu`, `cuda`, `cuda:0` or `mps` to the name of an available device.

    Raises:
        DeviceError: the device is not on this machine.
    """
    names = [device.name for device in available()]
    if name == "auto":
        return names[0]
    resolved = "cuda:0" if name == "cuda" else name
    if resolved not in names:
        raise DeviceError(f"device '{name}' is not on this machine; available: auto, {', '.join(names)}.")
    return resolved


def check_count(name: str, count: int) -> None:
    """Check that this machine has `count` devices of a kind; any number of processes shares the CPU.

    Raises:
        DeviceError: there are fewer.
    """
    kind = name.partition(":")[0]
    total = sum(device.name.partition(":")[0] == kind for device in available())
    if kind != "cpu" and count > total:
        raise DeviceError(f"devices={count}: this machine has {total} ({kind}); choose at most {total}, or device cpu.")


def describe() -> dict[str, str | int]:
    """Describe the hardware, for a run's record."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "cores": allowed_cores(),
        "devices": ", ".join(device.title for device in available()),
    }


def allowed_cores() -> int:
    """Number of cores that this process may use: affinity (taskset, Slurm) and cgroup limits (Docker, Kubernetes)."""
    return int(joblib.cpu_count())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
