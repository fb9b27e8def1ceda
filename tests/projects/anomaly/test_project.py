"""The anomaly project: parameter counts, splits without leakage, errors per point, answers for a CSV."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from dlcore import projects
from dlcore.core import settings
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.series.series import Series, load_nyc_taxi
from dlcore.data.splits import SPLITS
from dlcore.evaluation import anomaly as scoring
from dlcore.projects.anomaly import evaluation as measured
from dlcore.projects.anomaly import project as anomaly
from dlcore.projects.anomaly import scores as scored
from dlcore.runs import Bundle
from dlcore.training.state import count_parameters

MODELS = list(anomaly.PROJECT.models)


def config(model="dense_32", **settings):
    return projects.configure("anomaly", model=model, settings=settings)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("dense_32", 5063),
        ("dense_16", 6055),
        ("lstm", 252),
        ("conv", 2057),
        ("calendar", 113_715),
        ("neighbors", 0),
        ("patch", 33_536),
    ],
)
def test_parameter_counts(model, parameters):
    entry = anomaly.PROJECT.models[model]
    assert count_parameters(entry.build(entry.config(), anomaly.PROJECT.facts)) == (parameters, parameters)


def test_layers_match_the_report():
    entry = anomaly.PROJECT.models["dense_32"]
    module = entry.build(entry.config(), {"features": 5})
    sizes = [sum(p.numel() for p in m.parameters()) for m in module.modules() if isinstance(m, nn.Linear)]
    assert sizes == [384, 2080, 66, 96, 2112, 325]
    assert not isinstance(module.encoder[-1], nn.ReLU)
    conv = anomaly.PROJECT.models["conv"].build(anomaly.PROJECT.models["conv"].config(), {})
    kinds = [type(layer).__name__ for layer in (*conv.encoder, *conv.decoder)]
    assert kinds == ["Conv1d", "ReLU", "Conv1d", "ReLU", "ConvTranspose1d", "ReLU", "ConvTranspose1d"]
    assert [m.out_channels for m in (*conv.encoder, *conv.decoder) if hasattr(m, "out_channels")] == [16, 8, 16, 1]


def training_length(model, prepared):
    """Points of a training sample: the patch network reads two consecutive windows."""
    return prepared.facts["window"] * (2 if model == "patch" else 1)


@pytest.mark.parametrize("model", MODELS)
def test_no_window_crosses_a_split_boundary(model):
    prepared = anomaly.prepare(config(model, leave_out=""))
    taxi = load_nyc_taxi()
    length = training_length(model, prepared)
    assert (prepared.source["spans"]["train"], prepared.source["spans"]["test"]) == (slice(0, 5000), slice(5839, 10320))
    for name, span in prepared.source["spans"].items():
        split = prepared.split(name)
        assert len(split) == span.stop - span.start - length + 1
        assert split.ids[0] == taxi.times[span.start]
        assert split.ids[-1] + (length - 1) * 1_800_000 == taxi.times[span.stop - 1]


@pytest.mark.parametrize("model", MODELS)
def test_training_windows_have_no_excluded_day(model):
    prepared = anomaly.prepare(config(model, leave_out="2014-07-03/2014-07-06,2014-08-01"))
    length = training_length(model, prepared)
    places = (prepared.train.ids - prepared.source["series"].times[0]) // 1_800_000
    held = places[:, None] + np.arange(length)
    gone = np.r_[2 * 48 : 6 * 48, 31 * 48 : 32 * 48]
    assert not np.isin(held, gone).any()
    assert set(held.ravel()) == set(range(5000)) - set(gone) - (set(range(96)) if length > 96 else set())
    assert len(prepared.validation) == 839 - length + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "not a time interval"),
        ("2014-07-06/2014-07-03", "ends before it begins"),
        ("2014-01-01/2015-12-31", "excludes all training days"),
    ],
)
def test_invalid_interval_is_rejected(text, message):
    with pytest.raises(DataError, match=message):
        anomaly.prepare(config(leave_out=text))


@pytest.mark.parametrize("model", MODELS)
def test_training_data_are_between_zero_and_one(model):
    rows = anomaly.prepare(config(model)).train.inputs[0][..., :1]
    assert rows.min() >= 0 and rows.max() <= 1 and rows.max() > 0.99


def leaky(series: Series, run: projects.RunConfig):
    """Leaky preparation: the scaler is fitted on the whole series."""
    whole = dataclasses.replace(series, values=series.values)
    prepared = anomaly.prepare_series(whole, run)
    features = anomaly.time_features(series)
    scaled = anomaly.MinMaxScaler.fit(features).scale(features)
    rows = dataclasses.replace(prepared.source["rows"], scaled=scaled)[:5000]
    return dataclasses.replace(prepared, train=anomaly._split(rows, series.times[:5000], np.zeros(5000, bool), run))


@pytest.mark.parametrize(("prepare", "leaks"), [(anomaly.prepare_series, False), (leaky, True)])
def test_test_values_do_not_change_training_data(prepare, leaks):
    taxi = load_nyc_taxi()
    other = taxi.values.copy()
    other[5000:] *= 100
    run = config()
    result, two = prepare(taxi, run), prepare(dataclasses.replace(taxi, values=other), run)
    assert torch.equal(result.train.inputs[0], two.train.inputs[0]) is not leaks


class Blind(nn.Module):
    """Outputs zeros: the error is the mean square of the input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x * self.weight


@pytest.mark.parametrize("model", [name for name in MODELS if anomaly.MODELS[name].view not in scored.ENSEMBLES])
def test_error_of_a_point_is_the_mean_over_its_windows(model):
    run = config(model)
    prepared = anomaly.prepare(run)
    result = anomaly.predict(Blind(), prepared, run)
    scaled = prepared.source["rows"].scaled
    columns = scaled[:, :1] if model == "conv" else scaled
    mean = (columns.astype(np.float64) ** 2).mean(axis=1)
    head = prepared.facts["window"] - 1  # no causal score before the first complete window
    assert not result["train_scores"][:head].any()
    result["train_scores"][:head] = mean[:head]
    for name, span in prepared.source["spans"].items():
        assert result[f"{name}_scores"] == pytest.approx(mean[span], rel=1e-5)
        assert result[f"{name}_centred"] == pytest.approx(mean[span], rel=1e-5)
        assert len(result[f"{name}_targets"]) == len(result[f"{name}_ids"]) == span.stop - span.start


def fresh(model, **settings):
    small = {"window": 48, "seeds": 2} if model == "calendar" else {}
    run = config(model, **small, **settings)
    prepared = anomaly.prepare(run)
    torch.manual_seed(0)
    module = anomaly.PROJECT.models[model].build(run.model_options, prepared.facts).eval()
    if prepared.start:
        prepared.start(module)
    return module, prepared, run


@pytest.mark.parametrize("model", MODELS)
def test_causal_scores_use_no_later_point_and_no_split_a_later_one(model):
    module, prepared, run = fresh(model, smoothing_h=24)
    taxi = prepared.source["series"]
    before = anomaly.predict(module, prepared, run)
    for change in (5500, 7000):
        values = taxi.values.copy()
        values[change:] *= 3
        again = anomaly.predict(module, anomaly.prepare_series(dataclasses.replace(taxi, values=values), run), run)
        causal, other = (np.concatenate([item[f"{n}_scores"] for n in SPLITS]) for item in (before, again))
        assert causal[:change] == pytest.approx(other[:change], rel=1e-4) and not np.allclose(
            causal[change:], other[change:]
        )
        for name, span in prepared.source["spans"].items():
            if span.stop <= change:
                assert before[f"{name}_centred"] == pytest.approx(again[f"{name}_centred"], rel=1e-4)


def test_scores_are_the_same_in_training_mode():
    module, prepared, run = fresh("calendar")
    train_scores = anomaly.predict(module, prepared, run)["train_scores"]
    assert (
        np.array_equal(anomaly.predict(module.train(), prepared, run)["train_scores"], train_scores) and module.training
    )


def test_smoothed_score_is_the_mean_of_a_day():
    module, prepared, run = fresh("dense_32")
    raw = anomaly.predict(module, prepared, run)
    smooth = anomaly.predict(module, prepared, projects.with_settings(run, {"smoothing_h": 24}))
    assert smooth["test_scores"][100] == pytest.approx(raw["test_scores"][53:101].mean(), rel=1e-5)
    assert smooth["test_scores"][0] == pytest.approx(
        np.r_[raw["validation_scores"][-47:], raw["test_scores"][0]].mean(), rel=1e-5
    )
    assert smooth["test_centred"][100] == pytest.approx(raw["test_centred"][76:124].mean(), rel=1e-5)
    assert smooth["validation_centred"][-1] == pytest.approx(raw["validation_centred"][-25:].mean(), rel=1e-5)


def test_cross_fitted_points_are_scored_out_of_fold():
    module, prepared, _ = fresh("calendar", leave_out="")
    rows, span = prepared.source["rows"], prepared.source["spans"]["train"]
    assert set(rows.folds[:5000]) == set(range(7)) and (rows.folds[5000:] == -1).all()
    part = scored.errors_by_split(module, prepared, view="folded window", length=48, names=("train",))["train"]
    window, fold, turn = (tensor[1000:1001] for tensor in prepared.train.inputs)
    with torch.no_grad():
        rebuilt = module(window, torch.full_like(fold, -1), turn).unflatten(1, (2, 7))[0, :, int(fold[0, -1]), -1]
    assert part.causal[1047] == pytest.approx((rebuilt - window[0, -1, 0]).square().numpy(), rel=1e-4)
    mask = np.arange(5000) >= 47
    scored.fit_error_scale(module, part, rows[span], mask=mask)
    result = mask & (rows.folds[:5000] != 2) & (rows.places[:5000] == 30)
    assert module.usual[1, 2, 30] == pytest.approx(np.sqrt(part.causal[result, 1].mean()), rel=1e-5)
    everything = mask & (rows.places[:5000] == 30)
    assert module.usual[1, -1, 30] == pytest.approx(np.sqrt(part.causal[everything, 1].mean()), rel=1e-5)


def predictions(seed=0, **changed):
    """Predictions of a run with random errors: 900, 400 and 2,000 points, one labeled window."""
    rng = np.random.default_rng(seed)
    result, start = {}, np.datetime64("2020-01-01").astype("datetime64[ms]").astype(np.int64)
    for name, n in zip(SPLITS, (900, 400, 2000), strict=True):
        result |= {
            f"{name}_scores": rng.random(n),
            f"{name}_centred": rng.random(n),
            f"{name}_targets": np.zeros(n, np.uint8),
            f"{name}_ids": start + 1_800_000 * np.arange(n),
        }
        start += 1_800_000 * n
    result["test_targets"][500:700] = 1
    return {**result, **changed}


@pytest.mark.parametrize("model", ["dense_32", "calendar"])
def test_threshold_uses_no_test_label_or_error(model):
    run = config(model, window=48)
    honest = anomaly.evaluate(predictions(), None, run).threshold
    flipped = 1 - predictions()["test_targets"]
    assert anomaly.evaluate(predictions(test_targets=flipped), None, run).threshold == honest
    wild = np.random.default_rng(9).random(2000) * 50
    assert anomaly.evaluate(predictions(test_scores=wild, test_centred=wild), None, run).threshold == honest
    level = {f"{name}_scores": np.full(n, 0.3) for name, n in (("train", 900), ("validation", 400))}
    assert anomaly.evaluate(predictions(**level), None, run).threshold == pytest.approx(0.3)


def test_verdict_names_the_excluded_days():
    verdicts = [
        anomaly.evaluate(predictions(), None, config(leave_out=day)).verdict for day in ("2020-01-05", "2014-07-04")
    ]
    assert "2020-01-05" in verdicts[0] and "2014" not in verdicts[1]  # the second interval is outside the series


@pytest.mark.parametrize("rule", scoring.RULES)
def test_config_sets_the_threshold_rule(rule):
    threshold = scoring.threshold_of(predictions()["validation_scores"], rule)
    assert anomaly.evaluate(predictions(), None, config(threshold_rule=rule)).threshold == threshold


def test_midway_is_between_ordinary_days_and_known_holidays():
    scores = np.array([1.0, 2.0, 9.0, 3.0, 50.0])
    result, known = np.array([1, 1, 1, 1, 0], bool), np.array([0, 0, 1, 0, 0], bool)
    assert measured.threshold_of(scores, "midway", mask=result, known=known) == 6.0
    assert measured.threshold_of(scores, "midway", mask=result, known=np.zeros(5, bool)) == 9.0
    assert measured.threshold_of(scores[:4], "midway", mask=result[:4], known=np.arange(4) == 0) == 9.0


def test_each_seed_has_metrics_with_mean_and_range():
    rng = np.random.default_rng(3)
    members = {
        f"{n}_{kind}": rng.random((k, 2))
        for n, k in zip(SPLITS, (900, 400, 2000), strict=True)
        for kind in ("members", "members_centred")
    }
    evaluation = anomaly.evaluate(predictions(**members), None, config())
    assert list(evaluation.parts) == ["seed_1", "seed_2", "seeds_mean", "seeds_lowest", "seeds_highest"]
    each = [evaluation.parts[name]["vus_pr_centred"] for name in ("seed_1", "seed_2")]
    assert evaluation.parts["seeds_mean"]["vus_pr_centred"] == pytest.approx(np.mean(each))
    assert (
        evaluation.parts["seeds_lowest"]["vus_pr_centred"],
        evaluation.parts["seeds_highest"]["vus_pr_centred"],
    ) == (
        min(each),
        max(each),
    )
    assert anomaly.evaluate(predictions(), None, config()).parts == {}


@pytest.mark.parametrize(("network", "expected"), [(95.0, "beats every baseline"), (90.0, "does not beat")])
def test_comparison_says_whether_every_baseline_is_beaten(network, expected):
    simple = {
        "weekly_median_causal": {"nab_standard": 93.9, "vus_pr": 0.6},
        "x_centred": {"nab_standard": 99.0, "vus_pr": 1.0},
    }
    evaluation = projects.Evaluation({"nab_standard": network, "vus_pr": 0.7}, simple)
    text = anomaly.compare(evaluation, config(smoothing_h=24))
    assert expected in text and "best baseline (Weekly median) 93.9" in text


def loaded(model="dense_32"):
    module, prepared, run = fresh(model)
    return projects.LoadedModel(
        module, run, prepared.facts, prepared.preprocessing, prepared.labels, threshold=0.05
    ), prepared


def csv_of(series, rows=400, start=0):
    stamps = series.times[start : start + rows].astype("datetime64[ms]").astype("datetime64[s]")
    lines = [f"{t},{v}" for t, v in zip(stamps, series.values[start : start + rows], strict=True)]
    return "\n".join(["timestamp,value", *lines]).encode()


@pytest.mark.parametrize("model", MODELS)
def test_answer_equals_the_stored_errors(model):
    ready, prepared = loaded(model)
    start = 5839 if anomaly.MODELS[model].holds_out else 0  # its training points are scored differently in a new file
    head = (
        0 if start == 0 else prepared.facts["window"] - 1 + 47
    )  # earlier running means include points before the file
    answer = anomaly.answer(ready, csv_of(prepared.source["series"], rows=4000, start=start))
    stored = anomaly.predict(ready.module, prepared, ready.config)["test_scores" if start else "train_scores"]
    result = np.r_[answer["errors"][:head], stored[head:4000]]
    assert answer["errors"] == pytest.approx(result.tolist(), rel=1e-4, abs=1e-9)
    assert answer["rows"][0] == 2
    assert [row - 2 for row in answer["alarm_rows"]] == np.flatnonzero(result > 0.05).tolist()
    assert answer["note"] == ""


def test_note_names_a_different_step():
    ready, prepared = loaded()
    taxi = prepared.source["series"]
    hourly = dataclasses.replace(taxi, times=taxi.times[::2], values=taxi.values[::2])
    note = anomaly.answer(ready, csv_of(hourly, rows=300))["note"]
    assert note.startswith("Scores are not meaningful: this file has a step of 1 hour, the model was trained on 30 min")
    assert "resample the file to 30 minutes" in note
    assert anomaly.answer(ready, csv_of(taxi, rows=300))["note"] == ""


def test_file_shorter_than_a_window_is_rejected():
    ready, prepared = loaded("conv")
    with pytest.raises(DataError, match="row 21: the file ends after 20 points; this model needs 48"):
        anomaly.answer(ready, csv_of(prepared.source["series"], rows=20))


def test_window_that_is_no_multiple_of_four_is_rejected():
    with pytest.raises((DataError, ConfigError), match="multiple of 4"):
        anomaly.prepare(config("conv", window=50))


def test_baselines_use_the_same_points():
    run = config()
    baselines = anomaly.baselines(anomaly.prepare(run), run)
    assert {"weekly_median_causal", "median_mad_centred", "nearest_window_causal", "random"} <= set(baselines)
    assert baselines["random"]["roc_auc"] == pytest.approx(0.5, abs=0.05)
    assert baselines["weekly_median_causal"]["auc_pr"] > baselines["random"]["auc_pr"]


@pytest.mark.parametrize("model", [name for name in MODELS if (settings.ASSETS / "runs/anomaly" / name).is_dir()])
def test_reference_metrics_follow_from_stored_predictions(model):
    bundle = Bundle(settings.ASSETS / "runs" / "anomaly" / model)
    stored, result = bundle.evaluation, anomaly.evaluate(bundle.predictions(), None, bundle.config)
    assert result.threshold == pytest.approx(stored.threshold) and set(stored.parts) == set(result.parts)
    for name, metrics in {"all": result.metrics, **result.parts}.items():
        for metric, value in metrics.items():
            assert value == pytest.approx((stored.parts.get(name) or stored.metrics)[metric], abs=1e-9), (name, metric)


def test_reference_weights_reproduce_the_predictions():
    bundle = Bundle(settings.ASSETS / "runs" / "anomaly" / "calendar")
    result = anomaly.predict(bundle.load().module, anomaly.prepare(bundle.config), bundle.config)
    for name, array in bundle.predictions().items():
        assert result[name] == pytest.approx(array, rel=1e-3, abs=1e-6), name
