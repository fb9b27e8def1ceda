"""Tabular files row by row: the same cells as the reader of whole files, and an error in place of a broken row."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.tabular import stream
from dlcore.data.tabular.read import read_table
from dlcore.data.tabular.stream import open_stream

ROWS = [("1", 'a "good" film, really', "pos"), ("2", "two\nlines", "neg"), ("3", "größer als 5 €", "pos")] * 4


def quoted(separator: str = ",", end: str = "\r\n") -> str:
    lines = [separator.join(("id", "text", "label"))]
    lines += [separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    return end.join(lines) + end


def excel() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS, columns=["id", "text", "label"]).to_excel(file, index=False)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS, columns=["id", "text", "label"]).to_parquet(file)
    return file.getvalue()


RECORDS = [dict(zip(("id", "text", "label"), row, strict=True)) for row in ROWS]
FILES = {
    "comma.csv": quoted().encode(),
    "semicolon.csv": quoted(";", "\n").encode("utf-8-sig"),
    "tab.tsv": quoted("\t").encode("utf-16"),
    "cp1252.csv": quoted().encode("cp1252"),
    "sep.csv": ("sep=|\n" + quoted("|", "\n")).encode(),
    "preamble.csv": ("# export of today\n" + quoted(end="\n")).encode(),
    "mac.csv": quoted(end="\r").replace("two\nlines", "two lines").encode(),
    "header.csv": quoted(";", "\n").replace('"id";"text";"label"', "id,text,label").encode(),
    "quoted_header.csv": quoted(";", "\n").replace('"id";"text";"label"', '"id","text","label"').encode("cp1252"),
    "spaces.txt": b"id  time load\n" + b"".join(b"%d 10:%02d  %7.2f\n" % (k, k, k / 3) for k in range(30)),
    "lines.jsonl": "\n".join(json.dumps(record) for record in RECORDS).encode(),
    "array.json": json.dumps(RECORDS).encode(),
    "nested.jsonl": "\n".join(json.dumps({"a": {"text": record["text"]}, "n": None}) for record in RECORDS).encode(),
    "book.xlsx": excel(),
    "table.parquet": parquet(),
}


@pytest.mark.parametrize("name", FILES)
def test_stream_yields_the_cells_of_the_whole_reader(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    whole, opened = read_table(FILES[name], Repairs(accept_defaults=True)), open_stream(path)
    rows = list(opened.rows(whole.columns))
    assert opened.columns == whole.columns
    assert [row.cells for row in rows] == [tuple(cells) for cells in whole.table.itertuples(index=False)]
    assert [row.number for row in rows] == whole.rows.tolist()
    assert not any(row.error for row in rows)
    assert rows[-1].position <= opened.total
    assert [row.cells for row in opened.rows(whole.columns[:1])] == [row.cells[:1] for row in rows]


def test_separator_fits_all_of_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEAD", 2_000)
    path = tmp_path / "long.csv"
    path.write_text("a;b\n" + "1,5;2,5\n" * 500 + "1;2\n" * 2_000)
    opened = open_stream(path)
    assert opened.columns == ("a", "b")
    assert sum(row.cells == ("1", "2") for row in opened.rows(("a", "b"))) == 2_000


def test_broken_rows_have_an_error_and_cost_no_other_row(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text('text,label\ngood,pos\n"bad"x,neg\nfine,pos\na,b,c\nshort\n\nlast,pos\n')
    rows = list(open_stream(path).rows(("text", "label")))
    assert [(row.number, row.cells) for row in rows if not row.error] == [
        (2, ("good", "pos")),
        (4, ("fine", "pos")),
        (6, ("short", "")),
        (8, ("last", "pos")),
    ]
    assert [row.number for row in rows if row.error] == [3, 5]
    assert "3 cells and 2 in the header" in rows[3].error


def test_broken_json_lines_have_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"text": "a\u2028b"}\n{"text": \n[1]\n\n{"other": 1}\n')
    rows = list(open_stream(path).rows(("text",)))
    assert [(row.number, row.cells) for row in rows] == [(1, ("a\u2028b",)), (2, ()), (3, ()), (5, ("",))]
    assert "not JSON" in rows[1].error and "not a JSON object" in rows[2].error


def test_late_byte_of_another_encoding_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEAD", 100)
    monkeypatch.setattr(stream, "BLOCK", 64)
    path = tmp_path / "late.csv"
    path.write_bytes(b"text,n\n" + "größer,1\n".encode() * 60)
    assert open_stream(path).read(("text",)).__next__().cells == ("größer",)  # blocks end inside a character
    path.write_bytes(b"text,n\n" + b"plain,1\n" * 60 + "größer,2\n".encode("cp1252"))
    assert list(open_stream(path).rows(("text",)))[-1].cells == ("größer",)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "empty"),
        (b"%PDF-1.4 and so on", "a PDF"),
        (b"\x89PNG\r\n", "an image"),
        (b"a,a\n1,2\n", "two columns are named 'a'"),
        (b"a,b\n1,\x00\n", "zero byte"),
    ],
)
def test_other_files_are_refused_in_one_line(payload: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(payload)
    with pytest.raises(DataError, match=message) as caught:
        open_stream(path)
    assert "\n" not in str(caught.value)


def test_unknown_column_lists_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("text,label\na,b\n")
    with pytest.raises(DataError, match="no column 'body': the columns are 'text', 'label'"):
        open_stream(path).rows(("body",))
