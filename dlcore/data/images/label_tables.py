"""Tables beside images that name the class of every file, and perhaps its split: `filename,label[,split]`."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dlcore.core.errors import DataError
from dlcore.data.images.layout import split_of
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.read import read_table

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx")
MIN_SHARE = 0.5
"""Share of the cells of a column that name images, for a column of file names."""
_TRUE, _FALSE = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")
_LABELS = ("label", "labels", "class", "classname", "category", "target", "species", "breed", "type", "y")
_FLAG_PARTS = {"istest": "test", "test": "test", "isvalid": "validation", "isval": "validation"}
_FLAG_PARTS |= {"isvalidation": "validation", "istrain": "train"}
"""Columns of 0 and 1, or true and false: the split of the rows where it is true."""
_SPLITS = ("split", "set", "subset", "dataset", "part", "partition", "usage", "phase")


@dataclass(frozen=True)
class LabelRow:
    """A row of a label table: the image it names, its label, and its split (empty if the row names none)."""

    file: str
    label: str
    part: str


@dataclass(frozen=True)
class LabelTable:
    """A label table: its path, its rows, how many rows name no image, and how many contradict an earlier row."""

    name: str
    rows: tuple[LabelRow, ...]
    missing: int = 0
    first_missing: str = ""
    contradictions: int = 0


def read_label_tables(tables: Mapping[str, bytes], files: Collection[str], repairs: Repairs) -> list[LabelTable]:
    """Read the tables that label at least two of the image files; problems of these tables go to `repairs`."""
    if not tables:
        return []
    finder = _FileFinder(files)
    read = []
    for name, content in tables.items():
        draft = Repairs(repairs.choices, repairs.accept_defaults)
        try:
            cells = read_table(content, draft).table
        except DataError:
            continue
        table = _read_labels(name, [list(map(str, cells.columns)), *cells.to_numpy().tolist()], finder)
        if table is not None:
            repairs.problems.extend(draft.problems)
            repairs.receipt.extend(draft.receipt)
            read.append(table)
    return read


def read_split_lists(tables: Mapping[str, bytes], files: Collection[str]) -> dict[str, dict[str, str]]:
    """Return for every list of files that is named after a split (`test.txt`), and every table of files and splits,
    the split of its images by path."""
    lists: dict[str, dict[str, str]] = {}
    finder = _FileFinder(files if tables else ())
    for name, content in tables.items():
        images = _read_splits(name, content, finder)
        if images:
            lists[name] = images
            continue
        part, lines = split_of(PurePosixPath(name).stem), content.decode("utf-8", "replace").split("\n")
        cells = [line.strip() for line in lines if line.strip()]
        listed = [image for cell in cells if part and (image := finder.find(cell, name))]
        if listed and len(listed) >= MIN_SHARE * len(cells):
            lists[name] = dict.fromkeys(listed, part)
    return lists


def _read_splits(name: str, content: bytes, finder: "_FileFinder") -> dict[str, str]:
    """Return the split of every image that a table of files and splits names; empty if it is none."""
    try:
        table = read_table(content, Repairs(accept_defaults=True)).table
    except DataError:
        return {}
    header, body = list(map(str, table.columns)), table.to_numpy().tolist()
    split = _find_split_column(header, body, has_header=True)
    flag, parts = _find_flag_column(header, body) if split < 0 else (-1, {})
    files = {k: [finder.find(row[k], name) for row in body] for k in range(len(header)) if k not in (split, flag)}
    column = max(files, key=lambda k: sum(map(bool, files[k])), default=-1)
    if max(split, flag) < 0 or column < 0 or sum(map(bool, files[column])) < MIN_SHARE * len(body):
        return {}
    cells = [split_of(row[split]) if flag < 0 else parts[row[flag].strip().lower()] for row in body]
    return {file: part for file, part in zip(files[column], cells, strict=True) if file and part}


class _FileFinder:
    """Finds image files by path, by the end of their path, or by their name without its ending."""

    def __init__(self, files: Collection[str]) -> None:
        self.by_name: dict[str, list[str]] = defaultdict(list)
        for file in files:
            path = PurePosixPath(file)
            for key in {path.name, path.stem}:
                self.by_name[key].append(file)

    def find(self, cell: str, table: str) -> str:
        """Return the image that a cell of a table names; empty if there is none, or several."""
        ending = unicodedata.normalize("NFC", cell.strip().replace("\\", "/")).removeprefix("./").lstrip("/")
        path = PurePosixPath(ending)
        matches = [file for file in self.by_name.get(path.name, ()) if _ends_with(file, ending)]
        beside = str(PurePosixPath(table).parent / ending)
        exact = [file for file in matches if file in (beside, ending)]
        if len(matches) > 1 and not exact:
            matches = [file for file in matches if _split_of_path(file) == _split_of_path(table) != ""]
        matches = exact or matches
        return matches[0] if len(matches) == 1 else ""


def _ends_with(file: str, ending: str) -> bool:
    return any(f"/{path}".endswith(f"/{ending}") for path in (file, str(PurePosixPath(file).with_suffix(""))))


def _split_of_path(path: str) -> str:
    return next((part for name in reversed(PurePosixPath(path).with_suffix("").parts) if (part := split_of(name))), "")


def _read_labels(name: str, cells: list[list[str]], finder: _FileFinder) -> LabelTable | None:
    header, body = cells[0], cells[1:]
    if len(header) < 2:
        return None
    sample = body[:: max(1, len(body) // 200)]
    shares = [sum(bool(finder.find(row[k], name)) for row in sample) / len(sample) for k in range(len(header))]
    file_column = max(range(len(header)), key=lambda k: shares[k])
    if shares[file_column] < MIN_SHARE:
        return None
    has_header = not finder.find(header[file_column], name)
    split_column = _find_split_column(header, body, has_header=has_header)
    flag_column, flag_parts = _find_flag_column(header, body) if split_column < 0 and has_header else (-1, {})
    if flag_column >= 0:
        split_column, body = flag_column, [_replace(row, flag_column, flag_parts) for row in body]
    label_column = _find_label_column(header, body, {file_column, split_column}, has_header=has_header)
    if label_column < 0:
        return None
    matched = [
        (finder.find(row[file_column], name), row[label_column], row[split_column] if split_column >= 0 else "")
        for row in (body if has_header else cells)
    ]
    missing = [row[file_column] for row, (file, _, _) in zip(body, matched[-len(body) :], strict=True) if not file]
    rows = list(_label_rows(matched, name))
    labels: dict[str, str] = {}
    contradictions = sum(labels.setdefault(row.file, row.label) != row.label for row in rows)
    unique = tuple({row.file: row for row in reversed(rows)}.values())[::-1]
    return LabelTable(name, unique, len(missing), missing[0] if missing else "", contradictions)


def _label_rows(matched: list[tuple[str, str, str]], table: str) -> Iterator[LabelRow]:
    for file, label, split in matched:
        if file:
            part = (split_of(split) or split) if split else _split_of_path(file) or _split_of_path(table)
            yield LabelRow(file, unicodedata.normalize("NFC", label.strip()), part)


def _find_split_column(header: list[str], body: list[list[str]], *, has_header: bool) -> int:
    for k, name in enumerate(header):
        cells = [bool(split_of(row[k])) for row in body[:1000]]
        if (any(cells) and _plain(name) in _SPLITS) or (not has_header and all(cells)):
            return k
    return -1


def _find_flag_column(header: list[str], body: list[list[str]]) -> tuple[int, dict[str, str]]:
    """Return the column that marks the rows of one split, and the split that each of its cells means."""
    for k, name in enumerate(header):
        parts = flag_parts(name, {row[k].strip().lower() for row in body}) if _plain(name) in _FLAG_PARTS else {}
        if parts:
            return k, parts
    return -1, {}


def flag_parts(name: str, cells: Collection[str]) -> dict[str, str]:
    """Return what the cells of a flag such as `is_test` mean; empty if the column is no flag of a split."""
    part = _FLAG_PARTS.get(_plain(name), "")
    if not part or len(cells) != 2 or not {*cells} <= {*_TRUE, *_FALSE}:
        return {}
    other = "test" if part == "train" else "train"
    return {**dict.fromkeys(_TRUE, part), **dict.fromkeys(_FALSE, other)}


def _replace(row: list[str], column: int, parts: Mapping[str, str]) -> list[str]:
    return [*row[:column], parts[row[column].strip().lower()], *row[column + 1 :]]


def _find_label_column(header: list[str], body: list[list[str]], used: set[int], *, has_header: bool) -> int:
    left = [k for k in range(len(header)) if k not in used]
    if has_header:
        named = [k for name in _LABELS for k in left if _plain(header[k]) == name]
        if named:
            return named[0]
    return left[0] if len(left) == 1 and 1 < len({row[left[0]] for row in body}) <= max(2, len(body) // 2) else -1


def name_classes(labels: Collection[str]) -> dict[str, str]:
    """Return the class name of every label; different labels have different names."""
    names: dict[str, str] = {}
    for label in sorted(labels, key=lambda label: (label != label_name(label), label)):
        name, number = label_name(label), 2
        while name in names.values():
            name, number = f"{label_name(label)} ({number})", number + 1
        names[label] = name
    return dict(sorted(names.items()))


def label_name(text: str) -> str:
    """Return a class name that is printable and usable as a folder name."""
    clean = "".join(c if c.isprintable() and c not in "\\:/" else "_" for c in text)[:100]
    return f"_{clean[1:]}" if clean.startswith(".") else clean


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
