"""Learning curves of a finished run: loss and accuracy by epoch, with the best epoch."""

import streamlit as st

from dlcore.plots import training
from dlcore.runs import Bundle, Record
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

_NAMES = {"loss": "Loss by epoch", "accuracy": "Accuracy by epoch"}


def show_learning_curves(bundle: Bundle, record: Record, *, loss: str, accuracy: str = "") -> None:
    """Draw the charts of loss and accuracy, captioned `loss` and `accuracy`; without `accuracy`, loss only."""
    st.subheader("Learning curves", anchor=False)
    if record.best is not None:
        last = (
            "which is also the last one" if record.best.epoch >= record.epoch else f"not the last one ({record.epoch})"
        )
        st.markdown(
            f"Best epoch: **{record.best.epoch}**, by "
            f"{record.best.metric.replace('_', ' ')} ({record.best.value:.4g}), {last}."
        )
    if not accuracy:
        _curve(bundle, record, "loss", loss)
        return
    for column, metric, words in zip(st.columns(2), ("loss", "accuracy"), (loss, accuracy), strict=True):
        with column:
            _curve(bundle, record, metric, words)


def _curve(bundle: Bundle, record: Record, metric: str, caption: str) -> None:
    curves = {
        name.replace("_", " "): (curve.steps / record.steps_per_epoch, curve.values)
        for name, curve in run_cache.history(bundle).items()
        if name in (f"train_{metric}", f"validation_{metric}") and len(curve.steps)
    }
    if not curves:
        st.caption(f"This run recorded no {metric} per epoch.")
        return
    percent = metric == "accuracy"
    figure = training.curves_by_epoch(
        curves,
        title=_NAMES[metric],
        y=f"{metric}, %" if percent else metric,
        percent=percent,
        best=record.best.epoch if record.best else None,
        log=metric == "loss",
    )
    last = ", ".join(f"{name} ends at {values[-1]:.4g}" for name, (_, values) in curves.items())
    show_figure(figure, key=f"learning-{metric}", alt=f"{_NAMES[metric]}: {last}")
    st.caption(caption)
