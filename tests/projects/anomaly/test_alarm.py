"""Explanations of alarms: window, reconstruction and attribution, for every model."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from dlcore import projects
from dlcore.projects.anomaly import alarm
from dlcore.projects.anomaly import scores as scored
from dlcore.projects.anomaly.alarm import check_attribution
from dlcore.projects.anomaly.project import PROJECT


def built(model: str, **settings):
    config = projects.configure("anomaly", model=model, preset="quick", settings=settings)
    prepared = PROJECT.prepare(config)
    entry = PROJECT.models[model]
    torch.manual_seed(0)
    return entry.build(config.model_options, prepared.facts).eval(), prepared, config


@pytest.fixture(scope="module", params=list(PROJECT.models))
def case(request):
    return built(request.param)


@pytest.mark.parametrize("place", [5839, 6000, 10_319])
def test_window_ends_at_the_alarm_and_has_the_models_error(case, place):
    module, prepared, config = case
    reconstruction = alarm.reconstruct(module, prepared, config, place)
    series = prepared.source["series"]
    assert (
        len(reconstruction.times)
        == len(reconstruction.observed)
        == len(reconstruction.rebuilt)
        == len(reconstruction.errors)
    )
    np.testing.assert_array_equal(
        reconstruction.observed, series.values[reconstruction.first : reconstruction.first + len(reconstruction.times)]
    )
    if config.model.startswith("dense"):
        assert series.times[place] in reconstruction.times  # the rows around
    else:
        assert reconstruction.times[-1] <= series.times[place]  # nothing after the point
    assert np.isfinite(reconstruction.rebuilt).all() and (reconstruction.errors >= 0).all()


def test_attribution_is_complete_and_leaves_the_model_unchanged(case):
    module, prepared, config = case
    before = {name: value.clone() for name, value in module.state_dict().items()}
    reconstruction = alarm.reconstruct(module, prepared, config, 6000)
    begin = time.process_time()
    explained = alarm.explain(module, prepared, config, reconstruction, baseline_kind="mean")
    assert time.process_time() - begin < 3
    assert explained.gradients.shape == explained.ablation.shape == (len(reconstruction.times), len(explained.channels))
    assert explained.output == pytest.approx(reconstruction.by_point.mean(), rel=1e-4)
    gap = explained.output - explained.baseline_output
    assert explained.gradients.sum() == pytest.approx(gap + explained.delta, abs=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(not part._forward_hooks for part in module.modules())


class ClampingModel(nn.Module):
    """Reconstructs values up to 0.9."""

    def forward(self, x):
        return x.clamp(max=0.9)


@pytest.mark.parametrize("baseline_kind", ["usual", "mean"])
def test_both_methods_find_the_point_with_the_error(baseline_kind):
    _, prepared, config = built("conv")
    place = 9000
    prepared.source["rows"].scaled[place - 3, 0] = 2.0
    reconstruction = alarm.reconstruct(ClampingModel(), prepared, config, place)
    assert reconstruction.at == len(reconstruction.times) - 1  # a causal score is of the window that ends at its point
    assert int(reconstruction.by_point.argmax()) == reconstruction.at - 3
    explained = alarm.explain(ClampingModel(), prepared, config, reconstruction, baseline_kind=baseline_kind)
    assert int(explained.gradients[:, 0].argmax()) == reconstruction.at - 3
    assert explained.ablation[reconstruction.at - 3, 0] == explained.ablation.max()
    assert check_attribution(explained, "usual")[0].status == "passed" and explained.channels == ("count",)


def test_explanation_of_the_patch_network_shows_the_nearest_stored_patch():
    module, prepared, config = built("patch")
    prepared.start(module)
    place, length = 9990, prepared.facts["window"]
    window = alarm.reconstruct(module.eval(), prepared, config, place)
    part = scored.errors(
        module, prepared.source["rows"][place - length + 1 : place + 1], view="patch window", length=length
    )
    assert window.by_point.mean() == pytest.approx(part.causal[-1, 0], rel=1e-4)
    series = prepared.source["series"]
    first = int(np.searchsorted(series.times, window.stored_at))
    assert window.rebuilt == pytest.approx(series.values[first : first + length], rel=1e-4)
    shift = (window.stored_at - window.times[0]) // series.step_ms % series.period
    assert min(shift, series.period - shift) <= 4  # the same time of the week


def test_explained_error_of_nearest_windows_is_the_score_and_the_longest_one_is_shown():
    module, prepared, config = built("neighbors")
    prepared.start(module)
    place, length = 9990, prepared.facts["window"]
    reconstruction = alarm.reconstruct(module, prepared, config, place)
    rows = prepared.source["rows"][place - length + 1 : place + 1]
    part = scored.errors(module, rows, view="nearest window", length=length)
    assert reconstruction.by_point.mean() == pytest.approx(part.causal[-1, 0], rel=1e-4)
    assert not np.allclose(reconstruction.rebuilt[: length // 2], reconstruction.observed[: length // 2])
