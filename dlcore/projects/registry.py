"""The projects there are, and how a request becomes a config that was checked."""

import importlib
from collections.abc import Mapping
from typing import Any

from dlcore.core.config import Config, Field, describe, parse, unknown_setting
from dlcore.core.errors import ConfigError, RequestError
from dlcore.data.custom import registry as own
from dlcore.data.sources import locate as sources
from dlcore.projects.project import Project, RunConfig
from dlcore.training.config import TrainingConfig

PROJECTS = {
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
"""Every project's slug and the module that holds its `PROJECT`. A new one is one file and one line here."""


def get(slug: str) -> Project:
    """The project of that slug.

    Raises:
        RequestError: there is none.
    """
    if slug not in PROJECTS:
        raise RequestError(f"unknown project '{slug}': known are {', '.join(PROJECTS)}.")
    project: Project = importlib.import_module(PROJECTS[slug]).PROJECT
    return project


def list_projects() -> list[Project]:
    """All projects, in the registry's order."""
    return [get(slug) for slug in PROJECTS]


def list_settings(slug: str, model: str) -> dict[str, list[Field]]:
    """The fields a person may set, by section: training, model, data; without what means nothing to that model."""
    project = get(slug)
    unread = project.models[model].unread
    found = {section: describe(config) for section, config in _sections(project, model).items()}
    return found | {"data": [field for field in found["data"] if field.name not in unread]}


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
    """Turn a request into a config: the preset's settings, and `settings` over them.

    A setting is named alone, whichever part of the config it belongs to; `seed`, `device`, `devices` may be among them.

    Raises:
        ConfigError: names what is unknown or out of bounds, and what is allowed.
    """
    project = get(slug)
    model = _one_of("model", model or next(iter(project.models)), project.models)
    dataset = _dataset(project, dataset)
    mine = own.find(dataset) if own.is_custom(dataset) else None
    preset = _one_of("preset", preset, project.presets)
    suited = project.own_settings(mine, model) if mine else {}
    chosen = {**_preset(project, model, preset), **suited, **(settings or {})}
    place = {"seed": seed, "device": device, "devices": 1}
    place |= {name: chosen.pop(name) for name in place if name in chosen}
    sections = _sections(project, model)
    known = {field.name: section for section, config in sections.items() for field in describe(config)}
    for name in chosen:
        if name not in known:
            raise ConfigError(unknown_setting(name, [*known, *place]))
    _refuse_unread(project, model, chosen)
    parts = {
        section: parse(config, {name: chosen[name] for name in chosen if known[name] == section})
        for section, config in sections.items()
    }
    return parse(
        RunConfig,
        {
            "project": slug,
            "model": model,
            "dataset": dataset,
            "data_checksum": mine.checksum if mine else "",
            "preset": preset,
            "training": parts["training"],
            "model_options": parts["model"].model_dump(),
            "data_options": parts["data"].model_dump(),
            **place,
        },
    )


def list_datasets(slug: str) -> list[str]:
    """Every dataset that the project can be trained on: its public ones, then those of one's own of its kinds."""
    project = get(slug)
    mine = own.list_datasets(project.own_data, *project.own_also) if project.own_data else []
    return [*project.datasets, *(entry.dataset for entry in mine)]


def load_config(data: Mapping[str, Any]) -> RunConfig:
    """Read a config from JSON, checking it as `configure` does.

    Raises:
        ConfigError: a key is unknown or a value out of bounds.
    """
    config = parse(RunConfig, data)
    project = get(config.project)
    _one_of("model", config.model, project.models)
    sections = _sections(project, config.model)
    parse(sections["model"], config.model_options)
    parse(sections["data"], config.data_options)
    return config


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The same config with some settings changed (`seed`, `device` and `devices` among them)."""
    flat = {**config.training.model_dump(), **config.model_options, **config.data_options}
    place = {name: getattr(config, name) for name in ("seed", "device", "devices")}
    names = {name: settings.get(name, getattr(config, name)) for name in ("model", "dataset", "preset")}
    unread = getattr(get(config.project).models.get(names["model"]), "unread", ())
    flat = {k: v for k, v in flat.items() if k not in unread}
    if names["model"] != config.model:
        flat = {k: v for k, v in flat.items() if k not in config.model_options}
    rest = {k: v for k, v in settings.items() if k not in names}
    return configure(config.project, **names, settings={**flat, **place, **rest})


def model_config(config: RunConfig) -> Config:
    """The model's own config object."""
    return parse(get(config.project).models[config.model].config, config.model_options)


def data_config(config: RunConfig) -> Config:
    """The data's own config object."""
    return parse(get(config.project).data_config, config.data_options)


def _refuse_unread(project: Project, model: str, chosen: Mapping[str, Any]) -> None:
    """Refuse another value than the usual one for a setting of the data that means nothing to the model."""
    entry = project.models[model]
    usual = {field.name: field.default for field in describe(project.data_config) if field.name in entry.unread}
    for name, value in usual.items():
        if name in chosen and chosen[name] != value and str(chosen[name]) != str(value):
            raise ConfigError(f"'{name}' means nothing to '{model}' ({entry.title}): leave it out.")


def _preset(project: Project, model: str, preset: str) -> dict[str, Any]:
    """A preset's settings: those for all models, then those under the model's own name."""
    settings = dict(project.presets[preset])
    own = [settings.pop(name, {}) for name in project.models]
    return {**settings, **own[list(project.models).index(model)]}


def _sections(project: Project, model: str) -> dict[str, type[Config]]:
    return {"training": TrainingConfig, "model": project.models[model].config, "data": project.data_config}


def _dataset(project: Project, name: str | None) -> str:
    """The name as a run keeps it: a public dataset of the project, or one's own, with or without `own:`.

    Raises:
        ConfigError: the project knows no such dataset.
        DataError: it is one's own and not here, or of a kind that the project does not take.
    """
    if name is None:
        return _at_hand(project)
    if name in project.datasets or project.own_data is None:
        return _one_of("dataset", name, project.datasets)
    if own.is_custom(name) or own.find(name):
        kept = own.find(name)
        kind = kept.kind if kept and kept.kind in project.own_also else project.own_data
        return own.require(name, kind).dataset
    return _one_of("dataset", name, list_datasets(project.slug))


def _at_hand(project: Project) -> str:
    """The first of the project's datasets that is here; the first of all where none is, to name what is missing."""
    return next((name for name in project.datasets if sources.is_available(name)), project.datasets[0])


def _one_of(what: str, name: str, known: Any) -> str:
    if name not in known:
        raise ConfigError(unknown_setting(name, known).replace("setting", what, 1))
    return name
