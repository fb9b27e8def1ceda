"""The kind of a tabular file follows from its content; options and `kind` override it."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom.importers import check_file, choose_importer
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.read import estimate_memory, read_table

N = 240
TIMES = pd.date_range("2021-03-01", periods=N, freq="1h")
VALUES = np.round(np.random.default_rng(0).normal(50, 9, N), 2)
FRAMES = {
    "series": pd.DataFrame({"when": TIMES, "load": VALUES}),
    "table": pd.DataFrame({"when": TIMES, "gas": VALUES, "heat": VALUES[::-1]}),
    "text": pd.DataFrame(
        {"says": [f"the text number {k} of all" for k in range(N)], "kind": ["good", "bad"] * (N // 2)}
    ),
    "pairs": pd.DataFrame({"en": [f"the word {k}" for k in range(N)], "de": [f"das Wort {k}" for k in range(N)]}),
}
MORE = {
    "a labeled series": ("series", FRAMES["series"].assign(anomaly=[int(k % 50 == 0) for k in range(N)])),
    "a series with an id and a constant": ("series", FRAMES["series"].assign(id=range(N), station=7)),
    "a series with a column of words": ("series", FRAMES["series"].assign(state=["on", "off"] * (N // 2))),
    "a long table": ("table", pd.concat([FRAMES["series"].assign(city=city) for city in ("Bonn", "Ulm")])),
    "texts with a time and an id": ("text", FRAMES["text"].assign(id=range(N), created=TIMES)),
    "texts with numbers as labels": ("text", FRAMES["text"].assign(kind=[k % 2 for k in range(N)])),
    "texts with a label by name": ("text", FRAMES["text"].rename(columns={"kind": "label"})),
}


def write(frame: pd.DataFrame, path: Path) -> Path:
    packed = io.BytesIO()
    if path.suffix == ".xlsx":
        frame.to_excel(packed, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(packed, index=False)
    elif path.suffix == ".jsonl":
        packed.write(frame.astype(str).to_json(orient="records", lines=True).encode())
    else:
        packed.write(frame.to_csv(index=False, sep=";" if path.suffix == ".txt" else ",").encode())
    path.write_bytes(packed.getvalue())
    return path


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("suffix", ["csv", "txt", "xlsx", "parquet", "jsonl"])
def test_kind_follows_from_the_content(kind, suffix, tmp_path):
    assert choose_importer(write(FRAMES[kind], tmp_path / f"file.{suffix}")).kind == kind


@pytest.mark.parametrize("name", MORE)
def test_kind_of_a_file_with_more_columns(name, tmp_path):
    kind, frame = MORE[name]
    assert choose_importer(write(frame, tmp_path / "file.csv")).kind == kind


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "jsonl"])
def test_memory_is_checked_before_it_is_spent(kind, suffix, tmp_path, monkeypatch):
    frame = pd.concat([FRAMES[kind]] * 20, ignore_index=True)
    path = write(frame, tmp_path / f"file.{suffix}")
    needed = estimate_memory(path.read_bytes())
    assert needed > 600 * len(frame)  # a packed file by what it unpacks to
    monkeypatch.setattr("dlcore.core.memory.available_bytes", lambda: needed - 1)
    monkeypatch.setattr("dlcore.data.tabular.read._build", lambda *read: pytest.fail("the file is read"))
    with pytest.raises(DataError, match=r"reading this file needs about .* MB of memory, .* are free: close other"):
        check_file(path)
    monkeypatch.undo()
    monkeypatch.setattr("dlcore.core.memory.available_bytes", lambda: needed)
    assert len(read_table(path.read_bytes(), Repairs()).rows) == len(frame)


def test_options_and_kind_override_the_content(tmp_path):
    path = write(FRAMES["table"], tmp_path / "file.csv")
    importer, preview = check_file(path, value="heat")
    assert importer.kind == "series" and preview.content["values"]["heat"]["first"] == VALUES[-1]
    assert any("'gas' (not chosen" in line for line in preview.receipt)
    assert check_file(path, kind="series")[1].guesses["value"] == "gas"
    assert choose_importer(path, {"columns": ("a", "b")}).kind == "table"
    with pytest.raises(RequestError, match="no kind of data has all of --columns, --value"):
        choose_importer(path, {"columns": ("a", "b"), "value": "a"})


def test_given_label_column_is_no_variable(tmp_path):
    frame = pd.DataFrame({**FRAMES["table"].iloc[:, :2], "odd": [0, 1] * (len(FRAMES["table"]) // 2)})
    path = write(frame, tmp_path / "file.csv")
    assert choose_importer(path).kind == "table" and choose_importer(path, {"label": "odd"}).kind == "series"


def test_folders_and_zips_are_images(tmp_path):
    (tmp_path / "photos").mkdir()
    assert choose_importer(tmp_path / "photos").kind == "images"
    (tmp_path / "photos.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert choose_importer(tmp_path / "photos.zip").kind == "images"


@pytest.mark.parametrize("payload", [b"", b"\x89PNG" + bytes(99), json.dumps([1, 2]).encode()])
def test_unreadable_file_is_refused_by_its_importer(payload, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(payload)
    with pytest.raises(DataError):
        check_file(path)


def test_mixed_units_are_refused_with_a_way_on(tmp_path):
    cells = [f"{value} {'kW' if k % 2 else 'bar'}" for k, value in enumerate(VALUES)]
    path = write(FRAMES["series"].assign(load=cells), tmp_path / "file.csv")
    with pytest.raises(DataError, match="write plain numbers in one unit"):
        check_file(path)
