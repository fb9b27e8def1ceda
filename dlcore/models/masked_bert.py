"""A BERT with the head that it was pretrained with: which piece of a word stands at each place (Devlin et al. 2019)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from dlcore.models.bert import Bert

HEAD = "cls.predictions."
"""What the head's weights are called in a checkpoint."""
_NAMES = {
    "transform.dense.weight": "dense.weight",
    "transform.dense.bias": "dense.bias",
    "transform.LayerNorm.weight": "norm.weight",
    "transform.LayerNorm.bias": "norm.bias",
    "bias": "bias",
}


class MaskedBert(nn.Module):
    """(N, T) ids, padded at the end with 0 -> (N, T, V) logits: a linear layer, GELU, a norm, and the likeness to the
    vector of every piece."""

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
        """(N, T) whole numbers -> (N, T, V)."""
        x = self.norm(functional.gelu(self.dense(self.bert(ids))))
        return functional.linear(x, self.words, self.bias)


def has_head(state: Mapping[str, Tensor]) -> bool:
    """Whether a checkpoint's weights hold that head."""
    return all(HEAD + name in state for name in _NAMES)


def pretrained(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> MaskedBert:
    """The network with a checkpoint's weights, in evaluation mode; nothing of it learns.

    Raises:
        KeyError: the weights have no such head, see `has_head`.
        RuntimeError: one is of another shape.
    """
    module = MaskedBert(config)
    module.bert.take_over(state)
    own = {ours: state[HEAD + theirs] for theirs, ours in _NAMES.items()}
    module.load_state_dict({**module.state_dict(), **own})
    return module.eval().requires_grad_(False)
