"""Each project joins data, a model, an objective, metrics and presets; `registry` knows them all."""

from dlcore.projects.project import Evaluation, LoadedModel, Project
from dlcore.projects.registry import (
    PROJECTS,
    configure,
    get,
    list_datasets,
    list_projects,
    list_settings,
    load_config,
    with_settings,
)
from dlcore.projects.run_config import RunConfig

__all__ = [
    "PROJECTS",
    "Evaluation",
    "LoadedModel",
    "Project",
    "RunConfig",
    "configure",
    "get",
    "list_datasets",
    "list_projects",
    "list_settings",
    "load_config",
    "with_settings",
]
