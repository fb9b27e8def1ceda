"""Everything that decides a run's outcome, parsed once."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import pydantic

from dlcore.core.config import Config, choice, number
from dlcore.data.custom.registry import normalize_id
from dlcore.training.config import TrainingConfig

RENAMED = {
    "both_ways": "bidirectional",
    "erase": "random_erasing",
    "falling": "layer_decay",
    "forget": "forget_bias",
    "initialisation": "initialization",
    "jitter": "color_jitter",
    "normalisation": "normalization",
    "norms": "norm_layers",
    "optimiser": "optimizer",
    "readout": "pooling",
    "skip": "skip_connections",
    "start": "initialization",
    "words": "train_embeddings",
}
"""Former name of a setting -> its name. Configs of stored runs, bundles, searches and commands may have either."""
RENAMED_VALUES = {
    ("pooling", "pooled"): "mean_max",
    ("pooling", "over_padding"): "last_padded",
    ("norm_layers", "kept"): "frozen",
}
"""(setting, former value) -> value."""

OptionsType = TypeVar("OptionsType", bound=Config)


class RunConfig(Config):
    """The configuration of one run. Create it with `projects.configure`, read it from JSON with `projects.load_config`.

    `model_options` and `data_options` are instances of the config classes that the project names. A custom dataset is
    named `custom:NAME`; `data_checksum` pins its content.
    """

    project: str
    model: str
    dataset: Annotated[str, pydantic.AfterValidator(normalize_id)]
    data_checksum: str = pydantic.Field("", max_length=64)
    preset: str = "full"
    seed: int = number(0, low=0, high=2**31 - 1, help="Seed of every random generator.")
    device: str = choice("auto", help="auto, cpu, cuda:0, ... or mps.")
    devices: int = number(1, low=1, high=64, help="Processes per machine that share every batch (data-parallel).")
    nodes: int = number(1, low=1, high=64, help="Machines of a cluster that share every batch.")
    training: TrainingConfig = TrainingConfig()
    model_options: pydantic.SerializeAsAny[Config] = Config()
    data_options: pydantic.SerializeAsAny[Config] = Config()

    @property
    def processes(self) -> int:
        """Number of processes that share every batch, on all machines."""
        return self.devices * self.nodes

    @property
    def sharing(self) -> str:
        """How several processes share the batches, in one sentence; empty for one process."""
        if self.processes == 1:
            return ""
        part = "the whole batch" if self.device.startswith("cuda") else "the part of each process"
        return f"{self.processes} processes share every batch; batch norm uses the statistics of {part}."

    @property
    def flat(self) -> dict[str, Any]:
        """Every setting of training, model and data by its name; without seed and device."""
        return {
            **self.training.model_dump(),
            **self.model_options.model_dump(),
            **self.data_options.model_dump(),
        }

    def data_as(self, config_class: type[OptionsType]) -> OptionsType:
        """`data_options`, typed as `config_class`."""
        assert isinstance(self.data_options, config_class), type(self.data_options)
        return self.data_options

    def model_as(self, config_class: type[OptionsType]) -> OptionsType:
        """`model_options`, typed as `config_class`."""
        assert isinstance(self.model_options, config_class), type(self.model_options)
        return self.model_options


def rename_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with their present names and values."""
    renamed = {RENAMED.get(name, name): value for name, value in settings.items()}
    for (name, former), value in RENAMED_VALUES.items():
        if renamed.get(name) == former:
            renamed[name] = value
    return renamed
