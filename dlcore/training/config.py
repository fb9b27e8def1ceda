"""How to train: every knob of `fit`, with its bounds."""

from typing import Literal

from dlcore.core.config import Config, choice, number


class TrainingConfig(Config):
    """The knobs every project shares."""

    epochs: int = number(10, low=1, high=10_000, help="Passes over the training data.")
    batch_size: int = number(64, low=1, high=65_536, unit="samples", help="Samples in one optimizer step.", log=True)
    learning_rate: float = number(1e-3, low=1e-7, high=10.0, help="Length of a step along the gradient.", log=True)
    optimizer: Literal["adam", "adamw", "sgd"] = choice("adam", help="Rule that turns gradients into steps.")
    weight_decay: float = number(0.0, low=0.0, high=1.0, help="Pull of every weight towards zero.")
    momentum: float = number(0.9, low=0.0, high=0.999, help="Share of the last step kept (sgd alone).")
    schedule: Literal["constant", "cosine", "one_cycle", "step"] = choice(
        "constant", help="How the learning rate changes over the run."
    )
    clip_norm: float = number(0.0, low=0.0, high=1e4, help="Longest gradient allowed; 0 leaves it as it is.")
    patience: int = number(
        0, low=0, high=10_000, unit="epochs", help="Stop after so many epochs without a better validation; 0 never."
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = choice(
        "32-true", help="Number format; bf16 is faster on newer GPUs."
    )
    gradient_every: int = number(
        20, low=0, high=100_000, unit="steps", help="Record the gradient's norm by layer so often; 0 switches it off."
    )
