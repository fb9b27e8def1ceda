"""The lesson of the rates: is it the learning rate or the second direction that makes the one-layer LSTM good?"""

from collections.abc import Sequence

from dlcore.projects.registry import configure
from dlcore.projects.run_config import RunConfig

VARIANTS = {
    "rate 0.01": ("lstm", 1e-2),
    "rate 0.001": ("lstm", 1e-3),
    "rate 0.001, both directions": ("bidirectional", 1e-3),
}
"""Each arm's model and learning rate; all else is alike."""
REPORTED = {"rate 0.01": 0.6191, "rate 0.001": 0.7616, "rate 0.001, both directions": 0.6885}
"""The mean R2 that is known of each, from one run each on one split that is not described."""
TITLE = "The lesson of the rates"


def find_variants(dataset: str, *, seeds: Sequence[int], epochs: int) -> dict[str, list[RunConfig]]:
    """The runs of the lesson by arm, one a seed.

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
