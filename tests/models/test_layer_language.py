"""Networks built from text descriptions."""

import pytest
import torch
from torch import nn

from dlcore.core.errors import RequestError
from dlcore.models.layer_language import build_network


def kinds(text: str) -> list[str]:
    return [type(layer).__name__ for layer in build_network(text).module]


def test_equal_input_and_output_size_builds_an_autoencoder():
    assert kinds("1000-512-32-512-1000") == ["Linear", "ReLU", "Linear", "Linear", "ReLU", "Linear", "Sigmoid"]
    assert sum(p.numel() for p in build_network("1000-512-32-512-1000").module.parameters()) == 1_058_824


def test_named_activations_replace_the_defaults():
    assert kinds("784 256 64 10") == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert kinds("784 - 256 - tanh - 10 - softmax") == ["Linear", "Tanh", "Linear", "Softmax"]
    assert kinds("8-4-8-none") == ["Linear", "Linear"]


@pytest.mark.parametrize(
    "text", ["1x28x28-conv3x16-pool2-conv5x8/2-norm-64-drop0.5-10", "3x32x32,conv3x4,relu,flat,10", "5-9"]
)
def test_built_network_runs(text):
    network = build_network(text)
    assert network.module.eval()(torch.rand(2, *network.shape)).shape[0] == 2
    assert isinstance(network.module, nn.Sequential)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "input and a layer"),
        ("1000", "input and a layer"),
        ("10x10-5", "not an input shape"),
        ("0-5", "not an input shape"),
        ("10-banana-5", "'banana' is not a layer"),
        ("10-conv3x16", "needs an image"),
        ("1x8x8-pool9-5", "does not fit"),
        ("10-0", "not a layer"),
        ("1x8x8-conv99x4", "31 pixels"),
        ("1000000-1000000", "parameters"),
        ("-".join(["5"] * 99), "words"),
    ],
)
def test_invalid_description_raises_request_error(text, message):
    with torch.device("meta"), pytest.raises(RequestError, match=message):
        build_network(text)
