"""The rules on made-up norms, and on networks of which everybody knows the answer."""

import numpy as np
import pytest

from dlcore import projects
from dlcore.data.sources import locate as sources
from dlcore.evaluation.gradient_flow import RULES, diagnose_gradients, format_number, quarter_ratio
from dlcore.projects.vision.gradients import weight_layers
from dlcore.runs.short_run import run_short

STEPS = np.arange(0, 50, 10)
NAMES = [f"layer {i + 1}" for i in range(12)]


def slope(per_layer: float, *, last: float = 0.5) -> np.ndarray:
    """Norms (5, 12) that change by that factor from a layer to the one before it."""
    return np.tile(last * per_layer ** np.arange(11, -1, -1), (5, 1))


@pytest.mark.parametrize(
    ("factor", "kind"), [(0.3, "vanishing"), (0.9, "healthy"), (1.0, "healthy"), (1.3, "healthy"), (2.5, "exploding")]
)
def test_what_a_slope_is_called(factor, kind):
    verdict = diagnose_gradients(STEPS, slope(factor), names=NAMES)
    assert verdict.kind == kind
    assert verdict.ratio == pytest.approx(factor**9, rel=1e-6)
    assert verdict.steps == (0, 40)


def test_the_evidence_names_the_layers():
    (finding,) = diagnose_gradients(STEPS, slope(0.3), names=NAMES).findings
    assert finding.layers == tuple(range(6))  # 0.3^6 is the first below a thousandth
    assert "layer 1 to layer 6" in finding.sentence


def test_one_wild_step_is_not_an_explosion():
    norms = slope(1.0)
    norms[2] = 1e6
    assert diagnose_gradients(STEPS, norms, names=NAMES).kind == "healthy"


def test_a_start_that_is_far_too_strong_is():
    norms = slope(1.0)
    norms[0, 3:5] = 2e4
    (finding,) = diagnose_gradients(STEPS, norms, names=NAMES).findings
    assert finding.kind == "exploding" and finding.layers == (3, 4) and finding.value == 2e4
    assert "2 × 10⁴" in finding.sentence


def test_a_gradient_that_broke_comes_first():
    norms = slope(0.3)
    norms[3, 4] = np.inf
    verdict = diagnose_gradients(STEPS, norms, names=NAMES)
    assert verdict.kind == "not finite" and verdict.findings[0].layers == (4,)
    assert diagnose_gradients(STEPS, norms, names=NAMES, until=20).kind == "vanishing"


def test_a_training_that_broke_off_comes_first_even_before_anything_was_probed():
    verdict = diagnose_gradients(STEPS, slope(2.5), names=NAMES, broke_at=41)
    assert [finding.kind for finding in verdict.findings] == ["not finite", "exploding"]
    assert "stopped at step 41" in verdict.findings[0].sentence
    at_once = diagnose_gradients(STEPS[:0], slope(1.0)[:0], names=NAMES, broke_at=1)
    assert at_once.kind == "not finite" and at_once.steps == (1, 1)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (0.114, "0.11"), (5, "5"), (114.2, "114"), (4e-11, "4 × 10⁻¹¹"), (4.8e33, "5 × 10³³")],
)
def test_numbers_as_people_read_them(value, words):
    assert format_number(value) == words


def test_a_gradient_of_nothing_but_zeros_in_front_vanishes():
    norms = slope(1.0)
    norms[:, :4] = 0
    assert diagnose_gradients(STEPS, norms, names=NAMES).kind == "vanishing" and quarter_ratio(norms) < 1e-100


def test_units_that_die_later_are_found_and_those_that_wake_are_not():
    dead = np.full((5, 12), np.nan)
    dead[:, 2] = [0.0, 0.2, 0.6, 0.7, 0.7]
    dead[:, 3] = [0.9, 0.6, 0.1, 0.0, 0.0]
    verdict = diagnose_gradients(STEPS, slope(1.0), names=NAMES, dead=dead)
    assert verdict.kind == "dying units" and verdict.findings[0].layers == (2,)
    assert verdict.findings[0].value == pytest.approx(0.7)
    both = diagnose_gradients(STEPS, slope(0.3), names=NAMES, dead=dead)
    assert [finding.kind for finding in both.findings] == ["vanishing", "dying units"]
    assert all(finding.kind in RULES for finding in both.findings)


@pytest.fixture(scope="module")
def prepared():
    here = "fashion_mnist" if sources.is_available("fashion_mnist") else "digits"
    config = projects.configure("gradients", dataset=here, preset="quick")
    return config.dataset, projects.get("gradients").prepare(config)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"activation": "sigmoid"}, "vanishing"),
        ({"activation": "sigmoid", "initialization": "xavier"}, "vanishing"),
        ({"initialization": "he", "normalization": "batch"}, "healthy"),
    ],
)
def test_twenty_layers_within_fifty_steps(prepared, changes, kind):
    """A sigmoid network of 20 layers is flagged; He's start with ReLU and batch norm is not."""
    dataset, data = prepared
    config = projects.configure("gradients", model="vgg_deep", dataset=dataset, preset="quick", settings=changes)
    assert config.flat["depth"] == 20
    gradients = run_short(config, data, steps=50, every=10).gradients
    places = weight_layers(gradients.layers)
    assert len(places) == 20 and gradients.steps[-1] == 50
    names = [f"layer {i + 1}" for i in range(20)]
    for until in (10, 50):
        verdict = diagnose_gradients(
            gradients.steps,
            gradients.norms[:, places],
            names=names,
            dead=gradients.measures["dead_units"][:, places],
            until=until,
        )
        assert verdict.kind == kind, verdict
