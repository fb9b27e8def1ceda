"""Parts shared by the prediction scripts: they run without dlcore, so they use only NumPy and ONNX Runtime."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@functools.cache
def read_facts() -> dict[str, Any]:
    """Return what the script needs beside the network: preprocessing, labels, threshold, temperature."""
    facts: dict[str, Any] = json.loads((HERE / "predict.json").read_text(encoding="utf-8"))
    return facts


@functools.cache
def open_network() -> Any:
    """Open `model.onnx` on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])


def run_network(*inputs: np.ndarray) -> np.ndarray:
    """Return the output of `model.onnx` for the inputs of the network, of which it may read only the first."""
    session = open_network()
    read = {each.name for each in session.get_inputs()}
    named = {f"input_{number}" if number else "inputs": each for number, each in enumerate(inputs)}
    output: np.ndarray = session.run(None, {name: each for name, each in named.items() if name in read})[0]
    return output


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (K,) of logits (K,)."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    values: np.ndarray = powers / powers.sum()
    return values


def describe_classes(logits: np.ndarray, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a classifier from logits (K,), with the names and values of `dlcore predict`.

    `probabilities` are softmax(logits / temperature). Of two classes, the second is predicted from `threshold` on its
    raw probability on; `calibrated_threshold` is the same on the scale of `probabilities`. `uncertain`: the largest
    probability is below the limit that was set on validation. `prediction_set` holds the class of 90 % of new inputs.
    """
    labels, temperature = facts["labels"], facts["temperature"]
    calibrated = softmax(logits / temperature)
    label, thresholds = labels[int(calibrated.argmax())], {}
    if len(labels) == 2:
        threshold = facts["threshold"]
        label = labels[int(softmax(logits)[1] >= threshold)]
        shares = np.log(np.maximum([1 - threshold, threshold], np.finfo(np.float32).tiny))
        thresholds = {"threshold": threshold, "calibrated_threshold": float(softmax(shares / temperature)[1])}
    pairs = zip(labels, calibrated.tolist(), strict=True)
    probabilities = dict(sorted(pairs, key=lambda pair: -pair[1]))
    above = [name for name, share in probabilities.items() if share >= facts["set_limit"]]
    return {
        "label": label,
        "probability": probabilities[label],
        "probabilities": probabilities,
        "uncertain": bool(calibrated.max() < facts["uncertain_below"]),
        "temperature": temperature,
        "prediction_set": (above or list(probabilities)[:1]) if facts["set_limit"] else [],
        **thresholds,
    }
