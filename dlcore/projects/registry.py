"""All projects, and checked configs from a request, a preset or JSON."""

import importlib
from collections.abc import Mapping
from typing import Any

from dlcore.core import packs
from dlcore.core.config import Field, describe, parse, unknown_setting
from dlcore.core.errors import ConfigError, RequestError, WorkbenchError
from dlcore.data.batch_sizes import SMALLEST
from dlcore.data.custom import registry as custom_registry
from dlcore.data.custom import versions
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources import locate as sources
from dlcore.projects import pack_parts, quick
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig, rename_settings

_MODULES: dict[str, Any] = {
    "anatomy": "dlcore.projects.foundations.anatomy",
    "anomaly": "dlcore.projects.anomaly.project",
    "architectures": "dlcore.projects.vision.architectures",
    "attention": "dlcore.projects.foundations.attention",
    "backprop": "dlcore.projects.foundations.backprop",
    "bert": "dlcore.projects.language.bert",
    "fashion": "dlcore.projects.vision.fashion",
    "food": "dlcore.projects.vision.food",
    "forecast": "dlcore.projects.forecast.project",
    "gradients": "dlcore.projects.vision.gradients",
    "news": "dlcore.projects.language.news",
    "questions": "dlcore.projects.language.questions",
    "reviews_bert": "dlcore.projects.language.reviews_bert",
    "reviews_lstm": "dlcore.projects.language.reviews_lstm",
    "reviews_transformer": "dlcore.projects.language.reviews_transformer",
    "rnn": "dlcore.projects.foundations.rnn",
    "seq2seq": "dlcore.projects.language.seq2seq",
    "vit": "dlcore.projects.vision.vit",
}
"""Slug -> module with a `PROJECT`. A new project is one file and one line here."""
PROJECTS: packs.Registry[Any] = packs.Registry("dlcore.projects", _MODULES, Project, pack_parts.check_project)
"""Every project by slug: the module of one of the workbench, the `Project` of a pack."""
NETWORKS = {
    "custom": "dlcore.projects.custom.images",
    "custom_text": "dlcore.projects.custom.texts",
    "custom_forecast": "dlcore.projects.custom.forecast",
    "custom_anomaly": "dlcore.projects.custom.anomaly",
}
"""Projects that train networks of the user's code."""
WORKSPACE = {**NETWORKS, "watched": "dlcore.projects.watched"}
"""Further projects, whose models are known only once a user adds them: `get` finds them, lists leave them out."""


def get(slug: str) -> Project:
    """The project with that slug.

    Raises:
        RequestError: the slug is unknown.
    """
    if module := _MODULES.get(slug) or WORKSPACE.get(slug):
        project: Project = importlib.import_module(module).PROJECT
        return project if slug in WORKSPACE else pack_parts.extend(project)
    if slug in PROJECTS:
        return pack_parts.extend(*reversed(PROJECTS.packs(slug)[slug]))
    if fault := packs.find_fault(PROJECTS.group, slug):
        raise RequestError(str(fault))
    raise RequestError(f"unknown project '{slug}': known are {', '.join((*PROJECTS, *WORKSPACE))}.")


def network_project(slug: str, dataset: str | None) -> str:
    """The project that trains a user's network on a dataset: `slug`, or for "custom" the first that accepts it."""
    if slug != next(iter(NETWORKS)) or dataset is None:
        return slug
    entry = custom_registry.find(dataset)
    names = {dataset, entry.dataset if entry else dataset}
    return next((name for name in NETWORKS if names & set(list_datasets(name))), slug)


def list_projects() -> list[Project]:
    """All projects, in the registry's order."""
    return [get(slug) for slug in PROJECTS]


def list_settings(slug: str, model: str) -> dict[str, list[Field]]:
    """The settings of a model's runs by section (training, model, data), without those it ignores."""
    project = get(slug)
    ignored = project.models[model].ignored_settings
    return {
        section: [field for field in describe(config) if section != "data" or field.name not in ignored]
        for section, config in project.config_classes(model).items()
    }


def configure(
    slug: str,
    *,
    model: str | None = None,
    dataset: str | None = None,
    preset: str = "full",
    seed: int = 0,
    device: str = "auto",
    settings: Mapping[str, Any] | None = None,
) -> RunConfig:
    """A run's config from a preset's settings, overridden by `settings`.

    Settings are flat, without the part of the config they belong to; `seed`, `device`, `devices`
    and `nodes` are allowed.

    Raises:
        ConfigError: a name is unknown or a value out of bounds; says what is allowed.
    """
    project = get(slug)
    dataset = _dataset(project, dataset)
    custom = _find_custom(dataset)
    model = _one_of("model", model or _suggest_model(project, custom), project.models)
    preset = _one_of("preset", preset, project.presets)
    values = _preset_values(project, model, preset, custom) | rename_settings(settings or {})
    place = {"seed": seed, "device": device, "devices": 1, "nodes": 1}
    place |= {name: values.pop(name) for name in place if name in values}
    classes = project.config_classes(model)
    section_of = {name: section for section, config in classes.items() for name in config.model_fields}
    for name in values:
        if name not in section_of:
            raise ConfigError(unknown_setting(name, [*section_of, *place]))
    _reject_ignored(project, model, values)
    parts = {
        section: parse(config, {name: value for name, value in values.items() if section_of[name] == section})
        for section, config in classes.items()
    }
    config = parse(
        RunConfig,
        {
            "project": slug,
            "model": model,
            "dataset": dataset,
            "data_checksum": custom.checksum if custom else "",
            "preset": preset,
            "training": parts["training"],
            "model_options": parts["model"],
            "data_options": parts["data"],
            **place,
        },
    )
    check_share(config)
    return config


def preset_settings(config: RunConfig, *, is_scaled: bool = True) -> dict[str, Any]:
    """Every setting by name, with the values of the config's preset for its model and dataset.

    `is_scaled` False leaves out what the quick preset derives from the size of a custom dataset and from the downloads
    on this machine.

    Raises:
        ConfigError: the model or preset is unknown (renamed since).
    """
    project = get(config.project)
    _one_of("model", config.model, project.models)
    _one_of("preset", config.preset, project.presets)
    classes = project.config_classes(config.model)
    defaults = {field.name: field.default for part in classes.values() for field in describe(part)}
    custom = _find_custom(config.dataset)
    return defaults | _preset_values(project, config.model, config.preset, custom, is_scaled=is_scaled)


def suggest_model(slug: str, dataset: str) -> str:
    """Return the model to preselect for a dataset: for a custom one, the suggestion of the project; else the first that
    needs no download with the first preset."""
    project, custom = get(slug), _find_custom(dataset)
    if custom is not None:
        return _suggest_model(project, custom)
    ready = (model for model in project.models if not missing_downloads(configure_first(slug, model, dataset)))
    return next(ready, next(iter(project.models)))


def configure_first(slug: str, model: str, dataset: str | None = None) -> RunConfig:
    """The config of a model with the project's first preset."""
    return configure(slug, model=model, dataset=dataset, preset=next(iter(get(slug).presets)))


def missing_downloads(config: RunConfig) -> list[str]:
    """Downloads that a run needs and this machine lacks; empty for invalid settings."""
    try:
        return [name for name in get(config.project).needs(config) if not sources.is_available(name)]
    except WorkbenchError:
        return []  # reported when the run is created


def list_fallbacks(config: RunConfig) -> list[str]:
    """Missing downloads that the quick preset of the config replaces by a fallback."""
    if config.preset != quick.PRESET:
        return []
    fallbacks = get(config.project).fallbacks
    return [
        name
        for name, models in fallbacks.items()
        if config.model in models
        and not sources.is_available(name)
        and models[config.model].items() <= config.flat.items()
    ]


def offered_dataset(slug: str, dataset: str = "") -> str:
    """The dataset to download where `dataset` is not on this machine: itself, its alternative, or one that the project
    prefers to all on this machine; empty if there is none with a URL."""
    project = get(slug)
    names = []
    if dataset in sources.DATASETS:
        names = [dataset, sources.get_dataset(dataset).alternative]
    for name in project.datasets:
        if sources.is_available(name):
            break
        names.append(name)
    missing = [name for name in names if name in project.datasets and not sources.is_available(name)]
    return next((name for name in missing if sources.get_dataset(name).downloadable), "")


def list_datasets(slug: str) -> list[str]:
    """Every dataset that the project can train on: public ones, then custom ones of its kinds."""
    project = get(slug)
    custom = [entry for entry in custom_registry.list_datasets() if _accepts(project, entry)]
    return [*project.datasets, *(entry.dataset for entry in custom)]


def _accepts(project: Project, entry: CustomDataset) -> bool:
    """Whether the project can train on a custom dataset: one of its kinds, or a version of one of its datasets."""
    if versions.is_version(entry):
        base = versions.find_base(entry.dataset)
        if not custom_registry.is_custom(base):
            return base in project.datasets
    return entry.kind in project.custom_data


def load_config(data: Mapping[str, Any]) -> RunConfig:
    """Read a config from JSON, with the same checks as `configure`. Settings may have their former names.

    Raises:
        ConfigError: a key is unknown or a value out of bounds.
    """
    parts = ("training", "model_options", "data_options")
    config = parse(RunConfig, {name: value for name, value in data.items() if name not in parts})
    project = get(config.project)
    _one_of("model", config.model, project.models)
    classes = dict(zip(parts, project.config_classes(config.model).values(), strict=True))
    values = {name: data.get(name) or {} for name in parts}
    if invalid := [name for name in parts if not isinstance(values[name], Mapping)]:
        raise ConfigError(f"{invalid[0]} of the config is not an object with settings: export the run again.")
    return config.model_copy(
        update={name: parse(classes[name], rename_settings(values[name])) for name in parts},
    )


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """A copy of the config with some settings changed (`seed`, `device`, `devices` and `nodes` among them)."""
    settings = rename_settings(settings)
    place = {name: getattr(config, name) for name in ("seed", "device", "devices", "nodes")}
    names = {name: settings.get(name, getattr(config, name)) for name in ("model", "dataset", "preset")}
    entry = get(config.project).models.get(names["model"])
    dropped = set(entry.ignored_settings if entry else ())
    if names["model"] != config.model:
        dropped |= set(type(config.model_options).model_fields)
    base = {name: value for name, value in config.flat.items() if name not in dropped}
    changes = {name: value for name, value in settings.items() if name not in names}
    return configure(config.project, **names, settings={**base, **place, **changes})


def check_share(config: RunConfig) -> None:
    """Check that the devices of a config can share its batches: batch normalization cannot train on one sample.

    Raises:
        ConfigError: a device would get a single sample, or the model is not trained by batches.
    """
    batch_size, devices = config.training.batch_size, config.processes
    if batch_size < SMALLEST * devices:
        raise ConfigError(
            f"batch_size={batch_size} is too small for {devices} devices, which share every batch: set it to "
            f"{SMALLEST * devices} or more."
        )
    if devices > 1 and get(config.project).models[config.model].training_loop is not None:
        raise ConfigError(
            f"'{config.model}' is not trained by batches that {devices} devices could share: use one device."
        )


def _reject_ignored(project: Project, model: str, values: Mapping[str, Any]) -> None:
    """Reject a data setting that has no effect on the model, unless it has its default value."""
    entry = project.models[model]
    defaults = {field.name: field.default for field in describe(project.data_config)}
    for name in entry.ignored_settings:
        if name in values and values[name] != defaults[name] and str(values[name]) != str(defaults[name]):
            raise ConfigError(f"'{name}' has no effect on '{model}' ({entry.title}): leave it out.")


def _find_custom(dataset: str) -> CustomDataset | None:
    return custom_registry.find(dataset) if custom_registry.is_custom(dataset) else None


def _suggest_model(project: Project, custom: CustomDataset | None) -> str:
    return (project.suggest_model(custom) if custom else "") or next(iter(project.models))


def _preset_values(
    project: Project, model: str, preset: str, custom: CustomDataset | None, *, is_scaled: bool = True
) -> dict[str, Any]:
    """A preset's settings for a model and dataset."""
    values, is_quick = _preset(project, model, preset), preset == quick.PRESET and is_scaled
    if custom is not None:
        values |= project.custom_settings(custom, model)
        if is_quick:
            values |= project.quick_settings(custom, model, values)
    if is_quick:
        for download, models in project.fallbacks.items():
            if model in models and not sources.is_available(download):
                values |= models[model]
    return values


def _preset(project: Project, model: str, preset: str) -> dict[str, Any]:
    """A preset's settings for a model: the shared ones that it has, overridden by those nested under its name."""
    values = project.presets[preset]
    names = set(project.setting_names(model)) - set(project.models)  # a model may have the name of a setting
    return {name: value for name, value in values.items() if name in names} | dict(values.get(model, {}))


def _dataset(project: Project, name: str | None) -> str:
    """The name that a run stores: a public dataset of the project, or a custom one, with or without `custom:`.

    Raises:
        ConfigError: the project has no such dataset.
        DataError: a custom dataset is missing, or of a kind that the project does not accept.
    """
    if name is None:
        return _first_available(project)
    entry = custom_registry.find(name)
    if entry is not None and _accepts(project, entry):
        return entry.dataset
    if name in project.datasets or not project.custom_data:
        return _one_of("dataset", name, project.datasets)
    if custom_registry.is_custom(name) or entry:
        kind = entry.kind if entry and entry.kind in project.custom_data else project.custom_data[0]
        return custom_registry.require(name, kind).dataset
    return _one_of("dataset", name, list_datasets(project.slug))


def _first_available(project: Project) -> str:
    """The project's first dataset on this machine; else its first, so that the error names it."""
    return next((name for name in project.datasets if sources.is_available(name)), project.datasets[0])


def _one_of(what: str, name: str, known: Any) -> str:
    if name not in known:
        raise ConfigError(unknown_setting(name, known).replace("setting", what, 1))
    return name
