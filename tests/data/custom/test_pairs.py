"""Import of custom pairs: awkward files and their receipts, rejected files, and splits without overlap."""

import io
import json

import pandas as pd
import pytest

from dlcore.core.errors import ConfigError, DataError, RequestError
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.custom import registry as custom
from dlcore.data.custom.importer import Preview
from dlcore.data.repairs import Problem, Repairs
from dlcore.data.text.sequences import SplitSizes

ROWS = [(f"word {n}", f"drow-{n}") for n in range(120)]
CSV = "\n".join(["read,write", *(f"{a},{b}" for a, b in ROWS)])


def check(payload: str | bytes, repair=None, **options) -> Preview:
    """Read and validate a file."""
    content = payload.encode() if isinstance(payload, str) else payload
    return custom_pairs.IMPORTER.preview(content, repair=repair, **options)


def problem(preview: Preview, kind: str) -> Problem:
    """The only problem of this kind."""
    (match,) = [each for each in preview.problems if each.kind == kind]
    return match


def test_saved_pairs_are_loaded_again(home):
    entry = custom_pairs.IMPORTER.save("mine", check(CSV), source="mine.csv")
    assert (entry.dataset, entry.rows, entry.kind) == ("custom:mine", 120, "pairs")
    assert custom_pairs.load("custom:mine", checksum=entry.checksum) == ROWS
    with pytest.raises(DataError, match="differs from the one"):
        custom_pairs.load("custom:mine", checksum="0" * 64)
    with pytest.raises(RequestError, match="already"):
        custom_pairs.IMPORTER.save("mine", check(CSV))
    assert custom.list_datasets("pairs") == [custom.find("mine")]


def test_content_describes_columns_and_rows():
    described = check(CSV).describe()
    assert (described["kind"], described["rows"], described["problems"], described["receipt"]) == ("pairs", 120, [], [])
    assert [(each["name"], each["role"]) for each in described["columns"]] == [("read", "input"), ("write", "target")]


def test_quotes_and_tabs_are_read_and_inputs_lowercased():
    rows = "\n".join(f'"A, b{n}"\t"x\ty{n}"' for n in range(100))
    preview = check(f'a\tb\n{rows}\n"A, b0"\tother\n')
    assert preview.rows == 100 and preview.data[0] == ("a, b0", "x\ty0")
    assert "inputs lowercased: 101 (first at row 2)" in preview.receipt


def test_inputs_with_different_targets_are_one_decision():
    payload = f"{CSV}\nword 3,other\nWord 5,another\nword 7,drow-7\nword 3,third\n"
    preview = check(payload)
    conflict = problem(preview, "conflicting_targets")
    assert (conflict.count, conflict.where, conflict.choices, conflict.default) == (
        2,
        "row 5",
        ("first", "drop_all"),
        "first",
    )
    assert problem(preview, "duplicate_pairs").count == 1
    assert preview.data == ROWS
    assert check(payload, "conflicting_targets=drop_all").rows == 118
    with pytest.raises(RequestError, match=r"one problem needs a repair.*conflicting_targets"):
        custom_pairs.IMPORTER.save("mine", preview)


def test_empty_and_long_rows_are_left_out_together():
    payload = f"{CSV}\nx,\n,y\nz\nx,{'y' * 121}\n{'x' * 120},{'y' * 120}\n"
    preview = check(payload)
    empty, long = problem(preview, "empty_cells"), problem(preview, "long_pairs")
    assert (empty.count, empty.where) == (3, "row 122, column 'write'")
    assert (long.count, long.where, long.default) == (1, "row 125, column 'write'", "leave_out")
    assert preview.rows == 121 and any("121 characters" in each.example for each in preview.problems)
    assert not check(payload, "default").pending


def test_columns_are_guessed_among_several():
    rows = "\n".join(f"{n},{a},note {n},{b}" for n, (a, b) in enumerate(ROWS))
    preview = check(f"id,source,comment,target\n{rows}\n")
    assert preview.guesses == {"input": "source", "target": "target"} and preview.data == ROWS
    assert "columns left out: 'id', 'comment'" in preview.receipt
    preview = check(f"id,de,en,fr\n{rows}\n")
    assert preview.guesses == {"input": "de", "target": "en"}
    assert check(f"id,de,en,fr\n{rows}\n", input="fr", target="de").data[2] == ("drow-2", "word 2")
    with pytest.raises(DataError, match="used twice"):
        check(f"id,de,en,fr\n{rows}\n", input="fr", target="fr")
    with pytest.raises(DataError, match="no column 'it'"):
        check(f"id,de,en,fr\n{rows}\n", input="it")
    inspection = custom_pairs.inspect(custom_pairs.open_file(f"id,de,en,fr\n{rows}\n".encode(), Repairs()))
    assert inspection.options == {"input": "de", "target": "en"} and inspection.samples[0]["fr"] == "drow-0"


@pytest.mark.parametrize("form", ["array", "lines", "separators", "excel", "parquet", "utf-16", "cr"])
def test_every_tabular_format_is_read(form):
    rows, buffer = [{"input": a, "target": b} for a, b in ROWS], io.BytesIO()
    expected = ROWS
    if form == "array":
        payload = json.dumps(rows).encode()
    elif form == "lines":
        payload = "\r\n".join(json.dumps(row) for row in rows).encode()
    elif form == "separators":
        expected = [(f"{a}\u2028or", f"{b}\u2029\x85or") for a, b in ROWS]
        lines = (json.dumps({"input": a, "target": b}, ensure_ascii=False) for a, b in expected)
        payload = "\n".join(lines).encode()
    elif form == "excel":
        pd.DataFrame(rows).to_excel(buffer, index=False)
        payload = buffer.getvalue()
    elif form == "parquet":
        payload = pd.DataFrame(rows).to_parquet()
    else:
        payload = CSV.encode("utf-16") if form == "utf-16" else CSV.replace("\n", "\r").encode()
    assert check(payload).data == expected


def test_half_a_surrogate_pair_is_read_as_a_replacement_character(home):
    lines = (json.dumps({"input": a, "target": f"{b}\ud83d"}) for a, b in ROWS)
    preview = check("\n".join(lines))
    assert preview.data[0] == ("word 0", "drow-0\ufffd")
    assert any("half a surrogate pair" in line for line in preview.receipt)
    assert custom_pairs.IMPORTER.save("mine", preview).rows == 120


def test_another_encoding_is_one_decision():
    payload = "\n".join(["de;en", *(f"gr\u00fcn {n};green {n}" for n in range(120))]).encode("cp1252")
    preview = check(payload)
    assert problem(preview, "encoding").default == "cp1252" and preview.data[1] == ("gr\u00fcn 1", "green 1")
    with pytest.raises(ConfigError, match="choose one of"):
        check(payload, "encoding=utf-99")


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"a,b,c\n1,2,3", "1 different pairs"),
        (b"a\nx\ny\n", "expected two"),
        (CSV.encode() + b"\nx,y,z", "row 122: 3 cells"),
        (CSV.encode() + b'\n"x,y', "row 122: an open quote"),
        (b"a,b\n1,2", "1 different pairs"),
        (b"a,b\n" + bytes(range(256)) * 20, "not UTF-8"),
        (b"a,b\n\0,2", "zero byte"),
        (b"", "the file is empty"),
        ("\n".join(["a,b", *(f"same,{n}" for n in range(200))]).encode(), "1 different pairs"),
    ],
)
def test_unusable_file_is_rejected_with_its_place(payload, word):
    with pytest.raises(DataError, match=word) as raised:
        check(payload)
    assert "\n" not in str(raised.value)


def test_splits_are_disjoint_and_the_test_split_is_the_same_for_every_seed():
    first, other = (custom_pairs.split_pairs(ROWS, SplitSizes(1000, 50, 2000, 12, 0), seed=seed) for seed in (0, 1))
    assert [len(part) for part in (first.train, first.validation, first.test)] == [84, 12, 24]
    sources = [set(part.sources) for part in (first.train, first.validation, first.test)]
    assert len(sources[0] | sources[1] | sources[2]) == 120
    assert first.test.sources == other.test.sources
    assert first.train.sources != other.train.sources
