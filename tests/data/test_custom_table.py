"""Tables of one's own: checked cell by cell, kept whole, pinned by their content, found by their kind."""

import numpy as np
import pytest

from dlcore import projects
from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry as own
from dlcore.data.custom import table as table_intake
from dlcore.data.series import tables
from dlcore.data.sources import locate as sources
from dlcore.projects.forecast import project as forecast


def sheet(rows: int = 400, *, seed: int = 0, **columns) -> bytes:
    """Hourly, two columns with a day's rhythm and a hole now and then, one of words, one that never changes."""
    random = np.random.default_rng(seed)
    hours = np.arange(rows)
    times = np.datetime64("2024-01-01T00:00") + hours.astype("timedelta64[h]")
    wave = np.sin(2 * np.pi * hours / 24)
    made = {
        "gas": [f"{v:.4f}" if random.random() > 0.05 else "" for v in 10 + wave + random.normal(0, 0.2, rows)],
        "heat": [f"{v:.4f}" for v in 20 - 5 * wave + random.normal(0, 0.2, rows)],
        "place": ["north"] * rows,
        "flat": ["1"] * rows,
        **columns,
    }
    lines = [",".join(["time", *made])]
    lines += [",".join([str(times[row]), *(cells[row] for cells in made.values())]) for row in range(rows)]
    return "\n".join(lines).encode()


def test_every_column_of_changing_numbers_is_a_variable_and_the_rest_says_why_not(home):
    intake = table_intake.validate(sheet())
    assert intake.table.names == ("gas", "heat") and intake.time == "time"
    assert intake.left_out == {"place": "holds no numbers", "flat": "never changes"}
    assert 0 < (~intake.table.observed[:, 0]).mean() < 0.1 and intake.table.observed[:, 1].all()
    entry = table_intake.save("air", intake, source="air.csv")
    assert (entry.kind, entry.rows, entry.facts["names"]) == ("table", 400, ["gas", "heat"])
    again = tables.load("own:air", checksum=entry.checksum)
    np.testing.assert_array_equal(again.values, intake.table.values)
    assert sources.get_dataset("own:air").kind == "table" and "own:air" in projects.list_datasets("forecast")
    assert "own:air" not in projects.list_datasets("anomaly")
    with pytest.raises(DataError, match="holds table, not series"):
        projects.configure("anomaly", dataset="own:air")


def test_a_number_that_stands_for_a_hole_is_none(home):
    cells = [str(v) if v % 7 else "-200" for v in range(400)]
    intake = table_intake.validate(sheet(flat=cells), columns=["gas", "flat"], missing=-200.0)
    assert np.isnan(intake.table.values[0, 1]) and intake.table.values[1, 1] == 1


@pytest.mark.parametrize(
    ("payload", "chosen", "said"),
    [
        (sheet(100), {}, "the file ends after 100 rows"),
        (sheet(), {"columns": ["gas", "flat"]}, "column 'flat' never changes"),
        (sheet(), {"columns": ["gas", "place"]}, "row 2, column 'place': 'north' is no number"),
        (sheet(), {"columns": ["gas", "wind"]}, "there is no column 'wind'"),
        (sheet(), {"columns": ["gas", "time"]}, "column 'time' holds the times"),
        (sheet(), {"columns": ["gas"]}, "a table has two at the least"),
        (sheet(heat=["1"] * 5 + ["x"] + ["2"] * 394), {}, "row 7, column 'heat': 'x' is no number"),
        (sheet(heat=["1e300"] * 399 + ["2"]), {}, "column 'heat' holds numbers beyond 1e"),
        (sheet().replace(b"2024-01-03T05:00", b"2024-01-03T04:00"), {}, "comes twice"),
    ],
)
def test_what_will_not_do_is_refused_by_row_and_column(home, payload, chosen, said):
    with pytest.raises(DataError) as refused:
        table_intake.validate(payload, **chosen)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert own.list_datasets() == []


def test_a_file_that_is_kept_already_is_found_again_and_a_damaged_one_refused(home, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(sheet())
    first = table_intake.save_file(path, sheet())
    assert table_intake.save_file(path, sheet()) == first and first.dataset == "own:mine"
    with pytest.raises(RequestError, match="already"):
        table_intake.save("mine", table_intake.validate(sheet(seed=1)))
    file = first.folder / tables.FILE
    np.savez_compressed(file, times=np.arange(400), values=np.zeros((400, 2)))
    with pytest.raises(DataError, match="is damaged"):
        tables.load("own:mine")
    file.write_bytes(b"torn")
    with pytest.raises(DataError, match="cannot be read"):
        tables.load("own:mine")


def test_a_forecast_is_trained_on_it_and_its_metrics_carry_its_names(home):
    table_intake.save("air", table_intake.validate(sheet(900)))
    config = projects.configure("forecast", model="improved", dataset="own:air", preset="quick", device="cpu")
    assert config.data_options["validation"] == "last" and config.data_checksum
    prepared = forecast.prepare(config)
    assert prepared.facts["variables"] == 2 and forecast.variable_names(config, 2) == (("gas", "heat"), ("gas", "heat"))
    module = forecast.PROJECT.models["improved"].build(projects.model_config(config), prepared.facts)
    found = forecast.evaluate(forecast.predict(module, prepared, config), None, config)
    assert {"r2_gas", "r2_heat", "skill", "coverage_90"} <= set(found.metrics)
    assert found.metrics["skill_low"] < found.metrics["skill_high"]  # though the test part is about one week long
    assert "Copying the last hour" in forecast.compare(found, config)
