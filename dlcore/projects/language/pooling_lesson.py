"""Ablation: pooling decides whether a recurrent network learns."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from dlcore.inference.predict import evaluation_mode
from dlcore.models.base_lstm import BaseLstm
from dlcore.projects.language.texts import EncodedText
from dlcore.projects.project import LoadedModel
from dlcore.projects.registry import configure, get
from dlcore.projects.run_config import RunConfig

TITLE = "Last state or pooling?"
VARIANTS = {"end of the padding": "last_padded", "last word": "last", "highest and mean": "mean_max"}
"""Pooling by variant; all other settings are equal."""
SMALL = {"rows": 8000, "length": 300, "vocabulary": 8000, "embedding": 32, "hidden": 32, "layers": 1, "bucketed": False}


def find_variants(dataset: str, *, seeds: Sequence[int], epochs: int) -> dict[str, list[RunConfig]]:
    """Configs of the ablation by variant, one per seed; reviews are padded to 300 words.

    Raises:
        ConfigError: a setting is out of bounds.
    """
    return {
        name: [
            configure(
                "reviews_lstm",
                model="base_lstm",
                dataset=dataset,
                preset="quick",
                seed=seed,
                settings={**SMALL, "pooling": how, "keep": "start", "epochs": epochs},
            )
            for seed in seeds
        ]
        for name, how in VARIANTS.items()
    }


def probability_over_padding(loaded: LoadedModel, encoded: EncodedText, *, most: int = 400) -> np.ndarray | None:
    """Probability (most + 1,) of the second class after 0 to `most` words of padding; None if not last-state."""
    module = loaded.module
    if not isinstance(module, BaseLstm) or module.pooling == "mean_max":
        return None
    with torch.no_grad():
        scores = module.classes(_states(module, encoded, most))
    return np.asarray(scores.softmax(dim=1)[:, 1].numpy())


def difference_left(
    loaded: LoadedModel, encoded_text: EncodedText, other: EncodedText, *, most: int = 200
) -> tuple[np.ndarray, np.ndarray] | None:
    """Distance of two texts' states after padding, relative to that after their last words.

    (most + 1,) of this model and of the untrained network. None as in `probability_over_padding`."""
    module = loaded.module
    if not isinstance(module, BaseLstm) or module.pooling == "mean_max":
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(loaded.config.seed)
        entry = get(loaded.config.project).models[loaded.config.model]
        fresh = entry.build(loaded.config.model_options, loaded.facts)
    norms = []
    for item in (module, fresh):
        assert isinstance(item, BaseLstm)
        states = [_states(item, encoded, most) for encoded in (encoded_text, other)]
        norm = (states[0] - states[1]).norm(dim=1)
        norms.append(np.asarray((norm / norm[0]).numpy()))
    return norms[0], norms[1]


def _states(module: BaseLstm, encoded: EncodedText, most: int) -> torch.Tensor:
    """States (most + 1, D) after the last word and each word of padding."""
    with evaluation_mode(module):
        states, _ = module.lstm(module.embedding(functional.pad(torch.from_numpy(encoded.ids), (0, most))))
    last: torch.Tensor = states[0, encoded.ids.shape[1] - 1 :]
    return last
