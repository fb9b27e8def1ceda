"""The first recurrent reader of texts: one-way LSTM layers and the last state."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import pooling
from dlcore.models.pooling import Pooling


class BaseLstmConfig(Config):
    """Its sizes."""

    embedding: int = number(100, low=2, high=1024, help="Numbers that stand for one word.")
    hidden: int = number(128, low=2, high=1024, help="Numbers that each layer remembers.")
    layers: int = number(3, low=1, high=6, help="LSTM layers, one on the other.")
    dropout: float = number(0.3, low=0.0, high=0.9, help="Share of each layer's outputs set to 0 in training.")
    pooling: Pooling = choice("last", help="What is read out: the last state, or highest and mean of all.")


class BaseLstm(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, three one-way LSTM layers, dropout after each, last state, linear.

    Ids are padded at the end with 0. The last state is the one at a text's own last word: a one-way layer never looks
    ahead, so padding after that word cannot change it. Two classes give two logits; their softmax is the sigmoid of
    their difference, so this is the source's single sigmoid unit with the one shared way of all classifiers.

    LSTM: Hochreiter & Schmidhuber 1997; forget gates start at 1 (Gers et al. 2000, Jozefowicz et al. 2015), without
    which a state from 200 words back gives no gradient to start with.
    """

    def __init__(self, config: BaseLstmConfig, *, vocabulary: int, classes: int) -> None:
        """`vocabulary` counts all ids, padding and unknown among them."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0)
        between = config.dropout if config.layers > 1 else 0.0  # torch drops out after each layer but the last
        self.lstm = nn.LSTM(config.embedding, config.hidden, config.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.pooling = config.pooling
        self.classes = nn.Linear(config.hidden * (2 if config.pooling == "mean_max" else 1), classes)
        self._start()

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) whole numbers -> (N, K)."""
        states, _ = self.lstm(self.embedding(ids))  # (N, T) -> (N, T, D) -> (N, T, hidden)
        if self.pooling == "mean_max":
            state = pooling.max_mean_pool(states, ids)
        else:
            state = (
                states[:, -1] if self.pooling == "last_padded" else pooling.last_state(states, ids)
            )  # -> (N, hidden)
        return self.classes(self.dropout(state))

    @torch.no_grad()
    def _start(self) -> None:
        """Orthogonal recurrent weights and open forget gates."""
        hidden = self.lstm.hidden_size
        for name, parameter in self.lstm.named_parameters():
            if "weight_hh" in name:
                for gate in parameter.split(hidden):
                    nn.init.orthogonal_(gate)
            elif "weight_ih" in name:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if "bias_ih" in name:  # order of the gates: input, forget, cell, output
                    parameter[hidden : 2 * hidden] = 1.0
