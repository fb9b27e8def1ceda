"""Each project joins data, a model, an objective, metrics and presets; `registry` knows them all."""

from dlcore.projects.project import Evaluation, LoadedModel, Project, RunConfig
from dlcore.projects.registry import (
    PROJECTS,
    configure,
    data_config,
    get,
    list_datasets,
    list_projects,
    list_settings,
    load_config,
    model_config,
    with_settings,
)

__all__ = [
    "PROJECTS",
    "Evaluation",
    "LoadedModel",
    "Project",
    "RunConfig",
    "configure",
    "data_config",
    "get",
    "list_datasets",
    "list_projects",
    "list_settings",
    "load_config",
    "model_config",
    "with_settings",
]
