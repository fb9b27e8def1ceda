"""`data check` and `data add`: what was understood, problems with their repairs, the receipt."""

import json

import pytest
from messy_importer import IMPORTER, messy_csv

from dlcore import cli
from dlcore.data.custom import registry
from dlcore.data.custom.importers import IMPORTERS

pytestmark = pytest.mark.usefixtures("home")
KEYS = ["kind", "rows", "columns", "time", "values", "classes", "windows", "problems", "receipt"]


@pytest.fixture
def messy(monkeypatch, tmp_path):
    """The path of a messy series, for the importer that repairs it."""
    monkeypatch.setitem(IMPORTERS, "series", IMPORTER)
    path = tmp_path / "messy.csv"
    path.write_bytes(messy_csv())
    return str(path)


def run(capsys, *arguments):
    code = cli.main(["data", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_check_prints_problems_choices_and_receipt_and_stores_nothing(capsys, messy, home):
    code, out, err = run(capsys, "check", messy)
    assert (code, err) == (0, "") and not (home / "custom").exists()
    lines = out.splitlines()
    assert [line.split() for line in lines[:2]] == [["kind", "series"], ["rows", "240"]]
    row = next(line for line in lines if line.startswith("duplicate_times"))
    assert "3  row 2" in row and row.endswith("mean (default), first, last")
    assert lines[lines.index("receipt") + 1 :] == [
        "1. rows sorted by time",
        "2. 3 duplicate times: mean of their values",
        "3. 5 missing hours: interpolate:6",
    ]


def test_check_json_has_exactly_the_documented_keys(capsys, messy):
    code, out, err = run(capsys, "check", messy, "--json", "--repair", "gaps=cut")
    result = json.loads(out)
    assert (code, err, list(result), result["rows"]) == (0, "", KEYS, 50)
    gaps = next(problem for problem in result["problems"] if problem["kind"] == "gaps")
    assert {"kind", "count", "where", "example", "choices", "default", "selected"} <= set(gaps)
    assert (gaps["choices"], gaps["default"], gaps["selected"]) == (["interpolate:6", "cut"], "interpolate:6", "cut")


def test_add_asks_for_all_repairs_at_once_then_prints_the_receipt(capsys, messy):
    code, out, err = run(capsys, "add", "mine", messy)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "2 problems need a repair" in err
    code, out, err = run(capsys, "add", "mine", messy, "--repair", "default", "--repair", "duplicate_times=last")
    assert (code, err) == (0, "") and "2. 3 duplicate times: last of their values" in out and "custom:mine" in out
    code, out, _ = run(capsys, "list", "--json")
    row = json.loads(out)[-1]
    assert set(KEYS) | {"name", "checksum"} <= set(row) and row["receipt"] == list(registry.find("mine").receipt)
    _, out, _ = run(capsys, "list")
    assert "receipt" not in out.splitlines()[0]


def test_problem_without_a_default_needs_a_choice_also_to_check(capsys, messy, tmp_path):
    path = tmp_path / "local.csv"
    path.write_bytes(messy_csv(time="local"))
    code, out, err = run(capsys, "check", str(path), "--repair", "default")
    assert (code, out) == (2, "") and err.count("\n") == 1 and "time_zone (238: UTC, Europe/Berlin)" in err
    assert run(capsys, "check", str(path), "--repair", "time_zone=Asia/Tokyo")[0] == 0


@pytest.mark.parametrize(
    ("repair", "message"),
    [
        ("bad", "--repair bad: write KIND=HOW, or default"),
        ("bad=mean", "--repair bad: the file has no such problem; it has duplicate_times, gaps"),
        ("gaps=fill", "--repair gaps=fill: choose one of interpolate:6, cut"),
    ],
)
def test_wrong_repair_is_one_clear_line(capsys, messy, repair, message):
    code, out, err = run(capsys, "check", messy, "--repair", repair)
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1


def test_texts_is_a_kind_as_well_as_text(capsys, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "".join(f"word {n},{n % 2}\n" for n in range(12)))
    results = [json.loads(run(capsys, "check", str(path), "--kind", kind, "--json")[1]) for kind in ("text", "texts")]
    assert results[0] == results[1] and results[0]["rows"] == 12


def test_dataset_of_an_earlier_release_is_described_without_receipt(capsys):
    facts = {"step_ms": 3_600_000, "period": 24, "first": 0, "last": 7_200_000, "windows": [[0, 3_600_000, "odd"]]}
    facts["columns"] = {"time": "when", "value": "load", "label": ""}
    entry = registry.CustomDataset("old", "series", 3, "c" * 64, facts=facts)
    registry.save(entry, lambda folder: None, reserved=())
    row = json.loads(run(capsys, "list", "--json")[1])[-1]
    assert (row["receipt"], row["problems"], row["checksum"]) == ([], [], "c" * 64)
    assert row["time"] == {
        "first": "1970-01-01T00:00:00",
        "last": "1970-01-01T02:00:00",
        "step_seconds": 3600,
        "period": 24,
        "zone": None,
    }
    assert row["windows"] == [{"start": "1970-01-01T00:00:00", "end": "1970-01-01T01:00:00", "name": "odd"}]
