"""Fixtures with the smallest real run."""

import pytest

from dlcore import projects, runs
from dlcore.projects.project import RunConfig


@pytest.fixture(scope="session")
def config() -> RunConfig:
    return projects.configure("anomaly", model="dense_32", preset="quick", settings={"epochs": 2}, device="cpu")


@pytest.fixture(scope="session")
def bundle(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> runs.Bundle:
    folder = tmp_path_factory.mktemp("trained") / "bundle"
    runs.train_here(config, folder)
    return runs.Bundle(folder)
