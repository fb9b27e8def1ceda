"""The model of a run as an MLflow model: `mlflow.pyfunc.load_model` answers as `dlcore predict` does.

The folder holds the bundle, which the loader below reads (it needs `dlcore`), and for image models the network as ONNX,
which `mlflow.onnx.load_model` reads without `dlcore`; its preprocessing is in the model's metadata.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import DataError, WorkbenchError, one_line
from dlcore.runs.bundle.reader import Bundle

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.models import Model

NAME = "model"
INPUT = "input"
CLASSES = {"label": "string", "probability": "double", "uncertain": "boolean"}
"""Columns of the answers of a classifier, beside `error`."""


class PyfuncModel:
    """Answers to a table with the column `input`: photos as bytes, texts and CSV files as strings."""

    def __init__(self, folder: Path) -> None:
        from dlcore.runs.inference import open_bundle

        self.project, self.loaded = open_bundle(Bundle(folder))

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """Return one row per input, in their order, with the keys of `dlcore predict` as columns.

        An input that cannot be read has only an `error`.
        """
        import pandas as pd

        values = inputs[INPUT] if isinstance(inputs, pd.DataFrame) else inputs
        rows = [self._answer(value) for value in values]
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in (*names, "error")}
        return pd.DataFrame(columns, dtype=object)  # None stays None, as JSON has it

    def _answer(self, value: Any) -> dict[str, Any]:
        try:
            return self.project.answer(self.loaded, bytes(value) if not isinstance(value, str) else value.encode())
        except DataError as error:
            return {"error": one_line(error)}


def _load_pyfunc(path: str) -> PyfuncModel:
    """Return the model of a bundle; called by MLflow."""
    return PyfuncModel(Path(path))


def log_model(client: "MlflowClient", ref: str, run_id: str, bundle: Bundle) -> str:
    """Log the model of the run `ref`, named `model`, and return its id; one that was logged before is replaced.

    Raises:
        WorkbenchError: the bundle cannot be read.
    """
    from mlflow.entities import LoggedModelOutput

    run = client.get_run(run_id)
    experiment, record = run.info.experiment_id, bundle.record
    linked = {output.model_id for output in run.outputs.model_outputs} if run.outputs else set()
    if not (ids := _find(client, experiment, run_id)):
        client.create_logged_model(
            experiment,
            name=NAME,
            source_run_id=run_id,
            params={"model": record.model, "dataset": record.dataset, "seed": str(record.seed)},
            model_type=record.project,
        )
        ids = _find(client, experiment, run_id)
    model_id, *copies = sorted(ids, key=lambda known: (known not in linked, known))
    for copy in copies:  # the answer was lost on its way, and the request repeated
        client.delete_logged_model(copy)
    with tempfile.TemporaryDirectory(prefix="dlcore-") as draft:
        save_model(ref, bundle, Path(draft), run_id=run_id, model_id=model_id)
        client.log_model_artifacts(model_id, draft)
    client.finalize_logged_model(model_id, "READY")
    if model_id not in linked:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=record.step)])
    return model_id


def _find(client: "MlflowClient", experiment: str, run_id: str) -> list[str]:
    """Ids of the models that were logged for a run."""
    models = client.search_logged_models([experiment], filter_string=f"source_run_id = '{run_id}'")
    return [model.model_id for model in models if model.name == NAME]


def save_model(ref: str, bundle: Bundle, folder: Path, *, run_id: str = "", model_id: str = "") -> None:
    """Write the model of the run `ref` to an empty folder, as `mlflow.pyfunc.load_model` reads it.

    Raises:
        WorkbenchError: the bundle cannot be read.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    shutil.copytree(bundle.folder, folder / "bundle", dirs_exist_ok=True)
    metadata = {"needs": "dlcore: serve it with --env-manager local", "project": bundle.config.project}
    description = Model(run_id=run_id or None, model_id=model_id or None, signature=_signature(bundle))
    mlflow.pyfunc.add_to_model(description, loader_module=__name__, data="bundle")
    description.metadata = metadata | _add_onnx(ref, bundle, folder, description)
    description.save(str(folder / "MLmodel"))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in _requirements(bundle)), encoding="utf-8")


def _add_onnx(ref: str, bundle: Bundle, folder: Path, description: "Model") -> dict[str, str]:
    """Export the network as ONNX where that is possible, and return what to know of its input and output."""
    from dlcore.runs import onnx_export

    file = folder / "model.onnx"
    if onnx_export.why_no_onnx(bundle):
        return {}
    with contextlib.suppress(WorkbenchError):  # torch cannot export an operation, or the packages are missing
        onnx_export.export_onnx_apart(ref, file)
        import onnx

        description.add_flavor(
            "onnx", onnx_version=onnx.__version__, data=file.name, providers=["CPUExecutionProvider"]
        )
        return {
            "onnx_input": onnx_export.describe_input(bundle.preprocessing),
            "onnx_output": "logits: float32 (N, classes)",
        }
    return {}


def _signature(bundle: Bundle) -> Any:
    """One column of inputs; for a classifier also the columns of its answers."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from dlcore import projects

    project = projects.get(bundle.config.project)
    inputs = Schema([ColSpec("binary" if project.modality == "image" else "string", INPUT)])
    is_classifier = (bundle.folder / "calibration.json").exists()
    outputs = Schema([ColSpec(kind, name) for name, kind in CLASSES.items()]) if is_classifier else None
    return ModelSignature(inputs=inputs, outputs=outputs)


def _requirements(bundle: Bundle) -> Sequence[str]:
    """Packages of the environment that trained it; `dlcore` comes from its wheel, never by name from an index."""
    from dlcore.runs.folder import read_json

    known = read_json(bundle.folder / "run.json").get("environment", {})
    pins = [f"{name}=={known[name]}" for name in ("torch", "numpy", "safetensors") if name in known]
    return ["# dlcore: install the wheel of the workbench that trained this model", *pins]
