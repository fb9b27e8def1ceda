"""Text classifiers of one dataset: their starting points, accuracy and latency."""

import pytest

from dlcore import projects, runs
from dlcore.runs import text_models
from dlcore.ui.pages.bert import ways


@pytest.mark.parametrize(
    ("project", "model", "settings", "way"),
    [
        ("bert", "last_layers", {}, text_models.FINE_TUNED),
        ("bert", "head", {}, text_models.FROZEN),
        ("bert", "scratch", {}, text_models.SCRATCH),
        ("reviews_bert", "gru", {}, text_models.FROZEN),
        ("reviews_lstm", "base_lstm", {}, text_models.SCRATCH),
        ("reviews_lstm", "improved_lstm", {}, text_models.GLOVE),
        ("reviews_lstm", "improved_lstm", {"teacher": "reference:bert/head"}, text_models.DISTILLED),
        ("reviews_lstm", "nb_svm", {}, text_models.BAG),
    ],
)
def test_starting_point_follows_from_the_config(project, model, settings, way):
    assert text_models.name_way(projects.configure(project, model=model, settings=settings)) == way


def test_models_of_a_dataset_are_sorted_and_have_the_same_test_texts():
    known = [run for slug in ("bert", "questions") for run in runs.references(slug)]
    assert text_models.list_datasets(known)[0] == "trec6"
    models = text_models.collect(known, "trec6")
    accuracies = [model.accuracy for model in models]
    assert accuracies == sorted(accuracies, reverse=True) and {model.n for model in models} == {500}
    assert all(model.low < model.accuracy < model.high for model in models)
    (bag,) = [model for model in models if model.way == text_models.BAG]
    assert bag.run_id == "" and bag.accuracy == pytest.approx(0.886)
    gru = next(model for model in models if model.name == "questions/gru")
    seconds = text_models.measure_latencies([gru, bag], {run.run_id: run for run in known}, words=8)
    assert set(seconds) == {gru.run_id} and seconds[gru.run_id] > 0


def test_summary_says_where_a_bag_of_words_wins():
    models = text_models.collect(runs.references("reviews_lstm"), "imdb")
    assert ways.summarize(models).endswith("No network clearly beats the bag of words.")
    assert "bag of words" in ways.summarize(models)
    assert "No network" not in ways.summarize([model for model in models if model.way != text_models.BAG])
