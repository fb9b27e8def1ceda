"""A run as an MLflow model: `mlflow.pyfunc.load_model` answers as `predict` does."""

import pandas as pd
import pytest

from dlcore import runs
from dlcore.core import settings
from dlcore.runs.mlflow_model import save_model

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns about itself

TEXT = "What is the capital of France ?"
SERIES = (settings.ASSETS / "data" / "nyc_taxi.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("ref", "value"), [("reference:questions/gru", TEXT), ("reference:anomaly/dense_32", SERIES)])
def test_model_answers_as_the_run(ref, value, tmp_path):
    run = runs.open_run(ref)
    save_model(ref, run.finished_bundle, tmp_path)
    model = mlflow.pyfunc.load_model(str(tmp_path))
    answers = model.predict(pd.DataFrame({"input": [value, ""]}))
    expected = run.predict(value.encode())
    assert {name: answers[name][0] for name in expected} == expected and answers["error"][0] is None
    assert answers["error"][1] and answers[next(iter(expected))][1] is None
    assert model.metadata.get_input_schema().input_types() == [mlflow.types.DataType.string]


def test_signature_names_the_answers_of_a_classifier(tmp_path):
    save_model("reference:questions/gru", runs.open_run("reference:questions/gru").finished_bundle, tmp_path)
    schema = mlflow.pyfunc.load_model(str(tmp_path)).metadata.get_output_schema()
    assert schema.input_names() == ["label", "probability", "uncertain"]
    assert not any(line.startswith("dlcore") for line in (tmp_path / "requirements.txt").read_text().splitlines())
