"""A team's MLflow server over PostgreSQL: what it shows of our runs, and that kills lose and double nothing."""

import base64
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow_server import ENVIRONMENT, MlflowServer, Postgres, find_server, free_port, run_dlcore
from PIL import Image

from dlcore import projects, runs
from dlcore.core import settings
from dlcore.core.errors import RequestError
from dlcore.data.images import images
from dlcore.projects.search_space import parse_parameters
from dlcore.runs import comparisons, mlflow_mirror
from dlcore.runs.folder import of_run, read_json
from dlcore.runs.lifecycle import write_state
from dlcore.runs.metric_file import append_metrics, read_metrics
from dlcore.runs.search import searches
from dlcore.runs.watch import imports

mlflow = pytest.importorskip("mlflow")
pytestmark = [
    pytest.mark.services,
    pytest.mark.filterwarnings("ignore"),  # MLflow warns about itself
]


@pytest.fixture(scope="module")
def postgres(require):
    (binary,) = require("postgres")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # those of pytest are closed to the user `postgres`
    cluster = Postgres(binary, folder, free_port())
    cluster.start()
    cluster.create_database()
    yield cluster
    cluster.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    if find_server() is None:
        reason = f"no mlflow server in {ENVIRONMENT.name}: make test-services"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    server = MlflowServer(postgres.uri, tmp_path_factory.mktemp("mlflow"), free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture
def client(server, home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("PYTHONPATH", str(settings.ROOT))
    mlflow.set_tracking_uri(server.uri)
    yield mlflow.MlflowClient(tracking_uri=server.uri)
    mlflow.set_tracking_uri(None)


def configure(**changes):
    settings = {"epochs": 2, **changes}
    return projects.configure("fashion", model="dense", dataset="digits", settings=settings, device="cpu")


def mirror(folder, seconds=120):
    """Send the rest, once the worker has let go of the mirror and the server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if mlflow_mirror.mirror_run(folder):
                return
        except mlflow_mirror.StoreError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.3)


def remote(client, folder):
    return client.get_run(read_json(folder.path / "mirror.json")["remote_id"])


def find(client, tag, value):
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return client.search_runs(experiments, f"tags.`{tag}` = '{value}'")


def check_history(client, folder):
    """There is one run, and its curves equal those in the folder: nothing is missing or doubled."""
    (run,) = find(client, "dlcore.run_id", folder.run_id)
    assert run.info.run_id == remote(client, folder).info.run_id
    for name, curve in read_metrics(folder).items():
        rows = sorted(client.get_metric_history(run.info.run_id, name), key=lambda metric: metric.step)
        assert [metric.step for metric in rows] == curve.steps.tolist(), name
        assert np.array_equal([metric.value for metric in rows], curve.values, equal_nan=True), name
    return run


def test_trained_run_appears_as_mlflow_users_expect(client):
    record = runs.start(runs.create(configure()).run_id)
    record = runs.wait(record.run_id, timeout=240)
    assert record.state == "finished", record.reason
    folder = of_run(record.run_id)
    mirror(folder)
    run = check_history(client, folder)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "dense seed 0")
    assert run.data.params["epochs"] == "2" and run.data.tags["dlcore.state"] == "finished"
    assert run.data.metrics["accuracy"] == record.metrics["accuracy"]
    assert run.data.tags["mlflow.source.name"].startswith("python -m dlcore train fashion --model dense")
    assert run.data.tags["mlflow.user"] and "# " in run.data.tags["mlflow.note.content"]
    stored = read_json(folder.bundle / "run.json")
    (dataset,) = (entry.dataset for entry in run.inputs.dataset_inputs)
    assert (dataset.name, dataset.digest) == ("digits", stored["data_checksum"][:36])
    files = client.list_artifacts(run.info.run_id, "bundle")
    assert {Path(file.path).name for file in files} == {file.name for file in folder.bundle.iterdir()}
    local = Path(client.download_artifacts(run.info.run_id, "bundle/model.safetensors"))
    assert local.read_bytes() == (folder.bundle / "model.safetensors").read_bytes()
    check_model(client, run, folder)


def draw(seed):
    """A photo as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def check_serving(model, photo, expected):
    """`mlflow models serve` answers to JSON, in which bytes are base64."""
    from mlflow.pyfunc import scoring_server

    table = {"columns": ["input"], "data": [[base64.b64encode(photo).decode()]]}
    schema = model.metadata.get_input_schema()
    done = scoring_server.invocations(json.dumps({"dataframe_split": table}), "application/json", model, schema)
    assert done.status == 200, done.response
    (answer,) = json.loads(done.response)["predictions"]
    assert answer["label"] == expected["label"] and answer["error"] is None
    assert answer["probabilities"] == pytest.approx(expected["probabilities"])


def check_model(client, run, folder):
    """The logged model answers as `dlcore predict`; its ONNX file gives the same probabilities without dlcore."""
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert logged.source_run_id == run.info.run_id and logged.status == "READY"
    assert {metric.key for metric in logged.metrics} >= {"accuracy", "accuracy_low"}
    photos = [draw(seed) for seed in range(2)] + [b"no photo"]
    opened = runs.open_run(folder.run_id)
    expected = [opened.predict(photo) for photo in photos[:-1]]
    for uri in (f"models:/{output.model_id}", f"runs:/{run.info.run_id}/model"):
        answers = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"input": photos}))
        for row, answer in enumerate(expected):
            assert answers["label"][row] == answer["label"]
            assert answers["probability"][row] == pytest.approx(answer["probability"], abs=1e-12)
        assert "image" in answers["error"][2] and answers["label"][2] is None
    check_serving(mlflow.pyfunc.load_model(uri), photos[0], expected[0])
    import onnxruntime

    graph = onnxruntime.InferenceSession(mlflow.onnx.load_model(uri).SerializeToString())
    bundle = opened.finished_bundle
    preprocessing, rule = bundle.preprocessing, bundle.calibration
    height, width = int(preprocessing["height"]), int(preprocessing["width"])
    inputs = np.stack(
        [images.normalize(images.read_gray(photo, height=height, width=width), preprocessing) for photo in photos[:-1]]
    )
    logits = graph.run(None, {graph.get_inputs()[0].name: inputs.astype(np.float32)})[0] / rule.temperature
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(shares.max(axis=1), [answer["probability"] for answer in expected], atol=1e-4)


def test_runs_of_a_comparison_share_a_parent_run(client):
    variants = {"dense": [configure(seed=seed) for seed in (0, 1)], "wide": [configure(seed=2)]}
    comparison = comparisons.create("Widths", variants, start=False)
    folders = [of_run(record.run_id) for record in comparison.records]
    threads = [threading.Thread(target=mirror, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (parent,) = find(client, "dlcore.comparison", comparison.comparison_id)
    assert parent.info.run_name == "Widths" and parent.info.status == "RUNNING"
    children = find(client, "mlflow.parentRunId", parent.info.run_id)
    assert {run.data.tags["dlcore.run_id"] for run in children} == {folder.run_id for folder in folders}
    for folder in folders:
        write_state(folder, "stopped")
    sent = json.loads(run_dlcore("runs", "mirror", folders[0].run_id, "--json"))
    assert sent == [{"run_id": folders[0].run_id, "sent": True}]
    assert client.get_run(parent.info.run_id).info.status == "FINISHED"


def test_trials_of_a_search_are_runs_below_the_search(client):
    base = configure(epochs=1)
    search = searches.create(base, parse_parameters(["learning_rate=1e-4..1e-2"], base), n_trials=2)
    searches.start(search.search_id)
    deadline = time.monotonic() + 120
    while (search := searches.open_search(search.search_id)).is_active and time.monotonic() < deadline:
        time.sleep(0.3)
    assert search.state == "finished", search
    mirror(search.folder)
    (parent,) = find(client, "dlcore.search_id", search.search_id)
    assert parent.info.status == "FINISHED" and parent.data.params["n_trials"] == "2"
    trials = find(client, "mlflow.parentRunId", parent.info.run_id)
    assert sorted(run.info.run_name for run in trials) == ["trial 0", "trial 1"]
    for run in trials:
        trial = search.trials[int(run.info.run_name.split()[1])]
        assert float(run.data.params["learning_rate"]) == trial.params["learning_rate"]
        assert len(client.get_metric_history(run.info.run_id, search.metric)) == 1
        assert run.data.metrics[f"best_{search.metric}"] == trial.value and run.info.status == "FINISHED"


def test_kills_of_server_and_database_lose_and_double_nothing(client, server, postgres, monkeypatch):
    monkeypatch.setattr(mlflow_mirror, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(mlflow_mirror, "END_SECONDS", 120.0)
    folder = of_run(runs.create(configure()).run_id)
    write_state(folder, "running")
    step = 0

    def train(seconds):
        """Write rows as a run does, also while the server is away."""
        nonlocal step
        until, longest = time.monotonic() + seconds, 0.0
        while time.monotonic() < until:
            step, begin = step + 1, time.monotonic()
            values = {name: float(step) for name in ("batch_loss", "learning_rate", "elapsed_s")}
            append_metrics(folder, [(step, values, int(time.time() * 1000))])
            longest = max(longest, time.monotonic() - begin)
            time.sleep(0.002)
        return longest

    with mlflow_mirror.mirroring(folder):
        train(2)
        for daemon, restart in ((postgres, postgres.restart), (server, server.start)):
            train(1)
            daemon.kill(signal.SIGKILL)
            assert train(2) < 2.0  # no row waited for the server
            restart()
        train(1)
        write_state(folder, "stopped", "enough")
    mirror(folder)
    run = check_history(client, folder)
    assert run.info.status == "KILLED" and step > 500
    query = "select key, count(*), count(distinct step) from metrics where run_uuid = '{}' group by key"
    rows = postgres.query(query.format(run.info.run_id))
    assert {(count, steps) for _, count, steps in rows} == {(str(step), str(step))} and len(rows) == 3


KILLED = """
import os, sys
from dlcore.runs import mlflow_mirror, mlflow_run
from dlcore.runs.folder import of_run

point, run_id = sys.argv[1:]
die = lambda *args, **kwargs: os.kill(os.getpid(), 9)
if point == "created":  # on the server, but not noted
    mlflow_run.log_params = die
elif point == "sent":
    save = mlflow_mirror._Progress.save
    mlflow_mirror._Progress.save = lambda self, **changes: (die if "offset" in changes else save)(self, **changes)
else:
    mlflow_mirror._send_model = die
mlflow_mirror.mirror_run(of_run(run_id))
"""


def test_worker_killed_between_request_and_note_doubles_nothing(client, postgres):
    folder = of_run(runs.import_run(settings.ASSETS / "runs" / "anomaly" / "dense_16").run_id)
    for point in ("created", "sent", "ended"):
        done = subprocess.run([sys.executable, "-c", KILLED, point, folder.run_id], capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        (run,) = find(client, "dlcore.run_id", folder.run_id)
        assert point == "created" or run.data.metrics
    mirror(folder)
    run = check_history(client, folder)
    assert run.info.status == "FINISHED" and len(run.outputs.model_outputs) == 1
    for name in run.data.metrics:
        rows = client.get_metric_history(run.info.run_id, name)
        assert len({row.step for row in rows}) == len(rows), name
    (copy,) = imports.import_mlflow(run.info.run_id)  # with its bundle
    assert runs.open_run(copy.run_id).metrics == runs.open_run(folder.run_id).metrics
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    assert len(models) == 1 and len(run.inputs.dataset_inputs) == 1


def test_second_run_left_by_a_lost_answer_is_deleted(client):
    folder = of_run(runs.create(configure()).run_id)
    mirror(folder)
    run = remote(client, folder)
    client.create_run(run.info.experiment_id, tags={"dlcore.run_id": folder.run_id})
    write_state(folder, "stopped")
    mirror(folder)
    assert check_history(client, folder).info.run_id == run.info.run_id


def test_run_is_sent_again_to_a_server_that_lost_it(client):
    folder = of_run(runs.create(configure()).run_id)
    append_metrics(folder, [(step, {"batch_loss": float(step)}, step) for step in range(20)])
    mirror(folder)
    known = read_json(folder.path / "mirror.json")
    (folder.path / "mirror.json").write_text(json.dumps({**known, "remote_id": "0" * 32}))
    append_metrics(folder, [(20, {"batch_loss": 20.0}, 20)])
    mirror(folder)
    check_history(client, folder)


def test_runs_of_an_experiment_are_imported_and_compare_with_ours(client, home):
    experiment = client.create_experiment("other work")
    for name in ("first", "second"):
        run = client.create_run(experiment, run_name=name)
        client.log_param(run.info.run_id, "lr", "0.1")
        for epoch in range(1, 6):
            client.log_metric(run.info.run_id, "val_loss", 1 / epoch, step=epoch)
            client.log_metric(run.info.run_id, "reward", float(epoch))  # without a step
        client.log_metric(run.info.run_id, "val_loss", math.nan, step=6)
    records = imports.import_mlflow("other work")
    assert {record.model for record in records} == {"first", "second"}
    (again,) = json.loads(run_dlcore("runs", "import", f"mlflow:{run.info.run_id}", "--json"))
    assert (again["project"], again["dataset"], again["reason"]) == ("watched", "other work", "imported")
    curves = read_metrics(of_run(again["run_id"]))
    assert curves["validation_loss"].values.tolist() == [1 / epoch for epoch in range(1, 6)]
    assert curves["reward"].values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert runs.open_run(again["run_id"]).config.flat["lr"] == 0.1
    assert len(comparisons.from_runs([record.run_id for record in records]).records) == 2
    with pytest.raises(RequestError, match="no run or experiment 'nothing'"):
        imports.import_mlflow("nothing")
