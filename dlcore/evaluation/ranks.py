"""Compare several methods over many data sets by their ranks."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, studentized_range

from dlcore.core.errors import DataError


@dataclass(frozen=True)
class RankComparison:
    """Average ranks of methods (1: best), and the least difference of two that is significant at 5 %."""

    ranks: dict[str, float]
    critical_difference: float
    data_sets: int

    @property
    def groups(self) -> list[list[str]]:
        """Largest groups of methods that do not differ significantly, best first; the bars of the diagram."""
        names = sorted(self.ranks, key=self.ranks.__getitem__)
        groups: list[list[str]] = []
        for start, name in enumerate(names):
            limit = self.ranks[name] + self.critical_difference
            group = [other for other in names[start:] if self.ranks[other] <= limit]
            if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
                groups.append(group)
        return groups


def compare_ranks(values: dict[str, np.ndarray], *, significance: float = 0.05) -> RankComparison:
    """Return average ranks and the Nemenyi critical difference, from values (S,) per method on the same S data sets.

    Higher values are better; ties share their mean rank. Source: Demsar, "Statistical comparisons of classifiers over
    multiple data sets", JMLR 7, 2006, section 3.2.2.

    Raises:
        DataError: there are fewer than two methods, or no data set.
    """
    table = np.array(list(values.values()))  # (K, S)
    if table.ndim != 2 or len(table) < 2 or not table.shape[1]:
        raise DataError("average ranks need at least two methods on the same data sets.")
    count, sets = table.shape
    ranks = rankdata(-table, axis=0).mean(axis=1)
    quantile = float(studentized_range.ppf(1 - significance, count, np.inf)) / np.sqrt(2)
    difference = quantile * np.sqrt(count * (count + 1) / (6 * sets))
    return RankComparison(dict(zip(values, ranks.tolist(), strict=True)), float(difference), sets)
