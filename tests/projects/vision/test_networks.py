"""Every model of every project can be taken apart."""

import pytest
from dataset_marks import marks_of

from dlcore import projects
from dlcore.core.errors import RequestError
from dlcore.projects.vision import networks

MODELS = [
    pytest.param(slug, name, id=f"{slug}/{name}", marks=marks_of(slug))
    for slug in projects.PROJECTS
    for name in projects.get(slug).models
]


@pytest.mark.anydata
@pytest.mark.parametrize(("slug", "model"), MODELS)
def test_every_model_can_be_opened(slug, model):
    found = networks.analyze_model(slug, model)
    assert found.parameters > 0 and len(found.layers) > 1
    by_hand = any(kind == "NumpyModule" or kind.endswith("ByHand") for kind in found.kinds.values())
    assert found.has_operations is not by_hand
    if by_hand:  # in NumPy: torch sees the parameters alone
        return
    assert found.multiply_adds > 0
    for place, one in enumerate(found.operations):
        assert all(source < place for source in one.sources)
    assert sum(one.weights + one.biases for one in found.operations) == found.parameters


def test_one_in_words_needs_no_weights():
    assert networks.analyze_text("1000-512-32-512-1000").parameters == 1_058_824
    assert networks.analyze_text("100000-50000-100000").parameters == 10_000_150_000


def test_one_that_is_not_there_is_refused():
    with pytest.raises(RequestError, match="no model 'nobody'"):
        networks.analyze_model("fashion", "nobody")
