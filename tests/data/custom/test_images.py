"""Image sets as people have them become datasets with a receipt: splits, names, label tables, depth, awkward zips."""

import json
import unicodedata

import numpy as np
import pytest
from image_sets import pattern, photos, zipped
from invalid_images import encoded
from PIL import Image

from dlcore import cli, projects
from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom.images import IMPORTER
from dlcore.data.images import images


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def check(content: dict[str, bytes] | bytes, **options) -> dict:
    return IMPORTER.preview(content if isinstance(content, bytes) else zipped(content), **options).describe()


def load(content: dict[str, bytes], name: str = "mine", repair: str = "default") -> images.Images:
    IMPORTER.save(name, IMPORTER.preview(zipped(content), repair=repair))
    return images.load(f"custom:{name}")


def totals(described: dict) -> tuple[int, int, int]:
    counts = described["classes"].values()
    return tuple(sum(parts.get(part, 0) for parts in counts) for part in ("train", "validation", "test"))


CASE_04 = {
    "training_set.zip": ("training_set", "test_set"),
    "seg.zip": ("seg_train/seg_train", "seg_test/seg_test"),
    "images.zip": ("train_images", "test_images"),
}


@pytest.mark.parametrize("name", CASE_04)
def test_case_04_the_test_folder_is_the_test_split(name):
    train, test = CASE_04[name]
    content = photos(f"{train}/a", f"{train}/b", each=20)
    content |= {
        f"{test}/{label}/{100 + k}.png": pattern(1000 + 50 * (label == "b") + k) for label in "ab" for k in range(10)
    }
    data = load(content)
    assert len(data.labels) == 40 and len(data.test_labels) == 20
    assert check(content)["classes"] == {label: {"train": 20, "validation": 0, "test": 10} for label in "ab"}


SPLIT_FOLDERS = {
    "images first": ("data/images_train", "data/images_val", "data/images_test"),
    "camel case": ("TrainSet", "ValidSet", "TestSet"),
    "years": ("train2017", "val2017", "test2017"),
    "german": ("Trainingsdaten", "Validierung_valid", "Testdaten"),
    "images below": ("set/train/images", "set/dev/images", "set/test/images"),
    "one nested": ("train/train", "val", "test"),
    "joined": ("my-training-data", "my-validation-data", "my-evaluation-data"),
}


@pytest.mark.parametrize("name", SPLIT_FOLDERS)
def test_split_folders_anywhere_above_the_classes_keep_the_splits(name):
    train, validation, test = SPLIT_FOLDERS[name]
    content = photos(*(f"{part}/{label}" for part in (train, validation, test) for label in ("cat", "dog")), each=6)
    described = check(content)
    assert described["classes"] == {label: {"train": 6, "validation": 6, "test": 6} for label in ("cat", "dog")}
    assert described["problems"] == [] and "is validation (12 images)" in described["receipt"][0]


def test_a_test_folder_beside_the_classes_that_it_repeats_is_the_test_split():
    described = check(photos("bread", "rice", "soup", "test/bread", "test/rice", "test/soup", each=6))
    assert described["classes"] == {
        name: {"train": 6, "validation": 0, "test": 6} for name in ("bread", "rice", "soup")
    }


def test_split_folders_inside_every_class_keep_the_splits():
    described = check(photos("cat/train", "cat/test", "dog/train", "dog/test", each=6))
    assert described["classes"] == {name: {"train": 6, "validation": 0, "test": 6} for name in ("cat", "dog")}


@pytest.mark.parametrize("form", ["{}_{}", "{} {}", "{}-{}"])
def test_splits_in_the_names_of_class_folders_keep_the_splits(form):
    content = photos(*(form.format(part, label) for part in ("train", "test") for label in ("cat", "dog")), each=6)
    assert check(content)["classes"] == {name: {"train": 6, "validation": 0, "test": 6} for name in ("cat", "dog")}


def test_a_list_of_test_images_splits_class_folders():
    content = photos("food/images/soup", "food/images/rice", each=9)
    content["food/meta/test.txt"] = b"soup/0\nsoup/1\nrice/9\n"
    described = check(content)
    assert described["classes"] == {
        "rice": {"train": 8, "validation": 0, "test": 1},
        "soup": {"train": 7, "validation": 0, "test": 2},
    }
    assert described["receipt"] == ["3 images are test by the list food/meta/test.txt"]


@pytest.mark.parametrize("names", [("train", "bus", "car"), ("test tube", "beaker"), ("trainers", "sandals", "boots")])
def test_a_class_that_is_named_like_a_split_stays_a_class(names):
    assert check(photos(*(f"set/{name}" for name in names)))["classes"] == {name: {"all": 8} for name in names}
    inner = check(photos(*(f"{part}/{name}" for part in ("train", "test") for name in names)))
    assert inner["classes"] == {name: {"train": 8, "validation": 0, "test": 8} for name in names}


def test_images_outside_the_split_folders_are_left_out_and_named():
    described = check(photos("seg_train/a", "seg_train/b", "seg_test/a", "seg_test/b", "seg_pred/seg_pred"))
    assert totals(described) == (16, 0, 16)
    problem = next(problem for problem in described["problems"] if problem["kind"] == "rejected_files")
    assert problem["count"] == 8 and "none of the folders for training" in problem["message"]
    assert any("8 files were left out" in line for line in described["receipt"])


def test_a_run_validates_on_the_validation_part_of_the_person():
    content = photos(*(f"{part}/{label}" for part in ("train", "valid", "test") for label in "ab"), each=10)
    content["train/a/copy.png"] = content["valid/a/20.png"]
    described = check(content)
    assert next(p["count"] for p in described["problems"] if p["kind"] == "repeated_across_splits") == 1
    data = load(content)
    assert data.in_validation.sum() == 20 and len(data.labels) == 41 and len(data.test_labels) == 20
    config = projects.configure("architectures", dataset="custom:mine", preset="quick")
    prepared = projects.get("architectures").prepare(config)
    assert len(prepared.train) == 20 and len(prepared.validation) == 20 and len(prepared.test) == 20
    assert np.flatnonzero(data.in_validation).tolist() == prepared.validation.ids.tolist()


def test_a_validation_part_without_a_test_part_has_the_test_drawn_from_training():
    data = load(photos(*(f"{part}/{label}" for part in ("train", "valid") for label in "ab"), each=20))
    assert data.in_validation.sum() == 40 and len(data.test_labels) == 6 and len(data.labels) == 74


DEEPER = photos("shop/bibimbap/2024", "shop/bibimbap/2025", "shop/kimchi/2024", "shop/kimchi/2025")


@pytest.mark.parametrize(
    ("how", "classes"),
    [
        ("first_folder", {"bibimbap": {"all": 16}, "kimchi": {"all": 16}}),
        ("last_folder", {"2024": {"all": 16}, "2025": {"all": 16}}),
    ],
)
def test_folders_below_a_class_are_one_problem_with_a_choice(how, classes):
    pending = IMPORTER.preview(zipped(DEEPER)).pending
    assert [(p.kind, p.count, p.where, p.default) for p in pending] == [
        ("deeper_folders", 32, "shop/bibimbap/2024", "first_folder")
    ]
    assert "bibimbap/2024: 8, bibimbap/2025: 8" in pending[0].example
    described = check(DEEPER, repair={"deeper_folders": how})
    assert described["classes"] == classes and "32 images in deeper folders" in described["receipt"][0]


CASE_18 = {"mac.zip": ["Brötchen", "寿司"], "accents.zip": ["café", "thé"]}


def case_18(name: str) -> bytes:
    if name == "mac.zip":
        return zipped(photos("Brötchen", "寿司"), utf8_flag=False)
    train, test = ([unicodedata.normalize(form, label) for label in CASE_18[name]] for form in ("NFD", "NFC"))
    return zipped(photos(*(f"train/{label}" for label in train), *(f"test/{label}" for label in test)))


@pytest.mark.parametrize("name", CASE_18)
def test_case_18_names_in_zips(name):
    preview = IMPORTER.preview(case_18(name))
    assert list(preview.facts["classes"]) == CASE_18[name] and not preview.pending
    assert any("16 file names were read as UTF-8" in line for line in preview.receipt)


def test_names_without_the_flag_that_are_not_utf_8_are_code_page_437():
    packed = zipped(photos("BrXtchen", "sushi")).replace(b"BrXtchen", b"Br\x94tchen")
    assert list(IMPORTER.preview(packed).facts["classes"]) == ["Brötchen", "sushi"]


def test_one_class_in_two_compositions_keeps_all_images_of_both():
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    content = photos(composed, "thé") | {f"{decomposed}/{k}.png": pattern(900 + k) for k in range(8)}
    described = check(content)
    assert described["classes"] == {"café": {"all": 16}, "thé": {"all": 8}}
    assert len(load(content).labels) + len(images.load("custom:mine").test_labels) == 24


def test_backslashes_of_windows_zips_are_separators():
    packed = zipped({name.replace("/", "\\"): data for name, data in photos("set/train/a b", "set/train/c").items()})
    assert check(packed)["classes"] == {"a b": {"all": 8}, "c": {"all": 8}}


@pytest.mark.parametrize("other", ["Cat", "cat ", "CAT"])
@pytest.mark.parametrize("how", ["merge", "keep"])
def test_classes_that_differ_by_case_or_space_are_one_problem(other, how):
    content = photos("cat", "cat", "dog") | {f"{other}/{k}.png": pattern(500 + k) for k in range(6)}
    assert [problem.kind for problem in IMPORTER.preview(zipped(content)).pending] == ["similar_classes"]
    described = check(content, repair={"similar_classes": how})
    expected = {"cat": {"all": 22}} if how == "merge" else {"cat": {"all": 16}, other: {"all": 6}}
    assert described["classes"] == {**expected, "dog": {"all": 8}}
    assert any("cat" in line for line in described["receipt"])


def test_system_files_are_skipped_everywhere():
    content = photos("a", "b") | {
        "__MACOSX/a/._0.png": b"\0",
        "a/._0.png": b"\0",
        "a/.DS_Store": b"\0",
        "b/Thumbs.db": b"\0",
        ".git/objects/1.png": pattern(1),
    }
    described = check(content)
    assert described["rows"] == 16 and described["problems"] == [] and described["receipt"] == []


def test_hidden_images_are_left_out_with_a_line():
    described = check(photos("a", "b") | {"a/.hidden.png": pattern(77)})
    assert described["rows"] == 16 and "a hidden file" in described["receipt"][0]


LABELS = "\n".join(
    ["filename,label,split"]
    + [f"{k}.png,{'cat' if k % 2 else 'dog'},{'train' if k < 12 else 'test'}" for k in range(20)]
)
FLAT = {f"set/images/{k}.png": pattern(k) for k in range(20)}


@pytest.mark.parametrize(
    "table",
    [
        {"set/labels.csv": LABELS},
        {"set/images/labels.csv": LABELS},
        {"set/labels.tsv": LABELS.replace(",", "\t")},
        {"set/labels.csv": LABELS.replace(",", ";").replace("filename", "image_id").replace("label", "Class")},
        {"set/labels.csv": LABELS.replace(".png", "")},
        {"set/labels.csv": "\n".join(f"images\\{row}" for row in LABELS.split("\n")[1:])},
        {"set/labels.csv": LABELS.replace("dog,train", "dog, training ")},
    ],
    ids=["above", "beside", "tabs", "semicolons", "no ending", "no header, backslash", "spaces"],
)
def test_a_label_table_names_class_and_split_of_every_image(table):
    described = check(FLAT | {name: text.encode() for name, text in table.items()})
    assert described["classes"] == {name: {"train": 6, "validation": 0, "test": 4} for name in ("cat", "dog")}
    assert "labels of 20 images from set/" in described["receipt"][0]


def test_label_tables_of_two_splits_and_unlisted_missing_and_contradictory_images():
    content = {f"{part}/{k}.png": pattern(k + 100 * (part == "test")) for part in ("train", "test") for k in range(12)}
    for part in ("train", "test"):
        rows = [f"{k}.png,{'ab'[k % 2]}" for k in range(11)]
        content[f"{part}.csv"] = "\n".join(["file,label", *rows, "999.png,a", "0.png,b"]).encode()
    described = check(content)
    assert totals(described) == (11, 0, 11)
    counts = {problem["kind"]: problem["count"] for problem in described["problems"]}
    assert counts == {"missing_files": 1, "contradictory_labels": 1, "rejected_files": 2}
    assert [line for line in described["receipt"] if "name no image file" in line] != []


def test_a_table_that_labels_nothing_is_left_out_and_folders_count():
    described = check(photos("a", "b") | {"notes.csv": b"day,weather\n1,sun\n2,rain\n", "readme.txt": b"hello"})
    assert described["classes"] == {"a": {"all": 8}, "b": {"all": 8}}
    assert next(p["count"] for p in described["problems"] if p["kind"] == "rejected_files") == 2


@pytest.mark.parametrize("how", ["leave_out", "include"])
def test_classes_with_few_images_are_one_problem(how):
    content = photos("a", "b") | photos("rare", "rarer", each=3)
    pending = IMPORTER.preview(zipped(content)).pending
    assert [(problem.kind, problem.count, problem.default) for problem in pending] == [("few_images", 2, "leave_out")]
    with pytest.raises(RequestError, match="few_images"):
        IMPORTER.save("mine", IMPORTER.preview(zipped(content)))
    described = check(content, repair={"few_images": how})
    expected = {"rare": {"all": 3}, "rarer": {"all": 3}} if how == "include" else {}
    assert described["classes"] == {"a": {"all": 8}, "b": {"all": 8}, **expected}
    assert "'rare' (3), 'rarer' (3)" in described["receipt"][0]
    data = load(content, repair=f"few_images={how}")
    assert data.names == tuple(described["classes"])


def test_a_class_with_one_image_can_be_included_and_trained_on():
    data = load(photos("a", "b") | {"one/1.png": pattern(99)}, repair="few_images=include")
    assert data.names == ("a", "b", "one") and (data.labels == 2).sum() + (data.test_labels == 2).sum() == 1


def test_classes_without_training_images_are_left_out_with_a_line():
    described = check(photos("train/a", "train/b", "test/a", "test/b", "test/new"))
    assert (
        "new" not in described["classes"] and "classes without training images were left out" in described["receipt"][1]
    )


def deep(bits: int, form: str) -> bytes:
    values = np.tile(np.linspace(0, 2**bits - 1, 40).astype(np.uint16), (30, 1))
    return encoded(Image.fromarray(values), form)


def test_deep_images_are_one_note_with_their_count():
    content = {
        f"{label}/{k}.tif": deep(10 + 2 * (k % 2), "TIFF" if k % 3 else "PNG") for label in "ab" for k in range(6)
    }
    described = check(content)
    notes = [problem for problem in described["problems"] if problem["kind"] == "deep_images"]
    assert [(note["count"], note["where"]) for note in notes] == [(12, "a/0.tif")]
    assert "12 images: 16 bits per pixel, scaled to 8" in described["receipt"][0]
    data = load(content)
    assert (data.pixels.max(axis=(1, 2, 3)) > 200).all() and (data.pixels.min(axis=(1, 2, 3)) < 50).all()


def test_names_decide_nothing():
    content = photos("a", each=8, form="JPEG", ending=".jfif") | photos("b", each=8, form="WEBP", ending="")
    content |= photos("c", each=8, form="TIFF", ending=".jpg") | photos("d", each=8, form="BMP", ending=".txt")
    assert check(content)["classes"] == {name: {"all": 8} for name in "abcd"}


def awkward() -> dict[str, tuple[bytes, dict[str, int] | str]]:
    """Return archives by name, each with its images per class, or the start of its refusal."""
    two = photos("a", "b")
    return {
        "dots": (zipped({f"./set//{name}": data for name, data in two.items()}), {"a": 8, "b": 8}),
        "root files": (zipped(two | {"cover.png": pattern(70), "readme.md": b"# a"}), {"a": 8, "b": 8}),
        "empty folders": (zipped({"c/": b"", "d/e/": b""} | two), {"a": 8, "b": 8}),
        "spaces": (
            zipped(photos("my set (1)/fried rice", "my set (1)/crème brûlée")),
            {"fried rice": 8, "crème brûlée": 8},
        ),
        "numbers": (zipped(photos("0", "1", "10")), {"0": 8, "1": 8, "10": 8}),
        "deep root": (zipped(photos("x/y/z/a", "x/y/z/b")), {"a": 8, "b": 8}),
        "accents twice": (zipped(photos("a", "e\u0301") | {"\xe9/8.png": pattern(60)}), {"a": 8, "é": 9}),
        "only train": (zipped(photos("train/a", "train/b")), {"a": 8, "b": 8}),
        "flat test": (zipped(photos("train/a", "train/b", "test")), {"a": 8, "b": 8}),
        "torn images": (zipped(two | {f"a/torn{k}.png": pattern(k)[:60] for k in range(3)}), {"a": 8, "b": 8}),
        "emoji": (zipped(photos("🍕", "🍣")), {"🍕": 8, "🍣": 8}),
        "dot class": (
            zipped(two | {f"images/{k}.png": pattern(40 + k) for k in range(6)}),
            {"a": 8, "b": 8, "images": 6},
        ),
        "flat": (zipped({f"{k}.png": pattern(k) for k in range(9)}), "it contains no image in a class folder"),
        "all few": (zipped(photos("a", "b", each=2)), "too few classes have 5 usable training images"),
        "no image": (zipped({"a/1.txt": b"x", "b/2.txt": b"y"}), "it contains no image in a class folder"),
        "test only": (
            zipped(photos("test/a", "test/b", "val/a", "val/b")),
            "its 2 classes have validation or test images alone",
        ),
    }


@pytest.mark.parametrize("name", awkward())
def test_awkward_archives_are_imported_or_refused_in_one_line(name):
    packed, expected = awkward()[name]
    if isinstance(expected, str):
        with pytest.raises(DataError, match=f"^{expected}") as caught:
            IMPORTER.preview(packed, repair="default")
        assert "\n" not in str(caught.value)
        return
    described = check(packed, repair="default")
    assert {label: sum(parts.values()) for label, parts in described["classes"].items()} == expected
    left_out = sum(p["count"] for p in described["problems"] if p["kind"] == "rejected_files")
    assert (left_out > 0) == any("left out" in line for line in described["receipt"])


def test_data_check_prints_classes_problems_and_receipt(home, capsys):
    file = home / "shop.zip"
    file.write_bytes(zipped(DEEPER))
    assert cli.main(["data", "check", str(file), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["kind"] == "images" and described["rows"] == 32 and described["columns"] == []
    assert described["classes"] == {"bibimbap": {"all": 16}, "kimchi": {"all": 16}}
    assert cli.main(["data", "add", "shop", str(file), "--repair", "deeper_folders=last_folder", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == {"2024": {"all": 16}, "2025": {"all": 16}}


def test_repairs_are_part_of_the_identity():
    first, second = (
        IMPORTER.preview(zipped(DEEPER), repair=f"deeper_folders={how}_folder") for how in ("first", "last")
    )
    assert first.checksum != second.checksum
