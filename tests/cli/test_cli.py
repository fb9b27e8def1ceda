"""The command line: one JSON document or a table, one line per error, exit codes 0, 1 and 2."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlcore import cli
from dlcore.cli import output
from dlcore.runs import Record


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys, *arguments):
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_projects_json_has_documented_fields(capsys):
    rows = document(capsys, "projects")
    assert {"anomaly", "fashion", "reviews_lstm"} <= {row["slug"] for row in rows}
    for row in rows:
        assert set(row) == {"slug", "section", "title", "models", "datasets", "presets"}
        for dataset in row["datasets"]:
            assert set(dataset) == {"name", "kind", "available", "rows", "license"}


def test_models_lists_parameter_counts(capsys):
    parameters = {row["model"]: row["parameters"] for row in document(capsys, "models", "anomaly")}
    assert (parameters["dense_32"], parameters["dense_16"], parameters["lstm"]) == (5063, 6055, 252)


def test_data_list_names_public_datasets(capsys):
    assert {"nyc_taxi", "fashion_mnist", "digits", "movie_reviews"} <= {
        d["name"] for d in document(capsys, "data", "list")
    }


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "anomlay"], "anomaly"),
        (["train", "anomaly", "--model", "cnov"], "conv"),
        (["train", "anomaly", "--set", "epochs"], "name=value"),
        (["train", "anomaly", "--set", "epochs=-3"], "1 to 10000"),
        (["train", "anomaly", "--set", "flavor=sweet"], "unknown setting 'flavor'"),
        (["train", "anomaly", "--device", "cuda:77"], "cuda:77"),
        (["train", "anomaly", "--seed", "-1"], "seed"),
        (["train", "anomaly", "--devices", "0"], "devices"),
        (["train", "anomaly", "--nodes", "2"], "nodes=2: several machines need a cluster"),
        (["train", "anomaly", "--model", "knn", "--devices", "2"], "'knn' is not trained by batches"),
        (["train", "anomaly", "--bundle", "x", "--detach"], "choose one"),
        (["runs", "show", "no-such-run"], "no-such-run"),
        (["runs", "show", "reference:anomaly/nothing"], "reference:anomaly/nothing"),
        (["runs", "pause", "reference:anomaly/conv"], "reference"),
        (["evaluate", "no-such-run"], "no-such-run"),
        (["predict", "reference:anomaly/conv", "--input", "/no/such/file.csv"], "/no/such/file.csv"),
        (["runs", "import", "/no/such/file.zip"], "/no/such/file.zip"),
        (["data", "get", "moon"], "moon"),
        (["data", "add", "../../x", "/no/such/file.csv"], "is not a valid dataset name"),
        (["data", "add", "digits", "/no/such/file.csv"], "public dataset"),
        (["data", "add", "mine", "/no/such/file.csv"], "/no/such/file.csv"),
        (["data", "add", "mine", str(Path(__file__).parents[1] / "house")], "class folder"),
        (["data", "remove", "moon"], "available are none"),
        (["train", "anomaly", "--dataset", "custom:moon"], "not on this machine"),
        (["train", "anomaly", "--dataset", "./no-such.csv"], "no-such.csv"),
        (["train", "fashion", "--dataset", "mine.csv"], "takes no file"),
        (["dance"], "dance"),
        ([], "COMMAND"),
    ],
)
def test_bad_request_prints_one_line_and_exits_with_2(capsys, arguments, word):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert word in err and err.startswith("dlcore: ") and err.count("\n") == 1


def test_evaluate_returns_metrics_and_baselines(capsys):
    result = document(capsys, "evaluate", "reference:anomaly/dense_32")
    assert set(result) == {"run_id", "split", "metrics", "baselines"}
    assert result["split"] == "test"
    assert {"accuracy", "f1", "roc_auc", "events_hit", "false_alarms"} <= set(result["metrics"])
    assert "weekly_median_causal" in result["baselines"]


def test_predict_scores_a_csv(capsys, tmp_path):
    rows = [f"2015-03-{1 + i // 48:02d} {i % 48 // 2:02d}:{i % 2 * 30:02d},{1000 + i}" for i in range(480)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["timestamp,value", *rows]))
    result = document(capsys, "predict", "reference:anomaly/conv", "--input", str(path))
    assert len(result["errors"]) == 480 and result["threshold"] > 0
    path.write_text("\n".join(["timestamp,value", *rows[:9], "2015-03-01 04:30,lots", *rows[10:]]))
    repaired = document(capsys, "predict", "reference:anomaly/conv", "--input", str(path))
    assert repaired["values"][8:11] == [1008, 1009, 1010]  # interpolated
    path.write_text("\n".join(["timestamp,value", *rows[:9], "2015-03-01 04:30,=A1", *rows[10:]]))
    code, out, err = run(capsys, "predict", "reference:anomaly/conv", "--input", str(path), "--json")
    assert (code, out) == (2, "") and "row 11, column 'value'" in err


def test_bundle_of_a_quick_run_can_be_imported(capsys, tmp_path, home):
    folder = tmp_path / "bundle"
    arguments = ["--model", "dense_32", "--preset", "quick", "--set", "epochs=3"]
    record = document(capsys, "train", "anomaly", *arguments, "--bundle", str(folder))
    assert record["state"] == "finished" and record["epoch"] == 3
    files = {"card.md", "run.json", "metrics.csv", "model.safetensors", "predictions.npz"}
    assert files <= {path.name for path in folder.iterdir()}
    imported = document(capsys, "runs", "import", str(folder))
    assert document(capsys, "runs", "show", imported["run_id"])["state"] == "finished"
    assert imported["run_id"] in {row["run_id"] for row in document(capsys, "runs", "list")}


def test_variants_are_trained_as_a_comparison(capsys, home):
    arguments = ("train", "fashion", "--dataset", "digits", "--preset", "quick", "--set", "epochs=1")
    small = ("--model", "dense", "--set", "train_rows=100", "--seeds", "2", "--device", "cpu")
    rows = document(capsys, *arguments, *small, "--variants", "learning_rate=0.001,0.01")
    assert [(row["variant"], row["seed"], row["state"]) for row in rows] == [
        (f"Learning rate {rate}", seed, "finished") for rate in ("0.001", "0.01") for seed in (0, 1)
    ]
    assert len({row["comparison"] for row in rows}) == 1
    code, _, err = run(capsys, *arguments, "--variants", "nope=1,2")
    assert code == 2 and "nope" in err


def test_custom_csv_can_be_added_trained_on_listed_and_removed(capsys, tmp_path, home):
    hours = range(400)
    rows = [f"2021-03-{1 + i // 24:02d} {i % 24:02d}:00,{50 + (i % 24)},{int(300 <= i < 310)}" for i in hours]
    path = tmp_path / "my load.csv"
    path.write_text("\n".join(["when,load,odd", *rows]))
    added = document(capsys, "data", "add", "mine", str(path), "--label", "odd")
    assert (added["name"], added["rows"], added["time"]["period"], len(added["windows"])) == ("custom:mine", 400, 24, 1)
    assert {column["role"]: column["name"] for column in added["columns"]} == {
        "time": "when",
        "value": "load",
        "label": "odd",
    }
    assert document(capsys, "data", "list")[-1] == added and len(added["checksum"]) == 64
    arguments = ["--model", "dense_32", "--preset", "quick", "--set", "epochs=1", "--bundle", str(tmp_path / "bundle")]
    assert document(capsys, "train", "anomaly", "--dataset", "mine", *arguments)["dataset"] == "custom:mine"
    record = document(capsys, "train", "anomaly", "--dataset", str(path), *arguments)
    assert record["dataset"] == "custom:my-load"  # without the labels it is another dataset
    names = [row["name"] for row in document(capsys, "data", "list")]
    assert names[-2:] == ["custom:mine", "custom:my-load"]
    code, _, err = run(capsys, "data", "add", "mine", str(path))
    assert code == 2 and "there is a dataset 'mine' already" in err
    assert document(capsys, "data", "remove", "mine")["removed"]
    assert "custom:mine" not in {row["name"] for row in document(capsys, "data", "list")}


def test_oversized_file_is_rejected_without_reading_it_whole(capsys, tmp_path, home):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"time,value\n2021-03-01 00:00,1\n")
        file.truncate(2 * 2**30)
    code, out, err = run(capsys, "data", "add", "mine", str(path))
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "huge.csv (2,048 MB) is larger than the 64 MB that are read: split it, take a sample" in err
    assert not (home / "custom").exists()


def test_runs_list_prints_a_table(capsys, home):
    code, out, _ = run(capsys, "runs", "list")
    lines = out.splitlines()
    assert code == 0 and lines[0].split()[:4] == ["run", "id", "project", "model"]
    row = next(line for line in lines if line.startswith("reference:anomaly/conv "))
    assert row.split()[1:5] == ["anomaly", "conv", "nyc_taxi", "finished"]
    assert max(map(len, lines)) <= output.PIPE_WIDTH


def test_evaluate_prints_values_with_intervals(capsys):
    _, out, _ = run(capsys, "evaluate", "reference:fashion/dense")
    assert re.search(r"(?i)accuracy\s+[\d.]+( ?%)? \[[\d.]+, [\d.]+\]", out)


def test_empty_table_prints_none(capsys):
    output.print_result([], as_json=False)
    assert capsys.readouterr().out == "none\n"


def test_results_prints_markdown_and_rows(capsys):
    code, out, _ = run(capsys, "results")
    assert code == 0 and out.startswith("# Results of the reference runs")
    rows = document(capsys, "results")
    assert {"dataset", "n_test", "value", "low", "high", "baseline", "seeds", "hardware", "command"} <= set(rows[0])


def test_failed_run_exits_with_1(capsys, monkeypatch):
    monkeypatch.setattr(
        "dlcore.runs.open_run", lambda ref: SimpleNamespace(record=Record("a" * 32, "p", "m", "d", "failed"))
    )
    code, out, _ = run(capsys, "runs", "show", "a")
    assert code == 1 and "failed" in out


def test_json_writes_infinity_as_null(capsys):
    output.print_result({"a": float("inf"), "b": [float("nan"), 1.0]}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.0]}


def test_json_output_is_one_document(tmp_path):
    environment = {**os.environ, "DLCORE_HOME": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-m", "dlcore", "train", "anomaly", "--model", "dense_32", "--preset", "quick", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    record = json.loads(process.stdout)
    assert process.returncode == 0 and record["state"] == "finished"
    assert record["duration_s"] < 60
    assert "Traceback" not in process.stderr


def test_closed_pipe_is_no_error():
    command = f"{sys.executable} -m dlcore projects --json | head -c 5"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_kind_of_custom_data_follows_from_the_file_and_the_flags(capsys, tmp_path, home):
    hours = range(240)
    rows = [f"2021-03-{1 + i // 24:02d} {i % 24:02d}:00,{i % 24},{-200 if i % 9 == 0 else i % 7}" for i in hours]
    table, texts, pairs = (tmp_path / name for name in ("air.csv", "texts.jsonl", "pairs.csv"))
    table.write_text("\n".join(["when,gas,heat", *rows]))
    texts.write_text("\n".join(json.dumps({"says": f"word {n}", "label": "ab"[n % 2]}) for n in range(12)))
    pairs.write_text("\n".join(["read,write", *(f"a{n},b{n}" for n in range(120))]))
    added = document(capsys, "data", "add", "air", str(table), "--columns", "gas,heat", "--missing", "-200")
    assert added["kind"] == "table"
    assert [column["name"] for column in added["columns"] if column["role"] == "value"] == ["gas", "heat"]
    assert document(capsys, "data", "add", "says", str(texts), "--text", "says")["kind"] in ("text", "texts")
    assert document(capsys, "data", "add", "pairs", str(pairs), "--kind", "pairs")["rows"] == 120
    for flags, message in (
        (["--columns", "a", "--value", "b"], "no kind of data has all of"),
        (["--period", "x"], "period"),
    ):
        code, out, err = run(capsys, "data", "add", "other", str(table), *flags)
        assert (code, out) == (2, "") and message in err and err.count("\n") == 1
    code, _, err = run(capsys, "data", "add", "other", str(table), "--kind", "pairs", "--period", "3")
    assert code == 2 and "'period' is not an option of pairs" in err


def test_deleted_runs_can_be_restored_until_the_trash_is_emptied(capsys, home):
    from dlcore import projects, runs

    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    first, second = (runs.create(config).run_id for _ in range(2))
    deleted = document(capsys, "runs", "delete", first)
    assert deleted == [{"run_id": first, "deleted": "moved to the trash"}]
    assert [record.run_id for record in runs.list_runs()] == [second]
    assert [row["run_id"] for row in document(capsys, "runs", "trash")] == [first]
    assert document(capsys, "runs", "restore", first[:12])[0]["run_id"] == first
    assert len(runs.list_runs()) == 2 and document(capsys, "runs", "trash") == []
    code, _, error = run(capsys, "runs", "restore", first)
    assert code == 2 and "runs trash" in error
    document(capsys, "runs", "delete", first, second)
    code, _, error = run(capsys, "runs", "empty")
    assert code == 2 and "--yes" in error
    assert document(capsys, "runs", "empty", first, "--yes")["deleted"] == [first]
    assert [row["run_id"] for row in document(capsys, "runs", "trash")] == [second]
    assert document(capsys, "runs", "empty", "--yes")["freed_bytes"] > 0
    assert document(capsys, "runs", "empty", "--yes") == {"deleted": [], "freed_bytes": 0}


def test_deleting_for_good_needs_a_confirmation(capsys, home, monkeypatch):
    import io

    from dlcore import projects, runs

    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    first, second = (runs.create(config).run_id for _ in range(2))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, error = run(capsys, "runs", "delete", "--purge", first)
    assert code == 2 and "--yes" in error and len(runs.list_runs()) == 2
    terminal = io.StringIO("n\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    code, _, error = run(capsys, "runs", "delete", "--purge", first)
    assert code == 2 and "nothing was deleted" in error and len(runs.list_runs()) == 2
    purged = document(capsys, "runs", "delete", "--purge", first[:12], "--yes")
    assert purged == [{"run_id": first, "deleted": "for good"}] and document(capsys, "runs", "trash") == []
    assert [record.run_id for record in runs.list_runs()] == [second]
    assert run(capsys, "runs", "delete", "reference:anomaly/conv", "--yes")[0] != 0
