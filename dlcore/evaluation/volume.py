"""Range-based anomaly metrics: volume under the precision-recall surface, range-based precision and recall.

Point-wise metrics take label edges as exact; here an alarm slightly before or after a window still counts partly
(VUS-PR), or each window and each alarm counts once, however long (range-based).
"""

import numpy as np

from dlcore.core.errors import DataError

THRESHOLDS = 250
"""Thresholds per curve, evenly spaced by rank, as in the authors' code."""
MOST_BUFFERS = 500
"""Buffer lengths whose areas are averaged; of more, as many evenly spaced ones, since areas change slowly."""


def vus_pr(scores: np.ndarray, targets: np.ndarray, *, longest: int | None = None) -> float:
    """Return the volume under the precision-recall surface, 0 to 1: mean range-based area over buffers 0 to `longest`.

    A buffer of b points adds slopes of b // 2 points on both sides of each label, decreasing as sqrt(1 - distance / b);
    recall is scaled by the share of ranges with any alarm. scores (N,), higher is more anomalous; targets (N,) 1 inside
    a labeled window. `longest` defaults to the median window length. Needs no threshold; chance level is about the
    share of labeled points.

    Source: Paparrizos et al., "Volume under the surface", PVLDB 15(11), 2022, section 4; ties and thresholds as in the
    authors' code.

    Raises:
        DataError: the two differ in length, or one kind of point is missing.
    """
    true = targets.astype(bool)
    if scores.shape != targets.shape or true.all() or not true.any():
        raise DataError("VUS-PR needs one score per point, and both labeled and unlabeled points.")
    windows = true_ranges(true)
    if longest is None:
        longest = int(np.median(windows[:, 1] - windows[:, 0]))
    ranked = np.sort(scores)[::-1]
    thresholds = ranked[np.linspace(0, len(ranked) - 1, THRESHOLDS).astype(int)]
    surface = _Surface(scores, thresholds, windows, longest=longest)
    buffers = np.linspace(0, longest, min(longest + 1, MOST_BUFFERS)).astype(int).tolist()
    return float(np.mean([surface.area(buffer) for buffer in buffers]))


def range_precision(is_alarm: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over alarm ranges of the share inside labeled windows, divided by the number of windows hit; 0 to
    1.

    called, targets (N,). Flat bias, no existence reward. 0 without alarms. Source: Tatbul et al., "Precision and recall
    for time series", NeurIPS 2018, equations 4 to 7.
    """
    share, touched = _overlap(true_ranges(is_alarm.astype(bool)), targets.astype(bool))
    return float(np.mean(share / np.maximum(touched, 1))) if len(share) else 0.0


def range_recall(is_alarm: np.ndarray, targets: np.ndarray, *, existence: float = 0.0) -> float:
    """Return the mean over labeled windows of the share with alarms, divided by the number of alarms; 0 to 1.

    `existence` (0 to 1) is the weight of detecting a window at all. Flat bias. NaN without a window.
    Source: Tatbul et al., NeurIPS 2018, equations 1 to 3 and 6 to 7.
    """
    share, touched = _overlap(true_ranges(targets.astype(bool)), is_alarm.astype(bool))
    if not len(share):
        return float("nan")
    return float(np.mean(existence * (touched > 0) + (1 - existence) * share / np.maximum(touched, 1)))


def range_metrics(is_alarm: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return `range_precision`, `range_recall` and their harmonic mean `range_f1`; empty without a labeled window."""
    precision, recall = range_precision(is_alarm, targets), range_recall(is_alarm, targets)
    if not np.isfinite(recall):
        return {}
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"range_precision": precision, "range_recall": recall, "range_f1": f1}


def true_ranges(mask: np.ndarray) -> np.ndarray:
    """Return runs of true in a mask (N,) as index ranges [start, stop), (R, 2)."""
    edges = np.diff(np.r_[0, mask.astype(np.int8), 0])
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


class _Surface:
    """Range-based precision-recall area for any buffer; shared quantities are computed once."""

    def __init__(self, scores: np.ndarray, thresholds: np.ndarray, windows: np.ndarray, *, longest: int) -> None:
        # The first of the descending thresholds that flags each point.
        called_at = np.searchsorted(-thresholds, -scores)  # (N,) in 0 .. G - 1
        self.calls = np.cumsum(np.bincount(called_at, minlength=len(thresholds)))  # (G,)
        # Only points near windows have a label; one more on each side separates ranges.
        reach = longest // 2 + 1
        edges = np.zeros(len(scores) + 1, np.int64)
        np.add.at(edges, np.maximum(windows[:, 0] - reach, 0), 1)
        np.add.at(edges, np.minimum(windows[:, 1] + reach, len(scores)), -1)
        near = np.flatnonzero(np.cumsum(edges[:-1]))  # (M,)
        self.called_at = called_at[near]
        self.windows = np.stack([np.searchsorted(near, windows[:, 0]), np.searchsorted(near, windows[:, 1])], axis=1)

    def area(self, buffer: int) -> float:
        label = self._extended(buffer)  # (M,) 0 to 1
        marked = np.flatnonzero(label)
        hits = np.cumsum(np.bincount(self.called_at[marked], weights=label[marked], minlength=len(self.calls)))
        positives = (float((self.windows[:, 1] - self.windows[:, 0]).sum()) + float(label.sum())) / 2
        recall = np.minimum(hits / positives, 1) * self._existence(label)
        precision = hits / self.calls
        # Trapezoids from (recall 0, precision 1), as the authors do.
        steps = np.diff(recall, prepend=0.0)
        return float((steps * (precision + np.r_[1.0, precision[:-1]]) / 2).sum())

    def _extended(self, buffer: int) -> np.ndarray:
        label = np.zeros(len(self.called_at))
        for start, stop in self.windows:
            label[start:stop] = 1.0
        if buffer < 2:
            return label
        fall = np.sqrt(1 - np.arange(buffer // 2 + 1) / buffer)
        for start, stop in self.windows:
            after = label[stop - 1 : stop - 1 + buffer // 2]
            after += fall[: len(after)]
            before = label[max(start - buffer // 2, 0) : start]
            before += fall[1 : len(before) + 1][::-1]
        return np.minimum(label, 1.0)

    def _existence(self, label: np.ndarray) -> np.ndarray:
        """Return the share (G,) of the extended ranges in which each threshold flags at least one point."""
        extended = true_ranges(label > 0)
        first = np.array([self.called_at[start:stop].min() for start, stop in extended])
        return np.cumsum(np.bincount(first, minlength=len(self.calls))) / len(extended)


def _overlap(spans: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for index ranges (R, 2), the share of each (R,) inside the mask (N,) and the number of runs in it."""
    inside = np.r_[0, np.cumsum(mask)]
    begins = np.r_[0, np.cumsum(mask & ~np.r_[False, mask[:-1]])]
    starts, stops = spans[:, 0], spans[:, 1]
    # A run that began earlier overlaps the range if its first point and the one before both belong.
    running = mask[starts] & np.r_[False, mask][starts] if len(spans) else np.zeros(0, bool)
    touched = begins[stops] - begins[starts] + running
    return (inside[stops] - inside[starts]) / np.maximum(stops - starts, 1), touched
