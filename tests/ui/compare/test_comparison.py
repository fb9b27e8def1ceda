"""Comparisons: pooled curves, winner, samples correct by one model only, page."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ASSETS, ROOT
from dlcore.evaluation.seeds import SeedDifference
from dlcore.plots.comparison import class_accuracy
from dlcore.plots.palette import ORDER
from dlcore.runs import Curve, comparisons
from dlcore.runs.budgets import (
    accuracy_at_best_epoch,
    has_cached_states,
    model_cost,
    multiply_adds_per_epoch,
    sample_shape,
)
from dlcore.runs.comparisons import Comparison
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import update_state
from dlcore.runs.paired_tests import winner_sentence
from dlcore.runs.run_comparison import pooled_curves
from dlcore.ui.compare import curves as curves_panel
from dlcore.ui.compare import tests as comparison_tests
from dlcore.ui.compare.classes import correct_by_one_only
from dlcore.ui.compare.comparison import describe_missing, with_model_titles
from dlcore.ui.compare.costs import describe_differences
from dlcore.ui.compare.curves import LOSSES, has_comparable_losses, reported_curves, variant_curves
from dlcore.ui.compare.tests import format_range, format_seconds
from dlcore.ui.compare.verdict import format_count
from dlcore.ui.train import comparison_form


def cost_table(app: AppTest):
    """Return the page's table of scores and costs."""
    return next(table.value for table in app.dataframe if "Seeds" in table.value)


def curve(*values: float) -> Curve:
    return Curve(np.arange(1, len(values) + 1) * 10, np.array(values))


def test_curves_of_seeds_are_pooled_at_every_recorded_step():
    means, bands = pooled_curves([{"train_loss": curve(4, 2)}, {"train_loss": curve(2, 1, 0.5)}])
    assert means["train_loss"].steps.tolist() == [10, 20, 30] and means["train_loss"].values.tolist() == [3, 1.5, 0.5]
    low, high = bands["train_loss"]
    assert low.tolist() == [2, 1, 0.5] and high.tolist() == [4, 2, 0.5]


def test_single_seed_has_no_band():
    means, bands = pooled_curves([{"validation_loss": curve(1, 2)}])
    assert not bands and means["validation_loss"].values.tolist() == [1, 2]


def test_reported_curves_have_a_label_and_one_value_per_epoch():
    project = projects.get("architectures")
    curves = reported_curves("vgg16_c", project.reported_curves["vgg16_c"], project=project, color=2)
    assert curves.reported and curves.label.endswith("reported") and curves.steps_per_epoch == 1
    assert curves.history["validation_accuracy"].values.max() == pytest.approx(project.reported["vgg16_c"])


def test_negative_range_uses_minus_signs_and_to():
    assert format_range([-0.4, 0.1, -0.012]) == "−0.104 (−0.4 to 0.1)"
    assert format_range([0.5]) == "0.5"


def gap(verdict: str) -> SeedDifference:
    return SeedDifference(0.0, 0.0, 0.0, 0.5, verdict, (3, 3))


def test_the_winner_sentence_names_the_winner_or_ties():
    means = {"A": 0.9, "B": 0.8, "C": 0.7}
    pairs = {("A", "B"): gap("first"), ("A", "C"): gap("first"), ("B", "C"): gap("first")}
    assert winner_sentence(means, pairs, where="here").startswith(
        "**A wins** here. Accuracy A: 90.0 %; B: 80.0 %; C: 70.0 %"
    )
    same = dict.fromkeys(pairs, gap("no difference"))
    assert winner_sentence(means, same, where="here").startswith("**No difference** here")
    partly = pairs | {("A", "B"): gap("no difference")}
    assert "**No difference between A and B** here; A beats C" in winner_sentence(means, partly, where="here")


def test_variants_have_the_titles_of_their_models():
    references = comparisons.from_references("vit")
    assert list(with_model_titles(projects.get("vit"), references).variants) == [
        "Convolutional network of equal size",
        "Vision Transformer with a convolutional stem",
        "Vision Transformer",
    ]
    comparison = comparisons.Comparison(
        "", "", {"vit (1a2b3c4d)": references.variants["vit"], "tiny": references.variants["vit"]}
    )
    assert list(with_model_titles(projects.get("vit"), comparison).variants) == [
        "Vision Transformer (1a2b3c4d)",
        "tiny",
    ]


def test_accuracy_at_the_best_epoch_ignores_later_epochs():
    run = runs.open_run("reference:vit/vit")
    reached = [accuracy_at_best_epoch(run.record, run.history(), epochs=epochs) for epochs in (0, 1, 3, 12)]
    assert reached[0] is None and reached[1] < reached[2] < reached[3]


@pytest.mark.parametrize("run", runs.references("fashion"), ids=lambda run: run.run_id)
def test_best_epoch_is_the_one_whose_weights_are_kept(run):
    """The highest accuracy of any epoch would flatter the model that trained longest."""
    record, history = run.record, run.history()
    accuracy = history["validation_accuracy"]
    expected = accuracy.values[accuracy.steps == record.best.epoch * record.steps_per_epoch][0]
    assert accuracy_at_best_epoch(record, history, epochs=record.epochs) == expected


def test_best_epoch_is_at_the_lowest_loss_not_at_the_highest_accuracy():
    record = runs.Record("a", "fashion", "dense", "digits", "finished", steps_per_epoch=10, epochs=3, epoch=3)
    history = {"validation_loss": curve(0.5, 0.3, 0.4), "validation_accuracy": curve(0.7, 0.8, 0.9)}
    assert accuracy_at_best_epoch(record, history, epochs=3) == 0.8
    assert accuracy_at_best_epoch(record, history, epochs=1.9) == 0.7
    history["validation_loss"] = curve(float("nan"), 0.3, 0.4)
    assert accuracy_at_best_epoch(record, history, epochs=1) is None
    assert accuracy_at_best_epoch(record, history, epochs=3) == 0.8


def test_compute_is_multiply_adds_times_training_samples():
    bundle = runs.open_run("reference:architectures/resnet18").bundle
    assert multiply_adds_per_epoch(bundle) == model_cost(bundle).multiply_adds * bundle.run["sizes"]["train"]
    assert multiply_adds_per_epoch(runs.open_run("reference:questions/gru").bundle) is None  # it reads words
    assert multiply_adds_per_epoch(runs.open_run("reference:backprop/dense").bundle) is None  # it computes in NumPy


@pytest.mark.parametrize(
    ("number", "text"), [(512, "512"), (1.84e6, "1.8 million"), (2.13e12, "2.1 trillion"), (4.2e13, "42 trillion")]
)
def test_large_counts_are_in_words(number, text):
    assert format_count(number) == text


def test_short_times_have_decimals():
    assert [format_seconds(seconds) for seconds in (0.0, 0.043, 4.26, 42.4)] == ["0 s", "0.043 s", "4.3 s", "42 s"]


def test_correct_by_one_only_uses_the_majority_of_seeds():
    a = [np.array([1, 1, 0, 1], bool), np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)]
    b = [np.array([0, 1, 0, 0], bool)]
    assert correct_by_one_only([a, b]).tolist() == [[True, False, False, False], [False, False, False, False]]


def test_sample_shape_is_read_from_the_facts():
    assert sample_shape({"channels": 3, "height": 8, "width": 9, "classes": 2}) == (3, 8, 9)
    assert sample_shape({"height": 8, "width": 9, "classes": 2}) == (8, 9)
    assert sample_shape({"vocabulary": 100, "classes": 2}) is None


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Return six runs with equal settings and different seeds, as two variants."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("compared")
        patch.setenv("DLCORE_HOME", str(home))
        for seed in range(6):
            settings = {"epochs": 2, "learning_rate": 1e-3}
            config = projects.configure("fashion", dataset="digits", seed=seed, device="cpu", settings=settings)
            runs.train_here(config, home / f"bundle-{seed}")
            record = runs.import_run(home / f"bundle-{seed}")
            tags = {"group": "itself", "group_title": "Itself", "variant": "These" if seed < 3 else "Those"}
            update_state(of_run(record.run_id), tags=tags)
        yield home, "itself"


def test_equal_settings_show_no_difference_on_the_page(compared, monkeypatch):
    home, comparison_id = compared
    monkeypatch.setenv("DLCORE_HOME", str(home))

    def script():
        from dlcore import projects
        from dlcore.ui.compare.comparison import results

        results(projects.get("fashion"), None)

    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["comparison"] = comparison_id
    app.run()
    assert not app.exception and not app.error, app.error
    text = " ".join(m.value for m in app.markdown)
    assert "**No difference** at equal epochs (2 each)" in text and "equal time" not in text.lower()
    assert any("Equal compute, too: " in caption.value for caption in app.caption)
    assert "had not finished an epoch" not in text
    table = cost_table(app)
    assert table["Model"].tolist()[:2] == ["These", "Those"] and "Logistic regression" in table["Model"].tolist()
    assert table["Seeds"].tolist()[:2] == ["3", "3"] and table["Multiply-adds"].iloc[0].endswith("M")


def test_page_opens_on_a_run_and_offers_the_comparison(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "pages" / "vision" / "architectures.py"), default_timeout=60)
    app.query_params["panel"] = "Results"
    app.run()
    assert not app.exception
    app.session_state["view"] = "Compare"
    app.run()
    assert not app.exception and not app.error, app.error
    assert {"ResNet-18", "VGG-16 (version C)"} <= set(cost_table(app)["Model"])


def test_lesson_opens_by_its_url_with_sizes_and_age_of_the_latency(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    labels = []
    monkeypatch.setattr(
        curves_panel, "show_curves", lambda curves, **options: labels.extend(each.label for each in curves)
    )
    app = AppTest.from_file(str(ROOT / "pages" / "vision" / "architectures.py"), default_timeout=120)
    app.query_params["panel"] = "Results"
    app.query_params["comparison"] = "main"
    app.run()
    assert not app.exception and not app.error, app.error
    assert labels == [
        "ResNet-18, 701 k parameters, 8.8 M multiply-adds, 3 of 3 seeds",
        "VGG-16 (version C), 383 k parameters, 8.7 M multiply-adds, 3 of 3 seeds",
        "ResNeXt, 621 k parameters, 8.4 M multiply-adds, 3 of 3 seeds",
    ]
    text = " ".join(markdown.value for markdown in app.markdown)
    assert "Highest accuracy: ResNet-18." in text
    captions = " ".join(f"{caption.value} {caption.help}" for caption in app.caption)
    assert "Equal compute, too" in captions and ("just now" in captions or "busy" in captions)


def test_single_run_cannot_be_compared(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))

    def script():
        from dlcore import projects
        from dlcore.ui.compare.comparison import compare

        compare(projects.get("backprop"))

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception and "Nothing to compare yet" in app.info[0].value


def test_other_tasks_are_compared_by_their_metrics(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))

    def script():
        from dlcore import projects
        from dlcore.ui.compare.comparison import compare

        compare(projects.get("anomaly"))

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception and not app.error, app.error
    table = cost_table(app)
    references = {path.name for path in (ASSETS / "runs" / "anomaly").iterdir()} - {"calendar"}
    titles = {entry.title for name, entry in projects.get("anomaly").models.items() if name in references}
    assert titles <= set(table["Model"]) and "Seeds" in table


def test_form_starts_the_selected_models_in_project_order(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    calls = []
    monkeypatch.setattr(comparison_form, "_start", lambda variants, **size: calls.append((variants, size)))

    def script():
        from dlcore import projects
        from dlcore.ui.train import comparison_form

        comparison_form.show(projects.get("architectures"))

    app = AppTest.from_function(script, default_timeout=60).run()
    app.session_state["compare-architectures-models"] = ["resnext", "resnet18"]
    app.run()
    app.button(key="compare-architectures-start").click().run()
    assert not app.exception
    assert list(calls[0][0]) == ["ResNet-18", "ResNeXt"] and calls[0][1]["seeds"] == 3
    app.session_state["compare-architectures-models"] = []
    app.run()
    assert app.button(key="compare-architectures-start").disabled
    assert "A comparison takes two or more" in app.caption[-1].value


def test_form_compares_values_of_a_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    calls = []
    monkeypatch.setattr(comparison_form, "_start", lambda variants, **size: calls.append(variants))

    def script():
        from dlcore import projects
        from dlcore.ui.train import comparison_form

        comparison_form.show(projects.get("architectures"))

    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["compare-architectures-models"] = ["resnext"]
    app.session_state["compare-architectures-settings"] = ["cardinality", "skip_connections"]
    app.session_state["compare-architectures-values-cardinality"] = "1, 8"
    app.run()
    assert not app.exception and not app.error
    assert any("12 runs" in caption.value for caption in app.caption)
    app.button(key="compare-architectures-start").click().run()
    assert list(calls[0]) == [
        "Cardinality 1, skip connections on",
        "Cardinality 1, skip connections off",
        "Cardinality 8, skip connections on",
        "Cardinality 8, skip connections off",
    ]
    app.text_input(key="compare-architectures-values-cardinality").set_value("1, 99").run()
    assert "cardinality" in app.error[0].value and not app.exception


def test_no_winner_is_named_while_a_run_is_not_done(compared, monkeypatch):
    home, comparison_id = compared
    monkeypatch.setenv("DLCORE_HOME", str(home))
    config = projects.configure("fashion", dataset="digits", seed=9, device="cpu", settings={"epochs": 2})
    tags = {"group": comparison_id, "group_title": "Itself", "variant": "Late"}
    late = runs.create(config, tags=tags).run_id

    def script():
        from dlcore import projects
        from dlcore.ui.compare.comparison import results

        results(projects.get("fashion"), None)

    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["comparison"] = comparison_id
    app.run()
    assert not app.exception and not app.error, app.error
    text = " ".join(m.value for m in app.markdown)
    assert "**So far, of 6 of 7 runs:** Those" in text or "**So far, of 6 of 7 runs:** These" in text
    assert "wins" not in text and "No difference" not in text
    runs.delete_run(late)
    app.run()
    assert "**No difference** at equal epochs (2 each)" in " ".join(m.value for m in app.markdown)


def test_curves_appear_with_the_first_batches(home):
    from dlcore.runs.metric_file import append_metrics

    record = runs.create(projects.configure("fashion", dataset="digits", device="cpu"))
    assert variant_curves("A", [record], color=0) is None
    append_metrics(of_run(record.run_id), [(step, {"batch_loss": 1 / step}, 0) for step in (1, 2, 3)])
    curves = variant_curves("A", [record], color=0)
    assert list(curves.history) == ["batch_loss"] and curves.history["batch_loss"].steps.tolist() == [1, 2, 3]
    append_metrics(of_run(record.run_id), [(3, {"train_loss": 0.4, "validation_loss": 0.5}, 0)])
    assert set(variant_curves("A", [record], color=0).history) == {"train_loss", "validation_loss"}


def test_losses_of_different_targets_do_not_share_an_axis():
    """One forecaster predicts values, the others changes: their losses differ in unit, their skill does not."""
    project = projects.get("forecast")
    mixed = comparisons.from_references("forecast")
    assert len(mixed.variants) == 3 and not has_comparable_losses(project, mixed)
    ((name, records), *_) = mixed.variants.items()
    curves = variant_curves(name, records, color=0, hidden=LOSSES)
    assert "validation_skill" in curves.history and not set(LOSSES) & set(curves.history)
    assert has_comparable_losses(project, Comparison("", "", {name: records}))
    assert has_comparable_losses(projects.get("fashion"), comparisons.from_references("fashion"))


def test_variants_keep_their_color_before_all_are_tested(home):
    comparison = comparisons.from_references("architectures")
    untested = runs.create(projects.configure("architectures", dataset="digits", preset="quick"))
    tested = comparison_tests.tested_variants({"first": (untested,), **comparison.variants})
    assert [variant.color for variant in tested] == [1, 2, 3]
    low = high = np.ones((2, 1))
    figure = class_accuracy(np.ones((2, 1)), ["b", "c"], ["x"], low=low, high=high, colors=[1, 2])
    assert [trace.marker.color for trace in figure.data] == list(ORDER[1:3])


def test_reference_runs_that_are_not_compared_are_named():
    missing = describe_missing("reviews_transformer", comparisons.from_references("reviews_transformer"))
    assert missing.startswith("Not compared") and "improved" in missing
    assert describe_missing("fashion", comparisons.from_references("fashion")) == ""


def test_equal_differences_are_named_once():
    assert (
        describe_differences({"A": "width 32", "B": "width 32", "C": "", "D": "width 8"})
        == "A, B: width 32; D: width 8"
    )


@pytest.mark.parametrize("slug", ["seq2seq", "rnn"])
def test_without_a_comparison_the_reference_runs_are_chosen_and_their_data_named(slug):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "results"
    app.switch_page(f"pages/{projects.get(slug).section}/{slug}.py").run()
    view = next(control for control in app.button_group if "Compare" in str(control.options))
    view.set_value("Compare").run()
    selected = next(box for box in app.multiselect if box.label == "Runs")
    assert not app.exception and len(selected.value) == len(runs.references(slug))
    notes = " ".join(part.value for part in [*app.caption, *app.warning])
    assert "different data" in notes or "different test samples" in notes


def test_epochs_that_leave_out_the_pass_of_a_frozen_bert_are_known():
    by_model = {run.record.model: run.config for slug in ("bert", "questions") for run in runs.references(slug)}
    assert {name for name, config in by_model.items() if has_cached_states(config)} == {"head", "bert_gru"}
