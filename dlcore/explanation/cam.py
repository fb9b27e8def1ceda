"""Grad-CAM: evidence for a class in a network's last feature map."""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

MIN_SIDE = 3
"""Smaller maps are used only if the network has no finer ones."""


def feature_layer(module: nn.Module, inputs: Tensor) -> tuple[str, tuple[int, int]] | None:
    """Return name and (h, w) of the last layer, in execution order, whose output is a map (N, C, h, w) with h * w > 1.

    None without overlapping convolutions: the maps, if any, are image patches.
    """
    network = copy.deepcopy(module).eval()
    layers: list[tuple[str, tuple[int, int]]] = []

    def add_hook(name: str) -> None:
        def hook(part: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor) and output.dim() == 4 and output[0, 0].numel() > 1:
                layers.append((name, (output.shape[2], output.shape[3])))

        network.get_submodule(name).register_forward_hook(hook)

    overlapping = False
    for name, part in network.named_modules():
        overlapping |= isinstance(part, nn.Conv2d) and part.kernel_size[0] > part.stride[0]
        if name and not isinstance(part, nn.Sequential):
            add_hook(name)  # layers and blocks: a residual block ends with the sum
    if not overlapping:
        return None
    with torch.no_grad():
        network(inputs[:1])
    large_maps = [layer for layer in layers if min(layer[1]) >= MIN_SIDE]
    return (large_maps or layers)[-1] if layers else None


def grad_cam(module: nn.Module, inputs: Tensor, target: int, *, layer: str) -> np.ndarray:
    """Return a non-negative map (N, H, W): feature maps of `layer`, weighted by the mean gradient of `target`.

    inputs (N, ...) of images (C, H, W) or (H, W). Works on a copy of the module. Resized bilinearly.
    Source: Selvaraju et al. 2017, eq. 1 and 2.
    """
    from captum.attr import LayerGradCam  # 0.6 s to import

    network = copy.deepcopy(module).eval().requires_grad_(False)
    with torch.enable_grad():
        x = inputs.detach().clone().requires_grad_()
        maps: Tensor = LayerGradCam(network, network.get_submodule(layer)).attribute(
            x, target=target, relu_attributions=True
        )  # (N, 1, h, w)
    maps = maps.detach().float()
    height, width = inputs.shape[-2:]
    resized = functional.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
    values: np.ndarray = resized[:, 0].numpy()
    return values
