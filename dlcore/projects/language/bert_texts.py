"""Shared by projects with a pretrained BERT: checkpoint, length and splits of the texts."""

from dataclasses import dataclass

import numpy as np

from dlcore.core.config import choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, SplitName
from dlcore.data.stratify import stratified_sample
from dlcore.data.text import bert_tokens
from dlcore.data.text import corpora as text
from dlcore.projects.language import texts
from dlcore.projects.language.learning import LearningOptions, augment
from dlcore.projects.run_config import RunConfig


class BertTextData(LearningOptions):
    """Pretrained BERT and tokenization."""

    bert: str = choice(
        bert_weights.OFFLINE, help="Pretrained BERT, by its name on the Hugging Face hub (see data list)."
    )
    length: int = number(
        128, low=8, high=512, unit="tokens", help="Tokens read of each text, including [CLS] and [SEP]."
    )
    keep: bert_tokens.Keep = choice("start", help="Part of a longer text that is read; both: a quarter from its start.")
    balanced: bool = choice(False, help="Weight classes equally in the loss.")
    rows: int = number(0, low=0, high=1_000_000, unit="texts", help="Texts used, split proportionally; 0 uses all.")
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="texts", help="Training texts used, stratified; 0 uses all."
    )
    folds: int = number(
        0, low=0, high=10, help="Folds of a cross-validation beside the test score, for small datasets; 0: none."
    )
    fold: int = number(0, low=0, high=10, help="The fold that is the test part; 0: the usual test part.")


@dataclass(frozen=True)
class BertTexts:
    """Texts of a source, row numbers (N,) of each split, and the BERT checkpoint."""

    checkpoint: bert_weights.Checkpoint
    dataset: text.TextDataset
    parts: dict[SplitName, np.ndarray]

    @property
    def texts_by_split(self) -> dict[SplitName, list[str]]:
        """Texts of each split."""
        return {name: [self.dataset.texts[row] for row in rows] for name, rows in self.parts.items()}


def load(config: RunConfig, options: BertTextData) -> BertTexts:
    """Test split of the source or a fifth of all, a tenth for validation; `rows` limits the other texts.

    Raises:
        ConfigError: `length` exceeds the BERT's maximum.
        DataError: the dataset or the BERT is not on this machine.
    """
    checkpoint = bert_weights.require(options.bert)
    if options.length > checkpoint.longest:
        raise ConfigError(f"length={options.length}: {checkpoint.name} reads at most {checkpoint.longest} tokens.")
    data = texts.load(config)
    cut = texts.cut(data, options.rows, seed=config.seed, fold=(options.fold, options.folds))
    parts: dict[SplitName, np.ndarray] = {name: cut[name] for name in SPLITS}
    parts["train"] = parts["train"][
        stratified_sample(data.labels[parts["train"]], options.train_rows, seed=config.seed)
    ]
    data, parts["train"] = augment(data, parts["train"], options)
    return BertTexts(checkpoint, data, parts)
