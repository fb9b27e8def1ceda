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

    The highest peak after the first decline of the autocorrelation (biased estimate, Box & Jenkins), moved to the top
    of the normalized one, or a divisor of it if the series repeats at the peak only by two independent cycles. A day
    or a week wins if the series repeats clearly better after it, or as well and it is no multiple of the peak.
    """
    values = values[-MAX_POINTS:]
    longest = len(values) // MIN_REPEATS
    correlation = autocorrelation(values)
    peak = _highest_peak(correlation[: longest + 2], longest)
    flat = _remove_slope(values, peak)
    score = _normalized(flat)[: longest + 1]
    best = _divide(flat, score, _climb(score, peak)) if peak else 0
    limit = score[best] if best else MIN_CORRELATION
    for lag in (_exact(span, step_ms) for span in (DAY_MS, WEEK_MS)):
        if not 1 < lag <= longest or correlation[lag] <= MIN_CORRELATION or not _is_peak(correlation, lag):
            continue
        gain = _explained(flat, lag) - _explained(flat, best) if best else 1.0
        is_better = score[lag] > limit + CLEARLY or (
            _divides(lag, best) and correlation[lag] > correlation[best] - CLEARLY
        )
        is_equal = score[lag] > limit - CLEARLY / 2 and best > 0 and not _divides(best, lag)
        is_beside = abs(lag - best) <= best / 10 and gain > CLEARLY  # two cycles moved the peak
        if (is_better and gain > -CLEARLY) or (is_equal and gain > -CLEARLY) or is_beside:
            best, limit = lag, score[lag]
    return best


def _normalized(flat: np.ndarray) -> np.ndarray:
    """Compute the autocorrelation (n,) of both parts that overlap at each lag, 1 at the period of a clean cycle.

    The normalized square difference of McLeod & Wyvill 2005.
    """
    n = len(flat)
    energy = np.r_[0.0, np.cumsum(flat**2)]
    overlap = energy[n:0:-1] + energy[n] - energy[:n]
    return 2 * _lagged_sums(flat) / np.maximum(overlap, 1e-300)


def _remove_slope(values: np.ndarray, period: int) -> np.ndarray:
    """Remove mean and linear trend of values (n,); of seasonal ones the trend from one period to the next."""
    positions = np.arange(len(values)) - (len(values) - 1) / 2
    centered = values - values.mean()
    if period:
        slope = float(np.mean(values[period:] - values[:-period])) / period
    else:
        slope = (positions @ centered) / (positions @ positions) if len(values) > 1 else 0.0
    return centered - slope * positions


def _climb(score: np.ndarray, lag: int) -> int:
    """Return the local maximum uphill from a lag."""
    while 0 < lag < len(score) - 1 and max(score[lag - 1], score[lag + 1]) > score[lag]:
        lag += 1 if score[lag + 1] > score[lag - 1] else -1
    return lag


def _divide(flat: np.ndarray, score: np.ndarray, peak: int) -> int:
    """Return the divisor of a peak that is the stronger one of two independent cycles; else the peak.

    Two cycles are independent if a cycle of another period fits the series without the shorter one much better.
    """
    lags = {round(peak / parts) for parts in range(2, peak // 2 + 1)}
    divisors = [lag for lag in lags if score[lag] > score[peak] / 2 and abs(_climb(score, lag) - lag) <= lag / 20]
    if not divisors:
        return peak
    lag = max(divisors, key=lambda lag: float(score[lag]))
    remaining = flat - _fold(flat, lag)
    other = _highest_peak(autocorrelation(remaining)[: len(score) + 1], len(score) - 1)
    is_one_cycle = other and _explained(remaining, peak) > 0.75 * _explained(remaining, other)
    if is_one_cycle or remaining.var() > flat.var() / 2:
        return peak
    return _divide(flat, score, lag)


def _fold(flat: np.ndarray, period: int) -> np.ndarray:
    """Return the mean of each place within the period, at every point (n,)."""
    place = np.arange(len(flat)) % period
    return (np.bincount(place, flat) / np.bincount(place))[place]


def _explained(flat: np.ndarray, period: int) -> float:
    """Return the share of the variance that a fixed cycle of this period explains (adjusted R2)."""
    n, total = len(flat), float(flat @ flat)
    remaining = flat - _fold(flat, period)
    return 1 - float(remaining @ remaining) * n / (total * (n - period)) if total > 0 else 0.0


def autocorrelation(values: np.ndarray) -> np.ndarray:
    """Compute the autocorrelation (n,) of values (n,) by Fourier transform, after removing the linear trend."""
    n = len(values)
    sums = _lagged_sums(_remove_slope(values, 0)) if n else np.zeros(0)
    noise = 1e-12 * (n * float(np.abs(values).max(initial=0.0)) ** 2 + 1e-300)  # rounding errors of a constant
    return sums / sums[0] if n and sums[0] > noise else np.zeros(n)


def _lagged_sums(flat: np.ndarray) -> np.ndarray:
    """Compute the sum of products (n,) of values at each lag by Fourier transform."""
    n = len(flat)
    size = 1 << (2 * n - 1).bit_length()
    sums: np.ndarray = np.fft.irfft(np.abs(np.fft.rfft(flat, size)) ** 2, size)[:n]
    return sums


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
