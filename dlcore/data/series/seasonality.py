"""After how long a series resembles itself: the period that windows, baselines and pictures go by."""

import numpy as np

DAY_MS = 24 * 3_600_000
WEEK_MS = 7 * DAY_MS
ALIKE = 0.2
"""A correlation below it is no rhythm."""
REPEATS = 3
"""A period must fit the series so many times to be believed."""
LONGEST = 100_000
"""Points looked at: the newest; a rhythm that takes more does not help a model."""


def detect_period(values: np.ndarray, step_ms: int) -> int:
    """The period of values (n,) in points; 0 where none is found.

    A week or a day wins where the series resembles itself after it (the week where it does so no less); else the
    highest later peak of the autocorrelation does (biased estimate, Box & Jenkins).
    """
    found = autocorrelation(values[-LONGEST:])
    found = found[: len(found) // REPEATS]
    week, day = (_exact(span, step_ms) for span in (WEEK_MS, DAY_MS))
    at = {lag: float(found[lag]) for lag in (week, day) if 1 < lag < len(found)}
    if at and max(at.values()) > ALIKE and all(_stands_out(found, lag) for lag in at if at[lag] == max(at.values())):
        return max(at, key=lambda lag: (round(at[lag] * len(values) / (len(values) - lag), 2), lag))
    return _highest_peak(found)


def autocorrelation(values: np.ndarray) -> np.ndarray:
    """Correlation (n,) of values (n,) with themselves so many points later, by Fourier transform; straight trends are
    taken out first, since they resemble themselves at every shift."""
    n = len(values)
    place = np.arange(n) - (n - 1) / 2
    centred = values - values.mean()
    slope = (place @ centred) / (place @ place) if n > 1 else 0.0
    flat = centred - slope * place
    size = 1 << (2 * n - 1).bit_length()
    sums: np.ndarray = np.fft.irfft(np.abs(np.fft.rfft(flat, size)) ** 2, size)[:n]
    noise = 1e-12 * (
        n * float(np.abs(values).max(initial=0.0)) ** 2 + 1e-300
    )  # of a constant, rounding is all there is
    return sums / sums[0] if sums[0] > noise else np.zeros(n)


def _exact(span_ms: int, step_ms: int) -> int:
    """The span in points, where steps fit it evenly; else 0."""
    return span_ms // step_ms if step_ms > 0 and span_ms % step_ms == 0 else 0


def _stands_out(found: np.ndarray, lag: int) -> bool:
    """Whether the correlation is higher there than half way to it: a slow drift only falls."""
    return bool(found[lag] > found[lag // 2])


def _highest_peak(found: np.ndarray) -> int:
    below = np.flatnonzero(found < ALIKE / 2)
    if not len(below):
        return 0
    rest = found[below[0] :]
    inner = np.flatnonzero((rest[1:-1] >= rest[:-2]) & (rest[1:-1] > rest[2:])) + 1
    inner = inner[rest[inner] > ALIKE]
    return int(below[0] + inner[rest[inner].argmax()]) if len(inner) else 0
