"""Code and data of the training script of an encoder-decoder that translates sequences."""

import numpy as np

from dlcore.data.splits import SPLITS, Prepared
from dlcore.inference.decode import SPECIAL_TOKENS
from dlcore.projects.language import seq2seq
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.classifier import ORDER_BY_LENGTH
from dlcore.runs.standalone.loop import LOAD, fill
from dlcore.runs.standalone.script import TaskCode

INPUTS = ("inputs", "decoder", "targets")


def seq2seq_code(config: RunConfig, prepared: Prepared) -> TaskCode:
    """Return the code of a run."""
    arrays: dict[str, np.ndarray] = {}
    for name in SPLITS:
        part = prepared.split(name)
        inputs = (part.inputs[0], part.inputs[1], part.targets)
        arrays |= {f"{name}_{kind}": each.numpy() for kind, each in zip(INPUTS, inputs, strict=True)}
    return TaskCode(
        arrays=arrays,
        data=fill(_DATA, load=LOAD, order=ORDER_BY_LENGTH),
        test=fill(_TEST, size=seq2seq.AT_ONCE, length=prepared.facts["target_length"], **vars(SPECIAL_TOKENS)),
        loss="functional.cross_entropy(outputs.transpose(1, 2), targets[:, : outputs.shape[1]], ignore_index=0)",
        figures=("exact_match",),
        data_text="Ids of the symbols; batches of similar lengths in the order of the run.",
        test_text="Exact match of the sequences that are decoded symbol by symbol.",
        objects=(seq2seq.trim, seq2seq._losses),
    )


_DATA = '''\
$load

def batch(data: dict[str, Tensor], split: str, rows: Tensor | slice, *, training: bool = False) -> tuple:
    """Return source and decoder input, and the ids to predict."""
    inputs = trim(tuple(data[f"{split}_{name}"][rows] for name in ("inputs", "decoder")), training)
    return tuple(x.to(DEVICE) for x in inputs), data[f"{split}_targets"][rows].to(DEVICE)


def epoch_order(data: dict[str, Tensor], epoch: int) -> Tensor:
    """Return the rows of an epoch in the order of the run."""
$order
'''

_TEST = '''\
def batches(data: dict[str, Tensor], split: str) -> list[tuple]:
    size = len(data[f"{split}_targets"])
    return [batch(data, split, slice(i, i + $size)) for i in range(0, size, $size)]


def validation_loss(model: nn.Module, data: dict[str, Tensor]) -> float:
    """Return the mean loss of a sequence when each symbol is predicted from the true ones before it."""
    return float(torch.cat([_losses(model(*x).float(), y) for x, y in batches(data, "validation")]).mean())


def decode(model: nn.Module, source: Tensor) -> Tensor:
    """Return the most likely next symbols (N, $length) of sources (N, S), one after the other."""
    memory, mask = model.encode(source)
    ids = torch.full((len(source), 1), $start, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range($length):
        logits = model.decode(ids, memory, mask)[:, -1]
        logits[:, [number for number in range($first) if number != $end]] = float("-inf")
        symbol = torch.where(done, $pad, logits.argmax(dim=1))
        ids, done = torch.cat([ids, symbol[:, None]], dim=1), done | (symbol == $end)
    return ids[:, 1:]


def test(model: nn.Module, data: dict[str, Tensor]) -> dict[str, float]:
    exact = [(decode(model, x[0]) == y).all(dim=1) for x, y in batches(data, "test")]
    return {"exact_match": float(torch.cat(exact).float().mean())}
'''
