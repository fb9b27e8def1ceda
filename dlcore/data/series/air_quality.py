"""The UCI Air Quality table: hourly gas readings and weather on a street of an Italian city, March 2004 to April 2005.

De Vito et al., "On field calibration of an electronic nose for benzene estimation", Sensors and Actuators B 129 (2008).
"""

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.tables import HOUR_MS, Table, to_milliseconds
from dlcore.data.sources import locate as sources

MISSING = -200.0
"""What the file writes where nothing was measured. Left in, it would be taken for a value."""
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
"""What each variable is; GT marks a reference analyser ("ground truth"), PT08 a cheap sensor's raw reading."""
_FORMATS = ("%d/%m/%Y %H.%M.%S", "%d/%m/%Y %H:%M:%S")


def load_air_quality() -> Table:
    """The 9,357 hours as they were measured, -200 turned into holes; nothing is filled.

    Raises:
        DataError: the file is not here, or not what it should be.
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
        raise DataError(f"{path} is not the Air Quality table ({error}): take AirQualityUCI.csv from {home}.") from None
    moments = to_milliseconds(times)
    if len(moments) < 2 or (np.diff(moments) != HOUR_MS).any():
        raise DataError(f"{path}: its rows are not one hour apart; take the file as it was published.")
    values[values == MISSING] = np.nan
    return Table(moments, values, tuple(UNITS), tuple(UNITS.values()), "Air quality", warmed="T")
