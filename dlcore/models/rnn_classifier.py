"""Recurrent readers of texts: plain, GRU or LSTM, one-way or two-way."""

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder, recurrence
from dlcore.models.pooling import Pooling
from dlcore.models.recurrence import Cell


class RnnClassifierConfig(Config):
    """Its sizes."""

    embedding: int = number(100, low=2, high=1024, help="Numbers that stand for one word; GloVe has 100.")
    hidden: int = number(128, low=2, high=1024, help="Numbers that each layer remembers, in each direction.")
    layers: int = number(1, low=1, high=6, help="Recurrent layers, one on the other.")
    bidirectional: bool = choice(True, help="Read from the end to the start as well.")
    dropout: float = number(0.4, low=0.0, high=0.9, help="Share of each layer's inputs and outputs left out.")
    word_dropout: float = number(0.1, low=0.0, high=0.9, help="Share of words made unknown in training.")
    pooling: Pooling = choice("mean_max", help="What is read out: the last state, or highest and mean of all.")
    frozen: bool = choice(False, help="Keep the words' vectors as they are at the start.")


class ImprovedLstmConfig(RnnClassifierConfig):
    """The same knobs; as they stand three two-way layers."""

    hidden: int = number(64, low=2, high=1024, help="Numbers that each layer remembers, in each direction.")
    layers: int = number(3, low=1, high=6, help="Recurrent layers, one on the other.")


class RnnClassifier(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, recurrent layers one way or both, readout, linear.

    Ids are padded at the end with 0. The way back starts at each text's own last word, so padding changes nothing; it
    gives what PyTorch's packed sequences give, without their cost.

    RNN: Elman 1990; LSTM: Hochreiter & Schmidhuber 1997, with forget gates that start at 1; GRU: Cho et al. 2014; two
    ways: Schuster & Paliwal 1997.
    """

    def __init__(self, config: RnnClassifierConfig, *, cell: Cell, vocabulary: int, classes: int) -> None:
        """`vocabulary` counts all ids, padding and unknown among them."""
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
        """(N, T) whole numbers -> (N, K)."""
        read = encoder.word_dropout(ids, self.word_dropout) if self.training and self.word_dropout else ids
        x = self.dropout(self.embedding(read))  # (N, T, D)
        x, back = recurrence.run_layers(x, ids, forth=self.forth, back=self.back, dropout=self.dropout)
        both = len(self.back) > 0
        read = recurrence.pool_states(x, back, ids, how=self.pooling, both=both, dropout=self.dropout)
        logits: Tensor = self.classes(read)
        return logits
