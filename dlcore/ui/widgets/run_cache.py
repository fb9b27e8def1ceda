"""Cached access to finished runs, keyed by the run's id and the time its bundle was written."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dlcore import runs
from dlcore.core.markdown import as_text
from dlcore.evaluation import classification
from dlcore.evaluation.abstention import AbstentionRule, decode_reasons
from dlcore.evaluation.calibration import apply_temperature
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Evaluation, LoadedModel
from dlcore.runs import Bundle, Curve, Run
from dlcore.runs.views.epochs import epochs_data
from dlcore.ui.shell.links import link_to_run

CACHED_ARRAYS, CACHED_MODELS = 12, 3


def finished_bundle(run: Run | None, *, to_see: str) -> Bundle | None:
    """Return the run's bundle; if there is none, None after explaining how to get `to_see`."""
    if run is None:
        st.info(
            f"To see {to_see}, train a model first: open **Train** above and press **Train**. "
            "A quick run takes less than a minute.",
            icon=":material/model_training:",
        )
        return None
    bundle = run.bundle
    if bundle is None:
        _explain_missing_bundle(run, to_see)
    return bundle


def _explain_missing_bundle(run: Run, to_see: str) -> None:
    record = run.record
    if record.state in runs.ACTIVE:
        st.info(
            f"This run is still {record.state} (epoch {record.epoch} of {record.epochs}). After its test, "
            f"{to_see} appear here. Until then, choose a finished or reference run at the top.",
            icon=":material/hourglass_top:",
        )
    elif record.state == "failed":
        st.warning(f"This run failed before it was tested: {as_text(record.reason)}", icon=":material/error:")
    else:
        advice = "Resume or stop it" if record.state != "stopped" and record.best else "Resume it"
        st.info(f"This run is {record.state} and was not tested. {advice} to get {to_see}.", icon=":material/pause:")
    link_to_run(record, label="Watch it under Train")


def predictions(bundle: Bundle) -> dict[str, np.ndarray]:
    """Return the stored scores, targets and ids of every split; shared by all sessions, so read-only."""
    return _predictions(*_key(bundle), _bundle=bundle)


def history(bundle: Bundle) -> dict[str, Curve]:
    """Return the histories of the metrics."""
    return _history(*_key(bundle), _bundle=bundle)


def epochs(bundle: Bundle) -> dict[str, Any] | None:
    """Return the data of the component `epochs`; None if the run recorded no epochs."""
    return _epochs(*_key(bundle), _bundle=bundle)


def evaluation(bundle: Bundle) -> Evaluation:
    """Return the test metrics as stored by the worker."""
    return _evaluation(*_key(bundle), _bundle=bundle)


def predicted_classes(bundle: Bundle, scores: np.ndarray) -> np.ndarray:
    """Return the predicted classes (N,) of probabilities (N, K): the most likely, or for two classes by the run's
    decision threshold, which its metrics use.
    """
    threshold = evaluation(bundle).threshold
    return classification.predicted_classes(scores, threshold=0.5 if threshold is None else threshold)


def threshold_note(labels: tuple[str, ...], prediction: Mapping[str, Any]) -> str:
    """Explain why the less probable of two classes is predicted; empty otherwise."""
    if "calibrated_threshold" not in prediction or prediction["probability"] >= 0.5:
        return ""
    return (
        f" “{as_text(labels[1])}” is predicted from a probability of "
        f"{format_percent(prediction['calibrated_threshold'])} on (threshold chosen on validation), "
        "so the less probable class is predicted here."
    )


def stored_prediction(bundle: Bundle, row: int) -> dict[str, Any]:
    """Return a classifier's prediction for a test sample from stored probabilities, in the format of `predict`."""
    import torch

    from dlcore.projects.classification import describe_prediction

    stored = predictions(bundle)
    scores = np.maximum(stored["test_scores"][row].astype(np.float64), np.finfo(np.float32).tiny)
    return describe_prediction(
        torch.from_numpy(np.log(scores))[None],
        labels=bundle.labels,
        threshold=evaluation(bundle).threshold,
        rule=calibration(bundle),
        reasons=decode_reasons(int(stored["test_reasons"][row])) if "test_reasons" in stored else None,
    )


def calibrate(bundle: Bundle, scores: np.ndarray) -> np.ndarray:
    """Return calibrated probabilities (K,) from stored ones."""
    rule = calibration(bundle)
    return scores if rule is None else apply_temperature(scores[None], rule.temperature)[0]


def calibration(bundle: Bundle) -> AbstentionRule | None:
    """Return a classifier's temperature and abstention rule."""
    return _calibration(*_key(bundle), _bundle=bundle)


def load_model(bundle: Bundle) -> LoadedModel:
    """Return the trained model; shared by all sessions, so never train or hook it."""
    return _load_model(*_key(bundle), _bundle=bundle)


def bundle_key(bundle: Bundle) -> str:
    """Return a key that changes whenever the bundle does; browsers get it too, so it names no folder."""
    return hashlib.blake2b(repr(_key(bundle)).encode(), digest_size=8).hexdigest()


def _key(bundle: Bundle) -> tuple[str, int]:
    """Return folder and modification time: a resumed run writes a new bundle to the same folder."""
    return str(bundle.folder), (bundle.folder / "run.json").stat().st_mtime_ns


@st.cache_resource(max_entries=CACHED_ARRAYS, show_spinner=False)
def _predictions(folder: str, modified: int, _bundle: Any) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = _bundle.predictions()
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


@st.cache_resource(max_entries=CACHED_ARRAYS, show_spinner=False)
def _history(folder: str, modified: int, _bundle: Any) -> dict[str, Curve]:
    curves: dict[str, Curve] = _bundle.history()
    return curves


@st.cache_resource(max_entries=CACHED_MODELS, show_spinner=False)
def _epochs(folder: str, modified: int, _bundle: Any) -> dict[str, Any] | None:
    return epochs_data(_bundle)


@st.cache_resource(max_entries=CACHED_ARRAYS, show_spinner=False)
def _evaluation(folder: str, modified: int, _bundle: Any) -> Evaluation:
    evaluation: Evaluation = _bundle.evaluation
    return evaluation


@st.cache_resource(max_entries=CACHED_ARRAYS, show_spinner=False)
def _calibration(folder: str, modified: int, _bundle: Any) -> AbstentionRule | None:
    rule: AbstentionRule | None = _bundle.calibration
    return rule


@st.cache_resource(max_entries=CACHED_MODELS, show_spinner="Loading the model")
def _load_model(folder: str, modified: int, _bundle: Any) -> LoadedModel:
    model: LoadedModel = _bundle.load()
    return model
