"""The lesson of the last state: where a recurrent network is read out decides whether it learns at all."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from dlcore.inference.predict import evaluating
from dlcore.models.base_lstm import BaseLstm
from dlcore.projects.project import Loaded, RunConfig
from dlcore.projects.registry import configure
from dlcore.projects.texts import Seen

TITLE = "The lesson of the last state"
ARMS = {"end of the padding": "over_padding", "last word": "last", "highest and mean": "pooled"}
"""What is read out, by arm; all else is alike."""
SMALL = {"rows": 8000, "length": 300, "vocabulary": 8000, "embedding": 32, "hidden": 32, "layers": 1, "bucketed": False}


def arms(dataset: str, *, seeds: Sequence[int], epochs: int) -> dict[str, list[RunConfig]]:
    """The runs of the lesson by arm, one a seed: every review padded to 300 words, its start read.

    Raises:
        ConfigError: a setting is out of bounds.
    """
    return {
        name: [
            configure(
                "reviews_lstm", model="base_lstm", dataset=dataset, preset="quick", seed=seed,
                settings={**SMALL, "readout": how, "keep": "start", "epochs": epochs},
            )
            for seed in seeds
        ]
        for name, how in ARMS.items()
    }  # fmt: skip


def over_padding(loaded: Loaded, seen: Seen, *, most: int = 400) -> np.ndarray | None:
    """Probability (most + 1,) of the second class, read out after so much padding, 0 first; None for a model that is
    not read out at one state."""
    module = loaded.module
    if not isinstance(module, BaseLstm) or module.readout == "pooled":
        return None
    with evaluating(module):
        padded = functional.pad(torch.from_numpy(seen.ids), (0, most))
        states, _ = module.lstm(module.embedding(padded))  # (1, T + most, D)
        scores = module.classes(states[0, seen.ids.shape[1] - 1 :])
    return np.asarray(scores.softmax(dim=1)[:, 1].numpy())
