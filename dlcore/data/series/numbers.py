"""Numbers of a file: decimal and thousands marks, percent signs and units, decided for each column by all its cells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.units import convert, find_conversions
from dlcore.data.tabular.cells import list_names, plural, quote_cell, shorten, strip_cells
from dlcore.data.tabular.read import TableFile

MAX_VALUE = 1e15
"""Larger values are typing errors, and their squares overflow float32."""
FEW_BAD = 0.05
"""Up to this share of cells that are not numbers become missing by default."""
MIN_UNIT_SHARE = 0.9
"""A unit must stand in this share of the cells: 999 and 1.2k are not the same without it."""
_SPACES = " \u00a0\u2009\u202f'’"
_CURRENCIES = r"[€$£¥₹]|US\$|R\$|EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|Rs\.?|kr\.?"
_PATTERN = re.compile(
    rf"^(?P<pre>{_CURRENCIES})?\s*(?P<open>\()?(?P<sign>[+−-])?\s*(?P<cur>[€$£¥])?\s*"
    rf"(?P<num>\d[\d.,{_SPACES}]*|[.,]\d+)(?P<exp>[eE][+-]?\d+)?(?P<close>\))?\s*"
    r"(?P<post>[^\W\d_][^\s]{0,11}(?: [^\s]{1,11})?|[%‰°€$£¥µΩ][^\s\d]{0,8})?$"
)
_GROUPED = re.compile(rf"\d{{1,3}}(?:([{_SPACES}])\d{{3}})(?:\1\d{{3}})*(?:[.,]\d*)?")


@dataclass(frozen=True)
class Scan:
    """The cells (N,) of a column split into number, sign and unit; `decimal` is its mark, "" if it has none, and
    `ambiguous` the mark of cells such as 1.001 that no other cell decides; `largest_integer` is that of cells without
    a mark. Of a column with several units of one quantity, `unit` is the one to which `conversions` lead."""

    texts: pd.Series
    plain: np.ndarray | None
    parts: pd.DataFrame | None = None
    decimal: str = ""
    ambiguous: str = ""
    largest_integer: float = 0.0
    unit: str = ""
    units: pd.Series | None = None
    conversions: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of non-empty cells that look like numbers."""
        filled = (self.texts != "").to_numpy()
        if self.plain is not None:
            return float((~np.isnan(self.plain[filled])).mean()) if filled.any() else 0.0
        assert self.parts is not None
        return float(self.parts["num"].notna().to_numpy()[filled].mean()) if filled.any() else 0.0


def looks_numeric(cells: pd.Series) -> bool:
    """Return whether more than half of the non-empty cells of a sample look like numbers."""
    return scan_column(cells).share > 0.5


def scan_column(cells: pd.Series) -> Scan:
    """Split the cells (N,) of a column into number, sign and unit, and find its decimal mark."""
    texts = strip_cells(cells)
    filled = (texts != "").to_numpy()
    plain = pd.to_numeric(texts.where(filled), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if not np.isnan(plain[filled]).any():
        sample = texts[filled]
        marked = sample.str.contains(".", regex=False)
        decisive = not marked.any() or not sample[marked].str.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}").all()
        ambiguous = "" if decisive else "."
        return Scan(
            texts,
            plain,
            decimal="." if decisive and marked.any() else "",
            ambiguous=ambiguous,
            largest_integer=_largest(sample[~marked]),
        )
    parts = texts.str.extract(_PATTERN)
    numbers = parts["num"].fillna("").str.rstrip(_SPACES)
    grouped = numbers.str.fullmatch(_GROUPED.pattern)
    spaced = numbers.str.contains(f"[{_SPACES}]", regex=True)
    parts.loc[spaced & ~grouped, "num"] = np.nan
    numbers = numbers.where(parts["num"].notna(), "").str.replace(f"[{_SPACES}]", "", regex=True)
    parts["num"] = numbers.where(numbers != "")
    decimal, ambiguous, largest = _find_marks(numbers[numbers != ""], (grouped & spaced)[numbers != ""])
    units = _join_units(parts)
    mixed = find_conversions(units[numbers != ""]) if (numbers != "").any() else None
    if mixed is not None:
        if ambiguous:  # 1.500 GB beside 999 MB: integers in another unit say nothing
            units_marked = units[numbers.str.contains(ambiguous, regex=False)].unique()
            same = numbers[(numbers != "") & units.isin(units_marked)]
            largest = _largest(same[~same.str.contains(ambiguous, regex=False)])
        return Scan(texts, None, parts, decimal, ambiguous, largest, mixed[0], units, mixed[1])
    named = units[(numbers != "") & (units != "")]
    unit = str(named.mode().iloc[0]) if len(named) > MIN_UNIT_SHARE * (numbers != "").sum() else ""
    parts.loc[((units != "") & (units.str.casefold() != unit.casefold())).to_numpy(), "num"] = np.nan
    return Scan(texts, None, parts, decimal, ambiguous, largest, unit)


def read_numbers(
    file: TableFile, names: list[str], repairs: Repairs, scans: Mapping[str, Scan], *, prefers_comma: bool = False
) -> dict[str, np.ndarray]:
    """Parse columns as numbers: (N,) float64 each, NaN for empty cells and for cells that are not numbers, which are
    listed as one problem. `prefers_comma` says that other cells of the file point to a decimal comma.

    Raises:
        DataError: A cell is a formula, infinite, or beyond 1e15.
    """
    scans = _resolve(file, {name: scans[name] for name in names}, repairs, prefers_comma=prefers_comma)
    values = {name: _to_values(scan) for name, scan in scans.items()}
    read = values
    values = values | _convert_units(file, scans, values, repairs)
    _note_marks(scans, values, repairs)
    bad = {}
    for name, numbers in values.items():
        texts = scans[name].texts.to_numpy()
        at = np.flatnonzero(np.isnan(numbers) & np.isnan(read[name]) & (texts != ""))
        _refuse_unusable(file, name, numbers, texts, at)
        if len(at):
            bad[name] = at
    if bad:
        _choose_not_numbers(file, bad, repairs)
    return values


def _convert_units(
    file: TableFile, scans: Mapping[str, Scan], values: Mapping[str, np.ndarray], repairs: Repairs
) -> dict[str, np.ndarray]:
    """Convert the columns with several units of one quantity, or leave the other units out as missing."""
    mixed = {name: scan for name, scan in scans.items() if scan.units is not None}
    converted, lines, first, count = {}, [], "", 0
    for name, scan in mixed.items():
        assert scan.units is not None
        converted[name] = convert(values[name], scan.units, scan.conversions)
        other = (scan.units != scan.unit).to_numpy() & ~np.isnan(values[name])
        if not other.any():
            continue
        at = int(np.argmax(other))
        count += int(other.sum())
        first = first or f"row {file.rows[at]}, column '{shorten(name)}'"
        lines.append(
            f"column '{shorten(name)}': {plural(int(other.sum()), 'cell')} converted to "
            f"{scan.unit or 'plain numbers'}, first {quote_cell(str(scan.texts.iloc[at]))} read as "
            f"{converted[name][at]:.12g} in row {file.rows[at]}"
        )
    if not lines:
        return {}
    how = repairs.choose(
        "mixed_units",
        f"{plural(count, 'cell')} in another unit than most of the column; {lines[0]}.",
        ("convert", "missing"),
        default="convert",
        count=count,
        where=first,
        example=lines[0].partition("first ")[2],
    )
    if how == "convert":
        for line in lines:
            repairs.record(line)
        return converted
    repairs.record(f"{plural(count, 'cell')} in another unit than most of the column read as missing, first in {first}")
    return {name: np.where(scan.units == scan.unit, values[name], np.nan) for name, scan in mixed.items()}


def _choose_not_numbers(file: TableFile, bad: dict[str, np.ndarray], repairs: Repairs) -> None:
    count = sum(len(at) for at in bad.values())
    name = min(bad, key=lambda column: bad[column][0])
    where = f"row {file.rows[bad[name][0]]}, column '{shorten(name)}'"
    is_few = all(len(at) <= max(3, FEW_BAD * len(file.rows)) for at in bad.values())
    cell = str(file.table[name].iloc[bad[name][0]])
    repairs.choose(
        "not_numbers",
        f"{plural(count, 'cell')} among the numbers {'is' if count == 1 else 'are'} not a number: read as missing.",
        ("missing",),
        default="missing" if is_few else "",
        count=count,
        where=where,
        example=cell,
    )
    repairs.record(f"{plural(count, 'cell')} that are not numbers read as missing, first {quote_cell(cell)} in {where}")


def _find_marks(numbers: pd.Series, spaced: pd.Series) -> tuple[str, str, float]:
    """Return the decimal mark, the ambiguous mark, and the largest number without a mark."""
    dots, commas = numbers.str.count(r"\."), numbers.str.count(",")
    votes = {".": 0, ",": 0}
    ambiguous = {".": 0, ",": 0}
    for mark, other, count, other_count in ((".", ",", dots, commas), (",", ".", commas, dots)):
        both = (count > 0) & (other_count > 0)
        votes[mark] += int((both & (numbers.str.rfind(mark) > numbers.str.rfind(other))).sum())
        votes[other] += int(((count > 1) & (other_count == 0)).sum())
        single = (count == 1) & (other_count == 0)
        thousands = numbers.str.fullmatch(rf"[1-9]\d{{0,2}}\{mark}\d{{3}}")
        votes[mark] += int((single & (~thousands | spaced)).sum())
        ambiguous[mark] += int((single & thousands & ~spaced).sum())
    largest = _largest(numbers[(dots == 0) & (commas == 0)])
    if votes["."] or votes[","]:
        return ("." if votes["."] >= votes[","] else ","), "", largest
    mark = "." if ambiguous["."] > ambiguous[","] else "," if ambiguous[","] else ""
    return "", mark, largest


def _largest(integers: pd.Series) -> float:
    largest = pd.to_numeric(integers, errors="coerce").abs().max()
    return 0.0 if pd.isna(largest) else float(largest)


def _resolve(file: TableFile, scans: dict[str, Scan], repairs: Repairs, *, prefers_comma: bool) -> dict[str, Scan]:
    """Decide the columns whose cells are all like 1.001: by the other columns, else by the kind of file."""
    marks = [scan.decimal for scan in scans.values() if scan.decimal]
    common = max(marks, key=marks.count, default="," if prefers_comma else "")
    open_columns = {name: scan for name, scan in scans.items() if scan.ambiguous}
    guesses = {name: _guess_decimal(scan, common, file.separator) for name, scan in open_columns.items()}
    unsure = {name: is_decimal for name, is_decimal in guesses.items() if not (is_decimal and marks)}
    if unsure or (open_columns and "number_format" in repairs.choices):
        unsure = unsure or guesses
        name = next(iter(unsure))
        marked = scans[name].texts[scans[name].texts.str.contains(scans[name].ambiguous, regex=False)]
        both = sorted({"decimal" if is_decimal else "thousands" for is_decimal in unsure.values()})
        choices = ("decimal", "thousands") if len(both) == 1 else ("as_guessed", "decimal", "thousands")
        how = repairs.choose(
            "number_format",
            f"'{marked.iloc[0]}' in {list_names(list(unsure))} is a decimal or a thousands mark: read as {both[0]}.",
            choices,
            default=both[0] if len(both) == 1 else "as_guessed",
            count=len(marked),
            where=f"row {file.rows[marked.index[0]]}, column '{shorten(name)}'",
            example=str(marked.iloc[0]),
            asks=not (both == ["decimal"] and scans[name].ambiguous == "." and file.separator != ";"),
        )
        if how == "decimal":
            repairs.record(f"'{marked.iloc[0]}' in {list_names(list(unsure))} read with a decimal mark")
        if how != "as_guessed":
            guesses |= dict.fromkeys(unsure, how == "decimal")
    other = {".": ",", ",": "."}
    return scans | {
        name: replace(scan, decimal=scan.ambiguous if guesses[name] else other[scan.ambiguous])
        for name, scan in open_columns.items()
    }


def _guess_decimal(scan: Scan, common: str, separator: str) -> bool:
    if common:
        return common == scan.ambiguous
    if scan.largest_integer >= 100:
        return False  # 903; 1.001: after three digits a mark, never one or two decimals
    return scan.ambiguous == "." or separator == ";"


def _to_values(scan: Scan) -> np.ndarray:
    if scan.plain is not None and scan.decimal != ",":
        return scan.plain
    if scan.parts is None:  # plain numbers such as 1.001 that are thousands
        texts = scan.texts.str.replace(".", "", regex=False)
        return pd.to_numeric(texts.where(texts != ""), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    parts = scan.parts
    decimal = scan.decimal or "."
    thousands = "," if decimal == "." else "."
    numbers = parts["num"].fillna("")
    valid = numbers.str.fullmatch(rf"(?:\d+|\d{{1,3}}(?:\{thousands}\d{{2,3}})*\{thousands}\d{{3}})?(?:\{decimal}\d*)?")
    plain = numbers.str.replace(thousands, "", regex=False).str.replace(decimal, ".", regex=False)
    is_negative = parts["sign"].isin(("-", "−")) | (parts["open"].notna() & parts["close"].notna())
    texts = is_negative.map({True: "-", False: ""}) + plain + parts["exp"].fillna("")
    texts = texts.where(valid & (numbers != ""))
    values: np.ndarray = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    special = scan.texts.str.fullmatch(r"[+-]?(?:inf|infinity)", case=False).to_numpy()
    return np.where(special, np.inf, values)


def _note_marks(scans: dict[str, Scan], values: dict[str, np.ndarray], repairs: Repairs) -> None:
    """Record how marks and units were read, each once for all columns."""
    styles = {
        "decimal_comma": ("decimal comma", lambda scan: scan.decimal == ",", ","),
        "thousands": ("thousands marks removed", lambda scan: True, None),
        "units": ("units removed", lambda scan: bool(scan.unit), None),
        "parentheses": ("numbers in parentheses are negative", lambda scan: scan.parts is not None, r"^\(.*\)"),
    }
    for kind, (words, applies, mark) in styles.items():
        names, example, count = [], "", 0
        for name, scan in scans.items():
            if not applies(scan):
                continue
            texts = scan.texts
            pattern = _mark_pattern(kind, scan, mark)
            if not pattern:
                continue
            hits = texts[texts.str.contains(pattern, regex=True) & ~np.isnan(values[name])]
            if len(hits):
                names.append(name)
                count += len(hits)
                first = texts.index.get_loc(hits.index[0])
                example = example or f"'{hits.iloc[0]}' read as {values[name][first]:.12g}"
        if names:
            repairs.note(kind, f"column {list_names(names)}: {words}, {example}", count=count, example=example)


def _mark_pattern(kind: str, scan: Scan, mark: str | None) -> str:
    if kind in ("decimal_comma", "parentheses"):
        return mark or ""
    if kind == "units":
        return re.escape(scan.unit)
    other = r"\." if scan.decimal == "," else "," if scan.parts is not None else ""
    group = rf"{other}|\d[{_SPACES}]\d" if other else ""
    return rf"\d(?:{other})\d{{3}}|\d[{_SPACES}]\d{{3}}" if group else ""


def _join_units(parts: pd.DataFrame) -> pd.Series:
    joined = parts["pre"].fillna("") + parts["cur"].fillna("") + parts["post"].fillna("")
    return joined.str.strip()


def _refuse_unusable(file: TableFile, name: str, numbers: np.ndarray, texts: np.ndarray, bad: np.ndarray) -> None:
    """Refuse formulas, infinities and numbers beyond 1e15.

    Raises:
        DataError: Names the first such cell.
    """
    problems: list[tuple[int, str]] = []
    formulas = [k for k in bad[:1000] if str(texts[k])[:1] in "=@" or re.match(r"[+-]\s*[A-Za-z=@(]", str(texts[k]))]
    if formulas:
        problems.append((int(formulas[0]), "is a formula, not a number: save the file with values instead of formulas"))
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        problems.append((int(infinite[0]), "is infinite: replace it or remove the row"))
    large = np.flatnonzero(np.abs(np.where(np.isinf(numbers), 0, numbers)) > MAX_VALUE)
    if len(large):
        problems.append((int(large[0]), f"is beyond {MAX_VALUE:g}: replace it or remove the row"))
    if problems:
        at, problem = min(problems)
        raise DataError(f"row {file.rows[at]}, column '{shorten(name)}': {quote_cell(str(texts[at]))} {problem}.")
