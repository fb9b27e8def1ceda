"""The anomaly project: parameter counts, splits that leak nothing, errors per point, answers for a stranger's CSV."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from dlcore import projects
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.series import Series, load_nyc_taxi
from dlcore.evaluation import anomaly as scoring
from dlcore.projects import anomaly
from dlcore.training.state import count_parameters

MODELS = list(anomaly.PROJECT.models)


def config(model="dense_32", **settings):
    return projects.configure("anomaly", model=model, settings=settings)


@pytest.mark.parametrize(
    ("model", "parameters"), [("dense_32", 5063), ("dense_16", 6055), ("lstm", 252), ("conv", 2057)]
)
def test_parameter_counts(model, parameters):
    entry = anomaly.PROJECT.models[model]
    assert count_parameters(entry.build(entry.config(), anomaly.PROJECT.facts)) == (parameters, parameters)


def test_layers_are_those_of_the_report():
    entry = anomaly.PROJECT.models["dense_32"]
    module = entry.build(entry.config(), {"features": 5})
    sizes = [sum(p.numel() for p in m.parameters()) for m in module.modules() if isinstance(m, nn.Linear)]
    assert sizes == [384, 2080, 66, 96, 2112, 325]
    assert not isinstance(module.encoder[-1], nn.ReLU)
    conv = anomaly.PROJECT.models["conv"].build(anomaly.PROJECT.models["conv"].config(), {})
    kinds = [type(layer).__name__ for layer in (*conv.encoder, *conv.decoder)]
    assert kinds == ["Conv1d", "ReLU", "Conv1d", "ReLU", "ConvTranspose1d", "ReLU", "ConvTranspose1d"]
    assert [m.out_channels for m in (*conv.encoder, *conv.decoder) if hasattr(m, "out_channels")] == [16, 8, 16, 1]


@pytest.mark.parametrize("model", MODELS)
def test_splits_end_where_the_design_says_and_no_window_straddles(model):
    prepared = anomaly.prepare(config(model))
    taxi = load_nyc_taxi()
    length = prepared.facts["window"]
    assert (prepared.source["spans"]["train"], prepared.source["spans"]["test"]) == (slice(0, 5000), slice(5839, 10320))
    for name, span in prepared.source["spans"].items():
        split = prepared.split(name)
        assert len(split) == span.stop - span.start - length + 1
        assert split.ids[0] == taxi.times[span.start]
        assert split.ids[-1] + (length - 1) * 1_800_000 == taxi.times[span.stop - 1]


@pytest.mark.parametrize("model", MODELS)
def test_training_data_lie_between_zero_and_one(model):
    rows = anomaly.prepare(config(model)).train.inputs[0]
    assert rows.min() >= 0 and rows.max() <= 1 and rows.max() > 0.99


def leaky(series: Series, run: projects.RunConfig):
    """A preparation with the classic fault: the scaler has seen the whole series."""
    whole = dataclasses.replace(series, values=series.values)
    prepared = anomaly.prepare_series(whole, run)
    features = anomaly.five_features(series)
    scaled = anomaly.MinMaxScaler.fit(features).scale(features)
    return dataclasses.replace(prepared, train=anomaly._split(scaled[:5000], series.times[:5000], run))


@pytest.mark.parametrize(("prepare", "leaks"), [(anomaly.prepare_series, False), (leaky, True)])
def test_a_changed_future_changes_nothing_that_is_trained_on(prepare, leaks):
    taxi = load_nyc_taxi()
    other = taxi.values.copy()
    other[5000:] *= 100
    run = config()
    one, two = prepare(taxi, run), prepare(dataclasses.replace(taxi, values=other), run)
    assert torch.equal(one.train.inputs[0], two.train.inputs[0]) is not leaks


class Blind(nn.Module):
    """Says zero whatever it sees: the error is then the mean square of the input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x * self.weight


@pytest.mark.parametrize("model", MODELS)
def test_each_point_gets_the_mean_of_its_squared_errors(model):
    run = config(model)
    prepared = anomaly.prepare(run)
    found = anomaly.predict(Blind(), prepared, run)
    scaled = anomaly.MinMaxScaler.from_json(prepared.preprocessing["scaler"]).scale(
        anomaly.five_features(prepared.source["series"])
    )
    columns = scaled[:, :1] if model == "conv" else scaled
    wanted = (columns.astype(np.float64) ** 2).mean(axis=1)
    for name, span in prepared.source["spans"].items():
        assert found[f"{name}_scores"] == pytest.approx(wanted[span], rel=1e-5)
        assert len(found[f"{name}_targets"]) == len(found[f"{name}_ids"]) == span.stop - span.start


def predictions(seed=0, **changed):
    rng = np.random.default_rng(seed)
    targets = np.zeros(2000, np.uint8)
    targets[500:700] = 1
    parts = {
        name: rng.random(n) for name, n in [("train_scores", 900), ("validation_scores", 400), ("test_scores", 2000)]
    }
    return {**parts, "test_targets": targets, "validation_targets": np.zeros(400, np.uint8), **changed}


def test_no_test_label_or_error_reaches_the_threshold():
    honest = anomaly.evaluate(predictions(), None, config()).threshold
    flipped = 1 - predictions()["test_targets"]
    assert anomaly.evaluate(predictions(test_targets=flipped), None, config()).threshold == honest
    assert (
        anomaly.evaluate(predictions(test_scores=np.random.default_rng(9).random(2000) * 50), None, config()).threshold
        == honest
    )
    assert anomaly.evaluate(
        predictions(validation_scores=np.full(400, 0.3)), None, config()
    ).threshold == pytest.approx(0.3)


@pytest.mark.parametrize("rule", scoring.RULES)
def test_the_rule_in_the_config_sets_the_threshold(rule):
    wanted = scoring.threshold_of(predictions()["validation_scores"], rule)
    assert anomaly.evaluate(predictions(), None, config(threshold_rule=rule)).threshold == wanted


def loaded(model="dense_32"):
    run = config(model)
    prepared = anomaly.prepare(run)
    entry = anomaly.PROJECT.models[model]
    torch.manual_seed(0)
    module = entry.build(projects.model_config(run), prepared.facts).eval()
    return projects.Loaded(
        module, run, prepared.facts, prepared.preprocessing, prepared.labels, threshold=0.05
    ), prepared


def csv_of(series, rows=400, start=0):
    stamps = series.times[start : start + rows].astype("datetime64[ms]").astype("datetime64[s]")
    lines = [f"{t},{v}" for t, v in zip(stamps, series.values[start : start + rows], strict=True)]
    return "\n".join(["timestamp,value", *lines]).encode()


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_equals_the_errors_of_the_split_it_is_taken_from(model):
    ready, prepared = loaded(model)
    answer = anomaly.answer(ready, csv_of(prepared.source["series"], rows=5000))
    wanted = anomaly.predict(ready.module, prepared, ready.config)["train_scores"]
    assert answer["errors"] == pytest.approx(wanted.tolist(), rel=1e-4, abs=1e-9)
    assert answer["rows"][0] == 2
    assert [row - 2 for row in answer["alarm_rows"]] == np.flatnonzero(wanted > 0.05).tolist()
    assert answer["note"] == ""


def test_another_step_is_said():
    ready, prepared = loaded()
    taxi = prepared.source["series"]
    hourly = dataclasses.replace(taxi, times=taxi.times[::2], values=taxi.values[::2])
    assert "60 minutes" in anomaly.answer(ready, csv_of(hourly, rows=300))["note"]


def test_a_file_shorter_than_a_window_is_refused():
    ready, prepared = loaded("conv")
    with pytest.raises(DataError, match="row 21: the file ends after 20 points; this model needs 48"):
        anomaly.answer(ready, csv_of(prepared.source["series"], rows=20))


def test_a_window_that_is_no_multiple_of_four_is_refused():
    with pytest.raises((DataError, ConfigError), match="multiple of 4"):
        anomaly.prepare(config("conv", window=50))


def test_baselines_are_measured_on_the_same_points():
    run = config()
    found = anomaly.baselines(anomaly.prepare(run), run)
    assert {"weekly_median_causal", "median_mad_centred", "nearest_window_causal", "random"} <= set(found)
    assert found["random"]["roc_auc"] == pytest.approx(0.5, abs=0.05)
    assert found["weekly_median_causal"]["auc_pr"] > found["random"]["auc_pr"]
