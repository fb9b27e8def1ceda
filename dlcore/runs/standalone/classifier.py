"""Code and data of the training script of a classifier of images, texts or sequences."""

from dataclasses import replace
from typing import Any

import numpy as np

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.data.images.augment import Augmentation, ImageTransform, color_jitter, random_erasing, random_shift_flip
from dlcore.data.images.photos import FeatureViews, PhotoTransform, random_resized_crop
from dlcore.data.splits import SPLITS, Prepared
from dlcore.projects.classification import best_threshold
from dlcore.projects.custom.functions import CustomAugmentation
from dlcore.projects.custom.images import _WithChannel
from dlcore.projects.language.texts import trim
from dlcore.projects.project import RunConfig
from dlcore.projects.vision.fashion import _Scale
from dlcore.runs.standalone.loop import LOAD, fill
from dlcore.runs.standalone.script import TaskCode

INPUTS = "inputs"


def classifier_code(config: RunConfig, prepared: Prepared) -> TaskCode:
    """Return the code of a run whose splits hold one input tensor.

    Raises:
        RunError: its inputs are prepared in a way that a short script cannot repeat.
    """
    if len(prepared.train.inputs) != 1:
        raise RunError(f"'{config.project}' reads several inputs at once, so it has no training script.")
    arrays: dict[str, np.ndarray] = {}
    for name in SPLITS:
        part = prepared.split(name)
        arrays[f"{name}_{INPUTS}"] = part.inputs[0].numpy()
        arrays[f"{name}_targets"] = part.targets.numpy()
    objects: list[Any] = []
    inputs = _inputs(prepared, objects)
    size = 512
    order = '    return torch.randperm(len(data["train_targets"]), generator=generator(SEED, epoch))'
    if prepared.train.lengths is not None:
        order, size = ORDER_BY_LENGTH, 64
    classes, monitor = prepared.facts["classes"], projects.get(config.project).task.monitor.metric
    smoothing = config.flat.get("label_smoothing")
    loss = f"functional.cross_entropy(outputs, targets{f', label_smoothing={smoothing!r}' if smoothing else ''})"
    if getattr(config.data_options, "balanced", False):
        counts = np.maximum(np.bincount(arrays["train_targets"], minlength=classes), 1)
        weights = np.round(len(arrays["train_targets"]) / (classes * counts), 7).tolist()
        loss = f"functional.cross_entropy(outputs, targets, weight=torch.tensor({weights}, device=DEVICE))"
    if classes == 2:
        objects.append(best_threshold)
    return TaskCode(
        arrays=arrays,
        data=f"{LOAD}\n\n{_BATCH.replace('PREPARE', inputs)}\n\n{_ORDER}{order}\n",
        test=fill(_LOGITS, monitor, size=size) + "\n\n\n" + (_TEST_TWO if classes == 2 else _TEST),
        loss=loss,
        figures=("accuracy",),
        data_text="The splits of the run; batches in its order.",
        test_text="Accuracy on the test split.",
        objects=tuple(objects),
    )


def _inputs(prepared: Prepared, objects: list[Any]) -> str:
    """Return the lines that turn rows `x` of a split into inputs of the network, and add what they call."""
    transform: Any = prepared.transform
    if transform is None:
        return ""
    if isinstance(transform, CustomAugmentation):
        return _inputs(replace(prepared, transform=transform.transform), objects)
    if isinstance(transform, _WithChannel):
        lines = _inputs(replace(prepared, transform=transform.transform), objects)
        return f"{lines}    x = x.unsqueeze(1)  # (N, H, W) -> (N, 1, H, W)\n"
    if transform is trim:
        return "    x = x[:, : max(1, int(x.ne(0).sum(dim=1).max()))]  # without columns of padding\n"
    if isinstance(transform, _Scale):
        how = transform.how
        shift = _shift(how, "x.unsqueeze(-1)", ".squeeze(-1)", objects)
        return f"{shift}    x = x.float() * {transform.factor!r} + {transform.offset!r}  # mean 0, deviation 1\n"
    if isinstance(transform, FeatureViews) and not transform.alpha:
        return (
            "    view = torch.randint(x.shape[1], (len(x),)) if training else torch.zeros(len(x), dtype=torch.int64)\n"
            "    x = x[torch.arange(len(x)), view]  # features of one view of each image\n"
        )
    if isinstance(transform, PhotoTransform) and not transform.changes.mixup:
        return _photo(transform, objects)
    if isinstance(transform, ImageTransform):
        return _image(transform, prepared, objects)
    raise RunError("the inputs of this run are prepared in a way that a short script cannot repeat.")


def _image(transform: ImageTransform, prepared: Prepared, objects: list[Any]) -> str:
    how = transform.augmentation
    lines = [] if prepared.train.inputs[0].dim() == 4 else ["    x = x.unsqueeze(-1)\n"]
    lines += [_shift(how, "x", "", objects), "    x = x.permute(0, 3, 1, 2).float()  # (N, H, W, C) -> (N, C, H, W)\n"]
    if how.jitter:
        objects.append(color_jitter)
        lines.append(f"    x = color_jitter(x, share={how.jitter!r}) if training else x\n")
    mean, std = list(transform.mean), list(transform.std)
    lines.append(f"    mean, std = (torch.tensor(each, device=DEVICE).view(1, -1, 1, 1) for each in ({mean}, {std}))\n")
    lines.append("    x = (x / 255 - mean) / std\n")
    if how.cutout:
        objects.append(random_erasing)
        lines.append(f"    x = x.masked_fill(random_erasing(x, side={how.cutout}), 0.0) if training else x\n")
    return "".join(lines)


def _photo(transform: PhotoTransform, objects: list[Any]) -> str:
    how = transform.changes
    objects += [random_resized_crop, *([color_jitter] if how.jitter else []), *([random_erasing] if how.erase else [])]
    flags = [name for name, is_used in (("jitter", how.jitter), ("erase", how.erase)) if is_used]
    crop = f"side={how.side or 'x.shape[-1]'}, zoom={how.zoom!r}, flip={how.flip}"
    mean, std = list(transform.mean), list(transform.std)
    return fill(_PHOTO, *flags, crop=crop, jitter=how.jitter, erase=how.erase, mean=mean, std=std) + "\n"


_PHOTO = """\
    x = x.permute(0, 3, 1, 2).float()  # (N, H, W, C) -> (N, C, H, W)
    x = random_resized_crop(x, $crop) if training else x
?jitter|    x = color_jitter(x, share=$jitter) if training else x
    mean, std = (torch.tensor(each, device=DEVICE).view(1, -1, 1, 1) for each in ($mean, $std))
    x = (x / 255 - mean) / std
?erase|    x = x.masked_fill(random_erasing(x, side=$erase), 0.0) if training else x
    x = x.contiguous(memory_format=torch.channels_last)"""


def _shift(how: Augmentation, before: str, after: str, objects: list[Any]) -> str:
    if not (how.shift or how.flip):
        return ""
    objects.append(random_shift_flip)
    call = f"random_shift_flip({before}, shift={how.shift}, flip={how.flip}){after}"
    return f"    x = {call} if training else x\n"


_BATCH = '''\
def batch(data: dict[str, Tensor], split: str, rows: Tensor | slice, *, training: bool = False) -> tuple:
    """Return inputs and class numbers of some rows of a split."""
    x = data[f"{split}_inputs"][rows].to(DEVICE)
PREPARE    return (x,), data[f"{split}_targets"][rows].to(DEVICE)
'''

_ORDER = '''\
def epoch_order(data: dict[str, Tensor], epoch: int) -> Tensor:
    """Return the rows of an epoch in the order of the run."""
'''

ORDER_BY_LENGTH = """\
    lengths = data["train_inputs"].ne(0).sum(dim=1)
    order = torch.randperm(len(lengths), generator=generator(SEED, epoch))
    full = len(order) // BATCH_SIZE * BATCH_SIZE
    buckets = [part[lengths[part].argsort(stable=True)] for part in order[:full].split(BATCH_SIZE * 40)]
    if not buckets:
        return order
    shuffled = torch.randperm(full // BATCH_SIZE, generator=generator(SEED, epoch, 1))
    return torch.cat([torch.cat(buckets).view(-1, BATCH_SIZE)[shuffled].flatten(), order[full:]])"""

_LOGITS = '''\
def logits(model: nn.Module, data: dict[str, Tensor], split: str) -> tuple[Tensor, Tensor]:
    """Return logits (N, K) and class numbers (N,) of a split."""
    size = len(data[f"{split}_targets"])
    parts = [batch(data, split, slice(i, i + $size)) for i in range(0, size, $size)]
    return torch.cat([model(*x).float() for x, _ in parts]), torch.cat([y for _, y in parts])


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
?validation_accuracy|    """Return the share of errors, which selects the epoch."""
?validation_accuracy|    scores, targets = logits(model, data, "validation")
?validation_accuracy|    return float((scores.argmax(dim=1) != targets).float().mean())
?validation_loss|    return float(functional.cross_entropy(*logits(model, data, "validation")))
'''

_TEST = """\
def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    scores, targets = logits(model, data, "test")
    return {"accuracy": float((scores.argmax(dim=1) == targets).float().mean())}
"""

_TEST_TWO = '''\
def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    """Return the accuracy at the threshold with the highest accuracy on validation."""
    scores, targets = logits(model, data, "validation")
    threshold = best_threshold(scores.softmax(dim=1).cpu().numpy(), targets.cpu().numpy())
    scores, targets = logits(model, data, "test")
    return {"accuracy": float(((scores.softmax(dim=1)[:, 1] >= threshold) == targets).float().mean())}
'''
