"""Comparison of any runs: settings that differ, seeds, paired tests, or the reason why one is impossible."""

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.cli import main
from dlcore.core.errors import RequestError, RunError
from dlcore.evaluation import seeds, uncertainty
from dlcore.runs import paired_tests
from dlcore.runs.run_comparison import compare_runs, list_disagreements

ARCHITECTURES = [f"reference:architectures/{name}" for name in ("resnet18", "vgg16_c", "resnext")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the ids of four runs on digits: two seeds of one setting, another rate, another share of the data."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("compared")
        patch.setenv("DLCORE_HOME", str(home))
        run_ids = []
        for seed, rate, dataset in ((0, 1e-3, "digits"), (1, 1e-3, "digits"), (0, 1e-2, "digits")):
            settings = {"epochs": 2, "learning_rate": rate}
            config = projects.configure("fashion", dataset=dataset, seed=seed, device="cpu", settings=settings)
            bundle = home / f"bundle-{len(run_ids)}"
            runs.train_here(config, bundle)
            run_ids.append(runs.import_run(bundle).run_id)
        yield home, run_ids


@pytest.fixture
def run_ids(trained, monkeypatch):
    home, ids = trained
    monkeypatch.setenv("DLCORE_HOME", str(home))
    return ids


def test_seeds_are_grouped_and_only_differing_settings_are_listed(run_ids):
    comparison = compare_runs(run_ids)
    assert comparison.settings == {"learning_rate": (1e-3, 1e-2)}
    slow, fast = comparison.variants
    assert [len(slow.bundles), len(fast.bundles)] == [2, 1]
    accuracies = [runs.open_run(run_id).metrics["accuracy"] for run_id in run_ids[:2]]
    accuracy = slow.metrics["accuracy"]
    assert (accuracy.mean, accuracy.low, accuracy.high) == pytest.approx(
        (np.mean(accuracies), min(accuracies), max(accuracies))
    )


def test_the_test_is_that_of_the_correct_samples(run_ids):
    (test,) = compare_runs(run_ids).tests
    correct = [paired_tests.correct_classes(runs.open_run(run_id).finished_bundle) for run_id in run_ids]
    expected = seeds.compare_on_same_samples(correct[:2], correct[2:])
    assert test.difference == expected and test.metric == "accuracy" and test.method == paired_tests.SEEDS
    (alone,) = compare_runs(run_ids[1:]).tests
    assert alone.method == paired_tests.MCNEMAR
    assert alone.difference.p_value == uncertainty.mcnemar(correct[1], correct[2])


def test_seeds_of_one_setting_are_one_variant_without_a_test(run_ids):
    comparison = compare_runs(run_ids[:2])
    assert len(comparison.variants) == 1 and comparison.tests == () and comparison.verdict == ""


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ("reference:vit/cnn", "other data: imdb and fashion_mnist"),
        ("reference:reviews_transformer/base", "other split: 25,000 and 12,556 test samples, 12,556 in common"),
    ],
)
def test_a_test_that_is_impossible_has_a_reason(second, reason):
    (test,) = compare_runs(["reference:reviews_lstm/base_lstm", second]).tests
    assert test.difference is None and test.reason == reason
    assert reason in compare_runs(["reference:reviews_lstm/base_lstm", second]).verdict


def test_an_untested_run_has_a_reason(run_ids):
    waiting = runs.create(runs.open_run(run_ids[0]).config.model_copy(update={"preset": "quick"})).run_id
    (test,) = compare_runs([run_ids[2], waiting]).tests
    assert test.reason == paired_tests.UNTESTED
    runs.delete_run(waiting)


def test_runs_of_several_projects_on_the_same_samples_are_tested():
    comparison = compare_runs(["reference:reviews_bert/gru", "reference:reviews_lstm/base_lstm"])
    assert comparison.metric == "accuracy" and comparison.settings["project"] == ("reviews_bert", "reviews_lstm")
    (test,) = comparison.tests
    assert test.difference.verdict == "first" and "wins" in comparison.verdict


@pytest.mark.parametrize(
    ("pair", "metric", "tie"),
    [
        (("anomaly/calendar", "anomaly/conv"), "area under PR", False),
        (("forecast/blend", "forecast/improved"), "skill", True),
        (("seq2seq/reversing", "seq2seq/sorting"), "", False),
    ],
)
def test_detectors_forecasts_and_sequences_are_tested_by_their_metric(pair, metric, tie):
    (test,) = compare_runs([f"reference:{name}" for name in pair]).tests
    assert test.metric == metric
    if test.difference is not None:
        assert (test.difference.verdict == "no difference") == tie and test.method == paired_tests.BOOTSTRAP
        assert (test.difference.low <= 0 <= test.difference.high) == tie


def test_ties_and_winners_are_named():
    verdict = compare_runs(ARCHITECTURES).verdict
    assert verdict.startswith("**No difference between ResNet-18 and ResNeXt**") and "beats VGG-16" in verdict


def test_disagreements_are_the_samples_with_different_classes():
    bundles = [runs.open_run(ref).finished_bundle for ref in ARCHITECTURES[:2]]
    first, second = (paired_tests.predicted_classes(bundle) for bundle in bundles)
    listed = list_disagreements(bundles)
    ids = bundles[0].predictions()["test_ids"]
    assert [each.sample for each in listed] == ids[first != second].tolist()
    assert all(each.predicted[0] != each.predicted[1] for each in listed)


def test_resampled_difference_of_equal_models_is_a_tie():
    draws = np.random.default_rng(0).normal(0.5, 0.1, 200)
    same = seeds.compare_resampled({"a": 0.5, "b": 0.5}, {"a": draws, "b": draws})["a", "b"]
    assert (same.value, same.p_value, same.verdict) == (0.0, 1.0, "no difference")
    better = seeds.compare_resampled({"a": 0.7, "b": 0.5}, {"a": draws + 0.2, "b": draws})["a", "b"]
    assert better.verdict == "first" and better.low == pytest.approx(0.2) and better.p_value < 0.02


@pytest.mark.parametrize("refs", [ARCHITECTURES[:1], ARCHITECTURES[:1] * 2])
def test_one_run_cannot_be_compared(refs):
    with pytest.raises(RequestError, match="2 to 30"):
        compare_runs(refs)
    with pytest.raises(RunError, match="no reference run"):
        compare_runs([*refs, "reference:nothing/here"])


def test_command_prints_tables_and_one_json_document(capsys):
    import json

    assert main(["compare", *ARCHITECTURES[:2]]) == 0
    text = capsys.readouterr().out
    assert "Settings that differ" in text and "ResNet-18 is better" in text and "McNemar" in text
    assert main(["compare", *ARCHITECTURES[:2], "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["variants"][0]["curves"]["validation_loss"]["mean"]
    assert document["tests"][0]["difference"]["verdict"] == "first"
    assert main(["compare", ARCHITECTURES[0]]) == 2
