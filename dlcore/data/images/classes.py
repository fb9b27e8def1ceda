"""The class and the split of every image of a source, with repairs for what is ambiguous."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from dlcore.core.errors import DataError
from dlcore.data.images.folders import Entry, RejectedFile, sort_entries
from dlcore.data.images.label_tables import (
    LabelTable,
    label_name,
    name_classes,
    read_label_tables,
    read_split_lists,
)
from dlcore.data.images.layout import NO_CLASS, PARTS, Place, infer_layout, split_of
from dlcore.data.repairs import Repairs

MAX_CLASSES, MIN_IMAGES = 1_000, 5
FOOD11 = (
    "bread",
    "dairy product",
    "dessert",
    "egg",
    "fried food",
    "meat",
    "noodles and pasta",
    "rice",
    "seafood",
    "soup",
    "vegetable and fruit",
)
_NUMBERED = re.compile(r"(\d{1,3})_\d+(?:\.\w+)?")
"""A file of Food-11, `class_number.jpg`, in the folder of its split."""
_NAMED = 8
"""Classes or folders named in a message."""
Counts = dict[str, dict[str, int]]


def arrange(
    files: Collection[str], repairs: Repairs, tables: Mapping[str, bytes] | None = None
) -> tuple[list[Entry], list[RejectedFile], set[str]]:
    """Find class and split of every image by its path, or by label tables (content by path) beside the images.

    Returns the entries by split, class and name, the rejected files, and the label tables that were used.
    """
    folders = Counter(file.rpartition("/")[0] for file in files)
    places = infer_layout(folders)
    labeled = read_label_tables(tables or {}, files, repairs)
    in_folders = {place.folders[0] for place in places.values() if place.folders}
    listed = sum(len(table.rows) for table in labeled)
    if listed >= 2 and (2 * listed >= len(files) or len(in_folders) < 2):
        entries, rejected = _by_table(files, labeled, repairs)
        used = {table.name for table in labeled}
    elif (numbered := _food11(files)) is not None:
        entries, rejected, used = numbered, [], set()
    else:
        entries, rejected = _by_folder(files, folders, places, repairs)
        entries, used = _split_by_lists(entries, tables or {}, repairs)
    if len({entry.part for entry in entries}) < 2 and entries and entries[0].part != "train":
        repairs.record(f"all images are in the {entries[0].part} part alone: split at random")
        entries = [Entry(entry.name, entry.label) for entry in entries]
    entries = _merge_similar(entries, repairs)
    return sort_entries(entries), rejected, used


def _by_folder(
    files: Iterable[str], folders: Mapping[str, int], places: Mapping[str, Place], repairs: Repairs
) -> tuple[list[Entry], list[RejectedFile]]:
    _record_splits(folders, places, repairs)
    deeper = {folder: place for folder, place in places.items() if len(place.folders) > 1}
    last = bool(deeper) and _choose_depth(folders, deeper, repairs) == "last_folder"
    labels = {folder: label_name(place.folders[-1 if last else 0]) for folder, place in places.items() if place.folders}
    entries, rejected = [], []
    for file in files:
        folder = file.rpartition("/")[0]
        if folder in labels:
            entries.append(Entry(file, labels[folder], places[folder].part))
        else:
            rejected.append(RejectedFile(file, places[folder].reason or NO_CLASS))
    return entries, rejected


def _split_by_lists(
    entries: list[Entry], tables: Mapping[str, bytes], repairs: Repairs
) -> tuple[list[Entry], set[str]]:
    """Split images by lists such as `test.txt`, unless folders split them; return the lists that were used, too."""
    lists = read_split_lists(tables, [entry.name for entry in entries])
    if not lists or len({entry.part for entry in entries}) > 1:
        return entries, set()
    parts = {file: part for name in lists for file, part in lists[name].items()}
    for name, images in lists.items():
        for part, count in Counter(images.values()).items():
            repairs.record(f"{count:,} images are {part} by the list {name}")
    return [Entry(entry.name, entry.label, parts.get(entry.name, "train")) for entry in entries], set(lists)


def _record_splits(folders: Mapping[str, int], places: Mapping[str, Place], repairs: Repairs) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for folder, place in places.items():
        if place.root and place.folders:
            counts[place.part][place.root] += folders[folder]
    if len(counts) > 1:
        parts = [
            f"{', '.join(list(counts[part])[:3])} is {part} ({counts[part].total():,} images)"
            for part in PARTS
            if part in counts
        ]
        repairs.record(f"splits by folder: {'; '.join(parts)}")


def _choose_depth(folders: Mapping[str, int], deeper: Mapping[str, Place], repairs: Repairs) -> str:
    count, where = sum(folders[folder] for folder in deeper), min(deeper)
    place = deeper[where]
    how = repairs.choose(
        "deeper_folders",
        f"{count:,} images are in folders below the folder of a class: '{'/'.join(place.folders)}' may be class "
        f"'{place.folders[0]}' or class '{place.folders[-1]}'.",
        ("first_folder", "last_folder"),
        default="first_folder",
        count=count,
        where=where,
        example=", ".join(f"{'/'.join(deeper[folder].folders)}: {folders[folder]}" for folder in sorted(deeper)[:3]),
    )
    label = place.folders[-1 if how == "last_folder" else 0]
    side = "last folder" if how == "last_folder" else "first folder below the splits"
    repairs.record(f"{count:,} images in deeper folders: the class is the {side}, for example {where} is '{label}'")
    return how


def _food11(files: Collection[str]) -> list[Entry] | None:
    """Read `<split>/<class number>_<number>.jpg` if all images are laid out so."""
    entries = []
    for file in files:
        folders, _, name = file.rpartition("/")
        numbered, part = _NUMBERED.fullmatch(name), split_of(folders.rpartition("/")[2])
        if not numbered or not part:
            return None
        number = int(numbered[1])
        entries.append(Entry(file, FOOD11[number] if number < len(FOOD11) else str(number), part))
    return entries


def _by_table(
    files: Iterable[str], tables: Sequence[LabelTable], repairs: Repairs
) -> tuple[list[Entry], list[RejectedFile]]:
    rows = {row.file: row for table in tables for row in table.rows}
    names = ", ".join(table.name for table in tables[:3])
    labels = name_classes({row.label for row in rows.values() if row.label})
    entries, rejected = [], []
    for file in files:
        row = rows.get(file)
        if row is None:
            rejected.append(RejectedFile(file, f"it is not listed in {names}."))
        elif not row.label:
            rejected.append(RejectedFile(file, f"it has no label in {names}."))
        elif row.part not in ("", *PARTS):
            rejected.append(RejectedFile(file, f"its split '{row.part[:30]}' is none of {', '.join(PARTS)}."))
        else:
            entries.append(Entry(file, labels[row.label], row.part or "train"))
    repairs.record(f"labels of {len(entries):,} images from {names}")
    renamed = [f"'{label[:40]}' is '{name[:40]}'" for label, name in labels.items() if label != name]
    if renamed:
        repairs.record(f"labels renamed, as classes name folders: {', '.join(renamed[:20])}")
    for table in tables:
        if table.missing:
            repairs.note(
                "missing_files",
                f"{table.missing:,} rows name no image file and were left out.",
                count=table.missing,
                where=table.name,
                example=table.first_missing,
            )
        if table.contradictions:
            repairs.note(
                "contradictory_labels",
                f"{table.contradictions:,} rows repeat an image with another label: its first label is used.",
                count=table.contradictions,
                where=table.name,
            )
    return entries, rejected


def _merge_similar(entries: list[Entry], repairs: Repairs) -> list[Entry]:
    """Merge classes that differ only by case or by spaces, if chosen."""
    counts = Counter(entry.label for entry in entries)
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda name: (-counts[name], name)):
        groups[" ".join(label.casefold().split())].append(label)
    similar = [labels for labels in groups.values() if len(labels) > 1]
    if not similar:
        return entries
    how = repairs.choose(
        "similar_classes",
        f"{sum(map(len, similar))} class names differ only by case or spaces: {_quote_all(similar[0])}.",
        ("merge", "keep"),
        default="merge",
        count=len(similar),
        where=similar[0][0],
        example=", ".join(f"'{label}': {counts[label]}" for label in similar[0]),
    )
    if how == "keep":
        repairs.record(f"classes with similar names stay apart: {_quote_all(similar[0])}")
        return entries
    renamed: dict[str, str] = {}
    for labels in similar:
        target = " ".join(labels[0].split())
        renamed |= dict.fromkeys(labels, target)
        merged = ", ".join(f"'{label}' ({counts[label]:,} images)" for label in labels)
        repairs.record(f"merged the classes {merged} into '{target}'")
    return [Entry(entry.name, renamed.get(entry.label, entry.label), entry.part) for entry in entries]


def select_classes(
    entries: list[Entry], rejected: Sequence[RejectedFile], repairs: Repairs
) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the entries of the usable classes and the sorted class names; few images in a class are a problem.

    Raises:
        DataError: Fewer than two classes, or too many.
    """
    counts = count_images(entries)
    few = {name: part["train"] for name, part in counts.items() if 0 < part["train"] < MIN_IMAGES}
    untrained = [name for name, part in counts.items() if not part["train"]]
    dropped = {*_choose_few(few, counts, repairs), *_leave_out_untrained(untrained, counts, repairs)}
    names = tuple(sorted(set(counts) - dropped))
    check_classes(names, rejected, few, untrained)
    return [entry for entry in entries if entry.label not in dropped], names


def _choose_few(few: Mapping[str, int], counts: Counts, repairs: Repairs) -> list[str]:
    if not few:
        return []
    listed = _count_all(few)
    how = repairs.choose(
        "few_images",
        f"{len(few)} of {len(counts)} classes have fewer than {MIN_IMAGES} training images: {listed}.",
        ("leave_out", "include"),
        default="leave_out",
        count=len(few),
        where=min(few),
        example=listed,
    )
    if how == "include":
        repairs.record(f"classes with fewer than {MIN_IMAGES} training images are included: {listed}")
        return []
    left_out = sum(sum(counts[name].values()) for name in few)
    repairs.record(
        f"left out classes with fewer than {MIN_IMAGES} training images: {listed}; {left_out} images in all splits"
    )
    return list(few)


def _leave_out_untrained(untrained: list[str], counts: Counts, repairs: Repairs) -> list[str]:
    if untrained:
        images = {name: sum(counts[name].values()) for name in untrained}
        message = f"classes without training images were left out: {_count_all(images)}."
        where = min(untrained)
        repairs.note("untrained_classes", message, count=len(untrained), where=where, example=str(images[where]))
    return untrained


def check_classes(
    names: Sequence[str],
    rejected: Sequence[RejectedFile] = (),
    few: Mapping[str, int] | None = None,
    untrained: Sequence[str] = (),
) -> None:
    """Check the number of classes.

    Raises:
        DataError: Fewer than two, or too many.
    """
    left_out = [file for file in rejected if not file.used]
    tail = f" ({len(left_out)} files were left out; the first: {_describe_first(left_out)})" if left_out else ""
    if not names and untrained:
        raise DataError(
            f"its {len(untrained)} classes have validation or test images alone: name the folder of the training "
            "images train."
        )
    if len(names) < 2 and few:
        raise DataError(
            f"too few classes have {MIN_IMAGES} usable training images: {_count_all(few)}{tail}: provide at least "
            f"{MIN_IMAGES} per class, or choose few_images=include."
        )
    if len(names) < 2:
        content = f"only one class, '{names[0][:60]}'" if names else "no image in a class folder"
        raise DataError(f"it contains {content}{tail}: put the images of each class into a folder named after it.")
    if len(names) > MAX_CLASSES:
        raise DataError(f"it contains {len(names):,} classes; up to {MAX_CLASSES:,} are supported.")


def count_images(entries: Iterable[Entry]) -> Counts:
    """Count the images of every class by split."""
    counts: Counts = {}
    for entry in entries:
        counts.setdefault(entry.label, dict.fromkeys(PARTS, 0))[entry.part] += 1
    return dict(sorted(counts.items()))


def _describe_first(left_out: Sequence[RejectedFile]) -> str:
    file = min(left_out, key=lambda file: file.name)
    return f"{file.name[-60:]}, {file.reason.rstrip('.')}"


def _count_all(counts: Mapping[str, int]) -> str:
    names = sorted(counts)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name[:60]}' ({counts[name]})" for name in names[:_NAMED]) + more


def _quote_all(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:_NAMED])
