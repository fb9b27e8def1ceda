"""Seasonality: the autocorrelation of a series and its period."""

import numpy as np

DAY_MS = 24 * 3_600_000
WEEK_MS = 7 * DAY_MS
MIN_CORRELATION = 0.2
"""Lower autocorrelation is not seasonality."""
MIN_REPEATS = 3
"""The series must be this many periods long."""
MAX_POINTS = 100_000
"""Points used: the last ones of a longer series."""


def detect_period(values: np.ndarray, step_ms: int) -> int:
    """Detect the period of values (n,) in points; 0 if there is none.

    A week or a day is preferred if its autocorrelation is high (the week if both are equal), else the highest peak
    after the first decline of the autocorrelation (biased estimate, Box & Jenkins).
    """
    correlation = autocorrelation(values[-MAX_POINTS:])
    correlation = correlation[: len(correlation) // MIN_REPEATS]
    week, day = (_exact(span, step_ms) for span in (WEEK_MS, DAY_MS))
    by_lag = {lag: float(correlation[lag]) for lag in (week, day) if 1 < lag < len(correlation)}
    highest = max(by_lag.values(), default=0.0)
    if highest > MIN_CORRELATION and all(_is_peak(correlation, lag) for lag in by_lag if by_lag[lag] == highest):
        return max(by_lag, key=lambda lag: (round(by_lag[lag] * len(values) / (len(values) - lag), 2), lag))
    return _highest_peak(correlation)


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


def _highest_peak(correlation: np.ndarray) -> int:
    below = np.flatnonzero(correlation < MIN_CORRELATION / 2)
    if not len(below):
        return 0
    tail = correlation[below[0] :]
    inner = np.flatnonzero((tail[1:-1] >= tail[:-2]) & (tail[1:-1] > tail[2:])) + 1
    inner = inner[tail[inner] > MIN_CORRELATION]
    return int(below[0] + inner[tail[inner].argmax()]) if len(inner) else 0
