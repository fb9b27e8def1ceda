"""Tables to forecast: UCI Air Quality, Beijing PM2.5 and custom tables, loaded by dataset id.

UCI Air Quality: hourly gas readings and weather on a street of an Italian city, March 2004 to April 2005. De Vito et
al., "On field calibration of an electronic nose for benzene estimation", Sensors and Actuators B 129 (2008).
"""

import gzip
import io
from typing import cast

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.series.tables import HOUR_MS, Table, load_custom, to_milliseconds
from dlcore.data.sources import locate as sources
from dlcore.data.sources.registry import load_pack_dataset

MISSING = -200.0
"""The missing-value code of the file."""
BEIJING = {
    "pm2.5": "µg/m³",
    "DEWP": "°C",
    "TEMP": "°C",
    "PRES": "hPa",
    "Iws": "m/s, summed",
    "Is": "h",
    "Ir": "h",
}
"""Variables of Beijing PM2.5 and their units."""
_GZIP = b"\x1f\x8b"
UNITS = {
    "CO(GT)": "mg/m³",
    "PT08.S1(CO)": "sensor",
    "NMHC(GT)": "µg/m³",
    "C6H6(GT)": "µg/m³",
    "PT08.S2(NMHC)": "sensor",
    "NOx(GT)": "ppb",
    "PT08.S3(NOx)": "sensor",
    "NO2(GT)": "µg/m³",
    "PT08.S4(NO2)": "sensor",
    "PT08.S5(O3)": "sensor",
    "T": "°C",
    "RH": "%",
    "AH": "g/m³ (scaled)",
}
WORDS = {
    "CO(GT)": "carbon monoxide",
    "PT08.S1(CO)": "tin oxide sensor, meant for CO",
    "NMHC(GT)": "hydrocarbons",
    "C6H6(GT)": "benzene",
    "PT08.S2(NMHC)": "titania sensor, meant for hydrocarbons",
    "NOx(GT)": "nitrogen oxides",
    "PT08.S3(NOx)": "tungsten oxide sensor, meant for NOx",
    "NO2(GT)": "nitrogen dioxide",
    "PT08.S4(NO2)": "tungsten oxide sensor, meant for NO2",
    "PT08.S5(O3)": "indium oxide sensor, meant for ozone",
    "T": "temperature",
    "RH": "relative humidity",
    "AH": "absolute humidity",
}
"""Descriptions of the variables; GT marks a reference analyzer ("ground truth"), PT08 a cheap sensor's raw reading."""
_FORMATS = ("%d/%m/%Y %H.%M.%S", "%d/%m/%Y %H:%M:%S")


def load_table(dataset: str, *, checksum: str = "") -> Table:
    """Load the table of a run's dataset: a public one, a custom table, or a custom series as one variable.

    Raises:
        DataError: The table is missing, or has another checksum.
    """
    if registry.is_custom(dataset):
        return load_custom(dataset, checksum=checksum)
    loaders = {"air_quality": load_air_quality, "beijing_pm25": load_beijing}
    if dataset not in loaders and (table := load_pack_dataset(dataset)) is not None:
        return cast(Table, table)
    return loaders[dataset]()


def load_beijing() -> Table:
    """Load the 43,824 hours of Beijing PM2.5 and weather, 2010 to 2014 (UCI 381), without the wind direction.

    Raises:
        DataError: The file is missing or invalid.
    """
    path = sources.require("beijing_pm25")
    payload = path.read_bytes()
    text = gzip.decompress(payload) if payload.startswith(_GZIP) else payload
    try:
        frame = pd.read_csv(io.BytesIO(text), na_values=["NA"])
        times = pd.to_datetime(frame[["year", "month", "day", "hour"]])
        values = frame[list(BEIJING)].to_numpy(np.float64)
    except (ValueError, KeyError) as error:
        home = sources.get_dataset("beijing_pm25").homepage
        raise DataError(f"{path} is not the Beijing PM2.5 table ({error}): download it from {home}.") from None
    return Table(
        to_milliseconds(times), values, tuple(BEIJING), tuple(BEIJING.values()), "Beijing PM2.5", warmed="TEMP"
    )


def load_air_quality() -> Table:
    """Load the 9,357 hours of UCI Air Quality; -200 becomes a missing value.

    Raises:
        DataError: The file is missing or invalid.
    """
    path = sources.require("air_quality")
    try:
        frame = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")
        frame = frame.dropna(how="all")[["Date", "Time", *UNITS]]  # 114 empty rows and two empty columns at the end
        stamps = frame["Date"] + " " + frame["Time"]
        times = pd.to_datetime(stamps, format=_FORMATS[":" in str(frame["Time"].iloc[0])])
        values = frame[list(UNITS)].to_numpy(np.float64)
    except (ValueError, KeyError, UnicodeDecodeError, IndexError) as error:
        home = sources.get_dataset("air_quality").homepage
        raise DataError(
            f"{path} is not the Air Quality table ({error}): download AirQualityUCI.csv from {home}."
        ) from None
    moments = to_milliseconds(times)
    if len(moments) < 2 or (np.diff(moments) != HOUR_MS).any():
        raise DataError(f"{path}: its rows are not one hour apart; download the original file again.")
    values[values == MISSING] = np.nan
    return Table(moments, values, tuple(UNITS), tuple(UNITS.values()), "Air quality", warmed="T")
