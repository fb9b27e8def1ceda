"""What the components for curves and gradients show: curves of runs as data for the browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlcore.plots.packing import pack
from dlcore.runs.record import Best, Curve, GradientNorms, Record

METRICS = (
    "batch_loss",
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
    "validation_skill",
    "learning_rate",
    "elapsed_s",
)
"""Plotted metrics; all but the first have one value per epoch."""
LAYER_WORDS = {
    "stages": "stage",
    "blocks": "block",
    "pairs": "block",
    "layers": "layer",
    "first": "conv 1",
    "second": "conv 2",
    "body": "main path",
    "forth": "forward",
    "back": "backward",
    "feed_forward": "feed-forward",
    "feed_forward_norm": "feed-forward norm",
    "memory_attention": "cross-attention",
    "memory_norm": "cross-attention norm",
    "widen": "expansion",
    "narrow": "projection",
    "out": "output",
    "rest": "residual forecaster",
    "alone": "forecaster",
}
"""Words for parts of module paths."""
COUNTED = ("stage", "block", "layer", "encoder", "decoder", "hidden", "members")
"""Words whose number counts equal parts; after others it counts the parts of one."""
_MAX_CHANGES = 12
_MAX_SENT = 20_000


@dataclass(frozen=True)
class Mark:
    """An event at an optimizer step: early stopping, a pause, a new learning rate."""

    step: int
    text: str


@dataclass(frozen=True)
class RunCurves:
    """Curves of one run; `history` is keyed by metric name.

    With several seeds `history` holds means and `bands` (low, high) per metric, of the same length. `reported` curves
    are published values by epoch, drawn dotted. `color` is an index into the palette, by default the run's position.
    """

    run_id: str
    label: str
    history: Mapping[str, Curve]
    steps_per_epoch: int
    batch_size: int
    best: Best | None = None
    marks: tuple[Mark, ...] = ()
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    reported: bool = False
    color: int | None = None


def curves_data(runs: Sequence[RunCurves], *, height: int = 0) -> dict[str, Any]:
    """Return the data of the component `curves`; with `height`, in pixels, it draws no learning rate."""
    return {"version": _version(runs), "runs": [_packed(run) for run in runs], "height": height}


def gradients_data(norms: GradientNorms) -> dict[str, Any]:
    """Return the data of the component `gradients`."""
    return {
        "version": f"{len(norms.steps)}-{norms.steps[-1] if len(norms.steps) else 0}",
        "layers": [describe_layer(name) for name in norms.layers],
        "steps": pack(norms.steps, dtype="int32"),
        "norms": pack(norms.norms),
    }


def run_curves(record: Record, history: Mapping[str, Curve], *, label: str) -> RunCurves:
    """Return the curves of one run, with marks where the learning rate jumps, it was resumed or stopped early."""
    return RunCurves(
        run_id=record.run_id,
        label=label,
        history=history,
        steps_per_epoch=record.steps_per_epoch,
        batch_size=record.batch_size,
        best=record.best,
        marks=(*learning_rate_marks(history), *_resumed(history), *_early_stop(record)),
    )


def _resumed(history: Mapping[str, Curve]) -> tuple[Mark, ...]:
    curve = history.get("resumed")
    return tuple(Mark(int(step), "resumed") for step in curve.steps) if curve else ()


def _early_stop(record: Record) -> tuple[Mark, ...]:
    stopped_early = record.state == "finished" and 0 < record.epoch < record.epochs
    return (Mark(record.epoch * record.steps_per_epoch, "early stop"),) if stopped_early else ()


def describe_layer(name: str) -> str:
    """Return a module path in words, counted from 1: `stages.3.0.body.1` is `stage 4, block 1, main path, part 2`."""
    words: list[str] = []
    before = ""
    for part in name.split("."):
        if not part.isdigit():
            words.append(LAYER_WORDS.get(part, part.replace("_", " ")))
        elif before.isdigit():
            words.append(f"block {int(part) + 1}")
        elif not words:
            words.append(f"layer {int(part) + 1}")
        else:
            words[-1] = f"{words[-1]}{'' if words[-1] in COUNTED else ', part'} {int(part) + 1}"
        before = part
    return ", ".join(words)


def learning_rate_marks(history: Mapping[str, Curve]) -> tuple[Mark, ...]:
    """Return the steps at which the learning rate jumps; none if it changes continuously, as in a warm-up.

    A change next to another one is no jump: during the first steps of a warm-up there are few changes, too.
    """
    curve = history.get("learning_rate")
    if curve is None or len(curve.values) < 2:
        return ()
    changed = np.flatnonzero(~np.isclose(np.diff(curve.values), 0.0, rtol=1e-6, atol=0.0)) + 1
    if len(changed) > _MAX_CHANGES:
        return ()
    jumps = [i for i in changed if not {i - 1, i + 1} & set(changed.tolist())]
    return tuple(Mark(int(curve.steps[i]), f"learning rate {curve.values[i]:.2g}") for i in jumps)


def _version(runs: Sequence[RunCurves]) -> str:
    parts = []
    for run in runs:
        sizes = [len(run.history[name].steps) for name in METRICS if name in run.history]
        parts.append(f"{run.run_id}:{'-'.join(map(str, sizes))}:{run.best.epoch if run.best else 0}:{len(run.marks)}")
    return "|".join(parts)


def _packed(run: RunCurves) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "label": run.label,
        "steps_per_epoch": max(1, run.steps_per_epoch),
        "batch_size": run.batch_size,
        "best": {"epoch": run.best.epoch, "metric": run.best.metric} if run.best else None,
        "marks": [{"step": mark.step, "text": mark.text} for mark in run.marks],
        "curves": {
            name: _packed_curve(run.history[name], run.bands.get(name)) for name in METRICS if name in run.history
        },
        "reported": run.reported,
        "color": run.color,
    }


def _packed_curve(curve: Curve, band: tuple[np.ndarray, np.ndarray] | None) -> dict[str, Any]:
    last = slice(-_MAX_SENT, None)
    packed: dict[str, Any] = {"steps": pack(curve.steps[last], dtype="int32"), "values": pack(curve.values[last])}
    if band is not None:
        packed |= {"low": pack(band[0][last]), "high": pack(band[1][last])}
    return packed
