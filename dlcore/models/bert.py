"""A pretrained BERT (Devlin et al. 2019): every token of a text becomes a vector that depends on all the others.

The network is transformers' own `BertModel`, without its pooler; it is built from a config and weights that were read
already, so nothing here asks the network for anything.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

PAD = 0


class Bert(nn.Module):
    """(N, T) ids, padded at the end with 0 -> (N, T, D) states; those of padding are zero, and it changes nothing."""

    WORDS = "network.embeddings.word_embeddings"
    """The part whose vectors stand for the tokens before they know of each other: words are explained there."""

    def __init__(self, config: Mapping[str, Any], *, layer: int = 0) -> None:
        """`config` is what a checkpoint's `config.json` says; the states are those after `layer` of its layers, counted
        from below, or after all of them (0)."""
        super().__init__()
        self.network: Any = _network(config)
        self.layer = layer or len(self.layers)

    def take_over(self, state: Mapping[str, Tensor]) -> None:
        """Weights under `BertModel`'s names (`embeddings.*`, `encoder.*`); others are left aside.

        Raises:
            RuntimeError: one is missing or of another shape.
        """
        own = self.network.state_dict()
        self.network.load_state_dict({name: tensor for name, tensor in state.items() if name in own})

    @property
    def width(self) -> int:
        """D."""
        return int(self.network.config.hidden_size)

    @property
    def layers(self) -> nn.ModuleList:
        """The encoder's layers, the first one first: a layer takes (N, T, D) and what `attention_mask` gives."""
        layers: nn.ModuleList = self.network.encoder.layer
        return layers

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) whole numbers -> (N, T, D)."""
        return self.states(self.embed(ids), ids)

    def embed(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, T, D): word, place and kind of each token, before any layer."""
        vectors: Tensor = self.network.embeddings(input_ids=ids)
        return vectors

    def states(self, embedded: Tensor, ids: Tensor) -> Tensor:
        """What `embed` gave (N, T, D), and the ids (N, T) that tell padding -> (N, T, D) after the layers."""
        x, mask = embedded, attention_mask(ids)
        for layer in self.layers[: self.layer]:
            x = layer(x, mask)
        return x * ids.ne(PAD)[..., None]

    def every_state(self, embedded: Tensor, ids: Tensor) -> list[Tensor]:
        """(N, T, D) -> the states (N, T, D) after each of all layers, padding's included."""
        found, x, mask = [], embedded, attention_mask(ids)
        for layer in self.layers:
            x = layer(x, mask)
            found.append(x)
        return found

    def attentions(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, L, H, T, T): how much each token takes of each, by layer and head; rows sum to 1, and what is
        padding gets 0. softmax(q k / sqrt(D / H)), eq. 1 of Vaswani et al. 2017."""
        first = self.embed(ids)
        before = [first, *self.every_state(first, ids)[:-1]]
        heads, mask = int(self.network.config.num_attention_heads), attention_mask(ids)
        taken = []
        for layer, x in zip(self.layers, before, strict=True):
            own = layer.get_submodule("attention.self")
            query, key = (
                own.get_submodule(name)(x).unflatten(2, (heads, -1)).transpose(1, 2) for name in ("query", "key")
            )
            scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
            taken.append(scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1))
        return torch.stack(taken, dim=1)


def attention_mask(ids: Tensor) -> Tensor:
    """(N, T) ids -> (N, 1, T, T) true where a token may be looked at: wherever there is no padding, and in a row that
    is padding alone its first place."""
    there = ids.ne(PAD)
    there = torch.cat([there[:, :1] | ~there.any(dim=1, keepdim=True), there[:, 1:]], dim=1)
    return there[:, None, None, :].expand(-1, 1, ids.shape[1], -1)


def pretrained(config: Mapping[str, Any], state: Mapping[str, Tensor], *, layer: int = 0) -> Bert:
    """A BERT with those weights, in evaluation mode; nothing of it learns."""
    bert = Bert(config, layer=layer)
    bert.take_over(state)
    return bert.eval().requires_grad_(False)


def _network(config: Mapping[str, Any]) -> Any:
    import transformers  # takes seconds, and only a BERT needs it
    from transformers.utils import logging

    logging.set_verbosity_error()
    taken: dict[str, Any] = {name: value for name, value in config.items() if name in _TAKEN}
    made: Any = transformers.BertConfig
    return transformers.BertModel(made(**taken, attn_implementation="sdpa"), add_pooling_layer=False)


_TAKEN = (
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
"""What decides the network; the rest of a checkpoint's config is about where it came from."""
