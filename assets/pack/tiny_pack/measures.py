"""A metric and an explanation method."""

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.evaluation.metrics import PackMetric
from dlcore.explanation.methods import Explainer


def top2(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of targets (N,) among the two most probable classes of scores (N, K)."""
    best = np.argsort(scores, axis=1)[:, -2:]
    return float((best == targets[:, None]).any(axis=1).mean())


def gradient(module: nn.Module, x: Tensor, target: int, baseline: Tensor) -> np.ndarray:
    """Return input times gradient (H, W) of the logit of a class."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(module(x)[0, target], x)
    values = (x * slope).detach()[0]
    return (values.sum(dim=0) if values.ndim == 3 else values).numpy()


TOP2 = PackMetric(
    "Top-2 accuracy", "share of samples whose class is among the two most probable", "percent", compute=top2
)
GRADIENT = Explainer("Input x gradient", gradient, caption="Input times gradient of the logit, by pixel.")
