"""Import of custom texts: awkward files and their receipts, rejected files and their messages, saving and loading."""

import io
import json
import unicodedata

import numpy as np
import pandas as pd
import pytest

from dlcore import projects
from dlcore.cli import main
from dlcore.core.errors import ConfigError, DataError, RequestError
from dlcore.data.custom import texts as custom_texts
from dlcore.data.custom.importer import Preview
from dlcore.data.repairs import Problem, Repairs
from dlcore.projects.language.texts import cut

GOOD = "text,label\n" + "".join(f'"{word}, number {n}",{word}\n' for word in ("yes", "no") for n in range(6))
ROWS = [(f"{word} film number {n}", label) for n in range(8) for word, label in (("bad", "neg"), ("good", "pos"))]


def make_csv(rows=ROWS, header="text,label") -> str:
    """A CSV of texts and labels; every cell is quoted."""
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    return "\n".join([header, *lines]) + "\n"


def check(payload: str | bytes, repair=None, **options) -> Preview:
    """Read and validate a file."""
    content = payload.encode() if isinstance(payload, str) else payload
    return custom_texts.IMPORTER.preview(content, repair=repair, **options)


def problem(preview: Preview, kind: str) -> Problem:
    """The only problem of this kind."""
    (match,) = [each for each in preview.problems if each.kind == kind]
    return match


def class_counts(preview: Preview) -> dict[str, int]:
    """Texts by class."""
    return {name: counts["all"] for name, counts in preview.describe()["classes"].items()}


def test_csv_and_json_lines_give_the_same_texts():
    rows = [{"Review": f"{word}, number {n}", "Sentiment": word} for word in ("yes", "no") for n in range(6)]
    lines = check("\n".join(json.dumps(row) for row in rows))
    table = check(GOOD)
    assert lines.data.texts == table.data.texts
    assert lines.data.labels.tolist() == table.data.labels.tolist() == [1] * 6 + [0] * 6
    assert table.data.names == ("no", "yes") and table.guesses == {"text": "text", "label": "label"}
    assert lines.guesses == {"text": "Review", "label": "Sentiment"}
    assert lines.checksum == table.checksum


def test_content_describes_columns_classes_and_rows():
    rows = "".join(f"{n},{text},{label}\n" for n, (text, label) in enumerate(ROWS))
    preview = check("id,text,label\n" + rows)
    described = preview.describe()
    assert (described["kind"], described["rows"], described["problems"]) == ("texts", 16, [])
    assert [(each["name"], each["role"]) for each in described["columns"]] == [
        ("id", "left_out"),
        ("text", "text"),
        ("label", "label"),
    ]
    assert described["classes"] == {"neg": {"all": 8}, "pos": {"all": 8}}
    assert described["receipt"] == ["columns left out: 'id'"]


def test_byte_order_mark_semicolons_and_named_columns_are_read():
    payload = "\ufeffid;says;kind\n" + "".join(f"{n};<b>word</b> {n};{'ab'[n % 2]}\n" for n in range(10))
    preview = check(payload, text="says", label="kind")
    assert preview.data.texts[3] == "word 3" and preview.data.names == ("a", "b")
    assert any("spaces: 10 (first" in line and "row 2" in line for line in preview.receipt)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"], ids=["line", "paragraph", "next line"])
def test_json_lines_end_at_line_feeds_only(mark):
    rows = [{"text": f"{text}.{mark}More" if n == 9 else text, "label": label} for n, (text, label) in enumerate(ROWS)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    for payload in (lines, lines.replace("\n", "\r\n"), json.dumps(rows, ensure_ascii=False)):
        preview = check(payload)
        assert preview.rows == 16 and preview.data.texts[9] == "good film number 4. More"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\n", "\r\n"])
def test_csv_cells_may_contain_line_separators(mark):
    rows = [(f"{text}{mark}More", label) for text, label in ROWS]
    preview = check(make_csv(rows))
    assert preview.rows == 16 and preview.data.texts[0] == "bad film number 0 More"


@pytest.mark.parametrize("form", ["array", "wrapped", "nested", "excel", "parquet", "tsv"])
def test_every_tabular_format_is_read(form):
    rows = [{"text": text, "label": label} for text, label in ROWS]
    frame, buffer = pd.DataFrame(rows), io.BytesIO()
    if form == "array":
        payload = json.dumps(rows, indent=2).encode()
    elif form == "wrapped":
        payload = json.dumps({"version": 1, "data": rows}, indent=1).encode()
    elif form == "nested":
        records = [
            {"id": n, "fields": {"subject": {"text": row["text"]}, "label": row["label"]}} for n, row in enumerate(rows)
        ]
        payload = "\n".join(map(json.dumps, records)).encode()
    elif form == "tsv":
        payload = frame.to_csv(sep="\t", index=False).encode()
    else:
        frame.to_excel(buffer, index=False) if form == "excel" else frame.to_parquet(buffer)
        payload = buffer.getvalue()
    preview = check(payload)
    assert list(zip(preview.data.texts, preview.data.labels.tolist(), strict=True)) == [
        (text, int(label == "pos")) for text, label in ROWS
    ]


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("ticket,intent", ("ticket", "intent")),
        ("subject,queue", ("subject", "queue")),
        ("Zeile,Art", ("Zeile", "Art")),
        ("x,y", ("x", "y")),
    ],
)
def test_columns_are_guessed_by_content(header, roles):
    file = custom_texts.open_file(make_csv(header=header).encode(), Repairs())
    inspection = custom_texts.inspect(file)
    assert inspection.options == dict(zip(("text", "label"), roles, strict=True))
    assert inspection.samples[1] == {roles[0]: "good film number 0", roles[1]: "pos"} and len(inspection.samples) == 3


def test_columns_are_not_guessed_by_name_alone():
    rows = [(str(n), f"type {n} of a longer sentence", "ab"[n % 2], f"2026-01-{n + 1:02}") for n in range(20)]
    preview = check(make_csv(rows, header="text,type,answer,date"))
    assert preview.guesses == {"text": "type", "label": "answer"}


def test_file_without_header_is_read_from_its_first_row():
    preview = check(make_csv(ROWS[1:], header='"bad film number 0",neg'))
    assert preview.rows == 16 and problem(preview, "header").default == "none"
    assert preview.data.texts[0] == "bad film number 0" and any("no header" in line for line in preview.receipt)
    assert check(make_csv(ROWS[1:], header='"bad film number 0",neg'), "header=first_row").rows == 15


SPELLINGS = ("billing", " billing ", "BILLING", "Billing", "re\u0301sume\u0301", "r\u00e9sum\u00e9", "R\u00e9sum\u00e9")


def test_spelling_variants_of_labels_are_merged_by_default():
    rows = [(f"text {n}", SPELLINGS[n % 7]) for n in range(70)]
    preview = check(make_csv(rows))
    assert class_counts(preview) == {"billing": 40, "r\u00e9sum\u00e9": 30}
    variants = problem(preview, "label_variants")
    assert (variants.choices, variants.default, variants.count) == (("merge", "keep"), "merge", 5)
    assert sum("merged into" in line for line in preview.receipt) == 2
    assert len(class_counts(check(make_csv(rows), "label_variants=keep"))) == 7


@pytest.mark.parametrize(
    ("frequent", "variant"),
    [
        ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")),
        ("\u00e5ngstr\u00f6m", unicodedata.normalize("NFD", "\u00e5ngstr\u00f6m")),
        ("\ud55c\uad6d", unicodedata.normalize("NFD", "\ud55c\uad6d")),
        ("address change", "address  change"),
        ("Stra\u00dfe", "STRASSE"),
    ],
)
def test_variants_have_the_name_of_the_most_frequent_spelling(frequent, variant):
    rows = [(f"text {n}", (frequent, variant, "th\u00e9", frequent)[n % 4]) for n in range(40)]
    assert class_counts(check(make_csv(rows))) == {frequent: 30, "th\u00e9": 10}


def test_composed_accents_of_a_single_spelling_are_recorded():
    rows = [(f"text {n}", ("cafe\u0301 ", "the\u0301")[n % 2]) for n in range(20)]
    preview = check(make_csv(rows))
    assert class_counts(preview) == {"caf\u00e9": 10, "th\u00e9": 10} and not preview.problems
    assert any("labels cleaned: 'cafe\u0301 ' is" in line for line in preview.receipt)


def test_contradictory_duplicates_are_one_decision():
    rows = [*ROWS, ("Bad film number 0", "pos"), ("good film number 3", "pos"), ("good film number 5", "neg")]
    preview = check(make_csv(rows))
    conflict = problem(preview, "conflicting_labels")
    assert (conflict.count, conflict.where, conflict.choices) == (2, "row 2", ("drop_all", "first", "keep"))
    assert problem(preview, "duplicate_texts").count == 1
    assert class_counts(preview) == {"neg": 7, "pos": 7}
    assert class_counts(check(make_csv(rows), "conflicting_labels=first")) == {"neg": 8, "pos": 8}
    assert class_counts(check(make_csv(rows), "conflicting_labels=keep")) == {"neg": 9, "pos": 9}


def test_variants_are_merged_before_duplicates_are_compared():
    rows = [*ROWS, *((text, label.upper()) for text, label in ROWS)]
    preview = check(make_csv(rows))
    assert [each.kind for each in preview.problems] == ["label_variants", "duplicate_texts"]
    assert preview.rows == 16 and problem(preview, "duplicate_texts").count == 16


def make_long_tail() -> list[tuple[str, str]]:
    """30 labels, 13 of them with 1 to 4 texts."""
    sizes = {f"intent {k:02}": 1 + k % 4 if k < 13 else 10 for k in range(30)}
    return [(f"request {n} about {name}", name) for name, size in sizes.items() for n in range(size)]


def test_a_long_tail_of_labels_is_one_decision():
    rows = make_long_tail()
    preview = check(make_csv(rows, header="ticket,intent"))
    rare = problem(preview, "rare_labels")
    assert (rare.count, rare.choices, rare.default) == (13, ("leave_out", "merge_other"), "leave_out")
    assert all(f"'intent {k:02}' ({1 + k % 4})" in rare.message for k in range(13)) and "intent 13" not in rare.message
    assert len(preview.problems) == 1 and preview.rows == 170 and len(class_counts(preview)) == 17
    merged = check(make_csv(rows, header="ticket,intent"), "rare_labels=merge_other")
    assert class_counts(merged)["other"] == len(rows) - 170 and len(class_counts(merged)) == 18


def test_merged_rare_labels_join_an_existing_other_or_stay_out():
    rows = [*ROWS, *((f"thing {n}", "Other") for n in range(5)), ("odd one", "odd"), ("strange one", "strange")]
    assert class_counts(check(make_csv(rows), "rare_labels=merge_other")) == {"Other": 7, "neg": 8, "pos": 8}
    few = [*ROWS, ("odd one", "odd"), ("strange one", "strange")]
    preview = check(make_csv(few), "rare_labels=merge_other")
    assert class_counts(preview) == {"neg": 8, "pos": 8}
    assert preview.receipt[-1] == "label 'other' left out: it has 2 texts, fewer than 5"


def test_empty_cells_are_left_out_together():
    rows = [*ROWS, ("", "neg"), ("  ", "pos"), ("<br />", "neg"), ("no label", ""), ("blank label", " \u200b ")]
    preview = check(make_csv(rows))
    empty = problem(preview, "empty_cells")
    assert (empty.count, empty.where, empty.default) == (5, "row 18, column 'text'", "leave_out")
    assert "3 in 'text', 2 in 'label'" in empty.message and preview.rows == 16
    missing = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS) + '{"text": "a"}\n'
    assert problem(check(missing), "empty_cells").where == "row 17, column 'label'"


def test_long_text_is_cut_or_left_out():
    rows = [*ROWS, ("long " * 33_603 + "ab", "pos")]
    assert len(rows[-1][0]) == 168_017
    preview = check(make_csv(rows))
    long = problem(preview, "long_texts")
    assert (long.choices, long.where, long.count) == (("cut:100000", "leave_out"), "row 18", 1)
    assert len(preview.data.texts[-1]) == 99_999 and "100,000 characters" in preview.receipt[0]  # no space at the end
    assert len(check(make_csv(rows), "long_texts=cut:2000").data.texts[-1]) == 1_999
    assert check(make_csv(rows), "long_texts=leave_out").rows == 16
    for wrong in ("cut:0", "cut:1000000", "cut:many"):
        with pytest.raises(ConfigError, match="cut at 1 to 100000"):
            check(make_csv(rows), f"long_texts={wrong}")


@pytest.mark.parametrize(
    ("encoding", "kinds"), [("cp1252", ["encoding"]), ("utf-16", []), ("utf-16-le", []), ("utf-8-sig", [])]
)
def test_encodings_are_read(encoding, kinds):
    rows = [(f"sch\u00f6ner \u201eFilm\u201c {n}", ("gr\u00fcn", "gelb")[n % 2]) for n in range(20)]
    preview = check(make_csv(rows).encode(encoding))
    assert [each.kind for each in preview.problems] == kinds
    assert preview.data.texts[1] == "sch\u00f6ner \u201eFilm\u201c 1" and preview.data.names == ("gelb", "gr\u00fcn")


def test_all_problems_are_listed_in_one_round():
    rows = [*make_long_tail(), ("", "intent 13"), ("x" * 100_001, "intent 14"), ("again", "INTENT 15")]
    rows += [("request 0 about intent 16", "intent 17"), ("request 1 about intent 16", "intent 16")]
    preview = check(make_csv(rows).encode("utf-8"))
    expected = ["empty_cells", "long_texts", "label_variants", "conflicting_labels", "duplicate_texts", "rare_labels"]
    assert [each.kind for each in preview.problems] == expected
    assert len(preview.pending) == 5
    with pytest.raises(RequestError, match=r"5 problems need a repair.*empty_cells.*rare_labels"):
        custom_texts.IMPORTER.save("many", preview)
    accepted = check(make_csv(rows), "default")
    assert not accepted.pending and accepted.data.texts == preview.data.texts


def test_split_column_is_kept():
    parts = ("train", "Train", "validation", "TEST", "training", "train", "train", "test")
    rows = [(text, label, parts[n // 2]) for n, (text, label) in enumerate(ROWS)]
    preview = check(make_csv([*rows, ("bad film number 3", "neg", "train")], header="text,label,split"))
    counts = {"train": 5, "validation": 1, "test": 2}
    assert preview.describe()["classes"] == {"neg": counts, "pos": counts}
    assert problem(preview, "duplicate_texts").where == "row 18"  # the one in the test split stays
    assert preview.guesses["split"] == "split" and check(make_csv(rows, header="text,label,split"), split="none").rows
    with pytest.raises(DataError, match="row 2, column 'split': 'later' is no split"):
        check(make_csv([("a", "b", "later"), *rows], header="text,label,split"), split="split")
    with pytest.raises(DataError, match="has no test texts"):
        check(make_csv([(*row, "train") for row in ROWS], header="text,label,where"), split="where")


def test_saved_splits_are_those_of_training(home):
    parts = ["train"] * 10 + ["validation"] * 2 + ["test"] * 4
    rows = [(text, label, part) for (text, label), part in zip(ROWS, parts, strict=True)]
    custom_texts.IMPORTER.save("parts", check(make_csv(rows, header="text,label,split")))
    dataset = custom_texts.load("custom:parts")
    rows_by_part = cut(dataset, 0, seed=1)
    assert {part: rows.tolist() for part, rows in rows_by_part.items()} == {
        "train": list(range(10)),
        "validation": [10, 11],
        "test": [12, 13, 14, 15],
    }


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "the file is empty"),
        ("text,label\n", "ends after its header"),
        ("a,b\nx,y\n", "which column is the label.*The columns are 'a', 'b'"),
        ("text,b\nx,y\n", "which column is the label"),
        ("text,label\nx,y,z\n", "row 2: 3 cells and 2 in the header"),
        ('text,label\n"a "quote" here",y\n', "row 2: .*written twice"),
        ('text,label\n"never closed,y\n', "row 2: an open quote"),
        ("text,label\n   ,y\n", "no row has both"),
        ("text,label\nx,\n", "no row has both"),
        ("text,text\nx,y\n", "two columns are named 'text'"),
        (make_csv([(text, "one") for text, _ in ROWS]), "1 different labels"),
        (make_csv([*((text, "one") for text, _ in ROWS), ("y", "two")]), "2 different labels in 17 rows, but 1 with"),
        ("text,label\n" + "x,one\n" * 9 + "y,two\n" * 9, "but 0 with at least 5 distinct texts"),
        ("text,label\n" + "x,one\nx,two\n" * 9, "but 0 with at least 5 distinct texts"),
        (make_csv([(f"{n} {k}", f"l{n}") for n in range(201) for k in range(5)]), "201 different labels"),
        ('{"text": "a", "label": "b"}\n{"text": "a"', "line 2 is not JSON"),
        ('{"text": "a", "label": "b"}\n[1]', "line 2 is not an object"),
        ('["a", "b"]', "item 1 is not an object"),
        ("text,label\n\0,y\n", "zero byte"),
        ("PK\x03\x04 not a workbook", "a zip or Excel file"),
    ],
)
def test_unusable_file_is_rejected_with_its_place(payload, message):
    with pytest.raises(DataError, match=message) as caught:
        check(payload)
    assert "\n" not in str(caught.value)


def test_binary_or_large_file_is_rejected(monkeypatch):
    with pytest.raises(DataError, match="UTF-8"):
        check(b"text,label\n" + bytes(range(256)) * 20)
    monkeypatch.setattr(custom_texts, "BYTES_LIMIT", 10)
    with pytest.raises(DataError, match="larger than"):
        check(GOOD)


@pytest.mark.parametrize("kind", ["text", "texts"])
def test_file_is_checked_by_either_name_of_the_kind(kind, tmp_path, capsys):
    file = tmp_path / "tickets.csv"
    file.write_text(make_csv(make_long_tail(), header="ticket,queue"), encoding="utf-8")
    assert main(["data", "check", str(file), "--kind", kind, "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert (described["kind"], described["rows"]) == ("texts", 170)
    assert [(each["kind"], each["count"], each["default"]) for each in described["problems"]] == [
        ("rare_labels", 13, "leave_out")
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_change_is_named_by_the_receipt(seed):
    """Random files and repairs: a text or label that is not as in the file, or a missing row, is in the receipt."""
    generator = np.random.default_rng(seed)
    marks = ("", " ", "<b>", "\u00ad", "\u200d", "&amp;", "\x07", "<x>", "  ", "\n") if seed % 2 else ("", " ", "<x>")
    labels = ("one", "One", "two", "two ", "three", "") if seed % 3 else ("one", "two")
    rows = [
        (f"word {generator.integers(60)}{generator.choice(marks)}tail", str(generator.choice(labels)))
        for _ in range(80)
    ]
    problems = [each for each in check(make_csv(rows)).problems if each.choices]
    preview = check(make_csv(rows), [f"{each.kind}={generator.choice(each.choices)}" for each in problems])
    receipt = " ".join(preview.receipt)
    assert ("cleaned of HTML" in receipt) == any(custom_texts.clean_text(text) != text for text, _ in rows)
    assert ("left out" in receipt) == (preview.rows < len(rows))
    if not set(preview.data.texts) <= {text for text, _ in rows}:
        assert "cleaned of HTML" in receipt
    for name in set(preview.data.names) - {label for _, label in rows}:
        assert f"'{name}'" in receipt
    gone = {label for _, label in rows if label} - set(preview.data.names)
    assert all(f"'{label}'" in receipt for label in gone)


def test_saved_texts_are_a_dataset_of_every_language_project(home):
    entry = custom_texts.IMPORTER.save("mine", check(GOOD), source="some/mine.csv")
    dataset = custom_texts.load("custom:mine", checksum=entry.checksum)
    assert dataset.names == ("no", "yes") and len(dataset.texts) == 12 and dataset.test is None
    assert entry.source == "mine.csv" and dataset.doubled == 0
    for slug in ("news", "questions", "reviews_lstm", "reviews_transformer"):
        assert "custom:mine" in projects.list_datasets(slug)
    small = {"vectors": "none", "tokens": "words", "min_frequency": 1, "vocabulary": 100}
    config = projects.configure("news", dataset="mine", settings=small)
    prepared = projects.get("news").prepare(config)
    assert config.data_checksum == entry.checksum and prepared.facts["classes"] == 2
    assert len(prepared.train) + len(prepared.validation) + len(prepared.test) == 12


def test_receipt_and_duplicates_are_stored_and_texts_of_earlier_releases_load(home):
    rows = [*ROWS, ROWS[0], ("", "neg")]
    entry = custom_texts.IMPORTER.save("mine", check(make_csv(rows), "default"))
    assert custom_texts.load("mine").doubled == 1 and len(custom_texts.load("mine").texts) == entry.rows == 16
    assert any("empty cell" in line for line in entry.facts["receipt"])
    saved = {"texts": ["a", "b", "A"], "labels": [0, 1, 0], "names": ["x", "y"]}
    (entry.folder / custom_texts.FILE).write_text(json.dumps(saved))
    assert custom_texts.load("mine").texts == ["a", "b"] and custom_texts.load("mine").doubled == 1
