"""BERT with its masked-language-model head (Devlin et al. 2019)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from dlcore.models.bert import Bert

HEAD = "cls.predictions."
"""Prefix of the head's weights in a checkpoint."""
_NAMES = {
    "transform.dense.weight": "dense.weight",
    "transform.dense.bias": "dense.bias",
    "transform.LayerNorm.weight": "norm.weight",
    "transform.LayerNorm.bias": "norm.bias",
    "bias": "bias",
}


class MaskedBert(nn.Module):
    """(N, T) ids, padded at the end with 0 -> (N, T, V) logits: linear, GELU, layer norm, tied embeddings."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.bert = Bert(config)
        self.dense = nn.Linear(self.bert.width, self.bert.width)
        self.norm = nn.LayerNorm(self.bert.width, eps=float(config.get("layer_norm_eps", 1e-12)))
        words = self.bert.get_submodule(self.bert.WORDS)
        assert isinstance(words, nn.Embedding)
        self.words = words.weight
        self.bias = nn.Parameter(self.words.new_zeros(len(self.words)))

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) int64 -> (N, T, V)."""
        x = self.norm(functional.gelu(self.dense(self.bert(ids))))
        return functional.linear(x, self.words, self.bias)


def has_head(state: Mapping[str, Tensor]) -> bool:
    """Return whether a checkpoint contains the head's weights."""
    return all(HEAD + name in state for name in _NAMES)


def pretrained(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> MaskedBert:
    """Return the network with a checkpoint's weights, frozen and in evaluation mode.

    Raises:
        KeyError: the checkpoint has no such head (check with `has_head`).
        RuntimeError: a weight has another shape.
    """
    module = MaskedBert(config)
    module.bert.load_pretrained(state)
    head = {ours: state[HEAD + theirs] for theirs, ours in _NAMES.items()}
    module.load_state_dict({**module.state_dict(), **head})
    return module.eval().requires_grad_(False)
