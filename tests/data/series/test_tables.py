"""Tables: published data, missing values, forward fill, CSV files."""

import numpy as np
import pytest

from dlcore.core.errors import DataError, DataMissingError
from dlcore.data.series import tables
from dlcore.data.series.air_quality import UNITS, load_air_quality, load_table

HEADER = "Date;Time;" + ";".join(UNITS) + ";;"


def test_beijing_is_shipped_with_the_package():
    table = load_table("beijing_pm25")
    assert table.values.shape == (43_824, 7) and table.step_ms == 3_600_000
    assert int((~table.observed).sum()) == 2067  # hours without PM2.5, according to UCI
    assert table.slugs[0] == "pm2_5" and table.warmed in table.names


@pytest.mark.realdata("air_quality")
def test_air_quality_is_the_published_table():
    table = load_table("air_quality")
    assert table.values.shape == (9_357, 13)
    assert str(np.datetime64(int(table.times[0]), "ms")) == "2004-03-10T18:00:00.000"
    missing = dict(zip(table.names, (~table.observed).sum(axis=0).tolist(), strict=True))
    assert missing["NMHC(GT)"] == 8443 and missing["CO(GT)"] == 1683 and missing["T"] == 366
    assert not (table.values == -200).any()


@pytest.mark.parametrize("colon", [":", "."])
def test_both_hour_formats_are_read(tmp_path, monkeypatch, colon):
    cells = ";".join(["1,5", "-200", *["3"] * 11])
    rows = [f"10/03/2004;{hour}{colon}00{colon}00;{cells};;" for hour in (18, 19)]
    (tmp_path / "AirQualityUCI.csv").write_text("\n".join([HEADER, *rows, ";" * 16]))
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    table = load_air_quality()
    assert table.values[0, 0] == 1.5 and np.isnan(table.values[0, 1]) and len(table.times) == 2


def test_other_file_with_the_same_name_is_rejected(tmp_path, monkeypatch):
    (tmp_path / "AirQualityUCI.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="is not the Air Quality table"):
        load_air_quality()
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataMissingError, match="dlcore data get air_quality"):
        load_air_quality()


def test_forward_fill_uses_no_later_value():
    nan = np.nan
    values = np.array([[nan, 1.0], [2.0, nan], [nan, nan], [5.0, 4.0]])
    assert tables.forward_fill(values, np.array([9.0, 9.0])).tolist() == [[9, 1], [2, 1], [2, 1], [5, 4]]


def test_slugs_are_unique():
    assert tables.make_slugs(("PT08.S1(CO)", "a b", "a-b", "°")) == ("pt08_s1_co", "a_b", "a_b_2", "v")


def test_csv_may_have_missing_values_and_a_word_is_one():
    rows = [f"2020-01-01 {hour:02d}:00,{hour},{'' if hour == 3 else 1}" for hour in range(12)]
    table = tables.read_csv("\n".join(["time,a,b", *rows]).encode())
    assert table.names == ("a", "b") and np.isnan(table.values[3, 1]) and table.values[5, 0] == 5
    rows[4] = "2020-01-01 04:00,much,1"
    table = tables.read_csv("\n".join(["time,a,b", *rows]).encode())
    assert np.isnan(table.values[4, 0]) and table.values[5, 0] == 5
    assert any("'much' in row 6, column 'a'" in line for line in table.receipt)
