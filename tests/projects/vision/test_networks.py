"""Architecture analysis of every model of every project."""

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
def test_every_model_is_analyzed(slug, model):
    analysis = networks.analyze_model(slug, model)
    assert len(analysis.layers) >= 1
    if projects.get(slug).models[model].training_loop and not analysis.parameters:  # nothing is trained
        return
    assert analysis.parameters > 0 and len(analysis.layers) > 1
    is_numpy = any(kind == "NumpyModule" or kind.endswith("ByHand") for kind in analysis.kinds.values())
    assert analysis.has_operations is not is_numpy
    if is_numpy:  # in NumPy: torch sees only the parameters
        return
    assert analysis.multiply_adds > 0
    for place, operation in enumerate(analysis.operations):
        assert all(source < place for source in operation.sources)
    assert sum(operation.weights + operation.biases for operation in analysis.operations) == analysis.parameters


def test_description_needs_no_weights():
    assert networks.analyze_text("1000-512-32-512-1000").parameters == 1_058_824
    assert networks.analyze_text("100000-50000-100000").parameters == 10_000_150_000


def test_unknown_model_is_an_error():
    with pytest.raises(RequestError, match="no model 'unknown'"):
        networks.analyze_model("fashion", "unknown")
