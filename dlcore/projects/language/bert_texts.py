"""What projects that read texts with a pretrained BERT share: which BERT, how much of each text, and which texts."""

from dataclasses import dataclass

import numpy as np

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, SplitName
from dlcore.data.stratify import stratified_sample
from dlcore.data.text import bert_tokens
from dlcore.data.text import corpora as text
from dlcore.projects.language import texts
from dlcore.projects.run_config import RunConfig


class BertTextData(Config):
    """Which BERT, and how texts become its pieces."""

    bert: str = choice(
        bert_weights.OFFLINE, help="Name of the pretrained BERT, as on the Hugging Face hub (see data list)."
    )
    length: int = number(
        128, low=8, high=512, unit="pieces", help="Pieces of words read of each text, [CLS] and [SEP] among them."
    )
    keep: bert_tokens.Keep = choice("start", help="Which part of a longer text is read; both: a quarter is its start.")
    balanced: bool = choice(False, help="Let every class weigh the same in the loss, however many texts it has.")
    rows: int = number(
        0, low=0, high=1_000_000, unit="texts", help="Texts used in all, each part at its share; 0 uses all."
    )
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="texts", help="Training texts used, each class at its share; 0 uses all."
    )


@dataclass(frozen=True)
class BertTexts:
    """A source's texts, those of each part by their numbers in it (N,), and the BERT that is to read them."""

    checkpoint: bert_weights.Checkpoint
    found: text.TextDataset
    parts: dict[SplitName, np.ndarray]

    @property
    def said(self) -> dict[SplitName, list[str]]:
        """The texts of each part."""
        return {name: [self.found.texts[row] for row in rows] for name, rows in self.parts.items()}


def load(config: RunConfig, options: BertTextData) -> BertTexts:
    """The source's own test part, or a fifth drawn once; a tenth to validate on; of the rest as many as are wanted.

    Raises:
        ConfigError: the BERT reads fewer pieces at once than asked for.
        DataError: the dataset or the BERT is not on this machine.
    """
    checkpoint = bert_weights.require(options.bert)
    if options.length > checkpoint.longest:
        raise ConfigError(
            f"length={options.length}: {checkpoint.name} reads at most {checkpoint.longest} pieces at once."
        )
    found = texts.load(config)
    cut = texts.cut(found, options.rows, seed=config.seed)
    parts: dict[SplitName, np.ndarray] = {name: cut[name] for name in SPLITS}
    parts["train"] = parts["train"][
        stratified_sample(found.labels[parts["train"]], options.train_rows, seed=config.seed)
    ]
    return BertTexts(checkpoint, found, parts)
