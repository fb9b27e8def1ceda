"""Encoder-decoder Transformer for classification: logits at every word, averaged."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder


class EncoderDecoderConfig(Config):
    """Layer sizes and dropout."""

    width: int = number(64, low=4, high=1024, unit="numbers", help="Embedding dimension; GloVe has 100.")
    layers: int = number(3, low=1, high=12, help="Encoder layers, and as many decoder layers.")
    heads: int = number(2, low=1, high=32, help="Attention heads; must divide the width.")
    feed_forward: int = number(
        128, low=4, high=8192, unit="units", help="Hidden units of each feed-forward network.", log=True
    )
    dropout: float = number(0.1, low=0.0, high=0.9, help="Dropout probability.")
    word_dropout: float = number(
        0.0, low=0.0, high=0.9, help="Probability that a word is replaced by unknown in training."
    )
    causal: bool = choice(False, help="Causal mask in the decoder: a word attends to itself and earlier words only.")


class EncoderDecoder(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, positions, three encoder and three decoder layers, linear, mean.

    The decoder reads the same words and attends to the encoder's output. Each word has K logits; the output is their
    mean over the text's words. Ids are padded at the end with 0; padding is masked in all three attentions and excluded
    from the mean. Vaswani et al. 2017.
    """

    def __init__(self, config: EncoderDecoderConfig, *, vocabulary: int, length: int, classes: int) -> None:
        """`vocabulary` counts all ids, including padding and unknown; `length` T is the maximum text length."""
        super().__init__()
        sizes = (config.width, config.heads, config.feed_forward, config.dropout)
        self.embedding = nn.Embedding(vocabulary, config.width, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight *= 0.5  # same scale as the positional encoding
        self.positional_encoding: Tensor
        self.register_buffer("positional_encoding", encoder.positional_encoding(length, config.width), persistent=False)
        self.encoder = nn.ModuleList(encoder.EncoderLayer(*sizes) for _ in range(config.layers))
        self.decoder = nn.ModuleList(encoder.DecoderLayer(*sizes) for _ in range(config.layers))
        self.classes = nn.Linear(config.width, classes)
        self.dropout, self.word_dropout, self.causal = nn.Dropout(config.dropout), config.word_dropout, config.causal

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, K)."""
        states, text_mask = self._states(ids)
        return encoder.masked_mean(self.classes(states), text_mask)

    def forward_features(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(N, T) int64 -> logits (N, K) and the mean of the states (N, D)."""
        states, text_mask = self._states(ids)
        return encoder.masked_mean(self.classes(states), text_mask), encoder.masked_mean(states, text_mask)

    def _states(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the decoder's states (N, T, D) and the mask (N, T) of the words."""
        text_mask = encoder.padding_mask(ids)
        words = text_mask[:, None, None]  # (N, 1, 1, T)
        if self.training and self.word_dropout:
            ids = encoder.word_dropout(ids, self.word_dropout)
        x = memory = self.dropout(self.embedding(ids) + self.positional_encoding[: ids.shape[1]])
        for layer in self.encoder:
            memory = layer(memory, words)
        mask = words
        if self.causal:
            mask = words & torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
        for layer in self.decoder:
            x = layer(x, memory, mask=mask, memory_mask=words)
        return x, text_mask
