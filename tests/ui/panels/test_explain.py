"""An alarm is explained in the window that holds it and rebuilds it worst."""

import numpy as np
import pytest
import torch
from torch import nn

from dlcore import projects
from dlcore.projects.anomaly import PROJECT
from dlcore.ui.panels.explain_series import rebuild


class ForgetsItsThird(nn.Module):
    """Copies all but the third point of what it sees: a point is rebuilt badly where it stands third."""

    def forward(self, x):
        copy = x.clone()
        copy[:, :, 2] = 0
        return copy


@pytest.mark.parametrize("peak", [500, 2, 4480 - 45])
def test_the_worst_window_is_shown(peak):
    prepared = PROJECT.prepare(projects.configure("anomaly", model="conv"))
    found = rebuild(ForgetsItsThird(), prepared, peak)
    moment = prepared.source["series"].times[prepared.source["spans"]["test"]][peak]
    assert found.times[2] == moment
    assert np.flatnonzero(found.squares.sum(axis=1)).tolist() == [2]


@pytest.mark.parametrize("model", PROJECT.models)
@pytest.mark.parametrize("peak", [0, 100, 4480])
def test_the_alarm_is_in_the_picture(model, peak):
    prepared = PROJECT.prepare(projects.configure("anomaly", model=model))
    entry = PROJECT.models[model]
    torch.manual_seed(0)
    found = rebuild(entry.build(entry.config(), prepared.facts).eval(), prepared, peak)
    moment = prepared.source["series"].times[prepared.source["spans"]["test"]][peak]
    assert moment in found.times
    assert found.seen.shape == found.rebuilt.shape == (len(found.times), 1 if model == "conv" else 5)
