"""Pretrained BERT with a classification head: fine-tunes all layers, the last layers, or the head only.

Frozen parameters are not part of the state dict: a run stores what it trained and loads the rest from the checkpoint.
"""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder
from dlcore.models.bert import Bert

Trained = Literal["head", "last_layers", "all"]


class FineTuneConfig(Config):
    """Which weights are pretrained and which are trained."""

    initialization: Literal["pretrained", "random"] = choice(
        "pretrained", help="Start from the pretrained BERT, or from random weights (from scratch)."
    )
    train: Trained = choice(
        "all", help="Train the head only (its inputs are computed once), also the last layers, or all layers."
    )
    cache_frozen: bool = choice(
        False, help="With last_layers: compute the states below the trained layers once and cache them on disk."
    )
    top_layers: int = number(2, low=1, high=48, unit="layers", help="Number of layers that last_layers trains.")
    encoder_rate: float = number(
        0.2, low=1e-4, high=1.0, help="Learning rate of the last encoder layer, relative to the head's.", log=True
    )
    layer_decay: float = number(0.9, low=0.1, high=1.0, help="Rate of each layer, as a share of the layer's above it.")
    train_embeddings: bool = choice(
        False,
        help="Also train the 30,522 word-piece embeddings, half of all weights (only when all layers are trained).",
    )
    pooling: Literal["mean", "first"] = choice(
        "mean", help="Input of the head: the mean over the tokens, or the state of [CLS]."
    )
    dropout: float = number(0.1, low=0.0, high=0.9, help="Dropout probability in BERT and its head.")
    attention_dropout: float = number(
        0.1, low=0.0, high=0.9, help="Dropout probability of attention weights; 0 trains long texts 3 times as fast."
    )


class LastLayersConfig(FineTuneConfig):
    """Trains the last layers and the head."""

    train: Trained = choice(
        "last_layers", help="Train the head only (its inputs are computed once), also the last layers, or all layers."
    )


class HeadConfig(FineTuneConfig):
    """Trains the head only; its inputs are computed once."""

    train: Trained = choice(
        "head", help="Train the head only (its inputs are computed once), also the last layers, or all layers."
    )


class FromScratchConfig(FineTuneConfig):
    """The same network, trained from scratch."""

    initialization: Literal["pretrained", "random"] = choice(
        "random", help="Start from the pretrained BERT, or from random weights (from scratch)."
    )
    encoder_rate: float = number(
        1.0, low=1e-4, high=1.0, help="Learning rate of the last encoder layer, relative to the head's.", log=True
    )
    layer_decay: float = number(1.0, low=0.1, high=1.0, help="Rate of each layer, as a share of the layer's above it.")
    train_embeddings: bool = choice(True, help="Also train the word-piece embeddings.")


class FineTunedBert(nn.Module):
    """(N, T) ids padded at the end with 0 -> (N, K) logits.

    Training may use what frozen layers computed before: pooled states (N, D), or the inputs (N, T, D) of the first
    trained layer with a mask (N, T), nonzero at tokens.
    """

    def __init__(self, options: FineTuneConfig, *, config: Mapping[str, Any], classes: int) -> None:
        """`config` has the sizes of the BERT, named as in a checkpoint's `config.json`."""
        super().__init__()
        dropouts = {
            "hidden_dropout_prob": options.dropout,
            "attention_probs_dropout_prob": options.attention_dropout,
        }
        self.options, self.bert = options, Bert({**config, **dropouts})
        self.head = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(self.bert.width, classes))
        self.frozen = {
            "head": len(self.bert.layers),
            "last_layers": max(0, len(self.bert.layers) - options.top_layers),
            "all": 0,
        }[options.train]
        self.bert.layers[: self.frozen].requires_grad_(False)
        self.bert.network.get_submodule("embeddings").requires_grad_(options.train == "all")
        if not options.train_embeddings:
            self.bert.get_submodule(self.bert.WORDS).requires_grad_(False)
        self.register_state_dict_post_hook(_drop_frozen)
        self.register_load_state_dict_post_hook(_allow_missing_frozen)

    WORDS = f"bert.{Bert.WORDS}"
    """Name of the word-embedding module, used for attributions to input tokens."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return logits (N, K)."""
        if mask is not None:
            x = self.pooled(mask, x)
        logits: Tensor = self.head(x if x.is_floating_point() else self.pooled(x))
        return logits

    def pooled(self, ids: Tensor, states: Tensor | None = None) -> Tensor:
        """(N, T) -> (N, D): the head's input, padding excluded; from `states` (N, T, D) after the frozen layers, ids
        may be a mask."""
        states = self.bert(ids) if states is None else self.bert.states(states, ids, first=self.frozen)
        return (
            states[:, 0] if self.options.pooling == "first" else encoder.masked_mean(states, encoder.padding_mask(ids))
        )

    def attention_weights(self, ids: Tensor) -> list[Tensor]:
        """(N, T) -> attention weights (N, heads, T, T) of each layer."""
        return list(self.bert.attentions(ids).unbind(dim=1))

    def train(self, mode: bool = True) -> "FineTunedBert":
        """Set training mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        if mode:
            self.bert.layers[: self.frozen].eval()
            if self.options.train != "all":
                self.bert.network.get_submodule("embeddings").eval()
        return self

    def load_pretrained(self, state: Mapping[str, Tensor]) -> None:
        """Load a checkpoint's weights."""
        self.bert.load_pretrained(state)

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Return (learning rate relative to the head's, parameters) for each group, head first.

        The rate decreases from layer to layer (Howard & Ruder 2018, section 3.2, where the factor is 2.6).
        """
        groups = [(1.0, list(self.head.parameters()))]
        share = self.options.encoder_rate
        for part in (*reversed(self.bert.layers), self.bert.network.get_submodule("embeddings")):
            trainable = [parameter for parameter in part.parameters() if parameter.requires_grad]
            if trainable:
                groups.append((share, trainable))
                share *= self.options.layer_decay
        return groups


def _checkpoint_parameters(module: FineTunedBert) -> set[str]:
    """Return the names of parameters that come from the checkpoint, not from training."""
    if module.options.initialization == "random":
        return set()
    return {name for name, parameter in module.named_parameters() if not parameter.requires_grad}


def _drop_frozen(module: nn.Module, state: dict[str, Any], prefix: str, about: dict[str, object]) -> None:
    assert isinstance(module, FineTunedBert)
    for name in _checkpoint_parameters(module):
        del state[prefix + name]


def _allow_missing_frozen(module: nn.Module, result: Any) -> None:
    assert isinstance(module, FineTunedBert)
    frozen = _checkpoint_parameters(module)
    result.missing_keys[:] = [name for name in result.missing_keys if name not in frozen]
