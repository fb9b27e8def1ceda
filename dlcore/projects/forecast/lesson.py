"""Ablation: does the learning rate or the second direction improve the one-layer LSTM?"""

from collections.abc import Sequence

from dlcore.projects.registry import configure
from dlcore.projects.run_config import RunConfig

VARIANTS = {
    "rate 0.01": ("lstm", 1e-2),
    "rate 0.001": ("lstm", 1e-3),
    "rate 0.001, both directions": ("bidirectional", 1e-3),
}
"""Model and learning rate of each variant; all other settings are equal."""
REPORTED = {"rate 0.01": 0.6191, "rate 0.001": 0.7616, "rate 0.001, both directions": 0.6885}
"""Published mean R2 of each variant: one run, split not described."""
TITLE = "Learning rate or second direction?"


def find_variants(dataset: str, *, seeds: Sequence[int], epochs: int) -> dict[str, list[RunConfig]]:
    """Configs of the ablation by variant, one per seed.

    Raises:
        ConfigError: a setting is out of bounds.
    """
    return {
        name: [
            configure(
                "forecast",
                model=model,
                dataset=dataset,
                preset="full",
                seed=seed,
                settings={"learning_rate": rate, "epochs": epochs},
            )
            for seed in seeds
        ]
        for name, (model, rate) in VARIANTS.items()
    }
