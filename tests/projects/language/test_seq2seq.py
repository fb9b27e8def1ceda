"""Sequence to sequence: data, evaluation and panels of a run."""

import datetime

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.errors import DataError
from dlcore.core.settings import ROOT
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.text import sequences
from dlcore.evaluation import sequences as sequence_metrics
from dlcore.inference import decode
from dlcore.plots.palette import ORANGE
from dlcore.projects.language import seq2seq
from dlcore.ui.shell.thumbnails import thumbnail

FEW = {
    "epochs": 1,
    "train_rows": 300,
    "validation_rows": 50,
    "width": 16,
    "layers": 1,
    "heads": 2,
    "feed_forward": 16,
    "longest": 5,
}


def configured(dataset: str, **settings):
    return projects.configure("seq2seq", dataset=dataset, preset="quick", settings={**FEW, **settings}, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def short():
    """A tenth of the 2,000 test pairs."""
    patch = pytest.MonkeyPatch()
    patch.setattr(seq2seq, "TEST_ROWS", 200)
    yield
    patch.undo()


@pytest.fixture(scope="module", params=["dates_in_words", "reversing"])
def bundle(request, tmp_path_factory, short) -> runs.Bundle:
    folder = tmp_path_factory.mktemp("trained") / request.param
    runs.train_here(configured(request.param), folder)
    return runs.Bundle(folder)


@pytest.fixture(scope="module")
def imported(bundle, tmp_path_factory):
    """The run's id in a separate store."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DLCORE_HOME", str(tmp_path_factory.mktemp("store")))
    yield runs.import_run(bundle.folder).run_id
    patch.undo()


def test_trim_removes_only_padding():
    prepared = seq2seq.prepare(configured("sorting"))
    inputs = tuple(part[:9] for part in prepared.train.inputs)
    source, result = seq2seq.trim(inputs, True)
    assert result.shape[1] == source.shape[1] + 1 <= 6 and prepared.facts["source_length"] == 10
    targets = prepared.train.targets[:9]
    outputs = torch.nn.functional.one_hot(targets[:, : result.shape[1]], prepared.facts["symbols"]).float() * 50
    task = seq2seq.objective(configured("sorting"), prepared)
    assert task.correct is not None and int(task.correct(outputs, targets).sum()) == 9
    assert float(task.loss(outputs, targets)) < 1e-6
    outputs[0, 0] = outputs[0, 0].roll(1)
    assert int(task.correct(outputs, targets).sum()) == 8


def test_stored_outputs_equal_the_models(bundle):
    stored, loaded = bundle.predictions(), bundle.load()
    source, target = seq2seq.alphabets(bundle.preprocessing)
    rows = seq2seq.decode_rows(stored["test_sources"][:5], source)
    for row, text in enumerate(rows):
        answer = seq2seq.answer(loaded, text.encode())
        assert answer["answer"] == target.decode(stored["test_written"][row].tolist())
        assert np.log(answer["probability"]) == pytest.approx(float(stored["test_scores"][row]), abs=1e-3)
        assert np.prod([item["probability"] for item in answer["symbols"]]) == pytest.approx(answer["probability"])
        assert answer["beam"][0]["probability"] >= answer["beam"][-1]["probability"]
    if bundle.config.dataset == "reversing":
        assert [target.decode(ids) for ids in stored["test_targets"][:5].tolist()] == [text[::-1] for text in rows]


def test_evaluation_has_baselines_and_longer_lengths(bundle):
    stored, evaluation = bundle.predictions(), bundle.evaluation
    right = (stored["test_written"] == stored["test_targets"]).all(axis=1)
    metrics = evaluation.metrics
    assert metrics["exact_match"] == right.mean()
    assert metrics["exact_match_low"] <= metrics["exact_match"] <= metrics["exact_match_high"]
    assert {"copy", "nearest_item"} <= set(evaluation.baselines)
    if bundle.config.dataset == "reversing":
        assert stored["longer_kinds"].tolist() == [length for length in range(6, 11) for _ in range(seq2seq.EACH)]
        assert 0 <= metrics["exact_match_longer"] <= 1 and "up to twice the training length" in evaluation.verdict
    else:
        assert 0.3 < evaluation.baselines["date_parser"]["exact_match"] < 1
        assert evaluation.baselines["copy"]["exact_match"] == 0
    again = seq2seq.evaluate(stored, None, bundle.config)
    assert again.metrics == pytest.approx(metrics)


@pytest.mark.parametrize("panel", ["data", "results", "predict", "explain"])
def test_every_panel_renders(bundle, imported, panel):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/language/seq2seq.py")
    app.query_params["panel"], app.query_params["run"] = panel, imported
    app.run()
    assert not app.exception and not app.error
    if panel == "predict":
        app.slider(key="seq2seq-beams").set_value(3).run()
        assert not app.exception and len(app.dataframe[0].value) == 3
        app.slider(key="seq2seq-beams").set_value(1).run()
        assert not app.exception and "Parent" in app.dataframe[0].value.columns
        app.text_input(key=f"seq2seq-text-{bundle.config.dataset}").set_value("%%").run()
        assert not app.exception and "does not know '%'" in app.error[0].value


def test_custom_pairs_are_trained_on_and_shown(home):
    """A file of two columns: imported, trained on, tested on a fifth, and shown on every panel."""
    rows = [(f"{n} km", f"{n * 1000} m") for n in range(200)]
    lines = "\n".join(["read,write", *(f"{a},{b}" for a, b in rows)])
    custom_pairs.IMPORTER.save("units", custom_pairs.IMPORTER.preview(lines.encode()))
    assert projects.list_datasets("seq2seq")[-1] == "custom:units"
    runs.train_here(configured("custom:units"), home / "bundle")
    result = runs.Bundle(home / "bundle")
    assert len(result.predictions()["test_written"]) == 40 and "copy" in result.evaluation.baselines
    run_id = runs.import_run(result.folder).run_id
    for panel in ("data", "results", "predict", "explain"):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.switch_page("pages/language/seq2seq.py")
        app.query_params["panel"], app.query_params["run"] = panel, run_id
        app.run()
        assert not app.exception and not app.error, panel


@pytest.mark.parametrize(
    ("text", "word"), [(b" ", "empty"), (b"1" * 60, "the maximum is 51"), (b"23 m\xc3\xa4rz", "does not know")]
)
def test_invalid_text_is_rejected_in_one_line(text, word):
    config = configured("dates_in_words", train_rows=2000)
    prepared = seq2seq.prepare(config)
    module = seq2seq.PROJECT.models["transformer"].build(config.model_options, prepared.facts)
    facts = {**prepared.facts, "source_length": 51}
    with pytest.raises(DataError, match=word) as raises:
        seq2seq.answer(projects.LoadedModel(module, config, facts, prepared.preprocessing, ()), text)
    assert "\n" not in str(raises.value)


def test_reference_run_has_99_percent_exact_match():
    run = runs.open_run("reference:seq2seq/transformer")
    assert run.record.dataset == "dates_in_words" and run.bundle is not None
    assert run.record.metrics["exact_match_low"] >= 0.99
    for text, day in (("Friday, November 20th, 2026", "2026-11-20"), ("the third of may 1999", "1999-05-03")):
        assert seq2seq.answer(run.bundle.load(), text.encode())["answer"] == day


def test_reversing_reports_longer_lengths():
    run = runs.open_run("reference:seq2seq/reversing")
    assert run.record.dataset == "reversing" and run.bundle is not None
    stored, metrics = run.bundle.predictions(), run.record.metrics
    beyond = (stored["longer_written"] == stored["longer_targets"]).all(axis=1)
    assert set(stored["longer_kinds"].tolist()) == set(range(13, 25))
    assert metrics["exact_match"] > 0.99 and metrics["exact_match_longer"] == beyond.mean() < 0.5


def test_home_page_shows_answers_by_symbol(bundle):
    stored = bundle.predictions()
    result = thumbnail(stored)
    assert 0 < result.count("<rect") <= 7 * stored["test_targets"].shape[1] and ORANGE in result
    assert ORANGE not in thumbnail({**stored, "test_written": stored["test_targets"]})


def test_baseline_answers():
    days = [datetime.date(2001, 2, 3) + datetime.timedelta(days=40 * place) for place in range(50)]
    dates = [sequences.format_date(day, form) for day in days for form in (0, 3, 7)]
    parsed_dates = sequence_metrics.parsed_dates([*dates, "september the third, two thousand and five"])
    assert parsed_dates == [day.isoformat() for day in days for _ in range(3)] + [""]
    assert sequence_metrics.nearest_neighbor(["abc", "xyz"], ["cba", "zyx"], ["abd", "wxy"]) == ["cba", "zyx"]
    assert sequence_metrics.exact_match(["a", "b"], ["a", "c"])["exact_match"] == 0.5


def test_model_learns_to_sort():
    """After 200 steps on three digits, beam search equals greedy decoding, and both are far above chance."""
    config = configured(
        "sorting", longest=4, width=32, train_rows=4000, epochs=6, batch_size=64, feed_forward=32, learning_rate=5e-3
    )
    prepared = seq2seq.prepare(config)
    torch.manual_seed(0)
    module = seq2seq.PROJECT.models["transformer"].build(config.model_options, prepared.facts)
    optimiser, task = torch.optim.Adam(module.parameters(), lr=5e-3), seq2seq.objective(config, prepared)
    rows = torch.randperm(4000, generator=torch.Generator().manual_seed(0)).repeat(6).split(64)[:350]
    for some in rows:
        optimiser.zero_grad()
        inputs = seq2seq.trim(tuple(part[some] for part in prepared.train.inputs), True)
        task.loss(module(*inputs), prepared.train.targets[some]).backward()
        optimiser.step()
    best = decode.decode(module, prepared.test.inputs[0], length=prepared.facts["target_length"]).best
    assert float((best == prepared.test.targets).all(dim=1).float().mean()) > 0.5
