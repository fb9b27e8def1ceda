"""Import of custom texts: a table with a text and a label column, for classification."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from dlcore.core.config import Config
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom import labels as label_steps
from dlcore.data.custom import registry, versions
from dlcore.data.custom import text_columns as columns_of
from dlcore.data.custom.importer import NO_COLUMN, Importer, Inspection, Payload, Preview, column
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.cells import list_names
from dlcore.data.tabular.read import SUFFIXES, TableFile, read_table
from dlcore.data.text import corpora
from dlcore.data.text.cleaning import clean_text
from dlcore.data.text.corpora import TextDataset, deduplicate

BYTES_LIMIT = 64 * 2**20
MAX_ROWS = 200_000
MAX_CHARACTERS = 100_000
"""Maximum characters per text."""
MIN_TEXTS = 5
"""Texts per class, so that each split has some."""
MAX_CLASSES, MAX_LABEL = 200, 200
FILE = "texts.json"
SAMPLES, SAMPLE_LETTERS = 8, 200


class TextOptions(Config):
    """Columns of texts and labels."""

    text: str = column("The text column.")
    label: str = column("The label column: the class of each text.")
    split: str = column(
        "A column with train, validation or test for each text; none to split at random.", optional=True
    )


@dataclass(frozen=True)
class ValidatedTexts:
    """Cleaned, distinct texts, class numbers (N,) int64, class names, and the number of duplicates left out.

    `splits` (N,) are train, validation or test as the file says, empty if it does not.
    """

    texts: list[str]
    labels: np.ndarray
    names: tuple[str, ...]
    duplicates: int = 0
    splits: tuple[str, ...] = ()


def open_file(payload: Payload, repairs: Repairs) -> TableFile:
    """Read a table of texts.

    Raises:
        DataError: The file is too large, damaged, or no table.
    """
    file = read_table(cast(bytes, payload), repairs, limit=BYTES_LIMIT, rows=MAX_ROWS)
    if len(file.columns) < 2:
        raise DataError(
            f"row 1: one column ({list_names(file.columns)}): texts need a text and a label column, separated by a "
            "comma, semicolon, tab or bar."
        )
    return columns_of.restore_header_row(file, repairs, limit=MAX_CLASSES)


def inspect(file: TableFile) -> Inspection:
    """List the columns with sample rows, and guess which hold texts, labels and splits."""
    options = {role: name for role, name in columns_of.guess_roles(file, limit=MAX_CLASSES).items() if name}
    return Inspection(file.columns, options, file.format, columns_of.sample_rows(file))


def validate(file: TableFile, options: TextOptions, repairs: Repairs) -> Preview[ValidatedTexts]:
    """Check every row, repair what can be repaired, and number the classes.

    Raises:
        ConfigError: A repair is invalid.
        DataError: No column or too few texts or classes are usable; names column and reason.
    """
    roles = _choose_columns(file, options)
    columns_of.record_unused_columns(file, tuple(roles.values()), repairs)
    frame = _read_texts(file, roles, repairs)
    frame = columns_of.leave_out_empty(frame, roles, repairs)
    if frame.empty:
        raise DataError(
            f"no row has both a '{roles['text'][:40]}' and a '{roles['label'][:40]}': choose other columns."
        )
    frame = label_steps.merge_variants(_shorten(frame, repairs), repairs)
    rows, labels = len(frame), frame["label"].nunique()
    frame = label_steps.resolve_duplicates(frame, repairs)
    duplicates = rows - len(frame)
    frame = label_steps.resolve_rare(frame, repairs, minimum=MIN_TEXTS)
    _check_classes(frame, roles["label"], rows=rows, labels=labels)
    return _preview(file, roles, frame, duplicates)


def load(name: str, *, checksum: str = "") -> TextDataset:
    """Load saved texts without duplicates.

    Raises:
        DataError: The dataset is missing, or has another checksum.
    """
    entry = registry.require(name, "text", checksum=checksum)
    if versions.is_version(entry):
        return _load_version(versions.load_version(entry), entry.checksum)
    saved = json.loads((entry.folder / FILE).read_text(encoding="utf-8"))
    texts, labels, names = saved["texts"], np.array(saved["labels"], dtype=np.int64), tuple(saved["names"])
    if "duplicates" not in saved:  # saved by an earlier release
        return deduplicate(texts, labels, names, checksum=entry.checksum)
    splits = np.array(saved.get("splits", []))
    return TextDataset(
        texts=texts,
        labels=labels,
        rows=np.arange(len(texts)),
        names=names,
        doubled=saved["duplicates"],
        checksum=entry.checksum,
        test=splits == "test" if len(splits) else None,
        validation=splits == "validation" if "validation" in splits else None,
    )


def _load_version(version: versions.Version, checksum: str) -> TextDataset:
    is_custom = registry.is_custom(version.base)
    base = load(version.base, checksum=version.base_checksum) if is_custom else corpora.load(version.base)
    rows = np.concatenate([version.train, version.validation, version.test])
    positions = np.flatnonzero(np.isin(base.rows, rows))
    used = base.rows[positions]
    is_test = np.isin(used, version.test)
    labels = np.where(is_test, base.labels[positions], version.relabel(used, base.labels[positions]))
    return replace(
        base,
        texts=[base.texts[position] for position in positions],
        labels=labels,
        rows=used,
        checksum=checksum,
        test=is_test,
        validation=np.isin(used, version.validation),
    )


def _choose_columns(file: TableFile, options: TextOptions) -> dict[str, str]:
    """Return the columns by role; `split` only if there is one."""
    is_split = options.split != NO_COLUMN or NO_COLUMN in file.columns
    requested = {"text": options.text, "label": options.label, "split": options.split}
    guesses = columns_of.guess_roles(file, limit=MAX_CLASSES, **requested)
    roles = {
        role: columns_of.require_column(file, role, getattr(options, role), guesses[role]) for role in ("text", "label")
    }
    if is_split and guesses["split"]:
        roles["split"] = file.known(guesses["split"])
    if len(set(roles.values())) < len(roles):
        raise DataError(f"column '{roles['text'][:40]}' is used twice: {', '.join(roles)} are different columns.")
    return roles


def _read_texts(file: TableFile, roles: dict[str, str], repairs: Repairs) -> pd.DataFrame:
    """Return cleaned texts, labels and splits by row number of the file."""
    raw = file.table[roles["text"]]
    frame = pd.DataFrame({"row": file.rows, "text": raw.map(clean_text), "label": file.table[roles["label"]]})
    frame["label"] = frame["label"].where(frame["label"].map(label_steps.normalize_label) != "", "")
    lengths = frame["label"].str.len().to_numpy()
    if len(lengths) and lengths.max() > MAX_LABEL:
        row = int(np.argmax(lengths))
        raise DataError(
            f"row {frame['row'].iloc[row]}, column '{roles['label'][:40]}': a label of {lengths[row]:,} characters: "
            f"the limit is {MAX_LABEL}. Shorten it, or choose another --label column."
        )
    frame["split"] = _read_splits(file, roles["split"]) if "split" in roles else "train"
    changed = (frame["text"] != raw).to_numpy()
    if changed.any():
        repairs.record(
            f"texts cleaned of HTML tags, entities, control and invisible characters, and extra spaces: "
            f"{int(changed.sum()):,} (first at row {frame['row'].iloc[int(np.argmax(changed))]})"
        )
    return frame


def _read_splits(file: TableFile, name: str) -> "pd.Series[str]":
    values = file.table[name].str.strip().str.lower()
    parts = columns_of.split_parts(file, name) or columns_of.SPLITS
    unknown = (values != "") & ~values.isin(list(parts))
    if unknown.any():
        row = int(np.argmax(unknown))
        raise DataError(
            f"row {file.rows[row]}, column '{name[:40]}': '{values.iloc[row][:40]}' is no split: use train, validation "
            "or test, or --split none."
        )
    if "test" not in set(values.map(parts)):
        raise DataError(f"column '{name[:40]}' has no test texts: mark some with test, or choose --split none.")
    return values.map(parts).fillna("")


def _shorten(frame: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Cut or leave out texts of more than `MAX_CHARACTERS` characters."""
    lengths = frame["text"].str.len().to_numpy()
    long = lengths > MAX_CHARACTERS
    if not long.any():
        return frame
    first = int(np.argmax(long))
    where, count = f"row {frame['row'].iloc[first]}", int(long.sum())
    choice = repairs.choose(
        "long_texts",
        f"Texts of more than {MAX_CHARACTERS:,} characters: {count:,}. Models read hundreds of words.",
        (f"cut:{MAX_CHARACTERS}", "leave_out"),
        default=f"cut:{MAX_CHARACTERS}",
        count=count,
        where=where,
        example=f"{lengths[first]:,} characters: {frame['text'].iloc[first][:40]}",
    )
    how, _, value = choice.partition(":")
    if how == "leave_out":
        repairs.record(f"texts of more than {MAX_CHARACTERS:,} characters left out: {count:,} (first at {where})")
        return frame[~long]
    limit = int(value) if value.isdecimal() else MAX_CHARACTERS if not value else 0
    if not 1 <= limit <= MAX_CHARACTERS:
        raise ConfigError(f"--repair long_texts={choice[:40]}: cut at 1 to {MAX_CHARACTERS} characters.")
    repairs.record(f"texts cut to {limit:,} characters: {count:,} (first at {where}, {lengths[first]:,} characters)")
    return frame.assign(text=frame["text"].where(~long, frame["text"].str[:limit].str.rstrip()))


def _check_classes(frame: pd.DataFrame, name: str, *, rows: int, labels: int) -> None:
    count = frame["label"].nunique()
    if 2 <= count <= MAX_CLASSES:
        return
    usable = f"{labels:,} different labels in {rows:,} rows"
    if count > MAX_CLASSES:
        raise DataError(
            f"column '{name[:40]}' has {usable}; expected 2 to {MAX_CLASSES}: choose another --label column."
        )
    raise DataError(
        f"column '{name[:40]}' has {usable}, but {count} with at least {MIN_TEXTS} distinct texts; expected 2 to "
        f"{MAX_CLASSES}: add texts, merge labels, or choose another --label column."
    )


def _preview(file: TableFile, roles: dict[str, str], frame: pd.DataFrame, duplicates: int) -> Preview[ValidatedTexts]:
    names = tuple(sorted(frame["label"].unique()))
    number = {name: k for k, name in enumerate(names)}
    texts, labels = frame["text"].tolist(), frame["label"].map(number).to_numpy(np.int64)
    splits = tuple(frame["split"]) if "split" in roles else ()
    data = ValidatedTexts(texts, labels, names, duplicates, splits)
    content = {
        "kind": "texts",
        "columns": columns_of.describe_roles(file, {name: role for role, name in roles.items()}),
        "classes": _count_classes(frame, names, is_split="split" in roles),
    }
    left_out = len(file.rows) - len(texts)
    return Preview(
        kind="text",
        data=data,
        rows=len(texts),
        checksum=hashlib.sha256(_encode(_content(data))).hexdigest(),
        facts={"classes": list(names), **roles},
        columns=names,
        guesses=roles,
        summary=(
            ("Texts", f"{len(texts):,}", f"{left_out:,} of {len(file.rows):,} rows left out" if left_out else ""),
            ("Classes", str(len(names)), ""),
        ),
        samples=tuple(
            {"Text": text[:SAMPLE_LETTERS], "Label": label}
            for text, label in zip(texts[:SAMPLES], frame["label"][:SAMPLES], strict=True)
        ),
        content=content,
    )


def _count_classes(frame: pd.DataFrame, names: tuple[str, ...], *, is_split: bool) -> dict[str, dict[str, int]]:
    if not is_split:
        counts = Counter(frame["label"])
        return {name: {"all": counts[name]} for name in names}
    parts = Counter(zip(frame["label"], frame["split"], strict=True))
    return {name: {part: parts[name, part] for part in ("train", "validation", "test")} for name in names}


def _content(data: ValidatedTexts) -> dict[str, Any]:
    splits = {"splits": data.splits} if data.splits else {}
    return {"texts": data.texts, "labels": data.labels.tolist(), "names": data.names, **splits}


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _write(data: ValidatedTexts, folder: Path) -> None:
    (folder / FILE).write_bytes(_encode({**_content(data), "duplicates": data.duplicates}))


IMPORTER = Importer[ValidatedTexts](
    kind="text",
    title="texts",
    summary="A table with a text and a label column: CSV, TSV, JSON, JSON lines, Excel or Parquet.",
    unit="texts",
    suffixes=SUFFIXES,
    byte_limit=BYTES_LIMIT,
    options=TextOptions,
    open=open_file,
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load,
    limits=(f"{MAX_ROWS:,} texts", f"{MAX_CLASSES} classes"),
)
