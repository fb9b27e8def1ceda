"""Units of one quantity in one column: 1.2 MW beside 300 kW are converted to the more frequent unit."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

_PREFIXES = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SI = {"power": "W", "energy": "Wh", "voltage": "V", "current": "A", "frequency": "Hz", "pressure": "Pa", "length": "m"}
_SI |= {"joule": "J", "time": "s", "newton": "N", "resistance": "Ω", "apparent": "VA"}
_TABLES: dict[str, dict[str, float]] = {
    **{name: {prefix + unit: factor for prefix, factor in _PREFIXES.items()} for name, unit in _SI.items()},
    "bytes": {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    | {f"{prefix}iB": 1024.0**power for power, prefix in enumerate("KMGT", start=1)},
    "bits": {"bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "bps": 1, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9},
    "mass": {
        "µg": 1e-6,
        "mg": 1e-3,
        "g": 1,
        "kg": 1e3,
        "t": 1e6,
        "oz": 28.349523125,
        "lb": 453.59237,
        "lbs": 453.59237,
    },
    "volume": {"ml": 1e-3, "mL": 1e-3, "cl": 0.01, "dl": 0.1, "l": 1, "L": 1, "hl": 100, "m³": 1e3, "m3": 1e3},
    "speed": {"m/s": 1, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600},
    "concentration": {f"{unit}/m{three}": f for unit, f in (("µg", 1e-6), ("mg", 1e-3), ("g", 1)) for three in "3³"},
    "share": {"%": 0.01, "‰": 1e-3},
    "count": {"": 1, "k": 1e3, "M": 1e6, "Mio": 1e6, "Mio.": 1e6, "Mrd": 1e9, "Mrd.": 1e9, "bn": 1e9},
}
_TABLES["length"] |= {"cm": 0.01, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344}
_TABLES["pressure"] |= {"hPa": 100, "bar": 1e5, "mbar": 100, "psi": 6894.757293168}
_TABLES["time"] |= {
    "us": 1e-6,
    "sec": 1,
    "secs": 1,
    "min": 60,
    "mins": 60,
    "h": 3600,
    "hr": 3600,
    "hrs": 3600,
    "d": 86400,
}
_TABLES["time"] |= {"second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400}
_TEMPERATURES = {
    "°C": (1.0, 0.0),
    "C": (1.0, 0.0),
    "°F": (5 / 9, -160 / 9),
    "F": (5 / 9, -160 / 9),
    "K": (1.0, -273.15),
}
"""Factor and offset to degrees Celsius."""


def find_conversions(units: pd.Series) -> tuple[str, dict[str, tuple[float, float]]] | None:
    """Return the most frequent unit of cells (N,) and for each unit the factor and offset to it.

    None if there is one unit only, or not all are units of one quantity. The empty unit is one of counts: 999 and 1.2k.
    """
    names = [str(name) for name in units.value_counts().index]
    if len(names) < 2:
        return None
    if all(name in _TEMPERATURES for name in names):
        to_base = {name: _TEMPERATURES[name] for name in names}
    else:
        factors = next((factors_of for table in _TABLES.values() if (factors_of := _find_factors(names, table))), None)
        if factors is None:
            return None
        if len({name.casefold() for name in names}) < 2 and len(set(factors.values())) < 2:  # kW and KW
            return None
        to_base = {name: (factor, 0.0) for name, factor in factors.items()}
    target = "" if "" in names else names[0]
    factor, offset = to_base[target]
    return target, {name: (each / factor, (shift - offset) / factor) for name, (each, shift) in to_base.items()}


def _find_factors(names: list[str], table: Mapping[str, float]) -> dict[str, float] | None:
    """Return the factors of units as they are spelled in a table, or in another case if that is clear."""
    factors = {}
    for name in names:
        plain = name.replace("μ", "µ")
        same = {factor for each, factor in table.items() if each.casefold() == plain.casefold()}
        if plain not in table and len(same) != 1:
            return None
        factors[name] = table[plain] if plain in table else same.pop()
    return factors


def convert(values: np.ndarray, units: pd.Series, conversions: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Convert values (N,) in units (N,) to the target unit; a number keeps its digits where its unit is the target."""
    factors = units.map({name: pair[0] for name, pair in conversions.items()}).to_numpy(np.float64, na_value=1.0)
    offsets = units.map({name: pair[1] for name, pair in conversions.items()}).to_numpy(np.float64, na_value=0.0)
    is_target = (factors == 1) & (offsets == 0)
    converted = np.array([float(f"{value:.12g}") for value in values * factors + offsets])
    result: np.ndarray = np.where(is_target, values, converted)
    return result
