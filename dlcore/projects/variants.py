"""Variants of a comparison: models and values of settings, labeled by what differs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlcore.core.config import unknown_setting
from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.lessons import SEEDS, Lesson
from dlcore.projects.project import Project
from dlcore.projects.registry import configure, get
from dlcore.projects.run_config import RENAMED, RunConfig

MODEL = "model"
"""Name of the model among the values of variants."""
MAX_SHOWN = 3
"""Differing settings in a label."""


@dataclass(frozen=True)
class VariantGrid:
    """Every combination of `models` and of the `values` of settings; a model without a setting ignores its values.

    `settings` are common to all. `epochs` None: those of the preset; see `epoch_budget`.
    """

    project: str
    models: Sequence[str]
    dataset: str | None = None
    preset: str = "full"
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    device: str = "auto"


def parse_values(pairs: Sequence[str]) -> dict[str, list[str]]:
    """Read `KEY=V1,V2` as values by setting.

    Raises:
        RequestError: a pair has another form, or a setting comes twice.
    """
    values: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        name = RENAMED.get(name.strip(), name.strip())
        choices = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
        if not name or not choices:
            raise RequestError(f"'{pair}': write variants as KEY=V1,V2, for example cardinality=1,8,32.")
        if name in values:
            raise RequestError(f"the variants give '{name}' twice: write all of its values in one list.")
        values[name] = choices
    return values


def build_variants(grid: VariantGrid, seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    """Return configs by label, one per seed, which share everything but what the grid varies.

    Raises:
        ConfigError: no chosen model has a setting, or a value is out of bounds.
    """
    project = get(grid.project)
    combinations = [(model, values) for model in grid.models for values in _combinations(project, model, grid)]
    configs = [[_configure(grid, model, values, seed) for seed in seeds] for model, values in combinations]
    unique = {config[0].model_dump_json(): config for config in configs}
    if seeds and len(unique) < len(configs):
        raise ConfigError("two variants have the same settings: leave out values that mean the same.")
    return dict(zip(label_configs([config[0] for config in configs]), configs, strict=True))


def lesson_configs(project: str, lesson: Lesson) -> dict[str, list[RunConfig]]:
    """Return the configs of a lesson's runs by the name of the variant, one per seed."""
    configs = {}
    for name, changes in lesson.variants.items():
        settings = {**lesson.settings, **changes}
        model = settings.pop(MODEL, None)
        configs[name] = [
            configure(project, model=model, dataset=lesson.dataset, seed=seed, device="cpu", settings=settings)
            for seed in SEEDS
        ]
    return configs


def epoch_budget(slug: str, model: str, *, dataset: str | None, preset: str, epochs: int) -> int:
    """Return the epochs of one model in a comparison: `epochs`, but more for a model that alone stops early.

    Such a model gets more in the same proportion as in the preset.
    """
    base = configure(slug, dataset=dataset, preset=preset).training
    variant = configure(slug, model=model, dataset=dataset, preset=preset).training
    return round(epochs * variant.epochs / base.epochs) if variant.patience and not base.patience else epochs


def label_configs(configs: Sequence[RunConfig]) -> list[str]:
    """Return a label for each config: its model, dataset, preset and settings, as far as they differ; all distinct."""
    by_model: dict[str, list[RunConfig]] = {}
    for config in configs:
        by_model.setdefault(config.model, []).append(config)
    labels = [_label(config, configs, by_model[config.model]) for config in configs]
    return [
        f"{label} ({1 + labels[:index].count(label)})" if labels.count(label) > 1 else label
        for index, label in enumerate(labels)
    ]


def format_setting(name: str, value: Any) -> str:
    """Return a setting with its value: "cardinality 4", "skip connections off"."""
    words = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else None
    text = f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
    return f"{name.replace('_', ' ')} {words or text}"


def _combinations(project: Project, model: str, grid: VariantGrid) -> list[dict[str, Any]]:
    every = {name for each in grid.models for name in project.setting_names(each)}
    for name in grid.values:
        if name not in every:
            raise ConfigError(unknown_setting(name, sorted(every)))
    names = [name for name in grid.values if name in project.setting_names(model)]
    return [
        dict(zip(names, values, strict=True)) for values in itertools.product(*(grid.values[name] for name in names))
    ]


def _configure(grid: VariantGrid, model: str, values: Mapping[str, Any], seed: int) -> RunConfig:
    settings = {**grid.settings, **values}
    if grid.epochs is not None and "epochs" not in settings:
        settings["epochs"] = epoch_budget(
            grid.project, model, dataset=grid.dataset, preset=grid.preset, epochs=grid.epochs
        )
    return configure(
        grid.project,
        model=model,
        dataset=grid.dataset,
        preset=grid.preset,
        seed=seed,
        device=grid.device,
        settings=settings,
    )


def _label(config: RunConfig, configs: Sequence[RunConfig], same_model: Sequence[RunConfig]) -> str:
    parts = [
        str(getattr(config, name)).replace("_", " ")
        for name in ("dataset", "preset")
        if len({getattr(each, name) for each in same_model}) > 1
    ]
    settings, every = config.flat, [each.flat for each in same_model]
    differing = [name for name in settings if any(each.get(name) != settings[name] for each in every)]
    room = MAX_SHOWN - len(parts)
    parts += [format_setting(name, settings[name]) for name in differing[:room]]
    parts += [f"{len(differing) - room} more"] * (len(differing) > room)
    if len({each.model for each in configs}) > 1 or not parts:
        parts = [get(config.project).models[config.model].title, *parts]
    label = ", ".join(parts)
    return label[:1].upper() + label[1:]
