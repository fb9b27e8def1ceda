"""Each project joins data, a model, an objective, metrics and presets; `registry` knows them all."""

from dlcore.projects.project import Evaluation, Loaded, Project, RunConfig
from dlcore.projects.registry import (
    PROJECTS,
    changed,
    configure,
    data_config,
    datasets,
    every,
    get,
    load_config,
    model_config,
    settings_of,
)

__all__ = [
    "PROJECTS",
    "Evaluation",
    "Loaded",
    "Project",
    "RunConfig",
    "changed",
    "configure",
    "data_config",
    "datasets",
    "every",
    "get",
    "load_config",
    "model_config",
    "settings_of",
]
