"""Check packs: what is wrong with their entries, and the contract of each entry."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core import packs
from dlcore.core.errors import RequestError, one_line
from dlcore.data.sources.registry import DATASETS, load_pack_dataset
from dlcore.evaluation.metrics import METRICS, PackMetric
from dlcore.explanation import methods
from dlcore.projects import contract, registry
from dlcore.projects.pack_parts import MODELS

Row = dict[str, Any]


def list_faults() -> list[packs.PackFault]:
    """Import every entry of every pack and return what is wrong with them; quick where no pack is installed."""
    if not packs.list_entries():
        return []
    for slug in registry.PROJECTS:
        registry.get(slug)
    for parts in (MODELS, DATASETS, METRICS, methods.EXPLAINERS):
        parts.packs()
    for name, (entry, _) in MODELS.packs().items():
        if name.partition(".")[0] not in registry.PROJECTS:
            packs.add_fault(entry, f"there is no project '{name.partition('.')[0]}'")
    return packs.list_faults()


def list_packs() -> list[Row]:
    """Return one row per entry of the installed packs: pack, version, kind, name and what is wrong."""
    reasons = {fault.entry: fault.reason for fault in list_faults()}
    return [
        {
            "pack": entry.pack,
            "version": entry.version,
            "kind": _kind(entry),
            "name": entry.name,
            "problem": reasons.get(entry, ""),
        }
        for entry in packs.list_entries()
    ]


def check_pack(name: str) -> list[Row]:
    """Check a pack, by the folder of its source or the name of an installed one: one row per check, with its problem.

    Raises:
        RequestError: there is no such pack.
    """
    pack = packs.add_source(Path(name)) if Path(name).is_dir() else name
    entries = [entry for entry in packs.list_entries() if entry.pack == pack]
    if not entries:
        known = ", ".join(sorted({entry.pack for entry in packs.list_entries()})) or "none"
        raise RequestError(f"there is no pack '{name[:60]}': installed are {known}. Name a folder to check its source.")
    list_faults()
    return [
        {"kind": _kind(entry), "name": entry.name, "check": check, "problem": problem}
        for entry in entries
        for check, problem in _check_entry(entry)
    ]


def _check_entry(entry: packs.PackEntry) -> Iterator[tuple[str, str]]:
    fault = next((each for each in packs.list_faults() if each.entry == entry), None)
    yield "is found", fault.reason if fault else ""
    if not fault:
        try:
            yield from _CHECKS[_kind(entry)](entry.name)
        except Exception as error:
            yield "runs", f"{type(error).__name__}: {one_line(error)}"


def _check_model(name: str) -> Iterator[tuple[str, str]]:
    slug, _, model = name.partition(".")
    config = registry.configure(slug, model=model, preset="quick", settings=_few_rows(slug, model))
    data = registry.get(slug).prepare(config)
    case = contract.ModelCase(config, data, is_pretrained=data.start is not None)
    for check, run in contract.CHECKS.items():
        yield check, run(case)


def _few_rows(slug: str, model: str) -> Row:
    names = {field.name for field in registry.list_settings(slug, model)["data"]}
    return {name: 300 for name in ("rows", "train_rows") if name in names}


def _check_project(slug: str) -> Iterator[tuple[str, str]]:
    project = registry.get(slug)
    has_page = any(list(folder.glob(f"*/{slug}.py")) for folder in packs.page_folders())
    yield "page", "" if has_page else f"the package has no page file pages/<section>/{slug}.py"
    for model in project.models:
        for check, problem in _check_model(f"{slug}.{model}"):
            yield f"{model}: {check}", problem
    config = registry.configure_first(slug, next(iter(project.models)))
    data = project.prepare(config)
    rows = project.baselines(data, config)
    yield "baselines", "" if rows else "there is no baseline to compare with"


def _check_dataset(name: str) -> Iterator[tuple[str, str]]:
    yield "loads", "" if load_pack_dataset(name) is not None else "the loader returns nothing"
    for slug in getattr(DATASETS[name], "projects", ()):
        model = next(iter(registry.get(slug).models))
        data = registry.get(slug).prepare(registry.configure(slug, model=model, dataset=name, preset="quick"))
        sizes = [len(data.split(split)) for split in ("train", "validation", "test")]
        yield f"prepares {slug}", "" if min(sizes) > 0 else f"an empty split: {sizes}"


def _check_metric(name: str) -> Iterator[tuple[str, str]]:
    metric = METRICS[name]
    assert isinstance(metric, PackMetric)
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(3), 60) if metric.task == "classification" else rng.random(60)
    targets = rng.integers(0, 3 if metric.task == "classification" else 2, 60)
    first, again = (float(metric.compute(scores.copy(), targets.copy())) for _ in range(2))
    yield "is a finite number", "" if np.isfinite(first) else f"it is {first}"
    yield "is repeatable", "" if first == again else f"the same predictions give {first} and {again}"


def _check_explainer(name: str) -> Iterator[tuple[str, str]]:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    x = torch.rand(1, 8, 8)
    values = methods.compute_map(name, module, x, 1, torch.zeros_like(x))
    yield "has evidence", "" if values.any() else "the map of a random network is zero everywhere"
    is_same = all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    yield "leaves the network alone", "" if is_same and not module.training else "it changes the network"


_CHECKS: dict[str, Callable[[str], Iterator[tuple[str, str]]]] = {
    "project": _check_project,
    "model": _check_model,
    "dataset": _check_dataset,
    "metric": _check_metric,
    "explainer": _check_explainer,
}


def _kind(entry: packs.PackEntry) -> str:
    return entry.group.removeprefix("dlcore.").removesuffix("s")
