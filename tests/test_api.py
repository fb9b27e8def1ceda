"""The public Python API: `import dlcore` is cheap, and its functions agree with the command line."""

import json
import subprocess
import sys

import pytest

import dlcore
from dlcore import cli
from dlcore.core.errors import RequestError, RunError
from dlcore.core.settings import ASSETS

CSV = ASSETS / "data" / "nyc_taxi.csv"


def test_import_loads_neither_torch_nor_numpy_and_takes_less_than_300_ms():
    script = (
        "import sys, time; start = time.process_time(); import dlcore; seconds = time.process_time() - start; "
        "loaded = [name for name in ('torch', 'numpy', 'pandas', 'streamlit', 'mlflow') if name in sys.modules]; "
        "print(seconds, loaded)"
    )
    times = []
    for _ in range(3):  # CPU time, the fastest of three: independent of the machine's load
        out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        seconds, loaded = out.split(" ", 1)
        assert loaded.strip() == "[]"
        times.append(float(seconds))
    assert min(times) <= 0.3


def test_all_names_exist():
    assert all(getattr(dlcore, name) is not None for name in dlcore.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dlcore.nothing


def test_train_returns_a_finished_run(home, capsys):
    run = dlcore.train("anomaly", model="dense_32", preset="quick", epochs=2)
    assert run.record.state == "finished" and run.record.epochs == 2
    assert run.metrics == dlcore.evaluate(run)["metrics"] == dlcore.evaluate(run.run_id)["metrics"]
    assert "finished  epoch 2 of 2" in capsys.readouterr().err
    assert dlcore.load(run.run_id[:10]).run_id == run.run_id


def test_train_imports_a_csv(home, tmp_path, capsys):
    path = tmp_path / "rides.csv"
    path.write_bytes(CSV.read_bytes())
    run = dlcore.train("anomaly", model="dense_32", dataset=path, preset="quick", epochs=1, verbose=False)
    assert run.config.dataset.endswith("rides")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"project": "anomlay"}, "anomaly"),
        ({"project": "anomaly", "model": "cnov"}, "conv"),
        ({"project": "anomaly", "epochs": -3}, "1 to 10000"),
        ({"project": "anomaly", "shade": 1}, "shade"),
        ({"project": "fashion", "dataset": "mine.csv"}, "takes no file"),
    ],
)
def test_train_rejects_a_request_that_cannot_be_met(home, arguments, word):
    with pytest.raises(RequestError, match=word):
        dlcore.train(**arguments)


def test_predict_agrees_with_the_command_line(capsys):
    run = dlcore.load("reference:anomaly/dense_32")
    answer = dlcore.predict(run, CSV)
    assert answer == run.predict(str(CSV)) == run.predict(CSV.read_bytes())
    assert cli.main(["predict", run.run_id, "--input", str(CSV), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["errors"] == pytest.approx(answer["errors"], abs=1e-6)


def test_load_rejects_an_unknown_run(home):
    with pytest.raises(RunError, match="no-such-run"):
        dlcore.load("no-such-run")


def test_datasets_lists_those_of_a_project():
    assert [dataset.name for dataset in dlcore.datasets("anomaly")] == ["nyc_taxi"]
    assert {"nyc_taxi", "digits"} <= {dataset.name for dataset in dlcore.datasets()}
    with pytest.raises(RequestError, match="anomlay"):
        dlcore.datasets("anomlay")


def test_samples_are_found_by_name_wherever_the_package_is():
    path = dlcore.sample("food/apple_pie.png")
    assert path.is_absolute() and path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RequestError, match=r"no sample 'pie': available are .*food/baklava\.png"):
        dlcore.sample("pie")


def test_check_data_stores_nothing_and_add_data_returns_the_record_of_the_command_line(home, tmp_path, capsys):
    path = tmp_path / "rides.csv"
    path.write_bytes(CSV.read_bytes())
    checked = dlcore.check_data(path)
    assert (checked["kind"], checked["rows"], checked["problems"]) == ("series", 10_320, [])
    assert dlcore.datasets("anomaly")[-1].name == "nyc_taxi"
    added = dlcore.add_data("rides", path, period=48)
    assert (added["name"], added["rows"], added["time"]["period"]) == ("custom:rides", 10_320, 48)
    assert cli.main(["data", "list", "--json"]) == 0
    assert added.items() <= json.loads(capsys.readouterr().out)[-1].items()
    with pytest.raises(RequestError, match="already"):
        dlcore.add_data("rides", path)
    with pytest.raises(RequestError, match="'moon' is not a kind of data: choose one of series"):
        dlcore.check_data(path, kind="moon")
