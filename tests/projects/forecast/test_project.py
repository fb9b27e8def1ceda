"""The forecast project: disjoint splits, scores on observed values, models, answers, attribution, what-if."""

import dataclasses

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.series.tables import HOUR_MS, Table
from dlcore.evaluation import forecast as numbers
from dlcore.projects.forecast import explain as forecast_why
from dlcore.projects.forecast import lesson as forecast_lesson
from dlcore.projects.forecast import project as forecast
from dlcore.projects.forecast import scores as forecast_scores
from dlcore.projects.forecast import windows
from dlcore.projects.project import LoadedModel
from dlcore.training.state import count_parameters

START = 1_262_304_000_000  # 1 January 2010
NAMES = ("gas", "T", "dead")


def table(points: int = 1400, *, seed: int = 0) -> Table:
    """Two noisy daily variables with a tenth missing, and a third without values in the last half."""
    random = np.random.default_rng(seed)
    hours = np.arange(points)
    wave = np.sin(2 * np.pi * hours / 24)
    values = np.stack([10 + 3 * wave, 20 - 5 * wave, wave], axis=1) + random.normal(0, 0.3, (points, 3))
    values[random.random(values.shape) < 0.1] = np.nan
    values[points // 2 :, 2] = np.nan
    return Table(START + hours * HOUR_MS, values, NAMES, ("ppb", "°C", ""), "made", warmed="T")


def config(model: str = "lstm", **settings):
    return projects.configure("forecast", model=model, dataset="beijing_pm25", preset="quick", settings=settings)


def prepared(model: str = "lstm", **settings):
    run_config = config(model, **settings)
    return run_config, forecast.prepare_table(table(), run_config)


@pytest.mark.parametrize("validation", ["weeks", "last"])
@pytest.mark.parametrize("horizon", [1, 5])
def test_training_windows_touch_no_other_split(validation, horizon):
    data = windows.ForecastData(window=12, horizon=horizon, validation=validation)
    parts = windows.cut_windows(3000, data)
    hours = {name: set((first[:, None] + np.arange(-12, horizon)).ravel().tolist()) for name, first in parts.items()}
    assert not hours["train"] & hours["validation"] and not hours["train"] & hours["test"]
    names = {name: set((parts[name][:, None] + np.arange(horizon)).ravel().tolist()) for name in ("validation", "test")}
    assert not names["validation"] & hours["test"]
    assert parts["test"][0] == 2400 and parts["test"][-1] == 3000 - horizon


def test_table_that_is_too_short_is_rejected():
    with pytest.raises(DataError, match=r"leave \d+ windows for the .* split.*shorter window"):
        windows.cut_windows(120, windows.ForecastData(window=48))


def test_scaler_is_fitted_on_training_hours_only():
    result, whole = config(), table()
    before = forecast.prepare_table(whole, result).preprocessing["scale"]
    values = whole.values.copy()
    values[int(len(values) * 0.8) - 10 :] += 1000  # the test split and the gap before it
    after = forecast.prepare_table(dataclasses.replace(whole, values=values), result).preprocessing["scale"]
    assert before == after


def test_inputs_use_no_future_value():
    result, data = prepared("improved")
    first = data.source["cuts"]["test"][50]
    values = table().values.copy()
    values[first:] += 1000
    changed = forecast.prepare_table(dataclasses.replace(table(), values=values), result)
    for ours, theirs in zip(*(forecast_why.inputs_at(d, int(first)) for d in (data, changed)), strict=True):
        assert torch.equal(ours, theirs)


def test_loss_ignores_missing_targets():
    result, data = prepared("improved")
    missing = ~table().observed[data.source["cuts"]["train"]]
    assert (data.train.targets[:, 0].isnan().numpy() == missing).all()
    loss = forecast.objective(result, data).loss
    outputs = torch.zeros_like(data.train.targets, requires_grad=True)
    loss(outputs, data.train.targets).backward()
    assert torch.isfinite(outputs.grad).all() and (outputs.grad[data.train.targets.isnan()] == 0).all()
    filled = prepared("lstm")[1]
    assert not filled.train.targets.isnan().any() and filled.test.targets.isnan().any()


def test_plain_lstm_matches_its_description():
    entry = forecast.PROJECT.models["lstm"]
    module = entry.build(entry.config(), forecast.PROJECT.facts)
    assert (module.recurrent.hidden_size, module.recurrent.num_layers, module.recurrent.bidirectional) == (64, 1, False)
    assert count_parameters(module)[0] == 4 * 64 * (13 + 64 + 2) + 65 * 13


@pytest.fixture(scope="module")
def measured():
    """An untrained network that predicts no change, like persistence."""
    result, data = prepared("improved", units=4)
    module = forecast.PROJECT.models["improved"].build(result.model_options, data.facts)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    return result, data, module, forecast.predict(module, data, result)


def test_predicting_no_change_is_persistence(measured):
    result, data, _, predictions = measured
    metrics = forecast.evaluate(predictions, None, result).metrics
    baselines = forecast.evaluate(predictions, None, result).baselines | forecast.baselines(data, result)
    assert metrics["skill"] == pytest.approx(0, abs=1e-6)
    names = [name for name in baselines["persistence"] if name.startswith("r2_")]
    assert {name for name in names if name.endswith("_filled")} and "r2_temp" not in names
    slugs = forecast.variable_names(result, 3)[1]
    again = numbers.metrics(*(predictions[f"test_{n}"] for n in ("scores", "targets", "last")), names=slugs)
    for name in ("r2_mean", "r2_pm2_5", "r2_dewp", "r2_mean_filled"):
        assert again[name] == pytest.approx(baselines["persistence"][name], abs=1e-5)
    assert baselines["ridge"]["skill"] > 0.2 and baselines["yesterday"]["r2_mean"] > baselines["persistence"]["r2_mean"]


def test_verdict_names_ridge_and_excluded_variables(measured):
    result, data, _, predictions = measured
    evaluation = forecast.evaluate(predictions, None, result)
    compare = forecast.compare(evaluation, result)
    assert evaluation.metrics["lead_skill"] < evaluation.metrics["lead_skill_high"] < 0
    assert "Ridge regression beats this run" in compare and "Persistence (the last hour)" in compare
    slugs = data.preprocessing["slugs"]
    assert "Excluded from the means" in forecast_scores.evaluate(predictions, names=NAMES, slugs=slugs, seed=0).verdict


def test_direct_and_recursive_forecasts_of_several_hours():
    for strategy, steps in (("direct", 4), ("recursive", 1)):
        result, data = prepared("transformer", strategy=strategy, horizon=4, width=8, layers=1)
        module = forecast.PROJECT.models["transformer"].build(result.model_options, data.facts)
        predictions = forecast.predict(module, data, result)
        assert data.facts["steps"] == steps and predictions["test_scores"].shape[1:] == (4, 3)
        assert "skill_h4" in forecast.evaluate(predictions, None, result).metrics


def test_blend_uses_out_of_fold_ridge_outputs():
    result, data = prepared("blend", units=4)
    module = forecast.PROJECT.models["blend"].build(result.model_options, data.facts)
    x, calendar, linear = forecast_why.inputs_at(data, int(data.source["cuts"]["test"][0]))
    assert linear.shape == (1, 1, 3) and module.train()(x, calendar, linear).shape == (1, 2, 1, 3)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    half = (1 - 0.2) / 2 + 0.2
    torch.testing.assert_close(module.eval()(x, calendar, linear), half * linear)
    warm = forecast_why.what_if(module, data, 1300, variable=1, by=5.0)
    assert warm.shape == (1, 3) and np.isfinite(warm).all()
    with pytest.raises(DataError, match="strategy=direct"):
        forecast.prepare_table(table(), config("blend", strategy="recursive"))


def test_attribution_is_complete_and_warming_changes_the_forecast():
    result, data = prepared("improved", units=8)
    torch.manual_seed(1)
    module = forecast.PROJECT.models["improved"].build(result.model_options, data.facts)
    before = [parameter.clone() for parameter in module.parameters()]
    first = int(data.source["cuts"]["test"][3])
    explanation = forecast_why.explain(module, data, first, variable=0, hour=0, explained="value")
    assert explanation.gradients.shape == (12, 3) and explanation.checks[0].status == "passed"
    forecasts = forecast.forecasts(module, data, np.array([first]))[0, 0, 0]
    assert explanation.output == pytest.approx(forecasts, rel=1e-4)
    change = forecast_why.explain(module, data, first, variable=0, hour=0, explained="change")
    last = data.source["filled"][first - 1, 0]
    assert change.output == pytest.approx(forecasts - last, abs=1e-3)
    warm = forecast_why.what_if(module, data, first, variable=1, by=5.0)
    assert warm[0, 1] > forecast.forecasts(module, data, np.array([first]))[0, 0, 1]
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("model", ["improved", "blend"])
def test_answer_for_a_csv_equals_the_forecast_of_the_table(model):
    result, data = prepared(model, units=4)
    module = forecast.PROJECT.models[model].build(result.model_options, data.facts).eval()
    loaded = LoadedModel(module, result, data.facts, data.preprocessing, NAMES)
    first = int(data.source["cuts"]["test"][100])
    rows = ["time,dead,T,gas"]
    whole = table()
    for place in range(first):
        cells = ["" if np.isnan(v) else repr(float(v)) for v in whole.values[place, ::-1]]
        rows.append(",".join([str(np.datetime64(int(whole.times[place]), "ms")), *cells]))
    answer = forecast.answer(loaded, "\n".join(rows).encode())
    expected = forecast.forecasts(module, data, np.array([first]))[0]
    assert answer["times"] == [int(whole.times[first])] and not answer["note"]
    np.testing.assert_allclose([answer["forecast"][n][0] for n in NAMES], expected[0], rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError, match="no column 'gas'"):
        forecast.answer(loaded, "\n".join(row.rpartition(",")[0] for row in rows).encode())


def test_lesson_variants_differ_only_in_the_compared_setting():
    variants = forecast_lesson.find_variants("beijing_pm25", seeds=(0, 1), epochs=3)
    fast, slow, both = (configs[0] for configs in variants.values())
    assert (fast.training.learning_rate, slow.training.learning_rate, both.training.learning_rate) == (1e-2, 1e-3, 1e-3)
    assert fast.model == slow.model == "lstm" and both.model == "bidirectional"
    assert fast.model_copy(update={"training": slow.training}) == slow and fast.training.epochs == 3
    assert slow.data_options == both.data_options and [config.seed for config in variants["rate 0.01"]] == [0, 1]


def test_changes_are_scaled_by_their_deviation():
    _, with_them = prepared("improved")
    _, without = prepared("improved", difference_input=False)
    assert with_them.facts["features"] == without.facts["features"] + 3
    features = with_them.source["features"][:, 3]
    assert features[0] == 0 and 0.5 < features[1:].std() < 2


def test_recursive_forecast_feeds_predictions_back():
    result, data = prepared("improved", strategy="recursive", horizon=3, units=4)
    module = forecast.PROJECT.models["improved"].build(result.model_options, data.facts).eval()
    first = data.source["cuts"]["test"][:2]
    forecasts = forecast.forecasts(module, data, first)
    values = table().values.copy()
    values[first[0]] = forecasts[0, 0]
    known = dataclasses.replace(table(), values=values)
    again = forecast.prepare_table(known, result)
    again = dataclasses.replace(again, source={**again.source, "scale": data.source["scale"]})
    np.testing.assert_allclose(
        forecast.forecasts(module, again, first[:1] + 1)[0, 0], forecasts[0, 1], rtol=1e-4, atol=1e-4
    )
