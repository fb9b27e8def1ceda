"""Gradient flow: heat maps on one color scale and profiles by layer."""

import numpy as np
import plotly.graph_objects as go
import pytest

from dlcore.plots.gradients import LOWEST, ColorScale, LayersByStep, drawn_values, flow_map, profile

NORM = ColorScale("norm")


def network(name: str, layers: int, *, steps: int = 12, marked: tuple[int, ...] = ()) -> LayersByStep:
    values = np.random.default_rng(0).lognormal(size=(steps, layers)) * 1e-3
    return LayersByStep(name, np.arange(steps) * 10 + 1, values, marked)


def test_flow_map_has_a_heat_map_per_network_and_one_color_scale():
    figure = flow_map([network("a", 20), network("b", 38, marked=(0, 1, 2, 5))], NORM)
    maps = [trace for trace in figure.data if isinstance(trace, go.Heatmap)]
    assert [np.shape(trace.z) for trace in maps] == [(20, 12), (38, 12)]
    assert {trace.coloraxis for trace in maps} == {"coloraxis"}
    assert len(figure.layout.shapes) == 2  # layers 1 to 3, and 6
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (0.5, 3.5)


def test_diverged_run_ends_before_the_last_step():
    figure = flow_map([network("a", 4, steps=2, marked=(0,)), network("b", 4)], NORM, until=120)
    assert {axis.range for axis in figure.select_xaxes()} == {(0.5, 121)}
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (-4.0, 16.0)  # the edges of its cells
    assert len(profile([network("a", 4, steps=2), network("b", 4)], NORM).frames) == 12


def test_long_runs_are_downsampled():
    figure = flow_map([network("a", 4, steps=900)], NORM)
    assert np.shape(figure.data[0].z)[1] <= 200


def test_logarithms_are_clipped_and_nan_stays():
    values = drawn_values(np.array([[1e-40, 0.0, 10.0, np.nan, np.inf]]), NORM)
    assert values[0, :3].tolist() == [LOWEST, LOWEST, 1.0] and np.isnan(values[0, 3:]).all()
    assert drawn_values(np.array([[0.5, np.nan]]), ColorScale("dead", log=False))[0, 0] == 0.5


@pytest.mark.parametrize("count", [1, 4, 7])
def test_profile_has_a_frame_per_step(count):
    networks = [network(f"n{i}", 10 + i, steps=100) for i in range(count)]
    figure = profile(networks, NORM, reported={0.1: 1e-8})
    assert len(figure.data) == count + 1 and figure.data[-1].name == "VGG-deep as reported"
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) <= 40
    assert all(len(frame.data) == count for frame in figure.frames)
    assert figure.layout.yaxis.range[0] <= -8


def test_all_nan_values_can_be_plotted():
    empty = LayersByStep("sigmoid", np.arange(3), np.full((3, 5), np.nan))
    for scale in (ColorScale("dead", log=False, low=0, high=1), NORM):
        flow_map([empty], scale)
        profile([empty], scale)
