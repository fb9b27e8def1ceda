"""Texts of one's own: what is read, what is refused and in which words, and that it comes back."""

import json

import pytest

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.custom import texts as own_texts

GOOD = "text,label\n" + "".join(f'"{word}, number {n}",{word}\n' for word in ("yes", "no") for n in range(6))


def test_csv_and_json_lines_give_the_same():
    rows = [{"Review": f"{word}, number {n}", "Sentiment": word} for word in ("yes", "no") for n in range(6)]
    lines = own_texts.validate("\n".join(json.dumps(row) for row in rows).encode())
    table = own_texts.validate(GOOD.encode())
    assert lines.texts == table.texts and lines.labels.tolist() == table.labels.tolist() == [1] * 6 + [0] * 6
    assert table.names == ("no", "yes") and table.columns == ("text", "label")
    assert lines.columns == ("Review", "Sentiment")


def test_other_columns_a_mark_a_semicolon_and_named_columns():
    payload = "\ufeffid;says;kind\n" + "".join(f"{n};<b>word</b> {n};{'ab'[n % 2]}\n" for n in range(10))
    taken = own_texts.validate(payload.encode(), text="says", label="kind")
    assert taken.texts[3] == "word 3" and taken.names == ("a", "b")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("", "no row with a text"),
        ("text,label\n", "no row with a text"),
        ("a,b\nx,y\n", "which column is the text.*Line 1 names 'a', 'b'"),
        ("text,b\nx,y\n", "which column is the label"),
        ("text,label\nx,y,z\n", "line 2 has 3 cells and the head 2"),
        ('text,label\n"a "quote" here",y\n', "line 2: .*written twice"),
        ('text,label\n"never closed,y\n', "line 2: unexpected end"),
        ("text,label\n   ,y\n", "line 2, column 'text': it is empty"),
        ("text,label\nx,\n", "line 2, column 'label': it is empty"),
        ("text,text\nx,y\n", "two columns have one name"),
        ("text,label\n" + "x,one\n" * 9, "1 different labels"),
        ("text,label\n" + "".join(f"x{n},one\n" for n in range(9)) + "y,two\n", "label 'two' comes 1 times;"),
        ("text,label\n" + "x,one\n" * 9 + "y,two\n" * 9, "label 'one' comes 1 times .a text that comes again"),
        ("text,label\n" + "x,one\nx,two\n" * 9, "label 'two' comes 0 times"),
        ('{"text": ["a", "b"], "label": "b"}', "line 1, column 'text': it is empty"),
        ("text,label\n" + "x" * 100_001 + ",y\n", "100,001 letters"),
        ('{"text": "a", "label": "b"}\n{"text": "a"', "line 2 is not JSON"),
        ('{"text": "a", "label": "b"}\n{"text": "a"}', "line 2 has no 'label'"),
        ('{"text": "a", "label": "b"}\n[1]', "line 2 is not an object"),
        ("text,label\n\0,y\n", "zero byte"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_row(payload, said):
    with pytest.raises(DataError, match=said) as caught:
        own_texts.validate(payload.encode())
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_and_too_many_of_them(monkeypatch):
    with pytest.raises(DataError, match="UTF-8"):
        own_texts.validate(b"text,label\n\xff\xfe,y\n")
    monkeypatch.setattr(own_texts, "BYTES_LIMIT", 10)
    with pytest.raises(DataError, match="up to 10 are read"):
        own_texts.validate(GOOD.encode())


def test_kept_texts_are_a_dataset_of_every_language_project(home):
    entry = own_texts.save("mine", own_texts.validate(GOOD.encode()), source="some/mine.csv")
    found = own_texts.load("own:mine", checksum=entry.checksum)
    assert found.names == ("no", "yes") and len(found.texts) == 12 and found.test is None
    assert entry.source == "mine.csv"
    for slug in ("news", "questions", "reviews_lstm", "reviews_transformer"):
        assert "own:mine" in projects.list_datasets(slug)
    small = {"vectors": "none", "tokens": "words", "min_frequency": 1, "vocabulary": 100}
    config = projects.configure("news", dataset="mine", settings=small)
    prepared = projects.get("news").prepare(config)
    assert config.data_checksum == entry.checksum and prepared.facts["classes"] == 2
    assert len(prepared.train) + len(prepared.validation) + len(prepared.test) == 12
