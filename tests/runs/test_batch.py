"""Files of many inputs: the table has the single predictions, an error per unusable row, and survives interruptions."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import dlcore
from dlcore import runs
from dlcore.cli import main
from dlcore.core.errors import RequestError, WorkbenchError
from dlcore.runs.batch import items, series
from dlcore.runs.batch.output import PartialTable
from dlcore.runs.batch.predict import predict_file

REVIEWS, DIGITS, SORTING = "reference:reviews_lstm/base_lstm", "reference:fashion/dense", "reference:seq2seq/sorting"
TEXTS = (
    "I laughed, I cried, and I would gladly pay to see it again.",
    "A dull and lifeless film.",
    "not bad",
    'He said "good", twice.',
    "The plot is thin, but the actors are wonderful and the ending moved me.",
    "Two hours of my life that I will never get back.",
    "",
    "bad good bad good",
    "xqzzt vvkq",
    "I do not know what to think of it, some scenes work and others do not.",
)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_texts(path: Path, texts: tuple[str, ...] = TEXTS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "review"), *enumerate(texts)])
    return path


def write_series(path: Path, points: int = 700, *, minutes: int = 30) -> Path:
    generator = np.random.default_rng(0)
    times = np.datetime64("2015-03-01T00:00") + np.arange(points) * np.timedelta64(minutes, "m")
    values = 12_000 + 6_000 * np.sin(np.arange(points) * np.pi / 24) + generator.normal(0, 500, points)
    rows = [f"{moment},{value:.1f}" for moment, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["timestamp,value", *rows]) + "\n")
    return path


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "TEXTS", 3)
    monkeypatch.setattr(items, "PHOTOS", 2)
    monkeypatch.setattr(series, "ROWS", 64)


def assert_single_predictions(rows: list[dict[str, str]], run: runs.Run, inputs: list[bytes]) -> None:
    for row, payload in zip(rows, inputs, strict=True):
        try:
            single = run.predict(payload)
        except WorkbenchError as error:
            assert row["error"] == str(error) and not row["label"] and not row["probability"]
            continue
        second = next(label for label in single["probabilities"] if label != single["label"])
        assert (row["label"], row["second_label"], row["error"]) == (single["label"], second, "")
        assert float(row["probability"]) == pytest.approx(single["probability"], abs=1e-6)
        assert float(row["second_probability"]) == pytest.approx(single["probabilities"][second], abs=1e-6)
        assert row["uncertain"] == str(single["uncertain"]).lower()


@pytest.mark.usefixtures("small_parts")
def test_texts_have_the_single_predictions_and_an_error_per_unusable_row(tmp_path: Path) -> None:
    run = runs.open_run(REVIEWS)
    result = run.predict_file(write_texts(tmp_path / "in.csv"), tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    assert_single_predictions(rows, run, [text.encode() for text in TEXTS])
    assert [row["row"] for row in rows] == [str(number) for number in range(2, 12)]
    assert (result.rows, result.errors) == (10, 2)
    assert [bool(row["error"]) for row in rows] == [text in ("", "xqzzt vvkq") for text in TEXTS]
    assert result.flagged == sum(row["uncertain"] == "true" for row in rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_every_format_of_input_and_output_has_the_same_predictions(tmp_path: Path) -> None:
    run, table = runs.open_run(REVIEWS), pd.DataFrame({"review": TEXTS[:4]})
    run.predict_file(write_texts(tmp_path / "in.csv", TEXTS[:4]), tmp_path / "out.csv")
    expected = [row["probability"] for row in read(tmp_path / "out.csv")]
    table.to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    table.to_json(tmp_path / "in.json", orient="records")
    table.to_excel(tmp_path / "in.xlsx", index=False)
    table.to_parquet(tmp_path / "in.parquet")
    (tmp_path / "in.txt").write_text("\n".join(TEXTS[:4]))
    for ending in ("jsonl", "json", "xlsx", "parquet", "txt"):
        run.predict_file(tmp_path / f"in.{ending}", tmp_path / "out.jsonl")
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [repr(line["probability"]) for line in lines] == expected, ending
        assert all(line["error"] is None and isinstance(line["uncertain"], bool) for line in lines)
    result = dlcore.predict_file(run, tmp_path / "in.csv", tmp_path / "out.parquet", text="review")
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert [repr(value) for value in table["probability"]] == expected and result.rows == 4
    assert str(table["uncertain"].dtype) == "bool" and str(table["row"].dtype) == "int64"


def test_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("text\na caf\u00e9 film\na dull film\n".encode("cp1252"))
    result = runs.open_run("reference:reviews_lstm/base_lstm").predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert result.rows == 2 and "read as cp1252 (not UTF-8)" in result.notes


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_photos_have_the_single_predictions_and_their_names(kind: str, tmp_path: Path) -> None:
    files = {"a/1.png": photo(1), "a/2.png": photo(2), "b.png": photo(3), "notes.txt": b"no photo", "c/x.png": b""}
    system = {"a/._1.png": b"x", "__MACOSX/b.png": b"x", "Thumbs.db": b"x"}
    source = tmp_path / "photos"
    if kind == "folder":
        for name, payload in {**files, **system}.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(payload)
    else:
        with zipfile.ZipFile(source, "w") as archive:
            for name, payload in {**files, **system}.items():
                archive.writestr(name, payload)
    run = runs.open_run(DIGITS)
    result = run.predict_file(source, tmp_path / "out.csv")
    rows = sorted(read(tmp_path / "out.csv"), key=lambda row: row["file"])
    assert [row["file"] for row in rows] == sorted(files)
    assert_single_predictions(rows, run, [files[row["file"]] for row in rows])
    assert (result.rows, result.errors) == (5, 2)


def test_one_photo_is_a_table_of_one_row(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(photo(1))
    assert runs.open_run(DIGITS).predict_file(tmp_path / "one.png", tmp_path / "out.csv").rows == 1
    assert read(tmp_path / "out.csv")[0]["file"] == "one.png"


def test_sequences_have_input_output_and_probability(tmp_path: Path) -> None:
    run = runs.open_run(SORTING)
    (tmp_path / "in.csv").write_text("source\n31429\n905\nÄ\n")
    run.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    assert list(rows[0]) == ["row", "input", "output", "probability", "error"]
    for row, text in zip(rows[:2], ("31429", "905"), strict=True):
        single = run.predict(text)
        assert (row["input"], row["output"]) == (text, single["answer"])
        assert float(row["probability"]) == pytest.approx(single["probability"], abs=1e-6)
    assert "does not know" in rows[2]["error"]


# --- series -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [7, 64, 500, 10_000])
@pytest.mark.parametrize("model", ["dense_16", "conv", "calendar", "neighbors"])
def test_series_in_parts_has_the_scores_of_the_whole(
    model: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "ROWS", rows)
    run, source = runs.open_run(f"reference:anomaly/{model}"), write_series(tmp_path / "in.csv")
    assert series.open_series(source).unit == "bytes"  # row by row
    result = run.predict_file(source, tmp_path / "out.csv")
    single, table = run.predict(source), pd.read_csv(tmp_path / "out.csv", parse_dates=["time"])
    assert list(table.columns) == ["time", "value", "score", "alarm"]
    assert table["time"].to_numpy().astype("datetime64[ms]").astype(np.int64).tolist() == single["times"]
    assert table["value"].tolist() == single["values"]
    np.testing.assert_allclose(table["score"], single["errors"], rtol=1e-5, atol=1e-6)
    assert table["alarm"].sum() == single["alarms"] == result.flagged


def test_series_that_needs_the_whole_file_is_scored_too(tmp_path: Path) -> None:
    run = runs.open_run("reference:anomaly/conv")
    source = write_series(tmp_path / "in.csv")
    moments = pd.read_csv(source)
    moments["timestamp"] = pd.to_datetime(moments["timestamp"]).dt.strftime("%d.%m.%Y %H:%M")
    moments.to_csv(tmp_path / "german.csv", index=False)
    assert series.open_series(tmp_path / "german.csv").unit == "rows"
    run.predict_file(source, tmp_path / "out.csv")
    run.predict_file(tmp_path / "german.csv", tmp_path / "german_out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "german_out.csv").read_bytes()


def test_series_with_a_broken_row_is_repaired_and_says_so(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv")
    source.write_text(source.read_text().replace("2015-03-03T12:00,", "2015-03-03T12:00,x"))
    result = runs.open_run("reference:anomaly/conv").predict_file(source, tmp_path / "out.csv")
    assert any("not numbers read as missing" in note and "row 122" in note for note in result.notes)
    assert len(pd.read_csv(tmp_path / "out.csv")) == result.rows


def test_series_with_a_formula_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv")
    source.write_text(source.read_text().replace("2015-03-03T12:00,", "2015-03-03T12:00,=A1+"))
    with pytest.raises(RequestError, match=r"row 122.*is a formula"):
        runs.open_run("reference:anomaly/conv").predict_file(source, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_forecast_has_an_interval_per_step(tmp_path: Path) -> None:
    run = runs.open_run("reference:forecast/lstm")
    names = run.finished_bundle.preprocessing["names"]
    rows = 40
    times = pd.date_range("2005-01-01", periods=rows, freq="h").strftime("%Y-%m-%d %H:%M")
    values = np.random.default_rng(0).normal(10, 1, (rows, len(names)))
    pd.DataFrame(values, columns=names).assign(time=times).to_csv(tmp_path / "in.csv", index=False)
    result = run.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    single, table = run.predict(tmp_path / "in.csv"), pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == ["time", "variable", "forecast", "low", "high", "unit"]
    assert result.rows == len(table) == len(single["times"]) * len(names)
    for name, group in table.groupby("variable"):
        for column in ("forecast", "low", "high"):
            np.testing.assert_allclose(group[column], np.array(single[column][name], float), rtol=1e-6)
    known = table.dropna()
    assert len(known) and (known["low"] < known["forecast"]).all() and (known["forecast"] < known["high"]).all()
    assert single["past_times"] == sorted(single["past_times"]) and single["past_times"][-1] < single["times"][0]


# --- resuming ---------------------------------------------------------------------------------------------------------


class StopError(Exception):
    """Stands for a kill after some parts."""


def stop_after(parts: int) -> Any:
    left = iter(range(parts))

    def listen(progress: Any) -> None:
        if next(left, None) is None:
            raise StopError

    return listen


def jobs(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    yield REVIEWS, write_texts(tmp_path / "texts.csv")
    yield "reference:anomaly/calendar", write_series(tmp_path / "series.csv")


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("torn", [b"", b"torn row, after the last save"])
def test_stopped_batch_continues_to_the_same_bytes(number: int, ending: str, torn: bytes, tmp_path: Path) -> None:
    ref, source = list(jobs(tmp_path))[number]
    bundle, out = runs.open_run(ref).finished_bundle, tmp_path / f"out.{ending}"
    predict_file(bundle, source, tmp_path / f"straight.{ending}")
    for parts in (1, 1):  # stopped twice
        with pytest.raises(StopError):
            predict_file(bundle, source, out, listener=stop_after(parts))
        assert not out.exists()
    with out.with_name(f"{out.name}.partial").open("ab") as file:
        file.write(torn)
    calls: list[int] = []
    result = predict_file(bundle, source, out, listener=lambda progress: calls.append(progress.rows))
    assert out.read_bytes() == (tmp_path / f"straight.{ending}").read_bytes()
    assert any("continued after" in note for note in result.notes) and len(calls) < result.rows / 2
    assert not list(tmp_path.glob("*.partial*"))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("change", ["input", "run", "column"])
def test_another_input_or_run_starts_again(change: str, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pd.DataFrame({"review": TEXTS[:6], "title": TEXTS[:6][::-1]}).to_csv(source, index=False)
    first = {"bundle": runs.open_run(REVIEWS).finished_bundle, "text": "review"}
    second = dict(first)
    with pytest.raises(StopError):
        predict_file(source=source, output=out, listener=stop_after(0), **first)  # type: ignore[arg-type]
    if change == "input":
        pd.DataFrame({"review": TEXTS[:5], "title": TEXTS[:5]}).to_csv(source, index=False)
    elif change == "run":
        second["bundle"] = runs.open_run("reference:reviews_lstm/improved_lstm").finished_bundle
    else:
        second["text"] = "title"
    result = predict_file(source=source, output=out, **second)  # type: ignore[arg-type]
    assert any("belongs to another input or run" in note for note in result.notes)
    predict_file(source=source, output=tmp_path / "straight.csv", **second)  # type: ignore[arg-type]
    assert out.read_bytes() == (tmp_path / "straight.csv").read_bytes()


def test_two_processes_do_not_write_the_same_table(tmp_path: Path) -> None:
    with (
        PartialTable(tmp_path / "out.csv", (), {}).lock(),
        pytest.raises(RequestError, match="another process is writing"),
    ):
        runs.open_run(REVIEWS).predict_file(write_texts(tmp_path / "in.csv"), tmp_path / "out.csv")


# --- the command line -------------------------------------------------------------------------------------------------


def test_command_writes_the_table_and_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write_texts(tmp_path / "in.csv"), tmp_path / "out.csv"
    assert main(["predict", REVIEWS, "--input", str(source), "--text", "review", "-o", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["errors"], document["path"]) == (10, 2, str(out))
    assert len(read(out)) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "IN"], "in.csv has 10 rows: .* with -o OUT.csv, .* --whole"),
        (["--input", "IN", "-o", "OUT.docx"], "the ending must be one of .csv, .jsonl, .parquet"),
        (["--input", "IN", "-o", "no/such/out.csv"], "does not exist"),
        (["--input", "IN", "-o", "IN"], "this is the input"),
        (["--input", "IN", "--text", "body", "-o", "OUT.csv"], "no such column; the columns are 'id', 'review'"),
        (["--input", "TWO", "-o", "OUT.csv"], "Name it with --text: the columns are 'first', 'second'"),
        (["--input", "missing.csv", "-o", "OUT.csv"], "no such file"),
        (["--input", "FOLDER", "-o", "OUT.csv"], "takes a file, not a folder"),
        (["--input", "IN", "--text", "review"], "--text names a column of --input FILE: .* -o OUT.csv"),
        (["-o", "OUT.csv"], "-o needs --input"),
        (["--input", "IN", "--whole", "-o", "OUT.csv"], "excludes --whole"),
    ],
)
def test_refused_requests_take_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.csv").write_text("first,second\nA fine film,A dull film\n")
    (tmp_path / "folder").mkdir()
    names = {"IN": write_texts(tmp_path / "in.csv"), "TWO": tmp_path / "two.csv", "FOLDER": tmp_path / "folder"}
    names |= {name: tmp_path / name for name in ("OUT.csv", "OUT.docx", "no/such/out.csv", "missing.csv")}
    assert main(["predict", REVIEWS, *(str(names.get(argument, argument)) for argument in arguments)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert pd.Series([error]).str.contains(message, regex=True).all(), error
    assert not list(tmp_path.glob("OUT*"))


@pytest.mark.parametrize("run", [DIGITS, "reference:anatomy/autoencoder"])
def test_table_for_a_run_of_images_is_refused(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_texts(tmp_path / "in.csv")
    assert main(["predict", run, "--input", str(source), "-o", str(tmp_path / "out.csv")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json"])
def test_table_is_one_text_on_request_only(ending: str, tmp_path: Path) -> None:
    run, path = runs.open_run(REVIEWS), tmp_path / f"in.{ending}"
    table = pd.DataFrame({"n": range(4), "review": TEXTS[:4]})
    if ending in ("csv", "tsv"):
        table.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    else:
        table.to_json(path, orient="records", lines=ending == "jsonl")
    for source in (path, str(path)):
        with pytest.raises(RequestError, match="has 4 rows"):
            run.predict(source)
    assert run.predict(path, whole=True)["label"] == run.predict(path.read_bytes())["label"]
    letter = tmp_path / "letter.txt"
    letter.write_text("A dull film.\n\nI liked the actors.\n")
    assert run.predict(letter)["label"]
