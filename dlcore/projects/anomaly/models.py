"""Models and data settings of anomaly detection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from torch import nn

from dlcore.core.config import Config, choice, number
from dlcore.evaluation.metrics import BASELINES, baseline_title
from dlcore.models.calendar_autoencoder import CalendarAutoencoder, CalendarAutoencoderConfig
from dlcore.models.conv_autoencoder import ConvAutoencoder, ConvAutoencoderConfig
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.models.lstm_autoencoder import LstmAutoencoder, LstmAutoencoderConfig
from dlcore.models.nearest_windows import NearestWindows, NearestWindowsByColumn, NearestWindowsConfig
from dlcore.models.patch_network import PatchNetwork, PatchNetworkConfig
from dlcore.projects.anomaly.detector_model import CLASSES, CONFIGS, SEASONAL_MEDIAN, DetectorConfig, DetectorModel
from dlcore.projects.anomaly.scores import STORED, View
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit_once import FitOnce


@dataclass(frozen=True)
class AnomalyModel(ModelEntry):
    """A model and the view of the series that it takes as input.

    `holds_out`: training points are scored as new ones are, so that they may set the threshold.
    """

    view: View = "row"
    holds_out: bool = False


class AnomalyData(Config):
    """Splits and windows. By default training ends at point 5,000, validation just before the first labeled window."""

    window: int = number(48, low=8, high=336, unit="points", help="Window length; a multiple of 4.")
    train_share: float = number(0.4845, low=0.05, high=0.9, help="Share of the series for training, from its start.")
    validation_share: float = number(
        0.0813, low=0.02, high=0.5, help="Share after the training split; it sets the threshold."
    )
    leave_out: str = choice(
        "", help="Days excluded from training and threshold: 2014-07-03/2014-07-06, separated by commas."
    )
    smoothing_h: float = number(
        0.0, low=0.0, high=168.0, unit="hours", help="Running mean of the scores over this time; 0: none."
    )
    record_share: float = number(
        0.0,
        low=0.0,
        high=2.0,
        help="An alarm is a score above the largest before it, over this share of the training part; 0: one threshold.",
    )
    column_thresholds: bool = choice(
        False,
        help="Of a table with several columns: an alarm is a record of any column. Off: a record of all together.",
    )
    threshold_rule: Literal["quantile", "mean_std", "maximum", "midway"] = choice(
        "maximum",
        help="Threshold from scores before the test split: 99.5 % quantile, mean + 3 standard deviations, maximum, or "
        "midway between the maxima of ordinary days and of known holidays.",
    )


FIXED_THRESHOLD = ("record_share", "column_thresholds")
"""Settings of the record rule and of tables, which the default detector has."""


def _neighbors(options: NearestWindowsConfig, facts: Mapping[str, int]) -> nn.Module:
    """Nearest windows of the series, or of each of its columns."""
    detectors = [
        NearestWindows(options, window=facts["window"], places=facts["places"], points=facts["train_points"])
        for _ in range(facts.get("columns", 1))
    ]
    return NearestWindowsByColumn(detectors) if len(detectors) > 1 else detectors[0]


def _detector(name: str) -> AnomalyModel:
    """The entry of a detector without training epochs."""
    title = BASELINES["weekly_median"].seasonal if name == SEASONAL_MEDIAN else baseline_title(name)
    summary = BASELINES["weekly_median" if name == SEASONAL_MEDIAN else name].help
    return AnomalyModel(
        title,
        f"{summary[0].upper()}{summary[1:]}; no training epochs.",
        lambda options, facts: DetectorModel(
            name, options, window=facts["window"], places=facts["places"], points=facts["train_points"]
        ),
        CONFIGS.get(name, DetectorConfig),
        ignored_settings=FIXED_THRESHOLD,
        training_loop=lambda module, prepared, config: FitOnce(module, config.training),
        view="scored window",
        holds_out=CLASSES[name].holds_out,
    )


MODELS: dict[str, AnomalyModel] = {
    "conv": AnomalyModel(
        "Convolutional autoencoder",
        "Convolutions with 16 and 8 channels over one day of counts.",
        lambda options, facts: ConvAutoencoder(options),
        ConvAutoencoderConfig,
        view="value window",
        ignored_settings=FIXED_THRESHOLD,
    ),
    "dense_32": AnomalyModel(
        "Dense autoencoder 5-64-32-2",
        "Compresses the count and its time of week to two numbers, row by row.",
        lambda options, facts: DenseAutoencoder(facts["features"], (64, 32, 2)),
        ignored_settings=FIXED_THRESHOLD,
    ),
    "dense_16": AnomalyModel(
        "Dense autoencoder 5-64-32-16-2",
        "One more layer in encoder and decoder.",
        lambda options, facts: DenseAutoencoder(facts["features"], (64, 32, 16, 2)),
        ignored_settings=FIXED_THRESHOLD,
    ),
    "lstm": AnomalyModel(
        "LSTM autoencoder 5-2",
        "Reads one day row by row; 252 parameters.",
        lambda options, facts: LstmAutoencoder(facts["features"], options),
        LstmAutoencoderConfig,
        view="window",
        ignored_settings=FIXED_THRESHOLD,
    ),
    "calendar": AnomalyModel(
        "Calendar autoencoder, cross-fitted",
        "Ensemble aware of the hour of the week; each week is scored by networks that did not train on it.",
        lambda options, facts: CalendarAutoencoder(options, window=facts["window"], places=facts["places"]),
        CalendarAutoencoderConfig,
        view="folded window",
        ignored_settings=FIXED_THRESHOLD,
        holds_out=True,
    ),
    "neighbors": AnomalyModel(
        "Nearest windows",
        "Compares each window with training windows, at the same time of the period or at any; nothing is trained.",
        lambda options, facts: _neighbors(cast(NearestWindowsConfig, options), facts),
        NearestWindowsConfig,
        training_loop=lambda module, prepared, config: FitOnce(module, config.training),
        view="nearest window",
        holds_out=True,
    ),
    "patch": AnomalyModel(
        "Patch network with memory bank",
        "Convolutions embed each patch; its score is the distance from the nearest embeddings of training patches.",
        lambda options, facts: PatchNetwork(
            options, window=facts["window"], places=facts["places"], points=facts["train_points"]
        ),
        PatchNetworkConfig,
        view="patch window",
        ignored_settings=FIXED_THRESHOLD,
        holds_out=True,
    ),
    **{name: _detector(name) for name in CLASSES},
}


def view_of(config: RunConfig) -> View:
    """The view of the series that the run's model takes; windows of rows for a network of the user's code."""
    return MODELS[config.model].view if config.model in MODELS else "window"


def holds_out(config: RunConfig) -> bool:
    """Whether the run's model scores training points as new ones."""
    return config.model in MODELS and MODELS[config.model].holds_out


def score_name(config: RunConfig) -> str:
    """What a score of the run measures."""
    if config.data_as(AnomalyData).record_share:
        return "score"  # relative to the largest one before it
    return "distance from training data" if view_of(config) in STORED else "reconstruction error"
