"""An encoder-decoder Transformer that says at every word what it makes of a text, and takes the mean."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder


class EncoderDecoderConfig(Config):
    """Its sizes."""

    width: int = number(64, low=4, high=1024, unit="numbers", help="Numbers that stand for a word; GloVe has 100.")
    layers: int = number(3, low=1, high=12, help="Layers of the encoder, and as many of the decoder.")
    heads: int = number(2, low=1, high=32, help="Ways of looking at the text at once; the width is a multiple.")
    feed_forward: int = number(128, low=4, high=8192, unit="units", help="Units inside each feed-forward.", log=True)
    dropout: float = number(0.1, low=0.0, high=0.9, help="Share of values set to 0 in training.")
    word_dropout: float = number(0.0, low=0.0, high=0.9, help="Share of words made unknown in training.")
    causal: bool = choice(False, help="In the decoder a word sees itself and what came before it alone.")


class EncoderDecoder(nn.Module):
    """(N, T) ids -> (N, K) logits: embedding, places, three encoder and three decoder layers, linear, mean.

    The decoder reads the same words again and looks at what the encoder made of them. Each word gives K logits; their
    mean over the text's own words is the answer. Ids are padded at the end with 0; padding is masked in all three
    attentions and left out of the mean. Vaswani et al. 2017.
    """

    def __init__(self, config: EncoderDecoderConfig, *, vocabulary: int, length: int, classes: int) -> None:
        """`vocabulary` counts all ids, padding and unknown among them; `length` T is the longest text's."""
        super().__init__()
        sizes = (config.width, config.heads, config.feed_forward, config.dropout)
        self.embedding = nn.Embedding(vocabulary, config.width, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight *= 0.5  # as wide as the places' sines, no wider
        self.places: Tensor
        self.register_buffer("places", encoder.positional_encoding(length, config.width), persistent=False)
        self.encoder = nn.ModuleList(encoder.EncoderLayer(*sizes) for _ in range(config.layers))
        self.decoder = nn.ModuleList(encoder.DecoderLayer(*sizes) for _ in range(config.layers))
        self.classes = nn.Linear(config.width, classes)
        self.dropout, self.word_dropout, self.causal = nn.Dropout(config.dropout), config.word_dropout, config.causal

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) whole numbers -> (N, K)."""
        found = encoder.padding_mask(ids)
        words = found[:, None, None]  # (N, 1, 1, T)
        if self.training and self.word_dropout:
            ids = encoder.word_dropout(ids, self.word_dropout)
        x = memory = self.dropout(self.embedding(ids) + self.places[: ids.shape[1]])
        for layer in self.encoder:
            memory = layer(memory, words)
        seen = words
        if self.causal:
            seen = words & torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
        for layer in self.decoder:
            x = layer(x, memory, seen=seen, memory_seen=words)
        return encoder.masked_mean(self.classes(x), found)
