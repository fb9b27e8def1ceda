"""Training hyperparameters with their bounds."""

from typing import Literal

from dlcore.core.config import Config, choice, number


class TrainingConfig(Config):
    """Hyperparameters shared by all projects."""

    epochs: int = number(10, low=1, high=10_000, help="Passes over the training data.")
    batch_size: int = number(64, low=2, high=65_536, unit="samples", help="Samples per optimizer step.", log=True)
    learning_rate: float = number(1e-3, low=1e-7, high=10.0, help="Step size of the optimizer.", log=True)
    optimizer: Literal["adam", "adamw", "sgd"] = choice("adam", help="Optimization algorithm.")
    weight_decay: float = number(0.0, low=0.0, high=1.0, help="L2 penalty (adam, sgd) or decoupled decay (adamw).")
    momentum: float = number(0.9, low=0.0, high=0.999, help="Momentum factor (sgd only).")
    schedule: Literal["constant", "cosine", "one_cycle", "step"] = choice("constant", help="Learning-rate schedule.")
    clip_norm: float = number(0.0, low=0.0, high=1e4, help="Maximum norm of the gradient; 0 disables clipping.")
    patience: int = number(
        0,
        low=0,
        high=10_000,
        unit="epochs",
        help="Early stopping: epochs without improvement of the validation metric; 0 disables it.",
    )
    ema: float = number(
        0.0,
        low=0.0,
        high=0.99999,
        help="Decay of an exponential moving average of the weights, which is evaluated in their place; 0: none.",
    )
    recalibrate_norms: int = number(
        0,
        low=0,
        high=10_000,
        unit="batches",
        help="Training batches from which batch-norm statistics are recomputed before each validation; 0: none.",
    )
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = choice(
        "auto",
        help="Numeric precision. auto: 32-true, or bf16-mixed if a long run is faster with it, timed at its start. "
        "bf16 is faster for large networks on newer GPUs and CPUs.",
    )
    gradient_every: int = number(
        20, low=0, high=100_000, unit="steps", help="Record gradient norms per layer every n steps; 0 disables it."
    )
