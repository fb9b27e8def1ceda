"""Files like those of known faults, from other tools: each is read with the expected values, or refused."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_sets import photos, zipped

from dlcore.core.errors import WorkbenchError
from dlcore.data.custom.importers import check_file

N = 400
TIMES = pd.date_range("2021-03-01", periods=N, freq="1h")
ISO = TIMES.strftime("%Y-%m-%d %H:%M")
WAVE = np.round(50 + 20 * np.sin(np.arange(N) * 2 * np.pi / 24) + np.random.default_rng(3).normal(0, 1, N), 2)
CELLS = [f"{value:.2f}" for value in WAVE]
GAPS = [k + (k > 100) * 7 + (k > 200) * 3 for k in range(N)]
TEXTS = [{"text": f"a good film {k}", "label": "ab"[k % 2]} for k in range(40)]
SPLIT = {name: {"train": 6, "validation": 0, "test": 6} for name in ("cat", "dog")}
LISTED = {name: {"train": 8, "validation": 0, "test": 4} for name in "ab"}


def csv(header: str, *columns: Any, separator: str = ",") -> bytes:
    return "\n".join([header, *(separator.join(map(str, row)) for row in zip(*columns, strict=True)), ""]).encode()


def labeled(column: str, *values: Any) -> bytes:
    """Images in one folder, and a table with a label and a flag or split for each."""
    rows = "\n".join(f"img/{k}.png,{'ab'[k % 2]},{values[k >= 16]}" for k in range(24))
    return zipped(photos("img", each=24) | {"labels.csv": f"file,label,{column}\n{rows}".encode()})


def check(payload: bytes, tmp_path, name: str) -> dict[str, Any]:
    file = tmp_path / name
    file.write_bytes(payload)
    return check_file(file)[1].describe()


SERIES = {
    "separator at the end of every row": csv("time,load", ISO, CELLS, [""] * N),
    "index of pandas": csv("Unnamed: 0,time,load", range(N), ISO, CELLS),
    "float index": csv(",time,load", [f"{k}.0" for k in range(N)], ISO, CELLS),
    "index with gaps": csv("index,time,load", GAPS, ISO, CELLS),
    "index with gaps without a name": csv(",time,load", GAPS, ISO, CELLS),
    "row numbers with gaps, falling": csv("Nr.,time,load", GAPS[::-1], ISO, CELLS),
    "two index columns": csv("level_0,index,time,load", range(N), GAPS, ISO, CELLS),
    "epoch beside the time": csv("time,epoch,load", ISO, TIMES.astype("datetime64[s]").astype("int64"), CELLS),
    "bars and a comma in the name": csv("time|load", ISO, CELLS, separator="|"),
    "spaces": csv("date time load", TIMES.strftime("%Y-%m-%d"), TIMES.strftime("%H:%M"), CELLS, separator=" "),
    "aligned by spaces": csv("time    load", ISO.str.replace(" ", "T"), [f"{c:>9}" for c in CELLS], separator=" "),
    "json of lists": json.dumps({"time": list(ISO), "load": list(WAVE)}).encode(),
    "json by columns": pd.DataFrame({"time": ISO, "load": WAVE}).to_json().encode(),
}


@pytest.mark.parametrize("name", SERIES)
def test_the_value_column_of_a_series_is_read(name, tmp_path):
    described = check(SERIES[name], tmp_path, "file.csv")
    assert (described["kind"], described["rows"], list(described["values"])) == ("series", N, ["load"])
    assert described["values"]["load"]["first"] == WAVE[0] and described["time"]["step_seconds"] == 3600
    left_out = [row["name"] for row in described["columns"] if row["role"] == "left_out"]
    receipt = " ".join(described["receipt"])
    assert all(column in receipt for column in left_out)


FORMS = {
    "array of arrays": json.dumps([["text", "label"], *([row["text"], row["label"]] for row in TEXTS)]),
    "lists by column": json.dumps({name: [row[name] for row in TEXTS] for name in ("text", "label")}),
    "pandas columns": pd.DataFrame(TEXTS).to_json(),
    "pandas split": pd.DataFrame(TEXTS).to_json(orient="split"),
    "pandas records": pd.DataFrame(TEXTS).to_json(orient="records"),
    "nested array": json.dumps({"data": {"items": TEXTS}}),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_json_table_is_read(name, tmp_path):
    described = check(FORMS[name].encode(), tmp_path, "file.json")
    assert (described["kind"], described["rows"]) == ("texts", 40)
    assert described["classes"] == {"a": {"all": 20}, "b": {"all": 20}}


HOURLY = [{"time": t, "load": float(v)} for t, v in zip(ISO, WAVE, strict=True)]
WORDS = [{"en": f"the word {k}", "de": f"das\nWort {{{k}}}"} for k in range(140)]
OBJECTS = {"series": HOURLY, "table": [row | {"gas": -row["load"]} for row in HOURLY], "texts": TEXTS, "pairs": WORDS}


@pytest.mark.parametrize("between", ["\n", ",\n", "", "\r\n\r\n"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_json_objects_over_several_lines_are_rows(kind, between, tmp_path):
    rows = OBJECTS[kind]
    described = check(between.join(json.dumps(row, indent=2) for row in rows).encode(), tmp_path, "file.json")
    assert (described["kind"], described["rows"]) == (kind, len(rows))
    alone = check("\n".join(map(json.dumps, rows)).encode(), tmp_path, "lines.jsonl")
    assert {key: value for key, value in described.items() if key not in ("problems", "receipt")} == {
        key: value for key, value in alone.items() if key not in ("problems", "receipt")
    }


def test_broken_object_over_several_lines_is_named_by_its_line(tmp_path):
    text = "\n".join(json.dumps(row, indent=2) for row in TEXTS)
    with pytest.raises(WorkbenchError, match="the object at line 157 is not JSON"):
        check(text[:-3].encode(), tmp_path, "file.json")


TIMELESS = {
    "month names": [TIMES[k].strftime("%b") for k in range(N)],
    "weekday and clock": TIMES.strftime("%a %H:%M"),
    "clock with am and pm": TIMES.strftime("%I:%M %p"),
    "day and month": TIMES.strftime("%d %b"),
    "minutes and tenths": [f"{k // 600:02d}:{k // 10 % 60:02d}.{k % 10}" for k in range(N)],
    "seconds since the start": [f"{k / 10:.1f}" for k in range(N)],
}


@pytest.mark.parametrize("name", TIMELESS)
def test_times_without_date_or_year_are_refused_in_one_line(name, tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        check(csv("time,load", TIMELESS[name], CELLS), tmp_path, "file.csv")
    assert "\n" not in str(caught.value)


IMAGES = {
    "splits at different places": (
        zipped(photos("train/cat", "train/dog", "other/test/cat", "other/test/dog", each=6)),
        SPLIT,
    ),
    "flag of the test images": (labeled("is_test", 0, 1), LISTED),
    "flag of the training images": (labeled("is_train", "True", "False"), LISTED),
    "flag of fastai": (
        labeled("is_valid", "False", "True"),
        {name: {"train": 8, "validation": 4, "test": 0} for name in "ab"},
    ),
    "numbers that are no flag": (labeled("id", 3, 4), {name: {"all": 12} for name in "ab"}),
}


@pytest.mark.parametrize("name", IMAGES)
def test_splits_of_images_are_those_of_the_person(name, tmp_path):
    payload, classes = IMAGES[name]
    assert check(payload, tmp_path, "set.zip")["classes"] == classes


@pytest.mark.parametrize("name", ["set.cbz", "download", "set.csv"])
def test_a_zip_of_images_is_known_by_its_content(name, tmp_path):
    described = check(zipped(photos("cat", "dog", each=6)), tmp_path, name)
    assert (described["kind"], described["rows"]) == ("images", 12)


GERMAN = [cell.replace(".", ",") for cell in CELLS]
OTHER_HEADERS = {
    "comma over semicolon with decimal commas": (csv("time,load", ISO, GERMAN, separator=";"), "comma", "semicolon"),
    "comma over semicolon with points": (csv("time,load", ISO, CELLS, separator=";"), "comma", "semicolon"),
    "quoted names": (csv('"time","load"', ISO, GERMAN, separator=";"), "comma", "semicolon"),
    "comma over tab with decimal commas": (csv("time,load", ISO, GERMAN, separator="\t"), "comma", "tab"),
    "tab over comma": (csv("time\tload", ISO, CELLS), "tab", "comma"),
    "semicolon over comma": (csv("time;load", ISO, CELLS), "semicolon", "comma"),
    "bar over comma": (csv("time|load", ISO, CELLS), "bar", "comma"),
    "spaces over comma": (csv("time  load", ISO, CELLS), "space", "comma"),
    "comma over spaces": (csv("time,load", ISO.str.replace(" ", "T"), CELLS, separator=" "), "comma", "tab"),
}


@pytest.mark.parametrize("name", OTHER_HEADERS)
def test_a_header_with_another_separator_names_the_columns(name, tmp_path):
    payload, header, rows = OTHER_HEADERS[name]
    described = check(payload, tmp_path, "file.csv")
    assert (described["kind"], described["rows"], list(described["values"])) == ("series", N, ["load"])
    assert described["values"]["load"]["first"] == WAVE[0] and described["time"]["first"] == "2021-03-01T00:00:00"
    assert f"row 1: the header is separated by {header}, the rows by {rows}: both read" in described["receipt"]


def test_a_title_above_the_header_is_no_header(tmp_path):
    payload = b"Station; Bonn\n" + csv("time,load", ISO, CELLS)
    described = check(payload, tmp_path, "file.csv")
    assert list(described["values"]) == ["load"] and any("above the header" in line for line in described["receipt"])


def test_other_header_of_texts_and_pairs(tmp_path):
    texts = [f"a good film, number {k}" if k % 3 else f"a good film {k}" for k in range(40)]
    described = check(csv("text,label", texts, ["a", "b"] * 20, separator=";"), tmp_path, "texts.csv")
    assert (described["kind"], described["classes"]) == ("texts", {"a": {"all": 20}, "b": {"all": 20}})
    words = [f"the word {k}" for k in range(140)], [f"das Wort {k}" for k in range(140)]
    described = check(csv("en,de", *words, separator=";"), tmp_path, "pairs.csv")
    assert (described["kind"], described["rows"]) == ("pairs", 140)


def test_more_filled_cells_than_the_header_are_still_refused(tmp_path):
    rows = csv("time,load", ISO, [cell if k != 250 else f"{cell},7" for k, cell in enumerate(CELLS)])
    with pytest.raises(WorkbenchError, match="row 252: 3 cells and 2 in the header"):
        check(rows, tmp_path, "file.csv")


MIXED = {
    "kW and MW": ([f"{v * 10:.0f} kW" if k % 3 else f"{v / 100:.4f} MW" for k, v in enumerate(WAVE)], 134, 520.4),
    "GB and MB": ([f"{v / 1000:.5f} GB" if k % 2 else f"{v:.2f} MB" for k, v in enumerate(WAVE)], 200, 52.04),
    "degrees": ([f"{v:.2f} °C" if k % 3 else f"{v * 1.8 + 32:.3f} °F" for k, v in enumerate(WAVE)], 134, 52.04),
    "s and min": ([f"{v:.2f} s" if k % 3 else f"{v / 60:.8f} min" for k, v in enumerate(WAVE)], 134, 52.04),
    "k and none": ([f"{v * 100:.0f}" if k % 3 else f"{v / 10:.3f}k" for k, v in enumerate(WAVE)], 134, 5204),
}


@pytest.mark.parametrize("name", MIXED)
def test_units_of_one_quantity_are_converted_with_a_receipt(name, tmp_path):
    cells, count, first = MIXED[name]
    file = tmp_path / "file.csv"
    file.write_bytes(csv("time,load", ISO, cells))
    _, preview = check_file(file)
    (problem,) = [each for each in preview.problems if each.kind == "mixed_units"]
    assert (problem.count, problem.default, problem.choices) == (count, "convert", ("convert", "missing"))
    assert preview.describe()["values"]["load"]["first"] == pytest.approx(first, rel=1e-4)
    assert any(f"{count} cells converted to" in line for line in preview.receipt)
    _, left_out = check_file(file, repair={"mixed_units": "missing", "missing_values": "interpolate"})
    assert any("another unit than most" in line for line in left_out.receipt)


def test_units_of_different_quantities_are_not_converted(tmp_path):
    payload = csv("time,load", ISO, [f"{v} kW" if k % 3 else f"{v} bar" for k, v in enumerate(WAVE)])
    described = check(payload, tmp_path, "file.csv")
    assert "mixed_units" not in [each["kind"] for each in described["problems"]]
    assert next(each for each in described["problems"] if each["kind"] == "not_numbers")["count"] == 134


def test_a_year_of_weeks_is_a_series_and_says_what_can_be_learned(tmp_path):
    described = check(csv("week,sales", [f"2021-W{k:02d}" for k in range(1, 53)], CELLS[:52]), tmp_path, "weeks.csv")
    assert (described["kind"], described["rows"], described["time"]["step_seconds"]) == ("series", 52, 604800)
    assert any("52 points are few" in line for line in described["receipt"])
    with pytest.raises(WorkbenchError, match="at least 30"):
        check(csv("week,sales", [f"2021-W{k:02d}" for k in range(1, 21)], CELLS[:20]), tmp_path, "weeks.csv")


SENTENCES = [(f"The word {k} is here.", f"Das Wort {k} ist hier.") for k in range(150)]
PAIR_FILES = {
    "no header": ("\n".join("\t".join(row) for row in SENTENCES), 150, "no header"),
    "no header, a third column of words": (
        "\n".join(f"{a}\t{b}\tCC-BY 2.0 (France) #{k}" for k, (a, b) in enumerate(SENTENCES)),
        150,
        "columns left out: 'column 3'",
    ),
    "no header, words with digits": ("\n".join(f"wort{k},tro{k}w" for k in range(150)), 150, "no header"),
    "json arrays without names": (json.dumps(SENTENCES), 150, "no header"),
    "an id before the pairs": (
        "\n".join(["id,src,tgt", *(f"{k},{a},{b}" for k, (a, b) in enumerate(SENTENCES))]),
        150,
        "columns left out: 'id'",
    ),
    "sums and results": ("\n".join(["question,answer", *(f"{k}+{k},{2 * k}" for k in range(150))]), 150, ""),
    "dates": ("\n".join(["input,target", *(f"{k % 28 + 1} May 20{k},20{k}-05-01" for k in range(10, 150))]), 140, ""),
}


@pytest.mark.parametrize("name", PAIR_FILES)
def test_every_pair_of_a_file_is_kept(name, tmp_path):
    text, rows, receipt = PAIR_FILES[name]
    described = check(text.encode(), tmp_path, "file.txt")
    assert (described["kind"], described["rows"]) == ("pairs", rows)
    assert any(line.startswith(receipt) for line in described["receipt"]) or not receipt


CYRILLIC = csv("text;label", [f"хороший фильм номер {k}" for k in range(40)], "ab" * 20, separator=";").decode()
CHINESE = csv("text,label", [f"这是一部很好的电影{k}" for k in range(40)], "ab" * 20).decode()
JAPANESE = csv("text,label", [f"これはとても良い映画です{k}" for k in range(40)], "ab" * 20).decode()
GERMAN_TEXT = csv("text,label", [f"schöner Film über größere Bäume {k}" for k in range(40)], "ab" * 20).decode()


@pytest.mark.parametrize(
    ("text", "encoding", "codec"),
    [
        (CYRILLIC, "cp1251", "cp1251"),
        (CHINESE, "gb18030", "gb2312"),
        (JAPANESE, "shift-jis", "shift-jis"),
        (GERMAN_TEXT, "cp1252", "latin-1"),
    ],
)
def test_default_encoding_is_that_of_the_script(text, encoding, codec, tmp_path):
    file = tmp_path / "file.csv"
    file.write_bytes(text.encode(codec))
    _, preview = check_file(file)
    assert preview.data.texts[0] == text.split("\n")[1].replace(";", ",").split(",")[0]
    (problem,) = [each for each in preview.problems if each.kind == "encoding"]
    assert problem.default == encoding and "cp1252" in problem.choices


@pytest.mark.parametrize(("flag", "cells"), [("is_test", "01"), ("is_train", ("True", "False")), ("isValid", "10")])
def test_a_flag_splits_texts(flag, cells, tmp_path):
    rows = [f"a good film {k},{'ab'[k % 2]},{cells[k >= 30]}" for k in range(40)]
    described = check("\n".join([f"text,label,{flag}", *rows]).encode(), tmp_path, "file.csv")
    if flag == "isValid":  # no test part: the column cannot be used
        assert described["classes"]["a"] == {"all": 20} and "columns left out: 'isValid'" in described["receipt"]
    else:
        assert described["classes"]["a"] == {"train": 15, "validation": 0, "test": 5}


def test_labels_in_lists_of_one_are_labels(tmp_path):
    text = "\n".join(json.dumps({"text": row["text"], "labels": [row["label"]]}) for row in TEXTS)
    assert list(check(text.encode(), tmp_path, "file.jsonl")["classes"]) == ["a", "b"]


LABEL_ROWS = [(f"img/{k}.png", "ab"[k % 2], "train" if k < 16 else "test") for k in range(24)]


def excel_labels() -> bytes:
    packed = io.BytesIO()
    pd.DataFrame(LABEL_ROWS, columns=["file", "label", "split"]).to_excel(packed, index=False)
    return packed.getvalue()


TABLES_OF_IMAGES = {
    "labels.jsonl": "\n".join(
        json.dumps(dict(zip(("file", "label", "split"), row, strict=True))) for row in LABEL_ROWS
    ).encode(),
    "labels.xlsx": excel_labels(),
    "labels.csv": csv("file,label,split", *zip(*LABEL_ROWS, strict=True), separator=";"),
}


@pytest.mark.parametrize("name", TABLES_OF_IMAGES)
def test_labels_of_images_are_read_from_every_table(name, tmp_path):
    described = check(zipped(photos("img", each=24) | {name: TABLES_OF_IMAGES[name]}), tmp_path, "set.zip")
    assert described["classes"] == LISTED


def test_a_table_of_splits_beside_class_folders_keeps_the_test_part(tmp_path):
    rows = "\n".join(f"{'cat' if k < 12 else 'dog'}/{k}.png,{'test' if k % 3 == 0 else 'train'}" for k in range(24))
    payload = zipped(photos("cat", "dog", each=12) | {"split.csv": f"file,split\n{rows}".encode()})
    described = check(payload, tmp_path, "set.zip")
    assert described["classes"] == {name: {"train": 8, "validation": 0, "test": 4} for name in ("cat", "dog")}
    assert "8 images are test by the list split.csv" in described["receipt"]


def test_different_labels_are_different_classes_with_a_receipt(tmp_path):
    rows = "\n".join(f"{k}.png,{['a/b', 'a:b'][k % 2]}" for k in range(24))
    described = check(zipped(photos("img", each=24) | {"l.csv": f"file,label\n{rows}".encode()}), tmp_path, "set.zip")
    assert described["classes"] == {"a_b": {"all": 12}, "a_b (2)": {"all": 12}}
    assert any("'a:b' is 'a_b (2)'" in line for line in described["receipt"])


def test_validation_and_test_images_alone_are_refused_truly(tmp_path):
    with pytest.raises(WorkbenchError, match="name the folder of the training images train"):
        check(zipped(photos("val/cat", "val/dog", "test/cat", "test/dog")), tmp_path, "set.zip")
