"""Thumbnails of the home page: SVG drawn from the predictions of a project's reference run."""

from collections.abc import Mapping

import numpy as np

from dlcore.plots.palette import ORANGE, SKY, VERMILLION

WIDTH, HEIGHT = 320, 120


def thumbnail(predictions: Mapping[str, np.ndarray]) -> str:
    """Return the SVG of test predictions; empty without scores.

    Time series: errors over time with labeled windows. Two classes: score histograms. More classes: confusion matrix.
    Forecast: ten days of the first variable, actual and predicted. Decoded sequences: a cell per symbol.
    """
    scores, targets = predictions.get("test_scores"), predictions.get("test_targets")
    if scores is None or targets is None or not len(scores):
        return ""
    if "test_written" in predictions:
        return _svg(_decoded(predictions["test_written"], targets))
    if scores.ndim == 1:
        return _svg(_errors(scores, targets))
    if scores.ndim == 3:
        return _svg(_forecast(scores[:, 0, 0], targets[:, 0, 0]))
    classes = scores.shape[1]
    return _svg(_histograms(scores[:, 1], targets) if classes == 2 else _confusion(scores, targets))


def _svg(body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _errors(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw the highest error of each of 160 intervals (n,), with bands where a window is labeled."""
    parts = np.array_split(np.arange(len(scores)), min(160, len(scores)))
    highest = np.array([np.nanmax(scores[part]) for part in parts])
    labeled = np.array([bool(targets[part].any()) for part in parts])
    top = np.quantile(highest, 0.995) or 1.0
    x = np.linspace(0, WIDTH, len(parts))
    y = HEIGHT - 10 - np.clip(highest / top, 0, 1) * (HEIGHT - 24)
    step = WIDTH / len(parts)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labeled.astype(int), [0]])))
    bands = "".join(
        f'<rect x="{a * step:.1f}" y="0" width="{(b - a) * step:.1f}" height="{HEIGHT}" fill="{ORANGE}" opacity=".28"/>'
        for a, b in edges.reshape(-1, 2)
    )
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    line = f'fill="none" stroke="{SKY}" stroke-width="1.8" vector-effect="non-scaling-stroke"'
    return f'{bands}<polyline points="{points}" {line}/>'


def _forecast(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw the last ten days by hour: actual values, and the forecast (n,) on top in another color."""
    lines = []
    actual = targets[-240:]
    low, high = np.nanmin(actual), np.nanmax(actual)
    for values, color, width in ((actual, SKY, 3.2), (scores[-240:], VERMILLION, 1.4)):
        y = HEIGHT - 10 - np.clip((values - low) / ((high - low) or 1.0), -0.05, 1.05) * (HEIGHT - 20)
        x = np.linspace(0, WIDTH, len(values))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}" '
            'vector-effect="non-scaling-stroke"/>'
        )
    return "".join(lines)


def _decoded(decoded: np.ndarray, targets: np.ndarray, *, rows: int = 7) -> str:
    """Draw a cell per symbol of the first sequences (N, L), correct ones in one color, errors in another."""
    targets = targets[:rows]
    targets = targets[:, : max(1, int((targets != 0).sum(axis=1).max()) - 1)]
    decoded, top = decoded[:rows, : targets.shape[1]], max(1, int(targets.max()))
    width, height = WIDTH / targets.shape[1], HEIGHT / max(1, len(targets))
    return "".join(
        _cell(r, c, width, height, SKY if decoded[r, c] == symbol else ORANGE, opacity=0.12 + 0.88 * symbol / top)
        for r, line in enumerate(targets.tolist())
        for c, symbol in enumerate(line)
        if symbol
    )


def _histograms(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw histograms of the second class's probability, one per actual class."""
    shapes = []
    for label, color in ((0, VERMILLION), (1, SKY)):
        counts, _ = np.histogram(scores[targets == label], bins=40, range=(0, 1))
        heights = np.sqrt(counts / max(1, counts.max())) * (HEIGHT - 16)
        width = WIDTH / 40
        shapes += [
            f'<rect x="{i * width + 0.8:.1f}" y="{HEIGHT - height:.1f}" width="{width - 1.6:.1f}" '
            f'height="{height:.1f}" fill="{color}" opacity=".62"/>'
            for i, height in enumerate(heights)
        ]
    return "".join(shapes)


def _confusion(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw the confusion matrix (rows: actual classes), correct predictions in one color, errors in another."""
    classes = scores.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (targets.astype(int), scores.argmax(axis=1)), 1)
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    width, height = WIDTH / classes, HEIGHT / classes
    return "".join(
        _cell(r, c, width, height, SKY if r == c else ORANGE, opacity=0.03 + 0.97 * float(np.sqrt(share[r, c])))
        for r in range(classes)
        for c in range(classes)
    )


def _cell(row: int, column: int, width: float, height: float, color: str, *, opacity: float) -> str:
    return (
        f'<rect x="{column * width + 1:.1f}" y="{row * height + 1:.1f}" width="{width - 2:.1f}" '
        f'height="{height - 2:.1f}" rx="1.5" fill="{color}" opacity="{opacity:.2f}"/>'
    )
