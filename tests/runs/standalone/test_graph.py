from types import SimpleNamespace

import pytest
import torch

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.inference import onnx_graph
from dlcore.runs.standalone import graph

TEXT = {"vocabulary": 60, "length": 40, "classes": 3, "width": 8}
CASES = {
    ("questions", "gru"): {"embedding": 8, "hidden": 4},
    ("questions", "lstm"): {"embedding": 8, "hidden": 4, "pooling": "last"},
    ("reviews_lstm", "base_lstm"): {"embedding": 8, "hidden": 4},
    ("reviews_transformer", "base"): {},
    ("anomaly", "dense_32"): {},
    ("anomaly", "conv"): {},
    ("anomaly", "lstm"): {},
    ("forecast", "lstm"): {"units": 4},
    ("forecast", "dlinear"): {},
    ("fashion", "improved"): {},
}


def fake_bundle(slug, model, settings):
    """A bundle of an untrained network."""
    project = projects.get(slug)
    dataset = project.datasets[0]
    config = projects.configure(slug, model=model, dataset=dataset, preset="quick", settings=settings, device="cpu")
    facts = {**project.facts, **(TEXT if project.modality == "text" else {})}
    kinds = {"text": {"kind": "words"}, "image": {"kind": "grey", "height": 28, "width": 28, "mean": 0.3, "std": 0.3}}
    torch.manual_seed(0)
    module = project.models[model].build(config.model_options, facts).eval()
    bundle = SimpleNamespace(config=config, facts=facts, preprocessing=kinds.get(project.modality, {}))
    return bundle, SimpleNamespace(module=module)


@pytest.mark.parametrize(("slug", "model"), CASES, ids=["-".join(case) for case in CASES])
def test_graphs_equal_torch_at_two_batch_sizes_and_two_lengths(slug, model):
    bundle, loaded = fake_bundle(slug, model, CASES[slug, model])
    samples, axes = graph._samples(bundle, loaded)
    assert {len(inputs[0]) for inputs in samples} == {1, 8}
    if "length" in axes[0].values():
        axis = next(axis for axis, name in axes[0].items() if name == "length")
        assert len({inputs[0].shape[axis] for inputs in samples}) == 2
    content, largest = graph.export_network(bundle, loaded)
    assert largest <= onnx_graph.TOLERANCE and len(content) > 500


@pytest.mark.parametrize(
    ("slug", "model"), [("anomaly", "calendar"), ("seq2seq", "transformer"), ("backprop", "dense")]
)
def test_a_network_without_graph_says_why(slug, model):
    project = projects.get(slug)
    model = model if model in project.models else next(iter(project.models))
    config = projects.configure(slug, model=model, preset="quick", device="cpu")
    bundle = SimpleNamespace(config=config, facts=project.facts, preprocessing={})
    with pytest.raises(RunError) as raised:
        graph._samples(bundle, SimpleNamespace())
    assert "\n" not in str(raised.value)
