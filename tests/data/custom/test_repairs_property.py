"""Repairs of pairs and images change nothing that the receipt does not name: random faults, random choices."""

import io
import zipfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_sets import pattern, zipped
from invalid_images import encoded
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.images.folders import ARCHIVE

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CHOICE = st.integers(0, 2**16)


def choose(preview, seed: int) -> dict[str, str]:
    """One of the choices of every problem, at random."""
    generator = np.random.default_rng(seed)
    return {each.kind: str(generator.choice(each.choices)) for each in preview.problems if each.choices}


def is_named(receipt: str, name: str, words: str) -> bool:
    return any(words in line and f"'{name}'" in line for line in receipt.split("\n"))


marks = st.sampled_from(["", " ", "  ", "Ü", "\u00ad", "<b>", "&amp;", "A", "\u2028", '"', "e\u0301"])
pair_faults = st.fixed_dictionaries(
    {
        "left": st.lists(marks, min_size=5, max_size=12),
        "right": st.lists(marks, min_size=5, max_size=12),
        "empty": st.sets(st.integers(0, 139), max_size=4),
        "long": st.sets(st.integers(0, 139), max_size=3),
        "equal": st.sets(st.integers(0, 139), max_size=5),
        "conflict": st.sets(st.integers(0, 139), max_size=5),
        "spare": st.booleans(),
        "seed": CHOICE,
    }
)


@SLOW
@given(fault=pair_faults)
def test_repairs_of_pairs_change_only_what_the_receipt_names(fault):
    rows = [
        (f"w{k} {fault['left'][k % len(fault['left'])]}x", f"{fault['right'][k % len(fault['right'])]}y{k}")
        for k in range(140)
    ]
    rows = [(a, "" if k in fault["empty"] else "z" * 130 if k in fault["long"] else b) for k, (a, b) in enumerate(rows)]
    rows += [rows[k] for k in sorted(fault["equal"])] + [(rows[k][0], f"other {k}") for k in sorted(fault["conflict"])]
    quoted = [[cell.replace('"', '""') for cell in (*row, *(["1"] if fault["spare"] else []))] for row in rows]
    header = "input,target" + (",id" if fault["spare"] else "")
    payload = "\n".join([header, *('"' + '","'.join(row) + '"' for row in quoted)]).encode()
    repair = choose(custom_pairs.IMPORTER.preview(payload), fault["seed"])
    preview = custom_pairs.IMPORTER.preview(payload, repair=repair)
    receipt = "\n".join(preview.receipt)
    raw = {(a.strip().lower(), b.strip()) for a, b in rows}
    assert set(preview.data) <= raw
    assert ("inputs lowercased" in receipt) == any(a.strip() != a.strip().lower() for a, _ in rows)
    assert ("trimmed" in receipt) == any(side != side.strip() for row in rows for side in row)
    assert ("columns left out: 'id'" in receipt) == fault["spare"]
    assert ("empty cell" in receipt) == bool(fault["empty"])
    assert ("more than 120 characters" in receipt) == bool(fault["long"] - fault["empty"])
    usable = [row for row in rows if row[1].strip() and len(row[1]) <= 120]
    assert ("counted once" in receipt) == (len({(a.strip().lower(), b.strip()) for a, b in usable}) < len(usable))
    lost = {pair for pair in raw if pair[1] and len(pair[1]) <= 120} - set(preview.data)
    assert not lost or "equal inputs with different targets" in receipt
    if repair.get("conflicting_targets") == "first":
        firsts: dict[str, str] = {}
        for a, b in usable:
            firsts.setdefault(a.strip().lower(), b.strip())
        assert dict(preview.data) == firsts


image_faults = st.fixed_dictionaries(
    {
        "splits": st.sampled_from([("",), ("",), ("train/", "test/"), ("set/Train_img/", "set/val/", "set/test_img/")]),
        "classes": st.lists(
            st.sampled_from(["cat", "Cat", "dog", "dog ", "Brötchen", "Bro\u0308tchen", "a b", "tiny", "x.y"]),
            min_size=2,
            max_size=5,
            unique=True,
        ),
        "deeper": st.booleans(),
        "broken": st.integers(0, 3),
        "deep": st.booleans(),
        "copy": st.booleans(),
        "backslash": st.booleans(),
        "flag": st.booleans(),
        "seed": CHOICE,
    }
)


def plant(fault) -> dict[str, tuple[bytes, str, str]]:
    """Return content, class and split by path as a person would say them."""
    files: dict[str, tuple[bytes, str, str]] = {}
    number = 0
    for split in fault["splits"]:
        part = "test" if "test" in split else "validation" if "val" in split else "train"
        for label in fault["classes"]:
            for k in range(3 if label == "tiny" else 6):
                number += 1
                folder = f"{split}{label}/inner" if fault["deeper"] and k == 0 else f"{split}{label}"
                files[f"{folder}/{number}.png"] = (pattern(number), label, part)
    first, last = next(iter(files)), list(files)[-1]
    if fault["deep"]:
        deep = Image.fromarray((np.arange(24 * 24).reshape(24, 24) * 7).astype(np.uint16))
        files[first] = (encoded(deep, "PNG"), *files[first][1:])
    if fault["copy"]:
        files[last] = (files[list(files)[1]][0], *files[last][1:])
    return files


@SLOW
@given(fault=image_faults)
def test_repairs_of_images_change_only_what_the_receipt_names(fault, tmp_path_factory):
    planted = plant(fault)
    content = {name: data for name, (data, _, _) in planted.items()}
    content |= {f"{fault['classes'][0]}/broken{k}.jpg": b"\xff\xd8no" for k in range(fault["broken"])}
    if fault["backslash"]:
        content = {name.replace("/", "\\"): data for name, data in content.items()}
    payload = zipped(content, utf8_flag=fault["flag"])
    try:
        repair = choose(custom_images.IMPORTER.preview(payload), fault["seed"])
        preview = custom_images.IMPORTER.preview(payload, repair=repair)
    except DataError as error:
        assert "class" in str(error)
        return
    receipt = "\n".join(preview.receipt)
    folder = tmp_path_factory.mktemp("saved")
    custom_images._write(preview.data, folder)
    with zipfile.ZipFile(io.BytesIO((folder / ARCHIVE).read_bytes())) as archive:
        saved = {info.filename: archive.read(info) for info in archive.infolist()}
    by_number = {name.rpartition("/")[2].partition(".")[0]: item for name, item in planted.items()}
    assert len(saved) == preview.rows == len(preview.data.entries)
    numbers = set()
    for entry, (path, data) in zip(preview.data.entries, saved.items(), strict=True):
        number = entry.name.rpartition("/")[2].partition(".")[0]
        numbers.add(number)
        original, label, part = by_number[number]
        assert data == original and path.startswith(f"{entry.part}/{entry.label}/")
        assert entry.part == (part if len(fault["splits"]) > 1 else "train")
        composed = label.replace("o\u0308", "ö")
        assert (
            entry.label == composed
            or is_named(receipt, label, "merged the classes")
            or (entry.label == "inner" and "in deeper folders: the class is the last folder" in receipt)
        )
    lost = [item for number, item in by_number.items() if number not in numbers]
    for _, label, _ in lost:
        words = ("left out classes with fewer", "classes without training images")
        assert any(is_named(receipt, label.replace("o\u0308", "ö"), each) for each in words) or (
            fault["deeper"] and any(is_named(receipt, "inner", each) for each in words)
        )
    is_renamed = fault["backslash"] or any(not label.isascii() for label in fault["classes"])
    assert ("file names were read as" in receipt) <= is_renamed
    assert ("files were left out" in receipt) == bool(fault["broken"])
    assert ("16 bits per pixel" in receipt) == (fault["deep"] and "1" in numbers)
    assert len(fault["splits"]) == 1 or "splits by folder" in receipt
