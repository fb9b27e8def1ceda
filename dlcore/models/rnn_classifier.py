"""Recurrent text classifiers: plain RNN, GRU or LSTM, unidirectional or bidirectional."""

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder, recurrence
from dlcore.models.pooling import Pooling
from dlcore.models.recurrence import Cell


class RnnClassifierConfig(Config):
    """Layer sizes and dropout."""

    embedding: int = number(100, low=2, high=1024, help="Embedding dimension; GloVe has 100.")
    hidden: int = number(128, low=2, high=1024, help="Hidden units per layer and direction.")
    layers: int = number(1, low=1, high=6, help="Number of stacked recurrent layers.")
    bidirectional: bool = choice(True, help="Read from the end to the start as well.")
    dropout: float = number(0.4, low=0.0, high=0.9, help="Dropout probability of each layer's inputs and outputs.")
    word_dropout: float = number(
        0.1, low=0.0, high=0.9, help="Probability that a word is replaced by unknown in training."
    )
    pooling: Pooling = choice("mean_max", help="Pooling of the states: the last one, or maximum and mean of all.")
    frozen: bool = choice(False, help="Freeze the word embeddings.")


class ImprovedLstmConfig(RnnClassifierConfig):
    """Defaults of the improved LSTM: three bidirectional layers."""

    hidden: int = number(64, low=2, high=1024, help="Hidden units per layer and direction.")
    layers: int = number(3, low=1, high=6, help="Number of stacked recurrent layers.")


class RnnClassifier(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, recurrent layers, pooling, linear.

    Ids are padded at the end with 0. Backward layers start at each text's last word, so padding has no effect; the
    result equals PyTorch's packed sequences, without their cost.

    RNN: Elman 1990; LSTM: Hochreiter & Schmidhuber 1997, with forget-gate biases of 1; GRU: Cho et al. 2014;
    bidirectional: Schuster & Paliwal 1997.
    """

    def __init__(self, config: RnnClassifierConfig, *, cell: Cell, vocabulary: int, classes: int) -> None:
        """`vocabulary` counts all ids, including padding and unknown."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0)
        self.embedding.weight.requires_grad_(not config.frozen)
        ways = 2 if config.bidirectional else 1
        sizes = [config.embedding, *[config.hidden * ways] * (config.layers - 1)]
        self.forth = recurrence.build_layers(cell, sizes, config.hidden)
        self.back = recurrence.build_layers(cell, sizes if config.bidirectional else [], config.hidden)
        wide = config.hidden * ways * (2 if config.pooling == "mean_max" else 1)
        self.classes = nn.Linear(wide, classes)
        self.dropout, self.word_dropout, self.pooling = nn.Dropout(config.dropout), config.word_dropout, config.pooling

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, K)."""
        read = encoder.word_dropout(ids, self.word_dropout) if self.training and self.word_dropout else ids
        x = self.dropout(self.embedding(read))  # (N, T, D)
        x, back = recurrence.run_layers(x, ids, forth=self.forth, back=self.back, dropout=self.dropout)
        both = len(self.back) > 0
        read = recurrence.pool_states(x, back, ids, how=self.pooling, both=both, dropout=self.dropout)
        logits: Tensor = self.classes(read)
        return logits
