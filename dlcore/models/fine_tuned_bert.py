"""A pretrained BERT under a new head that names a text's class: all of it learns on, its last layers, or the head.

What is not trained is not part of the state dict: a run keeps what it learnt, and takes the rest from the checkpoint.
"""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models import encoder
from dlcore.models.bert import Bert

Trained = Literal["head", "last_layers", "all"]


class FineTuneConfig(Config):
    """What is taken over from the pretrained BERT, and what learns on."""

    initialization: Literal["pretrained", "random"] = choice(
        "pretrained", help="Begin with the weights of the pretrained BERT, or with random ones, from scratch."
    )
    train: Trained = choice(
        "all", help="Train the new head alone (what it is given is computed once), the last layers too, or all layers."
    )
    top_layers: int = number(2, low=1, high=48, unit="layers", help="How many layers last_layers trains.")
    encoder_rate: float = number(
        0.2, low=1e-4, high=1.0, help="Learning rate of the last layer, as a share of the head's.", log=True
    )
    layer_decay: float = number(0.9, low=0.1, high=1.0, help="Rate of each layer, as a share of the layer's above it.")
    train_embeddings: bool = choice(
        False, help="Train the vectors of the 30,522 pieces of words too, half of all weights, where all is trained."
    )
    pooling: Literal["mean", "first"] = choice(
        "mean", help="What the head is given: the mean over the tokens, or the state of [CLS], the first one."
    )
    dropout: float = number(0.1, low=0.0, high=0.9, help="Share of values set to 0 in training, in BERT and its head.")


class LastLayersConfig(FineTuneConfig):
    """The last layers and the head."""

    train: Trained = choice(
        "last_layers", help="Train the new head alone (what it is given is computed once), the last layers too, or all."
    )


class HeadConfig(FineTuneConfig):
    """The head alone: what it is given is computed once."""

    train: Trained = choice(
        "head", help="Train the new head alone (what it is given is computed once), the last layers too, or all."
    )


class FromScratchConfig(FineTuneConfig):
    """The same network without anything taken over."""

    initialization: Literal["pretrained", "random"] = choice(
        "random", help="Begin with the weights of the pretrained BERT, or with random ones, from scratch."
    )
    encoder_rate: float = number(
        1.0, low=1e-4, high=1.0, help="Learning rate of the last layer, as a share of the head's.", log=True
    )
    layer_decay: float = number(1.0, low=0.1, high=1.0, help="Rate of each layer, as a share of the layer's above it.")
    train_embeddings: bool = choice(True, help="Train the vectors of the pieces of words too.")


class FineTunedBert(nn.Module):
    """(N, T) ids, padded at the end with 0, or what was pooled before (N, D) -> (N, K) logits."""

    def __init__(self, options: FineTuneConfig, *, config: Mapping[str, Any], classes: int) -> None:
        """`config` tells the BERT's sizes by the names of a checkpoint's `config.json`."""
        super().__init__()
        dropouts = {"hidden_dropout_prob": options.dropout, "attention_probs_dropout_prob": options.dropout}
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
        self.register_state_dict_post_hook(_without_what_is_frozen)
        self.register_load_state_dict_post_hook(_frozen_may_be_missing)

    WORDS = f"bert.{Bert.WORDS}"
    """The part whose vectors stand for the tokens: words are explained there."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits; floats are what was pooled before, and go to the head alone."""
        logits: Tensor = self.head(x if x.is_floating_point() else self.pooled(x))
        return logits

    def pooled(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, D): what the head is given; padding counts nothing."""
        states = self.bert(ids)
        return (
            states[:, 0] if self.options.pooling == "first" else encoder.masked_mean(states, encoder.padding_mask(ids))
        )

    def weights(self, ids: Tensor) -> list[Tensor]:
        """(N, T) -> (N, heads, T, T) of each layer: how much each token (row) takes of each."""
        return list(self.bert.attentions(ids).unbind(dim=1))

    def train(self, mode: bool = True) -> "FineTunedBert":
        """Training mode for what is trained; what is frozen drops nothing out."""
        super().train(mode)
        if mode:
            self.bert.layers[: self.frozen].eval()
            if self.options.train != "all":
                self.bert.network.get_submodule("embeddings").eval()
        return self

    def take_over(self, state: Mapping[str, Tensor]) -> None:
        """Put a checkpoint's weights in."""
        self.bert.take_over(state)

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters trained together, the head's first, and their rate as a share of the head's: it falls from layer
        to layer (Howard & Ruder 2018, section 3.2, there by 2.6 a layer)."""
        found = [(1.0, list(self.head.parameters()))]
        share = self.options.encoder_rate
        for part in (*reversed(self.bert.layers), self.bert.network.get_submodule("embeddings")):
            own = [parameter for parameter in part.parameters() if parameter.requires_grad]
            if own:
                found.append((share, own))
                share *= self.options.layer_decay
        return found


def _kept_elsewhere(module: FineTunedBert) -> set[str]:
    """Names of what is not learnt here but taken from the checkpoint."""
    if module.options.initialization == "random":
        return set()
    return {name for name, parameter in module.named_parameters() if not parameter.requires_grad}


def _without_what_is_frozen(module: nn.Module, state: dict[str, Any], prefix: str, about: dict[str, object]) -> None:
    assert isinstance(module, FineTunedBert)
    for name in _kept_elsewhere(module):
        del state[prefix + name]


def _frozen_may_be_missing(module: nn.Module, found: Any) -> None:
    assert isinstance(module, FineTunedBert)
    elsewhere = _kept_elsewhere(module)
    found.missing_keys[:] = [name for name in found.missing_keys if name not in elsewhere]
