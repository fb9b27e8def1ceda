"""Grad-CAM: which places of a network's last feature map speak for an answer."""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FINE = 3
"""Maps of fewer rows or columns tell a place too coarsely, where the network has finer ones."""


def feature_layer(module: nn.Module, inputs: Tensor) -> tuple[str, tuple[int, int]] | None:
    """The last layer, in the order of running, whose output is a map (N, C, h, w) of several places: its name, (h, w).

    None for a network without a convolution whose windows overlap: its maps, if any, are pictures cut into pieces.
    """
    own = copy.deepcopy(module).eval()
    found: list[tuple[str, tuple[int, int]]] = []

    def note(name: str) -> None:
        def hook(part: nn.Module, given: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor) and output.dim() == 4 and output[0, 0].numel() > 1:
                found.append((name, (output.shape[2], output.shape[3])))

        own.get_submodule(name).register_forward_hook(hook)

    overlapping = False
    for name, part in own.named_modules():
        overlapping |= isinstance(part, nn.Conv2d) and part.kernel_size[0] > part.stride[0]
        if name and not isinstance(part, nn.Sequential):
            note(name)  # layers, and blocks: a residual one ends after its last layer, with the sum
    if not overlapping:
        return None
    with torch.no_grad():
        own(inputs[:1])
    fine = [one for one in found if min(one[1]) >= FINE]
    return (fine or found)[-1] if found else None


def grad_cam(module: nn.Module, inputs: Tensor, target: int, *, layer: str) -> np.ndarray:
    """(N, H, W), not negative: the maps of `layer`, each weighted by the mean gradient of logit `target`, and summed;
    what speaks against is 0.

    inputs (N, ...) of pictures (C, H, W) or (H, W). Works on a copy: the module is neither hooked nor changed. Source:
    Selvaraju et al. 2017, eq. 1 and 2; brought to the picture's size between neighbours.
    """
    from captum.attr import LayerGradCam  # 0.6 s to import, and only a page that explains needs it

    own = copy.deepcopy(module).eval().requires_grad_(False)
    with torch.enable_grad():
        x = inputs.detach().clone().requires_grad_()
        maps: Tensor = LayerGradCam(own, own.get_submodule(layer)).attribute(
            x, target=target, relu_attributions=True
        )  # (N, 1, h, w)
    maps = maps.detach().float()
    height, width = inputs.shape[-2:]
    sized = functional.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
    found: np.ndarray = sized[:, 0].numpy()
    return found
