"""Text classifier with unidirectional LSTM layers and the last hidden state."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import pooling
from dlcore.models.pooling import Pooling


class BaseLstmConfig(Config):
    """Layer sizes and dropout."""

    embedding: int = number(100, low=2, high=1024, help="Embedding dimension.")
    hidden: int = number(128, low=2, high=1024, help="Hidden units per layer.")
    layers: int = number(3, low=1, high=6, help="Number of stacked LSTM layers.")
    dropout: float = number(0.3, low=0.0, high=0.9, help="Dropout probability after each layer.")
    pooling: Pooling = choice("last", help="Pooling of the states: the last one, or maximum and mean of all.")


class BaseLstm(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, three unidirectional LSTM layers, dropout after each, last state, linear.

    Ids are padded at the end with 0. The last state is the state at a text's last token; later padding cannot change
    it. Two classes have two logits: their softmax is the sigmoid of their difference, so this equals the source's
    single sigmoid unit.

    LSTM: Hochreiter & Schmidhuber 1997. Forget-gate biases start at 1 (Gers et al. 2000, Jozefowicz et al. 2015);
    otherwise no gradient reaches a state 200 words back.
    """

    def __init__(self, config: BaseLstmConfig, *, vocabulary: int, classes: int) -> None:
        """`vocabulary` counts all ids, including padding and unknown."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0)
        between = config.dropout if config.layers > 1 else 0.0  # torch applies dropout after each layer but the last
        self.lstm = nn.LSTM(config.embedding, config.hidden, config.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.pooling = config.pooling
        self.classes = nn.Linear(config.hidden * (2 if config.pooling == "mean_max" else 1), classes)
        self._start()

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, K)."""
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
        """Initialize orthogonal recurrent weights and open forget gates."""
        hidden = self.lstm.hidden_size
        for name, parameter in self.lstm.named_parameters():
            if "weight_hh" in name:
                for gate in parameter.split(hidden):
                    nn.init.orthogonal_(gate)
            elif "weight_ih" in name:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if "bias_ih" in name:  # gate order: input, forget, cell, output
                    parameter[hidden : 2 * hidden] = 1.0
