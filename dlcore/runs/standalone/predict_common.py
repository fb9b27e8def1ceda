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
    """Return label and calibrated probabilities from logits (K,).

    Of two classes, the second is predicted from the threshold on its raw probability on. `uncertain`: the largest
    calibrated probability is below the limit that was set on validation.
    """
    calibrated = softmax(logits / facts["temperature"])
    number = int(calibrated.argmax())
    if len(facts["labels"]) == 2:
        number = int(softmax(logits)[1] >= facts["threshold"])
    probabilities = dict(zip(facts["labels"], calibrated.tolist(), strict=True))
    return {
        "label": facts["labels"][number],
        "probability": float(calibrated[number]),
        "probabilities": dict(sorted(probabilities.items(), key=lambda pair: -pair[1])),
        "uncertain": bool(calibrated.max() < facts["uncertain_below"]),
    }
