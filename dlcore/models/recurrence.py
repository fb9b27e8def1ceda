"""Recurrent layers (plain, GRU or LSTM) over padded sequences of token vectors."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from dlcore.models import pooling
from dlcore.models.pooling import Pooling

Cell = Literal["rnn", "gru", "lstm"]
CELLS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def build_layers(cell: Cell, sizes: Sequence[int], hidden: int) -> nn.ModuleList:
    """Build stacked unidirectional layers; `sizes` are their input widths."""
    return nn.ModuleList(_layer(cell, size, hidden) for size in sizes)


def run_layers(
    x: Tensor, ids: Tensor, *, forth: nn.ModuleList, back: nn.ModuleList, dropout: nn.Module
) -> tuple[Tensor, ...]:
    """(N, T, D), (N, T) -> (N, T, D') after all layers, and (N, T, H), the last backward layer's states before dropout.

    `ids` are 0 after a text's end. Backward layers start at each text's last word, so padding has no effect; the result
    equals PyTorch's packed sequences, without their cost.
    """
    first = x
    for depth, layer in enumerate(forth):
        forward_states, _ = layer(x)
        if not len(back):
            x = first = dropout(forward_states)
            continue
        backward_states, _ = back[depth](pooling.reverse_tokens(x, ids))
        first = backward_states  # its last state has read the whole text, and is at the text's last position
        x = dropout(torch.cat([forward_states, pooling.reverse_tokens(backward_states, ids)], dim=2))
    return x, first


def pool_states(x: Tensor, back: Tensor, ids: Tensor, *, how: Pooling, both: bool, dropout: nn.Module) -> Tensor:
    """Pool the result of `run_layers` -> (N, D''); for each direction, the state after the whole text."""
    if how == "mean_max":
        return pooling.max_mean_pool(x, ids)
    if how == "last_padded":
        return x[:, -1]
    if not both:
        return pooling.last_state(x, ids)
    forth = pooling.last_state(x[..., : x.shape[2] // 2], ids)
    return torch.cat([forth, dropout(pooling.last_state(back, ids))], dim=1)


def _layer(cell: Cell, inputs: int, hidden: int) -> nn.RNNBase:
    """Build one unidirectional layer with orthogonal recurrent weights and open forget gates."""
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
                if cell == "lstm" and "bias_ih" in name:  # gate order: input, forget, cell, output
                    parameter[hidden : 2 * hidden] = 1.0
    return layer
