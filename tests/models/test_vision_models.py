"""Image models: outputs compared with torchvision, published parameter counts, and every hyperparameter."""

import pytest
import torch
from torch import nn
from torchvision import models as reference

from dlcore.models import deep_network, resnet, resnext, small_cnn, vgg, vit
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.models.resnet import ResNetConfig
from dlcore.models.resnext import ResNextConfig
from dlcore.models.small_cnn import SmallCnn, SmallCnnConfig
from dlcore.models.vgg import Vgg, VggConfig
from dlcore.models.vit import Vit, VitConfig


def count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def randomize(module: nn.Module) -> nn.Module:
    """Move normalization weights and running statistics off their initial values, so that mix-ups are detected."""
    torch.manual_seed(0)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d | nn.LayerNorm):
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(std=0.1)
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(std=0.1)
                part.running_var.uniform_(0.5, 1.5)
    return module.eval()


def assert_same_outputs(ours: nn.Module, theirs: nn.Module, weights: dict, *, side: int) -> None:
    ours.load_state_dict(weights, assign=True)
    torch.manual_seed(1)
    x = torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_resnet_18_matches_torchvision():
    theirs = randomize(reference.resnet18())
    ours = resnet.resnet(ResNetConfig(stem="imagenet"), channels=3, classes=1000)
    assert_same_outputs(ours, theirs, resnet.from_torchvision(theirs.state_dict()), side=64)


def test_resnext_50_matches_torchvision():
    theirs = randomize(reference.resnext50_32x4d())
    ours = resnext.resnext(ResNextConfig(stem="imagenet", depth="50"), channels=3, classes=1000)
    assert_same_outputs(ours, theirs, resnet.from_torchvision(theirs.state_dict()), side=64)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_16_version_d_matches_torchvision(batch_norm):
    """At 64 pixels 2 x 2 positions remain, so torchvision's head for 7 x 7 is replaced."""
    theirs = (reference.vgg16_bn if batch_norm else reference.vgg16)(init_weights=False, num_classes=10)
    theirs.avgpool = nn.Identity()
    theirs.classifier = nn.Sequential(
        nn.Linear(2048, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 10)
    )
    randomize(theirs)
    config = VggConfig(version="D", batch_norm=batch_norm, head=256)
    with torch.device("meta"):
        ours = Vgg(config, channels=3, height=64, width=64, classes=10)
    assert_same_outputs(ours, theirs, vgg.from_torchvision(theirs.state_dict()), side=64)


def test_vit_matches_torchvision():
    theirs = reference.VisionTransformer(
        image_size=32, patch_size=8, num_layers=3, num_heads=4, hidden_dim=48, mlp_dim=96, num_classes=10
    )
    nn.init.normal_(theirs.heads.head.weight)
    nn.init.normal_(theirs.class_token)
    randomize(theirs)
    config = VitConfig(patch=8, depth=3, heads=4, width=48, mlp_ratio=2)
    ours = Vit(config, channels=3, height=32, width=32, classes=10)
    assert_same_outputs(ours, theirs, vit.from_torchvision(theirs.state_dict()), side=32)


LARGE = {"channels": 3, "height": 224, "width": 224, "classes": 1000}
VIT_B_16 = VitConfig(patch=16, depth=12, heads=12, width=768, mlp_ratio=4)


@pytest.mark.parametrize(
    ("build", "published"),
    [
        (lambda: Vgg(VggConfig(version="C", batch_norm=False), **LARGE), 133_638_952),
        (lambda: Vgg(VggConfig(version="D", batch_norm=False), **LARGE), 138_357_544),
        (lambda: resnet.resnet(ResNetConfig(stem="imagenet"), channels=3, classes=1000), 11_689_512),
        (lambda: resnext.resnext(ResNextConfig(stem="imagenet", depth="50"), channels=3, classes=1000), 25_028_904),
        (lambda: Vit(VIT_B_16, **LARGE), 86_567_656),
    ],
    ids=["vgg16c", "vgg16d", "resnet18", "resnext50", "vit_b_16"],
)
def test_parameter_counts_match_the_papers(build, published):
    with torch.device("meta"):
        assert count_parameters(build()) == published


def test_version_c_has_1x1_convolutions_in_the_last_three_blocks():
    with torch.device("meta"):
        model = Vgg(VggConfig(), channels=3, height=64, width=64, classes=3)
    sides = [[part.kernel_size[0] for part in block if isinstance(part, nn.Conv2d)] for block in model.blocks]
    assert sides == [[3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1]]


@pytest.mark.parametrize("side", [32, 64])
def test_vgg_supports_any_size_and_depth(side):
    config = VggConfig(width=4, head=16, deeper=2)
    model = Vgg(config, channels=3, height=side, width=side, classes=5)
    assert model(torch.rand(2, 3, side, side)).shape == (2, 5)
    layers = [part for part in model.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == 16 + 5 * config.deeper


@pytest.mark.parametrize("stem", ["imagenet", "small"])
@pytest.mark.parametrize("skip", [True, False])
def test_resnet_with_each_stem_and_without_skip_connections(stem, skip):
    plain = resnet.resnet(ResNetConfig(stem=stem, width=4, skip_connections=skip), channels=1, classes=5)
    grouped = resnext.resnext(
        ResNextConfig(stem=stem, cardinality=4, group_width=2, skip_connections=skip), channels=1, classes=5
    )
    for model in (plain, grouped):
        assert model(torch.rand(2, 1, 32, 32)).shape == (2, 5)
    assert not any("shortcut" in name for name, _ in plain.named_modules()) or skip


def test_cardinality_groups_the_middle_convolution():
    with torch.device("meta"):
        model = resnext.resnext(ResNextConfig(cardinality=8, group_width=6), channels=3, classes=3)
    middle = model.stages[1][0].body[3]
    assert (middle.groups, middle.out_channels, middle.kernel_size) == (8, 96, (3, 3))


def test_attention_weights_match_the_forward_pass():
    torch.manual_seed(0)
    model = Vit(VitConfig(patch=4, depth=2, heads=3, width=24), channels=1, height=10, width=8, classes=5).eval()
    x = torch.rand(2, 1, 10, 8)  # padded to 12 x 8: six patches and the class token
    attentions = model.attentions(x)
    assert attentions.shape == (2, 2, 3, 7, 7)
    torch.testing.assert_close(attentions.sum(dim=-1), torch.ones(2, 2, 3, 7))
    first = model.blocks[0].attention
    projection = first.out.weight, first.out.bias
    states = model.blocks[0].attention_norm(model.embed(x))
    values = first._split(states)[2]
    expected = (attentions[:, 0] @ values).transpose(1, 2).flatten(2) @ projection[0].T + projection[1]
    torch.testing.assert_close(first(states), expected, rtol=1e-5, atol=1e-6)
    assert model.position_similarity().shape == (6, 6)


def test_width_is_rounded_up_to_a_multiple_of_heads():
    model = Vit(VitConfig(patch=4, depth=1, heads=5, width=32), channels=1, height=8, width=8, classes=2)
    assert model.positions.shape[-1] == 35 and model(torch.rand(2, 8, 8)).shape == (2, 2)


def test_small_cnn_matches_a_parameter_count():
    competitor = Vit(VitConfig(), channels=1, height=28, width=28, classes=10)
    width = small_cnn.width_for(count_parameters(competitor), channels=1, classes=10)
    model = SmallCnn(SmallCnnConfig(width=width), channels=1, classes=10)
    assert count_parameters(model) == small_cnn.parameters_of(width, channels=1, classes=10)
    assert count_parameters(model) == pytest.approx(count_parameters(competitor), rel=0.03)
    assert model(torch.rand(2, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("normalization", ["none", "batch", "group"])
@pytest.mark.parametrize("activation", deep_network.ACTIVATIONS)
def test_deep_network_supports_every_combination(normalization, activation):
    for initialization in ("torch", "he", "xavier", "small"):
        config = DeepNetworkConfig(
            depth=8, width=4, normalization=normalization, activation=activation, initialization=initialization
        )
        sizes = []
        for skip in (False, True):
            model = DeepNetwork(config.model_copy(update={"skip_connections": skip}), channels=1, height=8, classes=10)
            assert model(torch.rand(3, 8, 8)).shape == (3, 10)
            sizes.append(count_parameters(model))
        assert sizes[0] == sizes[1]  # the shortcut has no parameters


@pytest.mark.parametrize("depth", [4, 6, 20, 56])
def test_depth_counts_weight_layers(depth):
    model = DeepNetwork(DeepNetworkConfig(depth=depth, width=4), channels=1, height=28, classes=10)
    layers = [part for part in model.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


def test_skip_connection_passes_the_input_through():
    """With zero weights the output is the input, and new channels are 0."""
    config = DeepNetworkConfig(depth=8, width=4, skip_connections=True)
    pair = deep_network.ConvPair(config, 4, 8)
    for part in pair.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
    x = torch.rand(2, 4, 6, 6)
    out = pair(x)
    assert torch.equal(out[:, :4], x[:, :, ::2, ::2]) and out[:, 4:].eq(0).all()


@pytest.mark.parametrize(
    ("rule", "variance"), [("he", 2 / 144), ("xavier", 2 * 2 / 288), ("small", 1e-4), ("torch", 1 / (3 * 144))]
)
def test_initialization_has_the_expected_variance(rule, variance):
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(16, 16, 3))
    deep_network.initialize(layer, rule)
    assert layer[0].weight.var().item() == pytest.approx(variance, rel=0.1)
