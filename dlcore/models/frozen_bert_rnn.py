"""Recurrent classifier over the hidden states of a frozen, pretrained BERT."""

from typing import Any

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import recurrence
from dlcore.models.bert import Bert
from dlcore.models.pooling import Pooling
from dlcore.models.recurrence import Cell


class FrozenBertRnnConfig(Config):
    """Layer sizes and dropout."""

    hidden: int = number(64, low=2, high=1024, help="Hidden units per layer and direction.")
    layers: int = number(1, low=1, high=6, help="Number of stacked recurrent layers.")
    bidirectional: bool = choice(True, help="Read from the end to the start as well.")
    dropout: float = number(0.3, low=0.0, high=0.9, help="Dropout probability of each layer's inputs and outputs.")
    pooling: Pooling = choice("mean_max", help="Pooling of the states: the last one, or maximum and mean of all.")


class FrozenBertRnn(nn.Module):
    """States (N, T, D) with (N, T) nonzero at tokens, or ids (N, T) -> (N, K) logits: norm, recurrent layers, pooling,
    linear.

    Training uses precomputed states. To read ids it needs the BERT that computed them, set with `attach`; it is frozen
    and not part of the state dict.
    """

    WORDS = f"bert.{Bert.WORDS}"
    """Name of the word-embedding module, used for attributions to input tokens."""

    def __init__(self, config: FrozenBertRnnConfig, *, cell: Cell, width: int, classes: int) -> None:
        """`width` is D."""
        super().__init__()
        ways = 2 if config.bidirectional else 1
        sizes = [width, *[config.hidden * ways] * (config.layers - 1)]
        self.norm = nn.LayerNorm(width)
        self.forth = recurrence.build_layers(cell, sizes, config.hidden)
        self.back = recurrence.build_layers(cell, sizes if config.bidirectional else [], config.hidden)
        self.classes = nn.Linear(config.hidden * ways * (2 if config.pooling == "mean_max" else 1), classes)
        self.dropout, self.pooling = nn.Dropout(config.dropout), config.pooling
        self.bert: Bert | None = None
        self.register_state_dict_post_hook(_without_bert)
        self.register_load_state_dict_post_hook(_allow_missing_bert)

    def attach(self, bert: Bert) -> None:
        """Set the frozen BERT whose states the network was trained on."""
        self.bert = bert.eval().requires_grad_(False)

    def forward(self, read: Tensor, mask: Tensor | None = None) -> Tensor:
        """States (N, T, D) with mask (N, T), or ids (N, T) alone -> (N, K)."""
        if mask is None:
            assert self.bert is not None, "call attach() with a BERT before passing ids"
            read, mask = self.bert(read), read
        x = self.dropout(self.norm(read))
        x, back = recurrence.run_layers(x, mask, forth=self.forth, back=self.back, dropout=self.dropout)
        both = len(self.back) > 0
        logits: Tensor = self.classes(
            recurrence.pool_states(x, back, mask, how=self.pooling, both=both, dropout=self.dropout)
        )
        return logits

    def train(self, mode: bool = True) -> "FrozenBertRnn":
        """Set training mode; the frozen BERT stays in evaluation mode."""
        super().train(mode)
        if self.bert is not None:
            self.bert.eval()
        return self


def _without_bert(module: nn.Module, state: dict[str, Any], prefix: str, about: dict[str, object]) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}bert.")]:
        del state[name]


def _allow_missing_bert(module: nn.Module, result: Any) -> None:
    result.missing_keys[:] = [name for name in result.missing_keys if not name.startswith("bert.")]
