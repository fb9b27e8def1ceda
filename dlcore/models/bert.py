"""Pretrained BERT encoder (Devlin et al. 2019).

Wraps transformers' `BertModel` without its pooler, built from a config and weights that were read before: nothing here
accesses the network.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

PAD = 0


class Bert(nn.Module):
    """(N, T) ids, padded at the end with 0 -> (N, T, D) hidden states; zero at padding."""

    WORDS = "network.embeddings.word_embeddings"
    """Name of the word-embedding module, used for attributions to input tokens."""

    def __init__(self, config: Mapping[str, Any], *, layer: int = 0) -> None:
        """`config` is the content of a checkpoint's `config.json`. Returns the states after `layer` layers, or after
        all of them (0).
        """
        super().__init__()
        self.network: Any = _network(config)
        self.layer = layer or len(self.layers)

    def load_pretrained(self, state: Mapping[str, Tensor]) -> None:
        """Load weights named as in `BertModel` (`embeddings.*`, `encoder.*`); other names are ignored.

        Raises:
            RuntimeError: a weight is missing or has another shape.
        """
        names = self.network.state_dict()
        self.network.load_state_dict({name: tensor for name, tensor in state.items() if name in names})

    @property
    def width(self) -> int:
        """Hidden size D."""
        return int(self.network.config.hidden_size)

    @property
    def layers(self) -> nn.ModuleList:
        """Encoder layers in order; a layer takes (N, T, D) and the result of `attention_mask`."""
        layers: nn.ModuleList = self.network.encoder.layer
        return layers

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, T, D)."""
        return self.states(self.embed(ids), ids)

    def embed(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, T, D): sum of word, position and segment embeddings."""
        vectors: Tensor = self.network.embeddings(input_ids=ids)
        return vectors

    def states(self, embedded: Tensor, ids: Tensor, *, first: int = 0) -> Tensor:
        """Run the layers from `first` on: its inputs (N, T, D), ids (N, T) for the padding mask -> (N, T, D)."""
        x, mask = embedded, attention_mask(ids)
        if self.training and torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))  # else conversions take a quarter of each step
        for layer in self.layers[first : self.layer]:
            x = layer(x, mask)
        return x * ids.ne(PAD)[..., None]

    def hidden_states(self, embedded: Tensor, ids: Tensor) -> list[Tensor]:
        """(N, T, D) -> the states (N, T, D) after each layer, including those at padding."""
        states, x, mask = [], embedded, attention_mask(ids)
        for layer in self.layers:
            x = layer(x, mask)
            states.append(x)
        return states

    def attentions(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, L, H, T, T) attention weights by layer and head; rows sum to 1, padding gets 0.

        softmax(q k / sqrt(D / H)), eq. 1 of Vaswani et al. 2017.
        """
        first = self.embed(ids)
        before = [first, *self.hidden_states(first, ids)[:-1]]
        heads, mask = int(self.network.config.num_attention_heads), attention_mask(ids)
        weights = []
        for layer, x in zip(self.layers, before, strict=True):
            attention = layer.get_submodule("attention.self")
            query, key = (
                attention.get_submodule(name)(x).unflatten(2, (heads, -1)).transpose(1, 2) for name in ("query", "key")
            )
            scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
            weights.append(scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1))
        return torch.stack(weights, dim=1)


def attention_mask(ids: Tensor) -> Tensor:
    """(N, T) ids -> (N, 1, T, T), true where a token may attend: at all non-padding positions.

    A row of padding only keeps its first position, so that softmax is defined.
    """
    mask = ids.ne(PAD)
    mask = torch.cat([mask[:, :1] | ~mask.any(dim=1, keepdim=True), mask[:, 1:]], dim=1)
    return mask[:, None, None, :].expand(-1, 1, ids.shape[1], -1)


def pretrained(config: Mapping[str, Any], state: Mapping[str, Tensor], *, layer: int = 0) -> Bert:
    """Return a BERT with these weights, frozen and in evaluation mode."""
    bert = Bert(config, layer=layer)
    bert.load_pretrained(state)
    return bert.eval().requires_grad_(False)


def count_parameters(config: Mapping[str, Any], *, layer: int = 0) -> int:
    """Return the number of parameters of a BERT up to a layer, without allocating them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Bert(config, layer=layer).parameters())


def _network(config: Mapping[str, Any]) -> Any:
    import transformers  # the import takes seconds, and only BERT needs it
    from transformers.utils import logging

    logging.set_verbosity_error()
    options: dict[str, Any] = {name: value for name, value in config.items() if name in _ARCHITECTURE_KEYS}
    config_class: Any = transformers.BertConfig
    return transformers.BertModel(config_class(**options, attn_implementation="sdpa"), add_pooling_layer=False)


_ARCHITECTURE_KEYS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "initializer_range",
)
"""Build the network from the config entries that define its architecture."""
