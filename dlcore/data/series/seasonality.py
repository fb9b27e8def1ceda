"""Seasonality: the autocorrelation of a series and its period."""

import numpy as np

DAY_MS = 24 * 3_600_000
WEEK_MS = 7 * DAY_MS
MIN_CORRELATION = 0.2
"""Lower autocorrelation is not seasonality."""
MIN_REPEATS = 3
"""The series must be this many periods long."""
CLEARLY = 0.05
"""A smaller difference of autocorrelations is not clear."""
MAX_POINTS = 100_000
"""Points used: the last ones of a longer series."""


def detect_period(values: np.ndarray, step_ms: int) -> int:
    """Detect the period of values (n,) in points; 0 if there is none.

    The highest peak after the first decline of the autocorrelation (biased estimate, Box & Jenkins), or a day or a week
    if the series repeats clearly better after it, or as well and it is no multiple of the peak.
    """
    values = values[-MAX_POINTS:]
    n, longest = len(values), len(values) // MIN_REPEATS
    correlation = autocorrelation(values)
    peak = _highest_peak(correlation[: longest + 2], longest)
    score = {lag: float(correlation[lag]) * n / (n - lag) for lag in range(1, longest + 1)} if n else {}
    best, limit = peak, score.get(peak, MIN_CORRELATION)
    for lag in (_exact(span, step_ms) for span in (DAY_MS, WEEK_MS)):
        if not 1 < lag <= longest or correlation[lag] <= MIN_CORRELATION or not _is_peak(correlation, lag):
            continue
        is_better = score[lag] > limit + CLEARLY or (
            _divides(lag, best) and correlation[lag] > correlation[best] - CLEARLY
        )
        if is_better or (score[lag] > limit - CLEARLY / 2 and best and not _divides(best, lag)):
            best, limit = lag, score[lag]
    return best


def autocorrelation(values: np.ndarray) -> np.ndarray:
    """Compute the autocorrelation (n,) of values (n,) by Fourier transform, after removing the linear trend."""
    n = len(values)
    positions = np.arange(n) - (n - 1) / 2
    centered = values - values.mean()
    slope = (positions @ centered) / (positions @ positions) if n > 1 else 0.0
    flat = centered - slope * positions
    size = 1 << (2 * n - 1).bit_length()
    sums: np.ndarray = np.fft.irfft(np.abs(np.fft.rfft(flat, size)) ** 2, size)[:n]
    noise = 1e-12 * (n * float(np.abs(values).max(initial=0.0)) ** 2 + 1e-300)  # rounding errors of a constant
    return sums / sums[0] if sums[0] > noise else np.zeros(n)


def _exact(span_ms: int, step_ms: int) -> int:
    """Convert a duration to points; 0 if it is not a multiple of the step."""
    return span_ms // step_ms if step_ms > 0 and span_ms % step_ms == 0 else 0


def _is_peak(correlation: np.ndarray, lag: int) -> bool:
    """Return whether the correlation is higher at `lag` than at half of it; for a drift it only declines."""
    return bool(correlation[lag] > correlation[lag // 2])


def _divides(peak: int, lag: int) -> bool:
    """Return whether `lag` is a multiple of the peak, up to rounding."""
    repeats = round(lag / peak)
    return repeats >= 2 and abs(lag - repeats * peak) <= repeats / 2


def _highest_peak(correlation: np.ndarray, longest: int) -> int:
    """Return the lag of the highest peak up to `longest`; 0 if there is none."""
    below = np.flatnonzero(correlation < MIN_CORRELATION / 2)
    if not len(below):
        return 0
    tail = correlation[below[0] :]
    inner = np.flatnonzero((tail[1:-1] >= tail[:-2]) & (tail[1:-1] > tail[2:])) + 1
    inner = inner[(tail[inner] > MIN_CORRELATION) & (inner + below[0] <= longest)]
    return int(below[0] + inner[tail[inner].argmax()]) if len(inner) else 0
