"""Labels of custom texts: spelling variants, contradictions between duplicates, and rare labels."""

import unicodedata
from collections import Counter

import numpy as np
import pandas as pd

from dlcore.data.repairs import Repairs
from dlcore.data.text.cleaning import clean_text

OTHER = "other"
"""The label of merged rare labels."""


def normalize_label(label: str) -> str:
    """Return a label cleaned and composed (NFC), as it is shown."""
    return unicodedata.normalize("NFC", clean_text(label))


def merge_variants(frame: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Give labels that differ only in case, spaces or composed accents the most frequent spelling."""
    counts = Counter(frame["label"])
    groups: dict[str, list[str]] = {}
    for label in counts:  # in the order of the file
        key = unicodedata.normalize("NFC", normalize_label(label).casefold())
        groups.setdefault(key, []).append(label)
    names: dict[str, str] = {}
    for group in groups.values():
        names |= dict.fromkeys(group, normalize_label(max(group, key=counts.__getitem__)))
    variants = [group for group in groups.values() if len(group) > 1]
    how = "merge"
    if variants:
        changed = frame["label"] != frame["label"].map(names)
        pairs = "; ".join(" = ".join(f"'{label[:40]}'" for label in group) for group in variants)
        how = repairs.choose(
            "label_variants",
            f"Labels that differ only in case, spaces or accents: {_shorten(pairs)}.",
            ("merge", "keep"),
            default="merge",
            count=sum(len(group) - 1 for group in variants),
            where=f"row {frame['row'].iloc[int(np.argmax(changed))]}",
            example=pairs,
        )
    if how == "keep":
        repairs.record(f"labels that differ only in case, spaces or accents stay apart: {_shorten(pairs)}")
        return frame
    for group in variants:
        merged = ", ".join(f"'{label[:40]}'" for label in group if label != names[label])
        repairs.record(
            f"label {merged} merged into '{names[group[0]][:40]}' ({sum(counts[label] for label in group):,} rows)"
        )
    cleaned = [group[0] for group in groups.values() if len(group) == 1 and group[0] != names[group[0]]]
    if cleaned:
        renamed = ", ".join(f"'{label[:40]}' is '{names[label][:40]}'" for label in cleaned)
        repairs.record(f"labels cleaned: {_shorten(renamed)}")
    return frame.assign(label=frame["label"].map(names))


def resolve_duplicates(frame: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Count equal texts once, and decide on those with different labels; case does not matter.

    A text of several splits stays in the test split.
    """
    keys = frame["text"].map(lambda text: unicodedata.normalize("NFC", text).lower())
    frame = frame.assign(key=keys)
    conflicting = frame.groupby("key", sort=False)["label"].transform("nunique") > 1
    by = "key"
    if conflicting.any():
        frame, by = _resolve_conflicts(frame, conflicting.to_numpy(), repairs)
    rank = frame["split"].map({"test": 0, "validation": 1}).fillna(2)
    order = frame.assign(rank=rank).sort_values("rank", kind="stable")
    duplicate = order.duplicated(["key", "label"] if by == "both" else ["key"]).reindex(frame.index)
    if duplicate.any():
        first = frame.iloc[int(np.argmax(duplicate))]
        repairs.note(
            "duplicate_texts",
            f"equal texts are counted once: {int(duplicate.sum()):,} of {len(frame):,} rows left out",
            count=int(duplicate.sum()),
            where=f"row {first['row']}",
            example=first["text"],
        )
    return frame[~duplicate].drop(columns="key")


def _resolve_conflicts(frame: pd.DataFrame, rows: np.ndarray, repairs: Repairs) -> tuple[pd.DataFrame, str]:
    """Return the frame, and what makes a duplicate from now on: the `key`, or key and label (`both`)."""
    conflicts = frame[rows]
    first = conflicts.iloc[0]
    labels = conflicts.loc[conflicts["key"] == first["key"], "label"].unique()
    texts = conflicts["key"].nunique()
    how = repairs.choose(
        "conflicting_labels",
        f"Equal texts with different labels: {texts:,} in {len(conflicts):,} rows.",
        ("drop_all", "first", "keep"),
        default="drop_all",
        count=texts,
        where=f"row {first['row']}",
        example=f"{', '.join(map(str, labels[:4]))}: {first['text']}",
    )
    what = f"equal texts with different labels ({texts:,}, first at row {first['row']})"
    if how == "keep":
        repairs.record(f"{what} used once with each label")
        return frame, "both"
    if how == "first":
        usual = frame.groupby("key", sort=False)["label"].transform("first")
        contradicts = frame["label"] != usual
        repairs.record(f"{what} have the label of their first row, rows left out: {int(contradicts.sum()):,}")
        return frame[~contradicts], "key"
    repairs.record(f"{what} left out, rows: {len(conflicts):,}")
    return frame[~rows], "key"


def resolve_rare(frame: pd.DataFrame, repairs: Repairs, *, minimum: int) -> pd.DataFrame:
    """Leave out labels with fewer than `minimum` texts for training, or merge them into `other`."""
    counts = frame["label"].value_counts()
    train = frame.loc[frame["split"] != "test", "label"].value_counts().reindex(counts.index, fill_value=0)
    rare = sorted(train.index[train < minimum])
    if not rare:
        return frame
    rows = frame["label"].isin(rare)
    names = ", ".join(f"'{name[:40]}' ({train[name]})" for name in rare)
    how = repairs.choose(
        "rare_labels",
        f"Labels with fewer than {minimum} texts: {_shorten(names)}.",
        ("leave_out", "merge_other"),
        default="leave_out",
        count=len(rare),
        where=f"row {frame['row'].iloc[int(np.argmax(rows))]}",
        example=names,
    )
    if how == "leave_out":
        repairs.record(f"rare labels left out, with their texts: {_shorten(names)}")
        return frame[~rows]
    other = next((name for name in counts.index if name.casefold() == OTHER), OTHER)
    repairs.record(f"rare labels merged into '{other}': {_shorten(names)}")
    frame = frame.assign(label=frame["label"].where(~rows, other))
    merged = frame["label"] == other
    few = int((merged & (frame["split"] != "test")).sum())
    if few >= minimum:
        return frame
    repairs.record(f"label '{other}' left out: it has {few} texts, fewer than {minimum}")
    return frame[~merged]


def _shorten(names: str) -> str:
    return names if len(names) <= 20_000 else f"{names[:20_000]}..."
