"""Import of custom texts: valid files, rejected files and their messages, saving and loading."""

import json

import pytest

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.custom import texts as custom_texts

GOOD = "text,label\n" + "".join(f'"{word}, number {n}",{word}\n' for word in ("yes", "no") for n in range(6))


def test_csv_and_json_lines_give_the_same_texts():
    rows = [{"Review": f"{word}, number {n}", "Sentiment": word} for word in ("yes", "no") for n in range(6)]
    lines = custom_texts.IMPORTER.preview("\n".join(json.dumps(row) for row in rows).encode())
    table = custom_texts.IMPORTER.preview(GOOD.encode())
    assert lines.data.texts == table.data.texts
    assert lines.data.labels.tolist() == table.data.labels.tolist() == [1] * 6 + [0] * 6
    assert table.data.names == ("no", "yes") and table.guesses == {"text": "text", "label": "label"}
    assert lines.guesses == {"text": "Review", "label": "Sentiment"}


def test_byte_order_mark_semicolons_and_named_columns_are_read():
    payload = "\ufeffid;says;kind\n" + "".join(f"{n};<b>word</b> {n};{'ab'[n % 2]}\n" for n in range(10))
    preview = custom_texts.IMPORTER.preview(payload.encode(), text="says", label="kind")
    assert preview.data.texts[3] == "word 3" and preview.data.names == ("a", "b")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "no row with a text"),
        ("text,label\n", "no row with a text"),
        ("a,b\nx,y\n", "which column is the text.*The columns are 'a', 'b'"),
        ("text,b\nx,y\n", "which column is the label"),
        ("text,label\nx,y,z\n", "line 2 has 3 cells and the header 2"),
        ('text,label\n"a "quote" here",y\n', "line 2: .*written twice"),
        ('text,label\n"never closed,y\n', "line 2: unexpected end"),
        ("text,label\n   ,y\n", "line 2, column 'text': it is empty"),
        ("text,label\nx,\n", "line 2, column 'label': it is empty"),
        ("text,text\nx,y\n", "two columns have the same name"),
        ("text,label\n" + "x,one\n" * 9, "1 different labels"),
        ("text,label\n" + "".join(f"x{n},one\n" for n in range(9)) + "y,two\n", "label 'two' has 1 texts;"),
        ("text,label\n" + "x,one\n" * 9 + "y,two\n" * 9, "label 'one' has 1 texts .duplicate texts"),
        ("text,label\n" + "x,one\nx,two\n" * 9, "label 'two' has 0 texts"),
        ('{"text": ["a", "b"], "label": "b"}', "line 1, column 'text': it is empty"),
        ("text,label\n" + "x" * 100_001 + ",y\n", "100,001 characters"),
        ('{"text": "a", "label": "b"}\n{"text": "a"', "line 2 is not JSON"),
        ('{"text": "a", "label": "b"}\n{"text": "a"}', "line 2 has no 'label'"),
        ('{"text": "a", "label": "b"}\n[1]', "line 2 is not an object"),
        ("text,label\n\0,y\n", "zero byte"),
    ],
)
def test_invalid_row_is_rejected_with_its_line(payload, message):
    with pytest.raises(DataError, match=message) as caught:
        custom_texts.IMPORTER.preview(payload.encode())
    assert "\n" not in str(caught.value)


def test_binary_or_large_file_is_rejected(monkeypatch):
    with pytest.raises(DataError, match="UTF-8"):
        custom_texts.IMPORTER.preview(b"text,label\n\xff\xfe,y\n")
    monkeypatch.setattr(custom_texts, "BYTES_LIMIT", 10)
    with pytest.raises(DataError, match="up to 10 are read"):
        custom_texts.IMPORTER.preview(GOOD.encode())


def test_saved_texts_are_a_dataset_of_every_language_project(home):
    entry = custom_texts.IMPORTER.save("mine", custom_texts.IMPORTER.preview(GOOD.encode()), source="some/mine.csv")
    dataset = custom_texts.load("custom:mine", checksum=entry.checksum)
    assert dataset.names == ("no", "yes") and len(dataset.texts) == 12 and dataset.test is None
    assert entry.source == "mine.csv"
    for slug in ("news", "questions", "reviews_lstm", "reviews_transformer"):
        assert "custom:mine" in projects.list_datasets(slug)
    small = {"vectors": "none", "tokens": "words", "min_frequency": 1, "vocabulary": 100}
    config = projects.configure("news", dataset="mine", settings=small)
    prepared = projects.get("news").prepare(config)
    assert config.data_checksum == entry.checksum and prepared.facts["classes"] == 2
    assert len(prepared.train) + len(prepared.validation) + len(prepared.test) == 12
