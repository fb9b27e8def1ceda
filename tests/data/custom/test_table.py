"""Import of custom tables: valid files, rejected files and their messages, saving, loading, forecasting."""

import numpy as np
import pytest

from dlcore import projects
from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import table as custom_table
from dlcore.data.series import air_quality, tables
from dlcore.data.sources import locate as sources
from dlcore.projects.forecast import project as forecast


def sheet(rows: int = 400, *, seed: int = 0, **columns) -> bytes:
    """Return an hourly CSV: two seasonal columns, one with missing values, one of words, one constant."""
    random = np.random.default_rng(seed)
    hours = np.arange(rows)
    times = np.datetime64("2024-01-01T00:00") + hours.astype("timedelta64[h]")
    wave = np.sin(2 * np.pi * hours / 24)
    cells = {
        "gas": [f"{v:.4f}" if random.random() > 0.05 else "" for v in 10 + wave + random.normal(0, 0.2, rows)],
        "heat": [f"{v:.4f}" for v in 20 - 5 * wave + random.normal(0, 0.2, rows)],
        "place": ["north"] * rows,
        "flat": ["1"] * rows,
        **columns,
    }
    lines = [",".join(["time", *cells])]
    lines += [
        ",".join([str(times[row]), *(column_cells[row] for column_cells in cells.values())]) for row in range(rows)
    ]
    return "\n".join(lines).encode()


def test_numeric_columns_are_variables_and_all_remaining_ones_are_left_out_with_a_reason(home):
    preview = custom_table.IMPORTER.preview(sheet())
    assert preview.data.names == ("gas", "heat") and preview.guesses == {"time": "time"}
    (left_out,) = (problem for problem in preview.problems if problem.kind == "columns_left_out")
    assert left_out.message == "2 columns left out: 'place' (holds no numbers); 'flat' (never changes)"
    assert preview.receipt[0] == left_out.message
    assert 0 < (~preview.data.observed[:, 0]).mean() < 0.1 and preview.data.observed[:, 1].all()
    entry = custom_table.IMPORTER.save("air", preview, source="air.csv")
    assert (entry.kind, entry.rows, entry.facts["names"]) == ("table", 400, ["gas", "heat"])
    again = air_quality.load_table("custom:air", checksum=entry.checksum)
    np.testing.assert_array_equal(again.values, preview.data.values)
    assert sources.get_dataset("custom:air").kind == "table" and "custom:air" in projects.list_datasets("forecast")
    assert "custom:air" in projects.list_datasets("anomaly") and "custom:air" not in projects.list_datasets("fashion")
    with pytest.raises(DataError, match="is of kind table, not images"):
        projects.configure("architectures", dataset="custom:air")


def test_labels_are_windows_of_the_series_of_all_columns(home):
    flags = ["1" if 300 <= row < 310 else "0" for row in range(400)]
    preview = custom_table.IMPORTER.preview(sheet(anomaly=flags))
    assert preview.data.names == ("gas", "heat") and len(preview.facts["windows"]) == 1
    entry = custom_table.IMPORTER.save("labeled", preview, source="labeled.csv")
    assert np.flatnonzero(tables.load_series("custom:labeled", checksum=entry.checksum).labels).tolist() == list(
        range(300, 310)
    )
    windows = b"start,end,name\n2024-01-02T00:00,2024-01-02T05:00,leak\n"
    attached = custom_table.IMPORTER.preview(sheet(anomaly=flags), windows=windows, label="none", columns="gas,heat")
    assert [window.name for window in attached.data.windows] == ["leak"]
    with pytest.raises(DataError, match="used twice"):
        custom_table.IMPORTER.preview(sheet(anomaly=flags), label="gas", columns="gas,heat")


def test_missing_value_code_becomes_nan(home):
    cells = [str(v) if v % 7 else "-200" for v in range(400)]
    preview = custom_table.IMPORTER.preview(sheet(flat=cells), columns="gas,flat", missing="-200")
    assert np.isnan(preview.data.values[0, 1]) and preview.data.values[1, 1] == 1


@pytest.mark.parametrize(
    ("payload", "options", "message"),
    [
        (sheet(20), {}, "the file ends after 20 rows"),
        (sheet(), {"columns": ["gas", "flat"]}, "column 'flat' never changes"),
        (sheet(), {"columns": ["gas", "place"]}, "row 2, column 'place': 'north' is not a number"),
        (sheet(), {"columns": ["gas", "wind"]}, "there is no column 'wind'"),
        (sheet(), {"columns": ["gas", "time"]}, "column 'time' holds the times"),
        (sheet(), {"columns": ["gas"]}, "a table needs at least two"),
        (sheet(heat=["1e300"] * 399 + ["2"]), {}, "column 'heat': '1e300' is beyond 1e"),
    ],
)
def test_invalid_table_is_rejected_with_row_and_column(home, payload, options, message):
    with pytest.raises(DataError) as raised:
        custom_table.IMPORTER.preview(payload, **options)
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert custom.list_datasets() == []


def test_words_and_repeated_times_of_a_table_are_repaired(home):
    preview = custom_table.IMPORTER.preview(sheet(heat=[str(20 + k % 7) for k in range(5)] + ["x"] + ["2"] * 394))
    assert np.isnan(preview.data.values[5, 1]) and preview.data.values[4, 1] == 24
    assert "1 cell that are not numbers read as missing, first 'x' in row 7, column 'heat'" in preview.receipt
    twice = custom_table.IMPORTER.preview(sheet().replace(b"2024-01-03T05:00", b"2024-01-03T04:00"))
    assert {"duplicate_times", "gaps"} <= {problem.kind for problem in twice.pending}
    assert twice.rows == 400 and np.isnan(twice.data.values[53]).all() and not np.isnan(twice.data.values[54, 1])


def test_same_file_is_saved_once_and_a_damaged_one_is_rejected(home, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(sheet())
    first = custom_table.IMPORTER.find_or_save(path, sheet())
    assert custom_table.IMPORTER.find_or_save(path, sheet()) == first and first.dataset == "custom:mine"
    with pytest.raises(RequestError, match="already"):
        custom_table.IMPORTER.save("mine", custom_table.IMPORTER.preview(sheet(seed=1)))
    file = first.folder / tables.FILE
    np.savez_compressed(file, times=np.arange(400), values=np.zeros((400, 2)))
    with pytest.raises(DataError, match="is damaged"):
        air_quality.load_table("custom:mine")
    file.write_bytes(b"torn")
    with pytest.raises(DataError, match="cannot be read"):
        air_quality.load_table("custom:mine")


def test_forecast_metrics_carry_the_variable_names(home):
    custom_table.IMPORTER.save("air", custom_table.IMPORTER.preview(sheet(900)))
    config = projects.configure("forecast", model="improved", dataset="custom:air", preset="quick", device="cpu")
    assert config.data_options.validation == "last" and config.data_checksum
    prepared = forecast.prepare(config)
    assert prepared.facts["variables"] == 2 and forecast.variable_names(config, 2) == (("gas", "heat"), ("gas", "heat"))
    module = forecast.PROJECT.models["improved"].build(config.model_options, prepared.facts)
    evaluation = forecast.evaluate(forecast.predict(module, prepared, config), None, config)
    assert {"r2_gas", "r2_heat", "skill", "coverage_90"} <= set(evaluation.metrics)
    # an interval also for a test part of about one week
    assert evaluation.metrics["skill_low"] < evaluation.metrics["skill_high"]
    assert "Persistence (the last hour)" in forecast.compare(evaluation, config)


def test_missing_values_that_interpolation_leaves_are_said():
    cells = [f"{row}.5" if row < 350 else "" for row in range(400)]
    preview = custom_table.IMPORTER.preview(sheet(heat=cells), repair={"missing_values": "interpolate"})
    assert preview.describe()["values"]["heat"]["missing"] == 50
    assert "50 missing values at the ends or in longer runs left missing" in preview.receipt
