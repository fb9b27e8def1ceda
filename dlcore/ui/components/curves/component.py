"""Training curves of one or several runs, drawn in the browser; they grow during training and keep the zoom."""

from collections.abc import Sequence

from dlcore.runs.record import GradientNorms
from dlcore.runs.views.curves import (
    COUNTED,
    LAYER_WORDS,
    METRICS,
    Mark,
    RunCurves,
    curves_data,
    describe_layer,
    gradients_data,
    learning_rate_marks,
)
from dlcore.ui.components.mount import drawing_component, mount

__all__ = [
    "COUNTED",
    "LAYER_WORDS",
    "METRICS",
    "Mark",
    "RunCurves",
    "describe_layer",
    "learning_rate_marks",
    "show_curves",
    "show_gradients",
]

_CURVES = drawing_component("curves")
_GRADIENTS = drawing_component("gradients")


def show_curves(runs: Sequence[RunCurves], *, key: str, height: int = 0) -> None:
    """Render loss, accuracy and learning rate of the runs.

    With `height`, in pixels, the chart is that high and without the learning rate. A call with more values and the
    same key extends the chart and keeps zoom and controls.
    """
    mount(_CURVES, curves_data(runs, height=height), key=key)


def show_gradients(norms: GradientNorms, *, key: str) -> None:
    """Render a heat map of log10 of the gradient norm by layer and step."""
    mount(_GRADIENTS, gradients_data(norms), key=key)
