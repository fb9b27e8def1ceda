"""MLflow as a mirror: it equals the folder, and a failing server does not affect the run."""

import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from dlcore import runs
from dlcore.core import settings
from dlcore.core.errors import RequestError, StoreError
from dlcore.runs import mlflow_mirror
from dlcore.runs.folder import of_run, read_json
from dlcore.runs.lifecycle import write_state
from dlcore.runs.metric_file import append_metrics, read_metrics

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and SQLAlchemy warn about themselves


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'server.db'}"


@pytest.fixture
def client(server, home, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.chdir(tmp_path_factory.getbasetemp())  # where a local MLflow store writes artifacts
    monkeypatch.setenv("PYTHONPATH", str(settings.ROOT))
    return mlflow.MlflowClient(tracking_uri=server)


def remote(client, folder):
    return client.get_run(read_json(folder.path / "mirror.json")["remote_id"])


def history(client, folder, name):
    return client.get_metric_history(remote(client, folder).info.run_id, name)


def test_mirror_holds_params_metrics_tags_and_bundle(client, bundle):
    folder = of_run(runs.import_run(bundle.folder).run_id)
    assert mlflow_mirror.mirror_run(folder)
    run = remote(client, folder)
    assert run.info.status == "FINISHED" and run.data.tags["dlcore.run_id"] == folder.run_id
    assert (run.data.params["epochs"], run.data.params["learning_rate"]) == ("2", "0.003")
    assert run.data.tags["dlcore.state"] == "finished" and run.data.tags["dlcore.model"] == "dense_32"
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"bundle", "config.json"}
    curves = read_metrics(folder)
    assert set(run.data.metrics) == {*curves, *runs.open_run(folder.run_id).metrics}
    for name, curve in curves.items():
        rows = sorted(history(client, folder, name), key=lambda metric: metric.step)
        assert np.array_equal([metric.value for metric in rows], curve.values), name


def test_only_new_rows_are_sent(client, config, monkeypatch):
    monkeypatch.setattr(mlflow_mirror, "_PART_BYTES", 10_000)  # a tenth of the file
    folder = of_run(runs.create(config).run_id)
    append_metrics(folder, [(step, {"batch_loss": float(step)}, step) for step in range(1000)])
    mlflow_mirror.mirror_run(folder)
    assert remote(client, folder).info.status == "SCHEDULED"
    mlflow_mirror.mirror_run(folder)
    append_metrics(folder, [(1000, {"batch_loss": float("nan")}, 1000)])
    write_state(folder, "failed", "code: a bug")
    mlflow_mirror.mirror_run(folder)
    assert len(history(client, folder, "batch_loss")) == 1001
    assert remote(client, folder).data.tags["dlcore.reason"] == "code: a bug"
    assert remote(client, folder).info.status == "FAILED"


def test_nothing_is_mirrored_without_a_tracking_uri(home, config, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = of_run(runs.create(config).run_id)
    with mlflow_mirror.mirroring(folder):
        pass
    assert not (folder.path / "mirror.json").exists()
    with pytest.raises(RequestError, match="MLFLOW_TRACKING_URI"):
        mlflow_mirror.mirror_run(folder)


def test_reference_run_is_rejected(client):
    with pytest.raises(RequestError, match="only those are mirrored"):
        mlflow_mirror.mirror_run(of_run("reference:anomaly/dense_32"))


def test_refused_connection_is_reported_in_one_line(home, config, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    folder = of_run(runs.create(config).run_id)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9 failed") as caught:
        mlflow_mirror.mirror_run(folder)
    assert "\n" not in str(caught.value)


def test_unresponsive_server_is_warned_about_once_and_does_not_affect_the_run(home, config, monkeypatch, caplog):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        monkeypatch.setattr(mlflow_mirror, "EVERY_SECONDS", 0.05)
        monkeypatch.setattr(mlflow_mirror, "END_SECONDS", 5.0)
        folder = of_run(runs.create(config).run_id)
        with mlflow_mirror.mirroring(folder):
            begin = time.monotonic()
            append_metrics(folder, [(1, {"batch_loss": 1.0}, 0)])
            write_state(folder, "finished")
            assert time.monotonic() - begin < 1.0
            time.sleep(4.0)
    assert runs.open_run(folder.run_id).record.state == "finished"
    (message,) = [entry.getMessage() for entry in caplog.records if entry.name == mlflow_mirror.__name__]
    assert f"runs mirror {folder.run_id}" in message and "\n" not in message


def test_command_line_mirrors_named_runs_or_all(client, config):
    ids = [runs.create(config).run_id for _ in range(2)]
    command = [sys.executable, "-m", "dlcore", "runs", "mirror"]
    done = subprocess.run([*command, "--all", "--json"], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert all(remote(client, of_run(run_id)).data.tags["dlcore.run_id"] == run_id for run_id in ids)
    assert subprocess.run(command, capture_output=True).returncode == 2


@pytest.fixture
def silent(monkeypatch):
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        yield uri


@pytest.mark.parametrize("is_silent", [True, False])
def test_runs_are_listed_although_the_server_is_away(home, config, silent, monkeypatch, is_silent):
    if not is_silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5999")
    run_id = runs.create(config).run_id
    done = subprocess.run(
        [sys.executable, "-m", "dlcore", "runs", "list", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(settings.ROOT)},
        timeout=60,
    )
    assert done.returncode == 0 and run_id in done.stdout, done.stderr


def test_mirroring_to_a_silent_server_ends_after_seconds_in_one_line(home, config, silent):
    folder = of_run(runs.create(config).run_id)
    begin = time.monotonic()
    with pytest.raises(StoreError, match=f"{silent} failed") as caught:
        mlflow_mirror.mirror_run(folder)
    assert time.monotonic() - begin < 12 and "\n" not in str(caught.value)


def test_pages_are_drawn_although_the_server_is_away(home, config, silent):
    from streamlit.testing.v1 import AppTest

    run_id = runs.create(config).run_id
    app = AppTest.from_file(str(settings.ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/series/anomaly.py").run()
    assert not app.exception and run_id[:8] in app.selectbox[0].options[0]
