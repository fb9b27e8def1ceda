"""Linear classifier on the n-grams of a text: a weight per n-gram and class, no training by gradients."""

from typing import Literal

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number

Weighting = Literal["tfidf", "binary"]
SPECIAL = 2
"""Ids of padding and of unknown words, which are in no n-gram."""
_MULTIPLIER, _MODULUS = 1_000_003, 2**31 - 1


class NgramConfig(Config):
    """Length of the n-grams, size of their table, and regularization."""

    ngrams: int = number(2, low=1, high=3, unit="words", help="Longest n-grams: single words, pairs or triples.")
    buckets: int = number(
        262_144, low=1024, high=4_194_304, help="Table entries for pairs and triples, by hash.", log=True
    )
    inverse_penalty: float = number(
        1.0, low=1e-3, high=1e3, help="Inverse strength C of the L2 penalty (scikit-learn).", log=True
    )


class TfidfConfig(NgramConfig):
    """Single words and scikit-learn's usual penalty for TF-IDF."""

    ngrams: int = number(1, low=1, high=3, unit="words", help="Longest n-grams: single words, pairs or triples.")
    inverse_penalty: float = number(
        4.0, low=1e-3, high=1e3, help="Inverse strength C of the L2 penalty (scikit-learn).", log=True
    )


class NbSvmConfig(NgramConfig):
    """Pairs of words and the penalty of Wang & Manning 2012."""

    inverse_penalty: float = number(
        0.1, low=1e-3, high=1e3, help="Inverse strength C of the L2 penalty (scikit-learn).", log=True
    )


class RulesConfig(NgramConfig):
    """Phrases of up to three words."""

    ngrams: int = number(3, low=1, high=3, unit="words", help="Longest phrases of the rules.")


class NgramClassifier(nn.Module):
    """(N, T) ids -> (N, K) logits: the bias plus the weights of the text's n-grams.

    Each different n-gram counts once (`binary`), or as (1 + log count) * idf divided by the norm of the text (`tfidf`,
    sublinear as in scikit-learn). A word has its id as table entry; longer n-grams share `buckets` further entries by
    hash (Weinberger et al. 2009). With two classes the table has one column, the log-odds of the second.
    """

    table: Tensor
    bias: Tensor
    idf: Tensor

    def __init__(self, config: NgramConfig, *, weighting: Weighting, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.vocabulary, self.ngrams, self.weighting = vocabulary, config.ngrams, weighting
        self.buckets = config.buckets if config.ngrams > 1 else 0
        columns = classes if classes > 2 else 1
        self.register_buffer("table", torch.zeros(vocabulary + self.buckets, columns))
        self.register_buffer("bias", torch.zeros(columns))
        self.register_buffer("idf", torch.ones(vocabulary + self.buckets))

    def reset_parameters(self) -> None:
        """Draw the weights with their standard deviation, for the model randomization test of explanations."""
        self.table.normal_(std=max(1e-6, float(self.table.std())))

    def entries(self, ids: Tensor) -> Tensor:
        """Table entries (N, G) of all n-grams of ids (N, T), the words first, then pairs, ...; 0 for none."""
        ids = ids.long()
        known = ids >= SPECIAL
        parts = [ids * known]
        code, usable = ids, known
        for size in range(1, min(self.ngrams, ids.shape[1])):
            code = (code[:, :-1] * _MULTIPLIER + ids[:, size:]) % _MODULUS
            usable = usable[:, :-1] & known[:, size:]
            parts.append((self.vocabulary + code % max(1, self.buckets)) * usable)
        return torch.cat(parts, dim=1)

    def values(self, entries: Tensor) -> Tensor:
        """Share (N, G) of each occurrence of an n-gram in the text's features; 0 for none."""
        ordered, order = entries.sort(dim=1)
        is_new = torch.ones_like(ordered, dtype=torch.bool)
        is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        group = is_new.long().cumsum(dim=1) - 1
        sizes = torch.zeros_like(self.idf[entries]).scatter_add(1, group, torch.ones_like(self.idf[entries]))
        counts = torch.zeros_like(sizes).scatter(1, order, sizes.gather(1, group))
        present = (entries > 0) / counts
        if self.weighting == "binary":
            return present
        weights = (1 + counts.log()) * self.idf[entries]
        norm = (weights**2 * present).sum(dim=1, keepdim=True).sqrt().clamp(min=1e-12)
        return weights * present / norm

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (N, K) of ids (N, T)."""
        entries = self.entries(ids)
        scores = torch.einsum("ng,ngk->nk", self.values(entries), self.table[entries]) + self.bias
        return torch.cat([torch.zeros_like(scores), scores], dim=1) if scores.shape[1] == 1 else scores

    def word_contributions(self, ids: Tensor, target: int) -> Tensor:
        """Exact contributions (N, T) of the words to the logit of a class: they sum to it, less the bias.

        Of two classes, to the log-odds of the class. A pair or triple counts in equal parts for its words.
        """
        entries = self.entries(ids)
        column = target if self.table.shape[1] > 1 else 0
        sign = -1.0 if self.table.shape[1] == 1 and target == 0 else 1.0
        parts = sign * self.values(entries) * self.table[entries][..., column]
        length, result, start = ids.shape[1], torch.zeros(ids.shape), 0
        for size in range(1, min(self.ngrams, length) + 1):
            width = length - size + 1
            for shift in range(size):
                result[:, shift : shift + width] += parts[:, start : start + width] / size
            start += width
        return result
