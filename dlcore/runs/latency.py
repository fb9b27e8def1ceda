"""Latency of the models of runs, measured while no run is active and kept until then."""

import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dlcore.core import access, devices, settings
from dlcore.core.errors import StoreError
from dlcore.inference import cost
from dlcore.runs import budgets
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import read_json, translate_errors, write_json
from dlcore.runs.run import list_active
from dlcore.runs.search import searches

FILE = "latency.json"
ACTIVE = "No latency is measured while a run is active."
BUSY = "Other programs were busy: latency is measured again at the next visit."


@dataclass(frozen=True)
class ModelLatencies:
    """Seconds per prediction by name, on one thread; `measured` is the epoch time of the oldest measurement, None
    without one. `remark` says why some are missing or uncertain.
    """

    seconds: Mapping[str, float]
    measured: float | None
    remark: str = ""


def measure_or_recall(bundles: Mapping[str, Bundle]) -> ModelLatencies:
    """Return the latencies of the models of these runs.

    They are measured in turns when no run is active, and stored; while one is active, those stored before are returned.
    """
    countable = {name: bundle for name, bundle in bundles.items() if budgets.model_cost(bundle) is not None}
    keys = {name: _model_key(bundle) for name, bundle in countable.items()}
    stored = _read()
    if all(key in stored for key in keys.values()):
        return _select(keys, stored)
    if is_machine_in_use():
        return _select(keys, stored, remark=ACTIVE)
    measured = _measure({keys[name]: bundle for name, bundle in countable.items()})
    now = time.time()
    current = stored | {key: (seconds, now) for key, seconds in measured.seconds.items()}
    if not measured.is_quiet or is_machine_in_use():
        return _select(keys, current | stored, remark=BUSY)
    _write(current)
    return _select(keys, current)


def is_machine_in_use() -> bool:
    """Return whether a run or search is running, or its worker is starting."""
    with access.acting_as(access.MACHINE):  # the runs of everybody count
        return any(record.state == "running" or record.pid for record in list_active()) or bool(searches.active())


def _select(keys: Mapping[str, str], stored: Mapping[str, tuple[float, float]], *, remark: str = "") -> ModelLatencies:
    seconds = {name: stored[key][0] for name, key in keys.items() if key in stored}
    times = [stored[key][1] for key in keys.values() if key in stored]
    return ModelLatencies(seconds, min(times, default=None), remark)


def _measure(bundles: Mapping[str, Bundle]) -> cost.Latencies:
    import torch

    from dlcore import projects

    models = {}
    for key, bundle in bundles.items():
        config, shape = bundle.config, budgets.sample_shape(bundle.facts)
        if shape is not None:
            model = projects.get(config.project).models[config.model].build(config.model_options, bundle.facts)
            models[key] = (model, torch.zeros(1, *shape))
    return cost.measure_latencies(models)


def _model_key(bundle: Bundle) -> str:
    config = bundle.config
    facts = sorted(bundle.facts.items())
    return json.dumps([config.project, config.model, config.model_options.model_dump(), facts], sort_keys=True)


def _read() -> dict[str, tuple[float, float]]:
    """Return seconds and time of measurement by model, of this processor and version of torch."""
    value = read_json(settings.home() / FILE)
    if value.get("hardware") != _hardware():
        return {}
    pairs = value.get("models")
    entries: Iterable[tuple[str, object]] = pairs.items() if isinstance(pairs, dict) else ()
    return {
        key: (float(pair[0]), float(pair[1]))
        for key, pair in entries
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, int | float) for part in pair)
    }


def _write(models: Mapping[str, tuple[float, float]]) -> None:
    path = settings.home() / FILE
    with contextlib.suppress(StoreError), translate_errors(path):  # a full disk: measure again at the next visit
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"hardware": _hardware(), "models": models})


def _hardware() -> str:
    import torch

    return f"{devices.describe()['processor']}, torch {torch.__version__}"
