"""Recurrent layers over vectors that stand for a text's words: one way or both, plain, GRU or LSTM."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from dlcore.models import pooling
from dlcore.models.pooling import Pooling

Cell = Literal["rnn", "gru", "lstm"]
CELLS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def build_layers(cell: Cell, sizes: Sequence[int], hidden: int) -> nn.ModuleList:
    """Layers one way, one on the other; `sizes` are the widths of what each is given."""
    return nn.ModuleList(_layer(cell, size, hidden) for size in sizes)


def run_layers(
    x: Tensor, ids: Tensor, *, forth: nn.ModuleList, back: nn.ModuleList, dropout: nn.Module
) -> tuple[Tensor, ...]:
    """(N, T, D), (N, T) -> (N, T, D') after the layers, and (N, T, H) what the last way back gave before dropout.

    `ids` are 0 where a text has ended. The way back, where there is one, starts at each text's own last word, so
    padding changes nothing; it gives what PyTorch's packed sequences give, without their cost.
    """
    first = x
    for depth, layer in enumerate(forth):
        along, _ = layer(x)
        if not len(back):
            x = first = dropout(along)
            continue
        against, _ = back[depth](pooling.reverse_tokens(x, ids))
        first = against  # its last state has read the whole text, and sits at the text's length
        x = dropout(torch.cat([along, pooling.reverse_tokens(against, ids)], dim=2))
    return x, first


def pool_states(x: Tensor, back: Tensor, ids: Tensor, *, how: Pooling, both: bool, dropout: nn.Module) -> Tensor:
    """What `run_layers` gave -> (N, D''): both directions where each has read all of the text."""
    if how == "mean_max":
        return pooling.max_mean_pool(x, ids)
    if how == "last_padded":
        return x[:, -1]
    if not both:
        return pooling.last_state(x, ids)
    forth = pooling.last_state(x[..., : x.shape[2] // 2], ids)
    return torch.cat([forth, dropout(pooling.last_state(back, ids))], dim=1)


def _layer(cell: Cell, inputs: int, hidden: int) -> nn.RNNBase:
    """One layer one way; recurrent weights orthogonal, forget gates open."""
    layer = CELLS[cell](inputs, hidden, batch_first=True)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "weight_hh" in name:
                for gate in parameter.split(hidden):
                    nn.init.orthogonal_(gate)
            elif "weight_ih" in name:
                nn.init.xavier_uniform_(parameter)
            else:
                parameter.zero_()
                if cell == "lstm" and "bias_ih" in name:  # order of the gates: input, forget, cell, output
                    parameter[hidden : 2 * hidden] = 1.0
    return layer
