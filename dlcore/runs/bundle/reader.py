"""A bundle: one folder with everything that a finished run produced.

`card.md run.json metrics.csv model.safetensors preprocessing.json labels.json threshold.json predictions.npz
gradients.npz calibration.json familiarity.npz correctness.npz epochs.npz`. Nothing in it is a pickle; reading it never
runs code from it. `network.py` is the code of a custom network, which runs in a process with limits once a user has
accepted it.
"""

import csv
import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core.errors import DataError, RunError
from dlcore.runs.bundle import limits
from dlcore.runs.record import Curve, GradientNorms, Record

if TYPE_CHECKING:
    from dlcore.evaluation.abstention import AbstentionRule
    from dlcore.evaluation.familiarity import Familiarity
    from dlcore.projects.project import Evaluation, LoadedModel, RunConfig
    from dlcore.runs.epoch_log import EpochRecord

REQUIRED = (
    "card.md",
    "run.json",
    "metrics.csv",
    "model.safetensors",
    "preprocessing.json",
    "labels.json",
    "threshold.json",
    "predictions.npz",
)
WITHOUT_WEIGHTS = "none"
"""`weights` in the `run.json` of a bundle that has no `model.safetensors`."""
OPTIONAL = (
    *("gradients.npz", "calibration.json", "familiarity.npz", "baselines.npz", "correctness.npz"),
    *("epochs.npz", "network.py"),
)
DECODED = ("written", "beam", "sources", "kinds", "forced", "losses")
"""Further arrays of sequence-to-sequence tasks: greedy and beam search output, sources, kinds, losses."""
TEST_NAMES = {
    name: f"test_{name}"
    for name in (
        "scores",
        "targets",
        "ids",
        "centred",
        "members",
        "members_centred",
        "columns",
        "last",
        "linear",
        "reasons",
        "mirrored_scores",
        *DECODED,
    )
}


@dataclass(frozen=True)
class Bundle:
    """A bundle opened for reading; every property reads its file when accessed."""

    folder: Path

    @property
    def card(self) -> str:
        """The card in Markdown."""
        return self._read("card.md").decode()

    @property
    def run(self) -> dict[str, Any]:
        """`run.json`: config, environment, record, evaluation."""
        value = self._json("run.json")
        if not isinstance(value, dict):
            raise RunError(f"{self.folder / 'run.json'} is not a JSON object: take another bundle.")
        return value

    @property
    def record(self) -> Record:
        """The run as it was when the bundle was written."""
        return Record.from_json(self._part("record"))

    @property
    def config(self) -> "RunConfig":
        """The config of the run."""
        from dlcore import projects

        return projects.load_config(self._part("config"))

    def history(self) -> dict[str, Curve]:
        """History of every metric."""
        path = self.folder / "metrics.csv"
        columns: dict[str, tuple[array[int], array[float]]] = {}
        try:
            with path.open(encoding="utf-8", newline="") as file:
                for number, row in enumerate(islice(csv.reader(file), 1, None), 1):
                    name, step, value = row
                    steps, values = columns.setdefault(name, (array("q"), array("d")))
                    steps.append(int(step))
                    values.append(float(value))
                    if number > limits.METRIC_ROWS or len(columns) > limits.METRICS:
                        raise ValueError(f"more than {limits.METRIC_ROWS:,} rows or {limits.METRICS:,} metrics")
        except OSError:
            raise RunError(f"{path} is missing or cannot be read: take another bundle.") from None
        except (ValueError, OverflowError, csv.Error) as error:
            raise RunError(f"{path} cannot be read ({str(error)[:100]}): take another bundle.") from None
        return {name: _curve(*pair) for name, pair in columns.items()}

    def gradients(self) -> GradientNorms | None:
        """Gradient norms by layer; None if recording was off."""
        if not (self.folder / "gradients.npz").exists():
            return None
        arrays = self._arrays("gradients.npz")
        try:
            layers, steps, norms = (
                tuple(str(name) for name in arrays.pop("layers")),
                arrays.pop("steps"),
                arrays.pop("norms"),
            )
            return GradientNorms(layers, steps, norms, arrays)
        except KeyError as error:
            raise RunError(f"{self.folder / 'gradients.npz'} has no array {error}: take another bundle.") from None

    def predictions(self) -> dict[str, np.ndarray]:
        """`<split>_scores`, `<split>_targets`, `<split>_ids` and further arrays of a split."""
        return {TEST_NAMES.get(name, name): array for name, array in self._arrays("predictions.npz").items()}

    def correctness(self) -> np.ndarray | None:
        """Whether each training sample was correct in each epoch (E, N), in the order of the split; None if unknown."""
        if not (self.folder / "correctness.npz").exists():
            return None
        arrays = self._arrays("correctness.npz")
        try:
            bits, samples = arrays["bits"], int(arrays["samples"])
            if bits.ndim != 2 or not 0 < samples <= 8 * bits.shape[1]:
                raise ValueError("its arrays do not match")
            return np.unpackbits(bits, axis=1, count=samples).astype(bool)
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(
                f"{self.folder / 'correctness.npz'} cannot be read ({error}): take another bundle."
            ) from None

    def epochs(self) -> "EpochRecord | None":
        """Outputs for validation samples after each epoch; None if none were recorded."""
        from dlcore.runs.epoch_log import read_record

        path = self.folder / "epochs.npz"
        return read_record(self._arrays(path.name), path) if path.exists() else None

    def baselines(self) -> dict[str, dict[str, np.ndarray]]:
        """Arrays of the baselines that can predict, by name; empty if none are stored."""
        named: dict[str, dict[str, np.ndarray]] = {}
        if (self.folder / "baselines.npz").exists():
            for key, values in self._arrays("baselines.npz").items():
                name, _, part = key.partition(".")
                named.setdefault(name, {})[part] = values
        return named

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(str(name) for name in self._json("labels.json"))

    @property
    def threshold(self) -> float | None:
        """The decision threshold chosen on validation data; None if the project has none."""
        value = self._json("threshold.json")["threshold"]
        return None if value is None else float(value)

    @property
    def calibration(self) -> "AbstentionRule | None":
        """A classifier's temperature and abstention rule; None where it stored no validation probabilities.

        Bundles written before `calibration.json` existed have it fitted on their stored predictions.
        """
        from dlcore.evaluation.abstention import AbstentionRule, fit_from_predictions

        predictions = self.predictions()
        if (self.folder / "calibration.json").exists():
            try:
                rule = AbstentionRule.from_json(self._json("calibration.json"))
            except DataError as error:
                raise RunError(f"{self.folder / 'calibration.json'}: {error} Export the run again.") from None
            return rule.with_set_limit(predictions)
        fitted = fit_from_predictions(predictions, classes=len(self.labels))
        return None if fitted is None else fitted.with_set_limit(predictions)

    @property
    def familiarity(self) -> "Familiarity":
        """Statistics that measure how far an input is from the training data; empty in bundles without them."""
        from dlcore.evaluation.familiarity import Familiarity

        if not (self.folder / "familiarity.npz").exists():
            return Familiarity()
        try:
            return Familiarity.from_arrays(self._arrays("familiarity.npz"))
        except DataError as error:
            raise RunError(f"{self.folder / 'familiarity.npz'}: {error} Export the run again.") from None

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """Parameters of the preprocessing, for inference."""
        return dict(self._json("preprocessing.json"))

    @property
    def facts(self) -> Mapping[str, int]:
        """Properties of the data that determine the shape of the model."""
        return {name: int(value) for name, value in self._part("facts").items()}

    @property
    def evaluation(self) -> "Evaluation":
        """Evaluation on the test split, as the worker stored it."""
        from dlcore.projects.project import Evaluation

        try:
            return Evaluation(**self._part("evaluation"))
        except TypeError as error:
            raise RunError(f"{self.folder / 'run.json'}: its evaluation cannot be read ({error}).") from None

    @property
    def has_weights(self) -> bool:
        """Whether the model can be loaded: the further seeds of a lesson are stored without weights."""
        return self.run.get("weights") != WITHOUT_WEIGHTS

    def require_weights(self) -> None:
        """Check that the model can be loaded.

        Raises:
            RunError: it is stored without weights.
        """
        if not self.has_weights:
            raise RunError(f"{self.folder.name} is stored without weights: take the run of seed 0.")

    def load(self, *, complete: bool = True) -> "LoadedModel":
        """The trained model in evaluation mode on the CPU.

        With `complete=False` the pretrained weights that the bundle omits are not loaded: enough to check that the
        weights fit, not to predict.

        Raises:
            RunError: the weights do not fit the model that `run.json` names.
            DataError: pretrained weights that the bundle omits are not on this machine.
        """
        import safetensors
        import safetensors.torch

        from dlcore import projects
        from dlcore.projects.project import LoadedModel
        from dlcore.runs.bundle import weight_format

        self.require_weights()
        config, project = self.config, projects.get(self.config.project)
        module = project.models[config.model].build(config.model_options, self.facts)
        if complete:
            project.complete(module, self.preprocessing)
        try:
            encoded = safetensors.torch.load(self._read("model.safetensors"))
            module.load_state_dict(weight_format.decode(encoded, module.state_dict()))
        except (RuntimeError, KeyError, safetensors.SafetensorError) as error:
            what = str(error).splitlines()[0]
            raise RunError(f"{self.folder / 'model.safetensors'} does not fit {config.model}: {what}.") from None
        return LoadedModel(
            module.eval(),
            config,
            self.facts,
            self.preprocessing,
            self.labels,
            self.threshold,
            self.calibration,
            None if project.half_widths is None else project.half_widths(self.predictions()),
            self.familiarity,
        )

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            raise RunError(f"{self.folder / name} is missing or cannot be read: take another bundle.") from None

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._read(name), parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            raise RunError(f"{self.folder / name} is not JSON of finite numbers: take another bundle.") from None

    def _part(self, name: str) -> dict[str, Any]:
        value = self.run.get(name)
        if not isinstance(value, dict):
            raise RunError(f"{self.folder / 'run.json'} has no '{name}': take another bundle.")
        return value

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        """Arrays of an .npz file; Python objects are refused."""
        import zipfile

        try:
            with np.load(self.folder / name, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            what = str(error).splitlines()[0]
            raise RunError(f"{self.folder / name} cannot be read ({what}): take another bundle.") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _curve(steps: "array[int]", values: "array[float]") -> Curve:
    """Return the curve with its steps in order; of a step written twice the last value counts."""
    order, positions = np.unique(np.array(steps, dtype=np.int64)[::-1], return_index=True)
    return Curve(order, np.array(values, dtype=np.float64)[::-1][positions])
