"""Settings of the cluster from the environment."""

import pytest

from dlcore.core import cluster
from dlcore.core.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in (
        "DLCORE_EXECUTOR",
        *(f"{cluster.PREFIX}{field.upper()}" for field in cluster.ClusterSettings.model_fields),
    ):
        monkeypatch.delenv(name, raising=False)


def test_settings_come_from_the_environment(monkeypatch):
    assert not cluster.is_configured() and cluster.default_executor() == "local"
    assert (cluster.load().minutes, cluster.load().partition) == (1440, "")
    monkeypatch.setenv("DLCORE_SLURM_PARTITION", "gpu")
    monkeypatch.setenv("DLCORE_SLURM_MEMORY_GB", "1.5")
    monkeypatch.setenv("DLCORE_SLURM_DIRECTIVES", "--qos=low constraint='a100|h100' --exclusive")
    assert cluster.is_configured() and cluster.default_executor() == "local"
    settings = cluster.load()
    assert (settings.partition, settings.memory_gb) == ("gpu", 1.5)
    assert settings.extra == {"qos": "low", "constraint": "a100|h100", "exclusive": True}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DLCORE_SLURM_MINUTES", "0", "minutes='0'"),
        ("DLCORE_SLURM_GPUS", "many", "gpus='many'"),
        ("DLCORE_SLURM_DIRECTIVES", "--qos=low ;rm", "';rm' is no option"),
        ("DLCORE_SLURM_DIRECTIVES", "--qos='low", "quotation"),
    ],
)
def test_an_invalid_setting_is_named(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="DLCORE_SLURM") as caught:
        cluster.load()
    assert words in str(caught.value).lower()


def test_an_unknown_executor_is_named(monkeypatch):
    monkeypatch.setenv("DLCORE_EXECUTOR", "pbs")
    with pytest.raises(ConfigError, match="DLCORE_EXECUTOR=pbs"):
        cluster.default_executor()
