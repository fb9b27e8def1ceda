"""Transformer encoder for text classification."""

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder


class NewsEncoderConfig(Config):
    """Layer sizes and dropout; defaults of the classic encoder."""

    width: int = number(100, low=4, high=1024, unit="numbers", help="Embedding dimension; GloVe has 100.")
    layers: int = number(4, low=1, high=12, help="Encoder layers.")
    heads: int = number(5, low=1, high=32, help="Attention heads; must divide the width.")
    feed_forward: int = number(
        2048, low=4, high=8192, unit="units", help="Hidden units of each feed-forward network.", log=True
    )
    dropout: float = number(0.0, low=0.0, high=0.9, help="Dropout probability.")
    word_dropout: float = number(
        0.0, low=0.0, high=0.9, help="Probability that a word is replaced by unknown in training."
    )
    frozen: bool = choice(True, help="Freeze the word embeddings.")


class ImprovedEncoderConfig(NewsEncoderConfig):
    """Defaults of the improved encoder."""

    layers: int = number(1, low=1, high=12, help="Encoder layers.")
    feed_forward: int = number(
        400, low=4, high=8192, unit="units", help="Hidden units of each feed-forward network.", log=True
    )
    dropout: float = number(0.3, low=0.0, high=0.9, help="Dropout probability.")
    word_dropout: float = number(
        0.2, low=0.0, high=0.9, help="Probability that a word is replaced by unknown in training."
    )
    frozen: bool = choice(False, help="Freeze the word embeddings.")


class NewsEncoder(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, positions, encoder layers, mean over the words, linear.

    Ids are padded at the end with 0; padding is masked and excluded from the mean. Width 100, feed-forward 2048, four
    layers, four classes and a vocabulary of 102,016 give 12,012,196 parameters, 1,810,596 of them trainable.
    """

    def __init__(self, config: NewsEncoderConfig, *, vocabulary: int, length: int, classes: int) -> None:
        """`vocabulary` counts all ids, including padding and unknown; `length` T is the maximum text length."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.width, padding_idx=0)
        self.embedding.weight.requires_grad_(not config.frozen)
        self.positional_encoding: Tensor
        self.register_buffer("positional_encoding", encoder.positional_encoding(length, config.width), persistent=False)
        self.layers = nn.ModuleList(
            encoder.EncoderLayer(config.width, config.heads, config.feed_forward, config.dropout)
            for _ in range(config.layers)
        )
        self.classes = nn.Linear(config.width, classes)
        self.dropout, self.word_dropout = nn.Dropout(config.dropout), config.word_dropout

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, K)."""
        mask = encoder.padding_mask(ids)
        x = self._start(ids)
        for layer in self.layers:
            x = layer(x, mask[:, None, None])
        logits: Tensor = self.classes(self.dropout(encoder.masked_mean(x, mask)))
        return logits

    def attention_weights(self, ids: Tensor) -> list[Tensor]:
        """(N, T) -> attention weights (N, heads, T, T) of each layer."""
        mask, x = encoder.padding_mask(ids), self._start(ids)
        weights = []
        for layer in self.layers:
            assert isinstance(layer, encoder.EncoderLayer)
            weights.append(layer.attention.attention_weights(x, x, mask[:, None, None]))
            x = layer(x, mask[:, None, None])
        return weights

    def _start(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, T, D)."""
        if self.training and self.word_dropout:
            ids = encoder.word_dropout(ids, self.word_dropout)
        return self.dropout(self.embedding(ids) + self.positional_encoding[: ids.shape[1]])
