"""Recurrent readers of texts: plain, GRU or LSTM, one-way or two-way."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder, readout
from dlcore.models.readout import Readout

Cell = Literal["rnn", "gru", "lstm"]
CELLS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class TextRnnConfig(Config):
    """Its sizes."""

    embedding: int = number(100, low=2, high=1024, help="Numbers that stand for one word; GloVe has 100.")
    hidden: int = number(128, low=2, high=1024, help="Numbers that each layer remembers, in each direction.")
    layers: int = number(1, low=1, high=6, help="Recurrent layers, one on the other.")
    both_ways: bool = choice(True, help="Read from the end to the start as well.")
    dropout: float = number(0.4, low=0.0, high=0.9, help="Share of each layer's inputs and outputs left out.")
    word_dropout: float = number(0.1, low=0.0, high=0.9, help="Share of words made unknown in training.")
    readout: Readout = choice("pooled", help="What is read out: the last state, or highest and mean of all.")
    frozen: bool = choice(False, help="Keep the words' vectors as they are at the start.")


class ImprovedLstmConfig(TextRnnConfig):
    """The same knobs; as they stand three two-way layers."""

    hidden: int = number(64, low=2, high=1024, help="Numbers that each layer remembers, in each direction.")
    layers: int = number(3, low=1, high=6, help="Recurrent layers, one on the other.")


class TextRnn(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, recurrent layers one way or both, readout, linear.

    Ids are padded at the end with 0. The way back starts at each text's own last word, so padding changes nothing; it
    gives what PyTorch's packed sequences give, without their cost.

    RNN: Elman 1990; LSTM: Hochreiter & Schmidhuber 1997, with forget gates that start at 1; GRU: Cho et al. 2014; two
    ways: Schuster & Paliwal 1997.
    """

    def __init__(self, config: TextRnnConfig, *, cell: Cell, vocabulary: int, classes: int) -> None:
        """`vocabulary` counts all ids, padding and unknown among them."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0)
        self.embedding.weight.requires_grad_(not config.frozen)
        ways = 2 if config.both_ways else 1
        sizes = [config.embedding, *[config.hidden * ways] * (config.layers - 1)]
        self.forth = nn.ModuleList(_layer(cell, size, config.hidden) for size in sizes)
        self.back = nn.ModuleList(_layer(cell, size, config.hidden) for size in sizes if config.both_ways)
        wide = config.hidden * ways * (2 if config.readout == "pooled" else 1)
        self.classes = nn.Linear(wide, classes)
        self.dropout, self.word_dropout, self.readout = nn.Dropout(config.dropout), config.word_dropout, config.readout

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) whole numbers -> (N, K)."""
        read = encoder.forget(ids, self.word_dropout) if self.training and self.word_dropout else ids
        x = self.dropout(self.embedding(read))  # (N, T, D)
        first = x
        for depth, layer in enumerate(self.forth):
            forth, _ = layer(x)
            if not len(self.back):
                x = first = self.dropout(forth)
                continue
            back, _ = self.back[depth](readout.backwards(x, ids))
            first = back  # its last state has read the whole text, and sits at the text's length
            x = self.dropout(torch.cat([forth, readout.backwards(back, ids)], dim=2))
        return self.classes(self._read_out(x, first, ids))

    def _read_out(self, x: Tensor, back: Tensor, ids: Tensor) -> Tensor:
        """(N, T, D) -> (N, D'): both directions where each has read all of the text."""
        if self.readout == "pooled":
            return readout.pooled(x, ids)
        if self.readout == "over_padding":
            return x[:, -1]
        if not len(self.back):
            return readout.last(x, ids)
        forth = readout.last(x[..., : x.shape[2] // 2], ids)
        return torch.cat([forth, self.dropout(readout.last(back, ids))], dim=1)


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
