"""A network that has seen a million photographs, and a new head on it: transfer learning in four sizes.

The backbones are torchvision's, cut into the blocks that are trained or left as they are.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision import models as zoo

from dlcore.core.config import Config, choice, number

Backbone = Literal["mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50"]
BACKBONES: tuple[Backbone, ...] = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50")
NORMS = (nn.BatchNorm2d,)


class TransferConfig(Config):
    """What is taken over from ImageNet, and what is learnt anew."""

    initialization: Literal["pretrained", "random"] = choice(
        "pretrained", help="Begin with weights learnt on ImageNet, or with random ones, from scratch."
    )
    train: Literal["head", "last_blocks", "all"] = choice(
        "all", help="Train the new head alone (its inputs are computed once and kept), the last blocks too, or all."
    )
    blocks: int = number(12, low=1, high=30, unit="blocks", help="How many blocks last_blocks trains beside the head.")
    backbone_rate: float = number(
        0.1, low=1e-4, high=1.0, help="Learning rate of the last block, as a share of the head's.", log=True
    )
    layer_decay: float = number(0.9, low=0.1, high=1.0, help="Rate of each block, as a share of the block's after it.")
    norm_layers: Literal["frozen", "trained"] = choice(
        "frozen", help="Batch norm statistics: those of ImageNet, or updated in training."
    )
    warm_head: bool = choice(
        True, help="Fit the head on the untouched network's features first, then train on from there."
    )
    head_dropout: float = number(0.2, low=0.0, high=0.9, help="Share of the features hidden from the head in training.")


class FrozenConfig(TransferConfig):
    """The head alone: the features of every picture are computed once."""

    warm_head: bool = choice(
        False, help="Fit the head on the untouched network's features first, then train on from there."
    )

    train: Literal["head", "last_blocks", "all"] = choice(
        "head", help="Train the new head alone (its inputs are computed once and kept), the last blocks too, or all."
    )


class ScratchConfig(TransferConfig):
    """The same network without anything taken over."""

    warm_head: bool = choice(False, help="Fit the head on the untouched network's features first: not from scratch.")

    initialization: Literal["pretrained", "random"] = choice(
        "random", help="Begin with weights learnt on ImageNet, or with random ones, from scratch."
    )
    backbone_rate: float = number(
        1.0, low=1e-4, high=1.0, help="Learning rate of the last block, as a share of the head's.", log=True
    )
    layer_decay: float = number(1.0, low=0.1, high=1.0, help="Rate of each block, as a share of the block's after it.")
    norm_layers: Literal["frozen", "trained"] = choice(
        "trained", help="Batch norm's running means: those of ImageNet are kept, or follow the new pictures."
    )


class TransferNet(nn.Module):
    """(N, 3, H, W) standardised as on ImageNet, or features (N, F) computed before -> logits (N, K); `width` is F."""

    def __init__(self, options: TransferConfig, *, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.options, self.backbone = options, backbone
        self.blocks, self.neck, width = _parts(backbone)
        self.width, linear = width, nn.Linear(width, classes)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
        self.head = nn.Sequential(nn.Dropout(options.head_dropout), linear)
        self.frozen = {"head": len(self.blocks), "last_blocks": max(0, len(self.blocks) - options.blocks), "all": 0}[
            options.train
        ]
        self.to(memory_format=torch.channels_last)  # on a CPU a step then takes two thirds of the time
        self.register_state_dict_post_hook(_plainly_laid_out)
        self.blocks[: self.frozen].requires_grad_(False)
        if options.train == "head":
            self.neck.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits; features given as such go to the head alone."""
        logits: Tensor = self.head(x if x.dim() == 2 else self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, F): what the head is given."""
        found: Tensor = self.neck(self.blocks(x))
        return found

    def train(self, mode: bool = True) -> "TransferNet":
        """Training mode for what is trained; what is frozen, and norms that are kept, stay as they are."""
        super().train(mode)
        if mode:
            self.blocks[: self.frozen].eval()
            if self.options.train == "head":
                self.neck.eval()
            if self.options.norm_layers == "frozen":
                for part in self.blocks.modules():
                    if isinstance(part, NORMS):
                        part.eval()
        return self

    def take_over(self, weights: Mapping[str, Tensor]) -> None:
        """Put torchvision's weights of this backbone in; its own head of a thousand classes is left out.

        Raises:
            RuntimeError: they are another network's.
        """
        model = _zoo(self.backbone)
        model.load_state_dict(dict(weights))
        blocks, neck, _ = _cut(self.backbone, model)
        self.blocks.load_state_dict(blocks.state_dict())
        self.neck.load_state_dict(neck.state_dict())

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters trained together, the head's first, and their rate as a share of the head's."""
        found = [(1.0, list(self.head.parameters()))]
        share = self.options.backbone_rate
        for part in (self.neck, *reversed(self.blocks)):
            own = [parameter for parameter in part.parameters() if parameter.requires_grad]
            if own:
                found.append((share, own))
                share *= self.options.layer_decay
        return found


def _plainly_laid_out(module: nn.Module, state: dict[str, Tensor], prefix: str, about: dict[str, object]) -> None:
    """Weights leave the module in the order that files keep them in."""
    for name, value in state.items():
        state[name] = value.contiguous()


def _parts(backbone: Backbone) -> tuple[nn.Sequential, nn.Sequential, int]:
    return _cut(backbone, _zoo(backbone))


def _zoo(backbone: Backbone) -> nn.Module:
    model: nn.Module = getattr(zoo, backbone)(weights=None)
    return model


def _cut(backbone: Backbone, model: nn.Module) -> tuple[nn.Sequential, nn.Sequential, int]:
    """Blocks in the order of running, what makes a vector of their map, and that vector's width."""
    pool: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if isinstance(model, zoo.ResNet):
        stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
        stages = (model.layer1, model.layer2, model.layer3, model.layer4)
        blocks = nn.Sequential(stem, *(block for stage in stages for block in stage))
        return blocks, nn.Sequential(*pool), model.fc.in_features
    assert isinstance(model, zoo.MobileNetV2 | zoo.MobileNetV3 | zoo.EfficientNet)
    blocks = nn.Sequential(*model.features)
    if isinstance(model, zoo.EfficientNet):
        parts = [list(part) if type(part) is nn.Sequential else [part] for part in model.features]
        blocks = nn.Sequential(*(block for part in parts for block in part))
    if isinstance(model, zoo.MobileNetV3):
        pool += [model.classifier[0], model.classifier[1]]
    linear = model.classifier[-1]
    assert isinstance(linear, nn.Linear)
    return blocks, nn.Sequential(*pool), linear.in_features
